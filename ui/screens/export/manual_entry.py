"""Skriv in: a list of entries to key in, one at a time, for systems that have no import.

An entry is copied as a whole or field by field; the rows of a sheet may be one note. A tick says
that it is in the other system.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Client, Person
from pipeline.export.manual_entry import screen
from pipeline.export.manual_entry.screen import EntryToKeyIn, ManualEntryList
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.store.database.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import screen_heading
from ui.widgets.min_view_time import is_too_soon, note_drawn
from ui.workspace import AppContext

_RUN_KEY, _SKIPPED_KEY, _MESSAGE_KEY = "key_in_run", "key_in_skipped", "key_in_said"
_ALONE_KEY, _LAST_CLIENT_KEY = "key_in_alone", "key_in_last_client"
"""Entries of sheets that the user wants row by row, and the client open in the other system."""


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    export_context = ExportContext(context.store, context.settings, context.forms)
    screen_heading(context, person, t("key_in.title"), t("key_in.what"))
    if error := st.session_state.pop(_MESSAGE_KEY, None):
        st.error(plain_with_code(error), icon=":material/error:")
    lists = screen.list_waiting_runs(export_context, person)
    if not lists:
        st.info(t("key_in.empty"), icon=":material/info:")
        st.caption(t("key_in.empty_next"))
        return
    status = _choose_list(lists)
    done = status.entries - status.waiting
    st.progress(done / status.entries, md("key_in.progress", done=done, count=status.entries))
    if status.hidden:
        st.info(md("key_in.hidden", count=status.hidden), icon=":material/visibility_off:")
    if held_back := screen.count_held_back(export_context, person, status.run.id):
        st.warning(md("key_in.held", count=held_back), icon=":material/content_copy:")
    entry = screen.claim_next_entry(
        export_context,
        person,
        status.run.id,
        utc_now(),
        st.session_state.get(_SKIPPED_KEY, []),
        alone=st.session_state.get(_ALONE_KEY, []),
    )
    if entry is None:
        if status.waiting > held_back:
            _show_none_left()
        return
    _show_entry(export_context, person, status, entry)
    note_drawn(_entry_heading(entry))


def _choose_list(lists: list[ManualEntryList]) -> ManualEntryList:
    """Return the list to key in: the oldest, unless the user chooses another."""
    titles = {
        status.run.id: t(
            "key_in.list",
            at=format_moment(status.run.made_at),
            by=status.run.made_by,
            count=status.waiting,
        )
        for status in lists
    }
    if len(lists) > 1:
        st.selectbox(
            t("key_in.choose"),
            list(titles),
            format_func=titles.__getitem__,
            key=_RUN_KEY,
            on_change=_reset_skipped,
        )
    chosen = st.session_state.get(_RUN_KEY)
    return next((status for status in lists if status.run.id == chosen), lists[0])


def _reset_skipped() -> None:
    st.session_state.pop(_SKIPPED_KEY, None)


def _show_none_left() -> None:
    skipped_count = len(st.session_state.get(_SKIPPED_KEY, []))
    st.info(
        md("key_in.skipped" if skipped_count else "key_in.others_have", count=skipped_count),
        icon=":material/info:",
    )
    st.button(t("key_in.again"), key="key_in_again", on_click=_reset_skipped)


def _entry_heading(entry: EntryToKeyIn) -> str:
    return f"{entry.item.entry_id}-{entry.item.revision}-{len(entry.others)}"


def _show_entry(
    context: ExportContext, person: Person, status: ManualEntryList, entry: EntryToKeyIn
) -> None:
    with st.container(border=True, key="key_in_card"):
        _entry_card(entry)
    with st.container(horizontal=True):
        act = partial(_run_action, context, person, status.run.id, entry)
        st.button(
            t("key_in.done"),
            key="key_in_done",
            type="primary",
            shortcut="Ctrl+Enter",
            icon=":material/check:",
            on_click=partial(act, _accept_entry),
        )
        st.button(
            t("key_in.skip"),
            key="key_in_skip",
            shortcut="Alt+S",
            on_click=partial(_skip_entry, entry),
        )
        if entry.others:
            st.button(t("key_in.one_by_one"), key="key_in_alone", on_click=partial(_split, entry))
    # One row of a sheet is sent back when the rows are keyed in one by one.
    if entry.others:
        return
    with (
        st.expander(t("key_in.cannot"), key=f"key_in_cannot-{entry.item.entry_id}"),
        st.form(f"key_in_refuse-{entry.item.entry_id}", border=False),
    ):
        key = f"key_in_why-{entry.item.entry_id}"
        st.text_input(
            t("key_in.why"),
            key=key,
            max_chars=300,
            autocomplete="off",
            placeholder=t("key_in.why_example"),
        )
        st.form_submit_button(
            t("key_in.send_back"),
            key=f"key_in_back-{entry.item.entry_id}",
            on_click=partial(act, partial(_refuse_entry, key)),
        )


def _entry_card(entry: EntryToKeyIn) -> None:
    """Show what to key in, with warnings about the client first."""
    block = entry.block
    st.subheader(f"{plain(entry.item.number)}. {plain(block.title)}", anchor=False)
    if block.notice:
        st.warning(plain(block.notice), icon=":material/edit_note:")
    # A correction may have moved the entry from another client, who then has it keyed in.
    if entry.previous_client is not None:
        st.warning(
            md(
                "key_in.moved_void" if entry.is_void else "key_in.moved",
                client=_client_text(entry.previous_client),
            ),
            icon=":material/person_alert:",
        )
    for client in entry.possible_clients:
        st.warning(
            md("key_in.moved_perhaps", client=_client_text(client)),
            icon=":material/person_alert:",
        )
    if entry.client.protected:
        st.warning(t("key_in.protected"), icon=":material/lock:")
    if entry.others:
        st.caption(md("key_in.several", rows=len(entry.entry_ids)))
    if entry.has_several_clients:
        st.warning(t("key_in.several_clients"), icon=":material/groups:")
    else:
        if entry.client.pid and st.session_state.get(_LAST_CLIENT_KEY) == entry.client.pid:
            st.caption(t("key_in.same_client"))
        _value_row(t("key_in.pid"), format_pid(entry.client.pid) if entry.client.pid else "")
        _value_row(t("key_in.name"), entry.client.name)
    st.markdown(f"**{t('key_in.whole')}**")
    st.code(block.whole_text, language=None, wrap_lines=True)
    with st.expander(t("key_in.fields"), key=f"key_in_fields-{entry.item.entry_id}"):
        for label, text in block.rows:
            _value_row(label, text)
        _value_row(t("key_in.late"), block.late_entry_text)
    for name, labels in (("unmarked", block.unmarked), ("left_empty", block.empty)):
        if labels:
            st.caption(md(f"key_in.{name}", labels="; ".join(labels)))


def _client_text(client: Client) -> str:
    return " ".join(filter(None, (format_pid(client.pid), client.name)))


def _value_row(label: str, text: str) -> None:
    """Show a label and what to key in, with a button that copies it."""
    if not text:
        return
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.markdown(plain(label))
    right.code(text, language=None, wrap_lines=True)


@requires_open_session
def _run_action(
    context: ExportContext,
    person: Person,
    run_id: str,
    entry: EntryToKeyIn,
    action: Callable[[ExportContext, Person, str, EntryToKeyIn, datetime], None],
) -> None:
    now = utc_now()
    if is_too_soon(_entry_heading(entry), now):
        return
    try:
        action(context, person, run_id, entry, now)
    except EfterskriftError as error:
        st.session_state[_MESSAGE_KEY] = error_text(error)


def _accept_entry(
    context: ExportContext, person: Person, run_id: str, entry: EntryToKeyIn, now: datetime
) -> None:
    answers = [ReceiptAnswer(entry_id, accepted=True) for entry_id in entry.entry_ids]
    submit_receipts(context, person, run_id, answers, now)
    st.session_state[_LAST_CLIENT_KEY] = "" if entry.has_several_clients else entry.client.pid
    icon = ":material/check:"
    if entry.others:
        st.toast(md("key_in.ticked_rows", rows=len(answers)), icon=icon)
    else:
        st.toast(md("key_in.ticked", number=entry.item.number), icon=icon)


def _refuse_entry(
    key: str,
    context: ExportContext,
    person: Person,
    run_id: str,
    entry: EntryToKeyIn,
    now: datetime,
) -> None:
    reason = str(st.session_state.get(key) or "").strip()
    if not reason:
        st.session_state[_MESSAGE_KEY] = t("key_in.lacks_why")
        return
    submit_receipts(
        context,
        person,
        run_id,
        [ReceiptAnswer(entry.item.entry_id, accepted=False, text=reason)],
        now,
    )
    st.toast(t("key_in.is_sent_back"), icon=":material/undo:")


def _skip_entry(entry: EntryToKeyIn) -> None:
    st.session_state[_SKIPPED_KEY] = [*st.session_state.get(_SKIPPED_KEY, []), *entry.entry_ids]


def _split(entry: EntryToKeyIn) -> None:
    st.session_state[_ALONE_KEY] = [*st.session_state.get(_ALONE_KEY, []), *entry.entry_ids]
