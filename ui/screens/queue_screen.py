"""Kö: what a manager lets be reviewed before all else, and takes back. Counts only: no paper is shown here."""

from __future__ import annotations

from datetime import date
from functools import partial

import streamlit as st

from pipeline.access import Action, require
from pipeline.errors import EfterskriftError
from pipeline.identity import shown_pid
from pipeline.model import Person
from pipeline.store import group_setting, pulls
from pipeline.store.clock import utc_now
from pipeline.store.pulls import Pull, PullKind
from ui.components.deadline_list import deadline_list
from ui.components.faults import fault_text
from ui.components.heading import heading
from ui.session import while_open
from ui.site import Site
from ui.text import day, moment, t

_KIND, _UNIT, _DAY, _CLIENT, _SAID = "pull_kind", "pull_unit", "pull_day", "pull_client", "pull_said"
_KINDS = (PullKind.CLIENT, PullKind.DAY, PullKind.UNIT)


def show(here: Site, person: Person) -> None:
    """The screen."""
    heading(here, person, t("queue.title"), t("queue.what"))
    require(person, Action.PULL)
    st.caption(t(f"queue.order.{here.settings.queue_order.value}"))
    deadline_list(here, person)
    left, right = st.columns(2, gap="large")
    with left:
        _ask(here, person)
    with right:
        _held(here, person)
        _groups(here, person)


def _ask(here: Site, person: Person) -> None:
    st.header(t("queue.pull"), anchor=False)
    if said := st.session_state.pop(_SAID, None):
        st.info(said, icon=":material/info:")
    kind = st.radio(t("queue.kind"), _KINDS, format_func=lambda kind: t(f"queue.kinds.{kind.value}"), horizontal=True, key=_KIND)
    st.selectbox(t("queue.unit"), sorted(person.units), key=_UNIT)
    if kind is PullKind.CLIENT:
        st.text_input(t("queue.client"), key=_CLIENT, placeholder=t("queue.number"), autocomplete="off")
    elif kind is PullKind.DAY:
        st.date_input(t("queue.day"), value=here.settings.outage_start or "today", format="YYYY-MM-DD", key=_DAY)
    st.button(t("queue.do"), key="pull", type="primary", on_click=partial(_pull, here, person))


@while_open
def _pull(here: Site, person: Person) -> None:
    kind, unit = PullKind(st.session_state[_KIND]), str(st.session_state[_UNIT])
    on = st.session_state.get(_DAY)
    what = {PullKind.DAY: on.isoformat() if isinstance(on, date) else "", PullKind.CLIENT: str(st.session_state.get(_CLIENT, ""))}.get(kind, "")
    try:
        with here.store.begin() as conn:
            made = pulls.pull_to_front(conn, person, kind, unit, what, utc_now())
    except EfterskriftError as error:
        st.session_state[_SAID] = fault_text(error)
    else:
        st.session_state[_SAID] = t("queue.pulled", count=made.waiting)


def _held(here: Site, person: Person) -> None:
    st.header(t("queue.front"), anchor=False)
    with here.store.read() as conn:
        held = pulls.pulls(conn, person)
    if not held:
        st.caption(t("queue.nothing"))
    for pull in held:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f"**{t(f'queue.kinds.{pull.kind.value}')}** {_named(pull)}")
                st.caption(" · ".join((pull.unit, t("queue.waiting", count=pull.waiting), t("queue.by", by=pull.by, at=moment(pull.at)))))
            st.button(t("queue.undo"), key=f"undo-{pull.id}", on_click=partial(_undo, here, person, pull.id))


def _named(pull: Pull) -> str:
    if pull.kind is PullKind.DAY:
        return day(pull.what)
    if pull.kind is PullKind.CLIENT:
        return shown_pid(pull.what) if pull.what else t("client.protected")
    return pull.what


@while_open
def _undo(here: Site, person: Person, pull_id: str) -> None:
    try:
        with here.store.begin() as conn:
            pulls.undo_pull(conn, person, pull_id, utc_now())
    except EfterskriftError as error:
        st.session_state[_SAID] = fault_text(error)


def _groups(here: Site, person: Person) -> None:
    st.header(t("queue.groups"), anchor=False)
    st.caption(t("queue.groups_what"))
    with here.store.read() as conn:
        units = group_setting.group_units(conn, person)
    for unit, on in units.items():
        st.toggle(unit, value=on, key=f"groups-{unit}", on_change=partial(_switch, here, person, unit))


@while_open
def _switch(here: Site, person: Person, unit: str) -> None:
    with here.store.begin() as conn:
        group_setting.set_groups(conn, person, unit, utc_now(), on=bool(st.session_state[f"groups-{unit}"]))
