"""Skriv in: a key-in list on the screen, one entry at a time, for systems that have no import. A tick says that it is in the other system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.export import key_in
from pipeline.export.key_in import KeyInList, Shown
from pipeline.export.receipts import Answer, give_receipts
from pipeline.export.runs import Office
from pipeline.identity import shown_pid
from pipeline.model import Client, Person
from pipeline.store.clock import utc_now
from ui.components.faults import fault_text
from ui.components.first_look import is_too_soon, note_drawn
from ui.components.heading import heading
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t

_RUN, _SKIPPED, _SAID = "key_in_run", "key_in_skipped", "key_in_said"


def show(here: Site, person: Person) -> None:
    """The screen."""
    office = Office(here.store, here.settings, here.forms)
    heading(here, person, t("key_in.title"), t("key_in.what"))
    if problem := st.session_state.pop(_SAID, None):
        st.error(problem, icon=":material/error:")
    lists = key_in.waiting_runs(office, person)
    if not lists:
        st.info(t("key_in.empty"), icon=":material/info:")
        st.caption(t("key_in.empty_next"))
        return
    status = _chosen(lists)
    done = status.entries - status.waiting
    st.progress(done / status.entries, t("key_in.progress", done=done, count=status.entries))
    if status.hidden:
        st.info(t("key_in.hidden", count=status.hidden), icon=":material/visibility_off:")
    if waiting := key_in.held_back(office, person, status.run.id):
        st.warning(t("key_in.held", count=waiting), icon=":material/content_copy:")
    shown = key_in.next_entry(office, person, status.run.id, utc_now(), st.session_state.get(_SKIPPED, []))
    if shown is None:
        if status.waiting > waiting:
            _none_left()
        return
    _entry(office, person, status, shown)
    note_drawn(_named_item(shown))


def _chosen(lists: list[KeyInList]) -> KeyInList:
    """The list to key in: the oldest, unless the person chooses another."""
    named = {status.run.id: t("key_in.list", at=moment(status.run.made_at), by=status.run.made_by, count=status.waiting) for status in lists}
    if len(lists) > 1:
        st.selectbox(t("key_in.choose"), list(named), format_func=named.__getitem__, key=_RUN, on_change=_begin_again)
    chosen = st.session_state.get(_RUN)
    return next((status for status in lists if status.run.id == chosen), lists[0])


def _begin_again() -> None:
    st.session_state.pop(_SKIPPED, None)


def _none_left() -> None:
    skipped = len(st.session_state.get(_SKIPPED, []))
    st.info(t("key_in.skipped" if skipped else "key_in.others_have", count=skipped), icon=":material/info:")
    st.button(t("key_in.again"), key="key_in_again", on_click=_begin_again)


def _named_item(shown: Shown) -> str:
    return f"{shown.item.entry_id}-{shown.item.revision}"


def _entry(office: Office, person: Person, status: KeyInList, shown: Shown) -> None:
    block = shown.block
    with st.container(border=True, key="key_in_card"):
        st.subheader(f"{shown.item.number}. {block.title}", anchor=False)
        if block.notice:
            st.warning(block.notice, icon=":material/edit_note:")
        if shown.first is not None:
            st.warning(t("key_in.moved_void" if shown.void else "key_in.moved", client=_named(shown.first)), icon=":material/person_alert:")
        for client in shown.perhaps:
            st.warning(t("key_in.moved_perhaps", client=_named(client)), icon=":material/person_alert:")
        if shown.client.protected:
            st.warning(t("key_in.protected"), icon=":material/lock:")
        _value(t("key_in.pid"), shown_pid(shown.client.pid) if shown.client.pid else "")
        _value(t("key_in.name"), shown.client.name)
        for label, text in block.rows:
            _value(label, text)
        _value(t("key_in.late"), block.late)
        for said, labels in (("unmarked", block.unmarked), ("left_empty", block.empty)):
            if labels:
                st.caption(t(f"key_in.{said}", labels="; ".join(labels)))
    with st.container(horizontal=True):
        act = partial(_act, office, person, status.run.id, shown)
        st.button(t("key_in.done"), key="key_in_done", type="primary", shortcut="Ctrl+Enter", icon=":material/check:", on_click=partial(act, _done))
        st.button(t("key_in.skip"), key="key_in_skip", shortcut="Alt+S", on_click=partial(_skip, shown))
    with st.expander(t("key_in.cannot"), key=f"key_in_cannot-{shown.item.entry_id}"), st.form(f"key_in_refuse-{shown.item.entry_id}", border=False):
        key = f"key_in_why-{shown.item.entry_id}"
        st.text_input(t("key_in.why"), key=key, max_chars=300, autocomplete="off", placeholder=t("key_in.why_example"))
        st.form_submit_button(t("key_in.send_back"), key=f"key_in_back-{shown.item.entry_id}", on_click=partial(act, partial(_refused, key)))


def _named(client: Client) -> str:
    return " ".join(filter(None, (shown_pid(client.pid), client.name)))


def _value(label: str, text: str) -> None:
    """A label and what to key in, with a button that copies it."""
    if not text:
        return
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.markdown(label)
    right.code(text, language=None, wrap_lines=True)


@while_open
def _act(office: Office, person: Person, run_id: str, shown: Shown, act: Callable[[Office, Person, str, Shown, datetime], None]) -> None:
    now = utc_now()
    if is_too_soon(_named_item(shown), now):
        return
    try:
        act(office, person, run_id, shown, now)
    except EfterskriftError as error:
        st.session_state[_SAID] = fault_text(error)


def _done(office: Office, person: Person, run_id: str, shown: Shown, now: datetime) -> None:
    give_receipts(office, person, run_id, [Answer(shown.item.entry_id, accepted=True)], now)
    st.toast(t("key_in.ticked", number=shown.item.number), icon=":material/check:")


def _refused(key: str, office: Office, person: Person, run_id: str, shown: Shown, now: datetime) -> None:
    why = str(st.session_state.get(key) or "").strip()
    if not why:
        st.session_state[_SAID] = t("key_in.lacks_why")
        return
    give_receipts(office, person, run_id, [Answer(shown.item.entry_id, accepted=False, text=why)], now)
    st.toast(t("key_in.is_sent_back"), icon=":material/undo:")


def _skip(shown: Shown) -> None:
    st.session_state[_SKIPPED] = [*st.session_state.get(_SKIPPED, []), shown.item.entry_id]
