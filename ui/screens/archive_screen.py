"""Arkiv: packages of sheets whose entries are exported, how long each has to be kept, and where the paper is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pipeline.access import Action, allowed
from pipeline.archive import runs
from pipeline.errors import EfterskriftError
from pipeline.export.runs import Office
from pipeline.model import Person
from pipeline.retention import rules
from pipeline.store import archives, originals
from pipeline.store.archives import Package
from pipeline.store.clock import utc_now
from pipeline.store.exports import Connection
from pipeline.store.originals import Original
from ui.components.faults import fault_text
from ui.components.heading import heading
from ui.components.once import just_made
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t

_SAID = "archive_said"


def show(here: Site, person: Person) -> None:
    """The screen."""
    office = Office(here.store, here.settings, here.forms)
    heading(here, person, t("archive.title"), t("archive.what"))
    if said := st.session_state.pop(_SAID, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)
    _ready(office, person)
    st.header(t("archive.packages"), anchor=False)
    found = _packages(office, person)
    if not found:
        st.caption(t("archive.no_packages"))
    for package in found:
        _package(office, person, package)
    with st.expander(t("archive.rules")):
        _rules()


def _ready(office: Office, person: Person) -> None:
    ready = runs.ready(office, person)
    with st.container(border=True):
        st.metric(t("archive.ready"), ready.sheets)
        if ready.classes:
            st.caption(t("archive.classes", classes=", ".join(f"{name}: {count}" for name, count in ready.classes)))
        if ready.unsettled:
            st.caption(t("archive.unsettled", count=ready.unsettled))
        st.button(
            t("archive.make"),
            key="archive_make",
            type="primary" if ready.sheets else "secondary",
            disabled=not ready.sheets,
            on_click=partial(_make, office, person),
        )


@while_open
def _make(office: Office, person: Person) -> None:
    def act() -> str:
        pressed = utc_now()
        made = runs.make_package(office, person, pressed) or just_made(_packages(office, person), person, pressed)
        return t("archive.made", name=made.file_name, count=made.sheets) if made else t("archive.nothing")

    _tried(act)


def _packages(office: Office, person: Person) -> list[Package]:
    with office.store.read() as conn:
        return archives.packages(conn, person)


def _package(office: Office, person: Person, package: Package) -> None:
    with st.container(border=True, key=f"package-{package.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{package.file_name}**  \n{t('archive.package', count=package.sheets, at=moment(package.made_at), by=package.made_by)}")
            st.download_button(
                t("archive.download"),
                data=lambda: runs.package_file(office, person, package.id).data,
                file_name=package.file_name,
                mime="application/zip",
                key=f"download-{package.id}",
                on_click="ignore",
            )
        st.caption(t("export.secret"))
        st.caption(t("archive.checksum", sha256=package.sha256))
        if st.toggle(t("archive.paper"), key=f"paper-{package.id}"):
            _paper(office, person, package)


def _paper(office: Office, person: Person, package: Package) -> None:
    with office.store.read() as conn:
        found = originals.originals(conn, person, package.id)
    columns = [t(f"archive.column.{name}") for name in ("sheet", "rule", "earliest", "place", "box", "bundle")]
    lines = [(each.sheet, each.rule, each.earliest or t("archive.no_day"), each.place, each.box, each.bundle) for each in found]
    st.dataframe(pd.DataFrame(lines, columns=columns), hide_index=True, width="stretch")
    left, right = st.columns(2, gap="large")
    with left:
        _box(office, person, package, found)
    with right:
        _decision(office, person, package, found)


def _box(office: Office, person: Person, package: Package, found: list[Original]) -> None:
    stacks = {each.batch: t("archive.stack", place=each.place or each.batch, batch=each.batch) for each in found}
    with st.form(f"box-{package.id}", border=True, clear_on_submit=True):
        st.markdown(f"**{t('archive.where')}**")
        batch = st.selectbox(t("archive.stack_label"), list(stacks), format_func=stacks.__getitem__)
        box = st.text_input(t("archive.column.box"), max_chars=80)
        bundle = st.text_input(t("archive.column.bundle"), max_chars=80)
        sent = st.form_submit_button(t("archive.save_box"), key=f"save-box-{package.id}")
    if sent and batch:
        _written(office, "archive.box_saved", lambda conn: originals.put_in_box(conn, person, batch, box, bundle, utc_now()))
        st.rerun()


def _decision(office: Office, person: Person, package: Package, found: list[Original]) -> None:
    with office.store.read() as conn:
        decision = originals.standing_decision(conn, package.id)
    changed = sorted({each.sheet for each in found if decision and not each.decision})
    st.markdown(f"**{t('archive.destroy')}**")
    st.caption(t("archive.may_be_destroyed", number=decision) if decision else t("archive.is_kept"))
    if changed:
        st.warning(t("archive.changed_since", sheets=", ".join(changed)), icon=":material/inventory_2:")
    if not allowed(person, Action.DISPOSE):
        st.caption(t("archive.archivist_only"))
        return
    if decision:
        act = partial(originals.take_back_decision, person=person, package_id=package.id, now=utc_now())
        st.button(t("archive.keep"), key=f"keep-{package.id}", on_click=partial(_written, office, "archive.decision_undone", lambda conn: act(conn)))
        return
    with st.form(f"decision-{package.id}", border=True, clear_on_submit=True):
        number = st.text_input(t("archive.decision"), max_chars=80)
        st.caption(t("archive.decision_what"))
        sent = st.form_submit_button(t("archive.save_decision"), key=f"save-decision-{package.id}")
    if sent:
        _written(office, "archive.decision_saved", lambda conn: originals.may_be_destroyed(conn, person, package.id, number, utc_now()))
        st.rerun()


def _rules() -> None:
    st.caption(t("archive.rules_what"))
    for rule in rules():
        st.markdown(f"**{rule.rule}/{rule.version}** {rule.what}. {rule.law}.")
        told = [t("archive.exempt", what="; ".join(each.what for each in rule.exempt))] if rule.exempt else []
        if rule.sample:
            told.append(t("archive.sample", days=", ".join(str(day) for day in sorted(rule.sample.days))))
        st.caption(" ".join((*told, t("archive.source", source=rule.source))))


@while_open
def _written(office: Office, done: str, act: Callable[[Connection], object]) -> None:
    def run() -> str:
        with office.store.begin() as conn:
            act(conn)
        return t(done)

    _tried(run)


def _tried(act: Callable[[], str]) -> None:
    try:
        st.session_state[_SAID] = ("ok", act())
    except EfterskriftError as error:
        st.session_state[_SAID] = ("fault", fault_text(error))
