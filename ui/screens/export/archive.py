"""Arkiv: packages of sheets whose entries are exported, their retention, and where the paper is."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.law.retention import load_retention_rules
from pipeline.domain.model import Person
from pipeline.export.archive import runs
from pipeline.export.runs import ExportContext
from pipeline.store.exports import archives, originals
from pipeline.store.exports.archives import ArchivePackage
from pipeline.store.exports.originals import PaperOriginal
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, commit
from ui.widgets.run_once import RunOnce, run_once
from ui.widgets.tables import show_table
from ui.workspace import AppContext

_MESSAGE = Message("archive_said")
_PLAN_KEY = "archive_plan"
_MADE_KEY = "archive_made"


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    export_context = ExportContext(context.store, context.settings, context.forms)
    screen_heading(context, person, t("archive.title"), t("archive.what"))
    _MESSAGE.show()
    _ready_section(export_context, person)
    st.header(t("archive.packages"), anchor=False)
    packages = _list_packages(export_context, person)
    if not packages:
        st.caption(t("archive.no_packages"))
    if undelivered := {package.id for package in packages if not package.is_delivered}:
        st.warning(md("archive.undelivered", count=len(undelivered)), icon=":material/unarchive:")
        _watch_deliveries(export_context, person, undelivered)
    for package in packages:
        _package_details(export_context, person, package)
    with st.expander(t("archive.rules")):
        _retention_rules()


def _ready_section(context: ExportContext, person: Person) -> None:
    ready = runs.find_ready(context, person)
    with st.container(border=True):
        st.metric(t("archive.ready"), plain(ready.sheets))
        if ready.classes:
            st.caption(
                md(
                    "archive.classes",
                    classes=", ".join(f"{name}: {count}" for name, count in ready.classes),
                )
            )
        for wait, count in ready.waits.items():
            st.caption(md(f"archive.wait.{wait.value}", count=count))
        st.text_input(
            t("archive.plan"),
            key=_PLAN_KEY,
            max_chars=runs.MAX_DECISION_LENGTH,
            help=t("archive.plan_what"),
        )
        st.button(
            t("archive.make"),
            key="archive_make",
            type="primary" if ready.sheets else "secondary",
            disabled=not ready.sheets,
            on_click=partial(_make_package, context, person),
        )


@requires_open_session
def _make_package(context: ExportContext, person: Person) -> None:
    def make() -> str:
        plan = str(st.session_state.get(_PLAN_KEY) or "")
        job: RunOnce[ArchivePackage | None] = run_once(_MADE_KEY)
        job.run(plan, partial(runs.make_package, context, person, utc_now(), plan))
        package = job.result()
        return (
            t("archive.made", name=package.file_name, count=package.sheets)
            if package
            else t("archive.nothing")
        )

    _MESSAGE.report(make)


def _list_packages(context: ExportContext, person: Person) -> list[ArchivePackage]:
    return context.store.query(archives.list_packages, person)


@st.fragment(run_every="3s")
def _watch_deliveries(context: ExportContext, person: Person, shown: set[str]) -> None:
    """Draw the screen again when a package that it calls not fetched has been fetched."""
    if any(one.is_delivered for one in _list_packages(context, person) if one.id in shown):
        st.rerun()


def _load_package(context: ExportContext, person: Person, package_id: str) -> bytes:
    """Return a package's bytes when the user fetches them: view and delivery are recorded."""
    data = runs.package_file(context, person, package_id).data
    runs.confirm_package(context, person, package_id, utc_now())
    return data


def _package_details(context: ExportContext, person: Person, package: ArchivePackage) -> None:
    with st.container(border=True, key=f"package-{package.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            made_at = format_moment(package.made_at)
            made = t("archive.package", count=package.sheets, at=made_at, by=package.made_by)
            st.markdown(f"**{plain(package.file_name)}**  \n{plain(made)}")
            if not package.is_delivered:
                st.badge(t("export.not_fetched"), icon=":material/unarchive:", color="orange")
            st.download_button(
                t("archive.download"),
                data=partial(_load_package, context, person, package.id),
                file_name=package.file_name,
                mime="application/zip",
                key=f"download-{package.id}",
                on_click="ignore",
            )
        st.caption(t("export.secret"))
        if package.decision:
            st.caption(md("archive.by_plan", number=package.decision))
        if st.toggle(t("archive.paper"), key=f"paper-{package.id}"):
            _paper_section(context, person, package)


def _paper_section(context: ExportContext, person: Person, package: ArchivePackage) -> None:
    papers = context.store.query(originals.list_originals, person, package.id)
    lines = [
        (
            paper.sheet,
            paper.rule,
            paper.earliest or t("archive.no_day"),
            paper.place,
            paper.box,
            paper.bundle,
        )
        for paper in papers
    ]
    show_table(
        (
            "archive.column.sheet",
            "archive.column.rule",
            "archive.column.earliest",
            "archive.column.place",
            "archive.column.box",
            "archive.column.bundle",
        ),
        lines,
    )
    left, right = st.columns(2, gap="large")
    with left:
        _box_form(context, person, package, papers)
    with right:
        _decision_form(context, person, package, papers)


def _box_form(
    context: ExportContext, person: Person, package: ArchivePackage, papers: list[PaperOriginal]
) -> None:
    batch_texts = {
        paper.batch: t("archive.stack", place=paper.place or paper.batch, batch=paper.batch)
        for paper in papers
    }
    with st.form(f"box-{package.id}", border=True, clear_on_submit=True):
        st.markdown(f"**{t('archive.where')}**")
        batch = st.selectbox(
            t("archive.stack_label"), list(batch_texts), format_func=batch_texts.__getitem__
        )
        box = st.text_input(t("archive.column.box"), max_chars=80)
        bundle = st.text_input(t("archive.column.bundle"), max_chars=80)
        is_sent = st.form_submit_button(t("archive.save_box"), key=f"save-box-{package.id}")
    if is_sent and batch:
        commit(
            context,
            _MESSAGE,
            lambda conn: originals.save_paper_place(conn, person, batch, box, bundle, utc_now()),
            "archive.box_saved",
        )
        st.rerun()


def _decision_form(
    context: ExportContext, person: Person, package: ArchivePackage, papers: list[PaperOriginal]
) -> None:
    with context.store.read() as conn:
        decision = originals.find_active_decision(conn, package.id)
        waits = archives.count_waits(archives.package_waits(conn, package.id))
    # What changed after the decision, or never came to its target, does not belong to it.
    changed = sorted(
        {
            paper.sheet
            for paper in papers
            if decision and not paper.decision and not paper.is_permanent
        }
    )
    permanent = len({paper.sheet for paper in papers if paper.is_permanent})
    st.markdown(f"**{t('archive.destroy')}**")
    st.caption(
        md("archive.may_be_destroyed", number=decision) if decision else t("archive.is_kept")
    )
    if changed:
        st.warning(
            md("archive.changed_since", sheets=", ".join(changed)), icon=":material/inventory_2:"
        )
    for wait, count in waits.items():
        st.caption(md(f"archive.wait.{wait.value}", count=count))
    if permanent:
        st.caption(md("archive.permanent", count=permanent))
    if not is_allowed(person, Action.DISPOSE):
        st.caption(t("archive.archivist_only"))
        return
    if decision:
        st.button(
            t("archive.keep"),
            key=f"keep-{package.id}",
            on_click=partial(
                commit,
                context,
                _MESSAGE,
                lambda conn: originals.withdraw_destruction(conn, person, package.id, utc_now()),
                "archive.decision_undone",
            ),
        )
        return
    with st.form(f"decision-{package.id}", border=True, clear_on_submit=True):
        number = st.text_input(t("archive.decision"), max_chars=80)
        st.caption(t("archive.decision_what"))
        is_sent = st.form_submit_button(
            t("archive.save_decision"), key=f"save-decision-{package.id}"
        )
    if is_sent:
        commit(
            context,
            _MESSAGE,
            lambda conn: originals.approve_destruction(conn, person, package.id, number, utc_now()),
            "archive.decision_saved",
        )
        st.rerun()


def _retention_rules() -> None:
    st.caption(t("archive.rules_what"))
    for rule in load_retention_rules():
        st.markdown(
            f"**{plain(rule.rule)}/{plain(rule.version)}** {plain(rule.what)}. {plain(rule.law)}."
        )
        exceptions_markdown = (
            [md("archive.exempt", what="; ".join(exemption.what for exemption in rule.exempt))]
            if rule.exempt
            else []
        )
        if rule.sample:
            exceptions_markdown.append(
                md("archive.sample", days=", ".join(str(day) for day in sorted(rule.sample.days)))
            )
        st.caption(" ".join((*exceptions_markdown, md("archive.source", source=rule.source))))
