"""Uppföljning: entries about clients whom the register lacks. When the register has the client, the entry is moved by a correction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.access import Action, allowed
from pipeline.client_guard import AboutClient, Choice
from pipeline.field_spec import Meaning
from pipeline.identity import LONGEST_LOCAL, is_temporary, shown_pid
from pipeline.model import EntryState, Person
from pipeline.review import Answer
from pipeline.store import corrections
from pipeline.store.clock import utc_now
from pipeline.store.temporary_identities import TemporaryIdentity
from ui.components.duplicate_compare import entry_title
from ui.components.entry_turn import nothing_to_undo
from ui.components.follow_up_act import tell, tried
from ui.session import while_open
from ui.site import Site
from ui.text import known, moment, t

_OTHER = ""
"""Chosen in the place of a number: somebody who is not among those named."""


def show(here: Site, person: Person, found: Sequence[object]) -> None:
    """The list."""
    if not found:
        st.info(t("follow_up.empty.identities"), icon=":material/info:")
    for one in found:
        if isinstance(one, TemporaryIdentity):
            _identity(here, person, one)


def _identity(here: Site, person: Person, one: TemporaryIdentity) -> None:
    with st.container(border=True):
        kind = t("identities.temporary" if is_temporary(one.number) else "identities.number")
        st.markdown(f"**{one.name or t('identities.no_name')}** · {kind} {shown_pid(one.number)}  \n{entry_title(here, one.entry)}")
        st.caption(t("identities.since", reason=known("guard.outside_reasons", one.reason), at=moment(one.at)))
        if one.entry.state is EntryState.SECOND:
            st.caption(t("identities.waits"))
        elif allowed(person, Action.CORRECT, one.entry.unit):
            _move_form(here, person, one)


def _move_form(here: Site, person: Person, one: TemporaryIdentity) -> None:
    keys = {name: f"move_{name}-{one.id}-{one.entry.revision}" for name in ("to", "pid", "why")}
    chosen: str | None = _OTHER
    if one.candidates:
        named = {client.pid: f"{client.name}, {shown_pid(client.pid)}, {client.unit}" for client in one.candidates}
        named[_OTHER] = t("identities.other")
        chosen = st.radio(t("identities.who"), list(named), index=None, format_func=named.__getitem__, key=keys["to"])
    with st.expander(t("identities.move"), expanded=bool(one.candidates), key=f"move-{one.id}"), st.form(f"moving-{one.id}", border=False):
        if chosen == _OTHER:
            st.text_input(t("identities.pid"), key=keys["pid"], max_chars=LONGEST_LOCAL + 4, autocomplete="off")
        st.text_input(t("lookup.reason"), key=keys["why"], placeholder=t("identities.why_example"), max_chars=200, autocomplete="off")
        st.form_submit_button(t("identities.do"), key=f"do_move-{one.id}", on_click=partial(_move, here, person, one, keys))


@while_open
def _move(here: Site, person: Person, one: TemporaryIdentity, keys: dict[str, str]) -> None:
    pid = str(st.session_state.get(keys["to"]) or st.session_state.get(keys["pid"]) or "")
    why = str(st.session_state.get(keys["why"]) or "")
    form = here.forms[(one.entry.form, one.entry.version)]
    spec = form.meaning(Meaning.CLIENT_PID, one.entry.row)
    if not pid or not why.strip() or spec is None:
        tell("fault", t("identities.lacks"))
        return
    given, about = {spec.name: Answer(pid)}, AboutClient(choice=Choice.HAND_ON)

    def act(conn: Connection) -> None:
        corrections.correct(conn, here.forms, person, one.entry.id, one.entry.revision, given, why, utc_now(), about=about)
        nothing_to_undo()

    tried(here, "identities.moved", act)
