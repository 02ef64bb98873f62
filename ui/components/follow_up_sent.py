"""Uppföljning: what was sent to another unit and what became of it, and what was put aside for good."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.fiducials import as_printed
from pipeline.model import EntryState, Person
from pipeline.review import LEAVE_NO_GAP
from pipeline.store import corrections, decisions, people
from pipeline.store.clock import utc_now
from pipeline.store.entries import Entry
from pipeline.store.forwarding import Forwarded
from ui.components.duplicate_compare import entry_title
from ui.components.follow_up_act import tell, tried
from ui.session import while_open
from ui.site import Site
from ui.text import known, moment, t

_ON_ITS_WAY = {EntryState.REVIEW, EntryState.SECOND}


def show(here: Site, person: Person, found: Sequence[object]) -> None:
    """What the person's units have sent on."""
    del person
    if not found:
        st.info(t("follow_up.empty.forwarded"), icon=":material/info:")
    for one in found:
        if isinstance(one, Forwarded):
            _sent(here, one)


def show_rejected(here: Site, person: Person, found: Sequence[object]) -> None:
    """Rejected entries, each of which can be taken up again until it is made void."""
    if not found:
        st.info(t("follow_up.empty.rejected"), icon=":material/info:")
    with here.store.read() as conn:
        names = people.names(conn)
    for one in found:
        if isinstance(one, Entry):
            _aside(here, person, one, names)


def _sent(here: Site, one: Forwarded) -> None:
    form = here.forms.get((one.form, one.version))
    with st.container(border=True):
        row = t("review.row", row=one.row) if one.row else ""
        st.markdown(f"**{' · '.join(filter(None, (form.title if form else one.form, as_printed(one.serial), row)))}**  \n" + _became(one))
        why = f" {one.why}" if one.why else ""
        st.caption(t("follow_up.sent", by=one.by, at=moment(one.at), unit=one.from_unit, to=one.to_unit or t("follow_up.entitled")) + why)


def _became(one: Forwarded) -> str:
    if one.unit_now == one.from_unit:
        return t("follow_up.came_back")
    if one.state in _ON_ITS_WAY:
        return t("follow_up.waits_there", unit=one.unit_now or t("follow_up.entitled"))
    if one.state is EntryState.REJECTED and not one.unit_now:
        return t("follow_up.rejected_untold", unit=t("follow_up.entitled"))
    if one.state is EntryState.REJECTED:
        return t("follow_up.rejected_there", unit=one.unit_now, reason=known("reject.reasons", one.reason_now))
    return t("follow_up.entered_there", unit=one.unit_now or t("follow_up.entitled"))


def _aside(here: Site, person: Person, one: Entry, names: dict[str, str]) -> None:
    by, at = (one.second_by, one.second_at) if one.second_by else (one.first_by, one.first_at)
    reason = t("follow_up.voided", why=one.voided.rstrip(".")) if one.voided else f"{known('reject.reasons', one.reason)}."
    who = f"{names.get(by or '', by or '')}, {moment(at)}." if at else ""
    leaves_gap = not one.voided and one.reason not in LEAVE_NO_GAP
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{entry_title(here, one)}**")
                st.caption(" ".join(filter(None, (reason, who, t("follow_up.gap") if leaves_gap else ""))))
            if allowed(person, Action.REVIEW, one.unit) and not one.voided:
                act = partial(tried, here, "lookup.reopened", lambda conn: decisions.reopen(conn, person, one.id, one.revision))
                st.button(t("lookup.reopen"), key=f"reopen-{one.id}", on_click=act)
        if leaves_gap and allowed(person, Action.VOID, one.unit):
            _void_form(here, person, one)


def _void_form(here: Site, person: Person, one: Entry) -> None:
    key = f"void_why-{one.id}-{one.revision}"
    with st.expander(t("follow_up.void"), key=f"void-{one.id}"), st.form(f"voiding-{one.id}", border=False):
        st.text_input(t("follow_up.void_why"), key=key, max_chars=200, autocomplete="off", placeholder=t("follow_up.void_example"))
        st.form_submit_button(t("follow_up.do_void"), key=f"do_void-{one.id}", on_click=partial(_void, here, person, one, key))


@while_open
def _void(here: Site, person: Person, one: Entry, key: str) -> None:
    why = str(st.session_state.get(key) or "").strip()
    if not why:
        tell("fault", t("follow_up.lacks_why"))
        return
    tried(here, "follow_up.is_void", lambda conn: corrections.void(conn, person, one.id, one.revision, why, utc_now()))
