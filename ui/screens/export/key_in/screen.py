"""Skriv in: what is to be keyed in, one client at a time, for systems that have no import.

A basket is all that goes to one system, module and area of law; opening the screen fills it. Client
and notes are copied by single keys in the browser; one press says that all of the client is in the
other system, and can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Client, Person
from pipeline.export.key_in import screen, signatures
from pipeline.export.key_in.baskets import fill_baskets
from pipeline.export.key_in.screen import ClientToKeyIn, EntryToKeyIn, ManualEntryList
from pipeline.export.manual_entry.one_list import Destination
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.review.session import Review
from pipeline.store.schema.clock import utc_now
from ui.i18n import t, words_of_area
from ui.markdown import md, plain
from ui.screens.export.key_in.copy_parts import begin_draw, copy_parts, note_answer, tick_label
from ui.screens.export.key_in.field_order import field_order_section
from ui.screens.export.key_in.papers import papers
from ui.screens.export.key_in.scan_codes import scan_codes
from ui.screens.export.key_in.who_keys import MESSAGE, copied_lines, set_refusal
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.views import VIEW_KEY_PREFIX, drawn_at, note_drawn, reset_drawn
from ui.workspace import AppContext

_LIST_KEY, _SKIPPED_KEY = "key_in_list", "key_in_skipped"
_CURRENT_KEY = "key_in_current"
"""The place where the user is keying in: the next one is another system."""
_FILLED_KEY = f"{VIEW_KEY_PREFIX}baskets"
"""Lists were made in this visit of the screen."""
_ALONE_KEY, _LAST_CLIENT_KEY = "key_in_alone", "key_in_last_client"
"""Entries of sheets that the user wants row by row, and the client open in the other system."""
_Act = Callable[[ExportContext, Person, str, ClientToKeyIn, datetime], None]


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    export_context = ExportContext(context.store, context.settings, context.forms)
    signatures.settle_signatures(context.store, utc_now())
    begin_draw()
    screen_heading(context, person, t("key_in.title"), t("key_in.what"))
    lists = _load_lists(export_context, person)
    MESSAGE.show()
    done = st.session_state.get(_CURRENT_KEY)
    if lists and done and done not in {each.destination for each in lists}:
        _show_finished(done, lists[0].destination)
        _undo_button(export_context, person)
    elif lists:
        _show_basket(export_context, person, _choose_basket(lists))
    else:
        st.session_state.pop(_CURRENT_KEY, None)
        st.info(t("key_in.empty"), icon=":material/info:")
        st.caption(t("key_in.empty_next"))
        _undo_button(export_context, person)
    if is_allowed(person, Action.OFFICE):
        field_order_section(export_context, person)


def _load_lists(context: ExportContext, person: Person) -> list[ManualEntryList]:
    """Return what is to be keyed in; new lists are made when the screen is opened or is empty."""
    lists = screen.list_waiting_lists(context, person)
    if lists and _FILLED_KEY in st.session_state:
        return lists
    st.session_state[_FILLED_KEY] = True
    try:
        made = fill_baskets(context, person, utc_now())
    except EfterskriftError as error:
        set_refusal(error)
        return lists
    return screen.list_waiting_lists(context, person) if made else lists


def _show_basket(context: ExportContext, person: Person, basket: list[ManualEntryList]) -> None:
    """Show the next client of the lists that go to one place."""
    entries = sum(each.entries for each in basket)
    waiting = sum(each.waiting for each in basket)
    done = entries - waiting
    st.progress(done / entries, md("key_in.progress", done=done, count=entries))
    if hidden := sum(each.hidden for each in basket):
        st.info(md("key_in.hidden", count=hidden), icon=":material/visibility_off:")
    if held_back := sum(screen.count_held_back(context, person, each.name) for each in basket):
        st.warning(md("key_in.held", count=held_back), icon=":material/content_copy:")
    for each in basket:
        shown = screen.claim_next_client(
            context,
            person,
            each.name,
            utc_now(),
            st.session_state.get(_SKIPPED_KEY, []),
            alone=st.session_state.get(_ALONE_KEY, []),
        )
        if shown is not None:
            with words_of_area(each.destination.area):
                _show_client(context, person, each, shown)
            note_drawn(shown.heading)
            return
    if waiting > held_back:
        _show_none_left()
    _undo_button(context, person)


def _show_finished(done: Destination, following: Destination) -> None:
    """Stop where a basket is empty: the next one is keyed in in another system."""
    st.success(md("key_in.finished", place=done.title), icon=":material/check:")
    st.button(
        md("key_in.next_list", place=following.title),
        key="key_in_next_list",
        type="primary",
        on_click=_begin_next_basket,
    )


def _begin_next_basket() -> None:
    for key in (_CURRENT_KEY, _LIST_KEY):
        st.session_state.pop(key, None)
    _reset_skipped()


def _choose_basket(lists: list[ManualEntryList]) -> list[ManualEntryList]:
    """Return the lists of one place: the one of before, else the first, or another one chosen."""
    baskets: dict[Destination, list[ManualEntryList]] = {}
    for each in lists:
        baskets.setdefault(each.destination, []).append(each)
    titles = {
        place: t("key_in.list", place=place.title, count=sum(each.waiting for each in basket))
        for place, basket in baskets.items()
    }
    if len(titles) == 1:
        ((chosen, title),) = titles.items()
        st.markdown(f"**{plain(title)}**")
    else:
        if st.session_state.get(_LIST_KEY) not in titles:
            current = st.session_state.get(_CURRENT_KEY)
            st.session_state[_LIST_KEY] = current if current in titles else next(iter(titles))
        chosen = st.selectbox(
            t("key_in.choose"),
            list(titles),
            format_func=titles.__getitem__,
            key=_LIST_KEY,
            on_change=_reset_skipped,
        )
    st.session_state[_CURRENT_KEY] = chosen
    return baskets[chosen]


def _reset_skipped() -> None:
    st.session_state.pop(_SKIPPED_KEY, None)


def _show_none_left() -> None:
    skipped_count = len(st.session_state.get(_SKIPPED_KEY, []))
    st.info(
        md("key_in.skipped" if skipped_count else "key_in.others_have", count=skipped_count),
        icon=":material/info:",
    )
    st.button(t("key_in.again"), key="key_in_again", on_click=_reset_skipped)


def _show_client(
    context: ExportContext, person: Person, status: ManualEntryList, shown: ClientToKeyIn
) -> None:
    run_id = status.run.id
    act = partial(_run_action, context, person, run_id, shown)
    warnings = _list_warnings(shown)
    copied = copied_lines(context.store, person, shown)
    warnings += [(line, ":material/content_paste:") for line in copied]
    for text, icon in warnings:
        st.warning(plain(text), icon=icon)
    if not shown.has_several_clients and shown.client.pid == st.session_state.get(_LAST_CLIENT_KEY):
        st.caption(t("key_in.same_client"))
    copy_parts(context, person, run_id, shown, [text for text, _ in warnings])
    with st.container(horizontal=True, key="key_in_actions"):
        st.button(
            plain(tick_label(shown)),
            key="key_in_done",
            type="primary",
            shortcut="Ctrl+Enter",
            icon=":material/check:",
            on_click=partial(act, _sign),
        )
        st.button(
            t("key_in.skip"),
            key="key_in_skip",
            shortcut="Alt+S",
            on_click=partial(_skip, shown),
        )
        _undo_button(context, person)
        if any(entry.others for entry in shown.entries):
            st.button(t("key_in.one_by_one"), key="key_in_alone", on_click=partial(_split, shown))
    scan_codes(context, person, run_id, shown)
    papers(context, person, shown)
    # One row of a sheet is sent back when the rows are keyed in one by one.
    if refusable := [entry for entry in shown.entries if not entry.others]:
        _refusal_form(shown, refusable, act)


def _list_warnings(shown: ClientToKeyIn) -> list[tuple[str, str]]:
    """Return what has to be known before anything is keyed in, each text with its icon."""
    warnings = list[tuple[str, str]]()
    if shown.client.protected:
        warnings.append((t("key_in.protected"), ":material/lock:"))
    if shown.has_several_clients:
        warnings.append((t("key_in.several_clients"), ":material/groups:"))
    for entry in shown.entries:
        number = f"{entry.item.number}. " if len(shown.entries) > 1 else ""
        warnings += [(number + text, icon) for text, icon in _entry_warnings(entry)]
    return warnings


def _entry_warnings(entry: EntryToKeyIn) -> list[tuple[str, str]]:
    warnings = [(duty, ":material/gavel:") for duty in entry.duties]
    if entry.others:
        warnings.append((t("key_in.several", rows=len(entry.items)), ":material/table_rows:"))
    if entry.block.notice:
        warnings.append((entry.block.notice, ":material/edit_note:"))
    if entry.item.is_amendment and not entry.is_void and entry.previous_client is None:
        warnings.append((t("key_in.amends"), ":material/search:"))
    # A correction may have moved the entry from another client, who then has it keyed in.
    moved = ":material/person_alert:"
    if entry.previous_client is not None:
        key = "key_in.moved_void" if entry.is_void else "key_in.moved"
        warnings.append((t(key, client=_client_text(entry.previous_client)), moved))
    for client in entry.possible_clients:
        warnings.append((t("key_in.moved_perhaps", client=_client_text(client)), moved))
    return warnings


def _client_text(client: Client) -> str:
    return " ".join(filter(None, (format_pid(client.pid), client.name)))


def _refusal_form(
    shown: ClientToKeyIn, refusable: list[EntryToKeyIn], act: Callable[[_Act], None]
) -> None:
    first_id = shown.entry_ids[0]
    key, which = f"key_in_why-{first_id}", f"key_in_which-{first_id}"
    titles = {
        entry.item.entry_id: f"{entry.item.number}. {entry.block.title}" for entry in refusable
    }
    with (
        st.expander(t("key_in.cannot"), key=f"key_in_cannot-{first_id}"),
        st.form(f"key_in_refuse-{first_id}", border=False),
    ):
        if len(titles) > 1:
            st.selectbox(t("key_in.which"), list(titles), format_func=titles.__getitem__, key=which)
        st.text_input(
            t("key_in.why"),
            key=key,
            max_chars=300,
            autocomplete="off",
            placeholder=t("key_in.why_example"),
        )
        st.form_submit_button(
            t("key_in.send_back"),
            key=f"key_in_back-{first_id}",
            on_click=partial(act, partial(_refuse, key, which, next(iter(titles)))),
        )


def _undo_button(context: ExportContext, person: Person) -> None:
    """Show the button that undoes the last tick, while that can be undone."""
    turn, count = signatures.find_open_signature(context, person, utc_now())
    if turn:
        st.button(
            md("key_in.undo", count=count),
            key="key_in_undo",
            shortcut="Alt+Z",
            icon=":material/undo:",
            on_click=partial(_undo, context, person, turn),
        )


@requires_open_session
def _undo(context: ExportContext, person: Person, turn: str) -> None:
    note_answer()
    try:
        count = signatures.undo_signature(context, person, turn, utc_now())
    except EfterskriftError as error:
        set_refusal(error)
        return
    reset_drawn()
    st.session_state.pop(_LAST_CLIENT_KEY, None)
    st.toast(md("key_in.undone", count=count), icon=":material/undo:")


@requires_open_session
def _run_action(
    context: ExportContext, person: Person, run_id: str, shown: ClientToKeyIn, action: _Act
) -> None:
    note_answer()
    review = Review(context.store, context.forms, context.settings, person)
    if not review.has_been_seen(drawn_at(shown.heading)):
        return
    try:
        action(context, person, run_id, shown, utc_now())
    except EfterskriftError as error:
        set_refusal(error)


def _sign(
    context: ExportContext, person: Person, run_id: str, shown: ClientToKeyIn, now: datetime
) -> None:
    signatures.sign_entries(context, person, run_id, shown.entry_ids, now)
    st.session_state[_LAST_CLIENT_KEY] = "" if shown.has_several_clients else shown.client.pid
    st.toast(md("key_in.ticked", count=len(shown.entry_ids)), icon=":material/check:")


def _refuse(
    key: str,
    which: str,
    first: str,
    /,
    context: ExportContext,
    person: Person,
    run_id: str,
    shown: ClientToKeyIn,
    now: datetime,
) -> None:
    del shown
    reason = str(st.session_state.get(key) or "").strip()
    if not reason:
        MESSAGE.failed(t("key_in.lacks_why"))
        return
    entry_id = str(st.session_state.get(which) or first)
    answer = ReceiptAnswer(entry_id, accepted=False, text=reason)
    submit_receipts(context, person, run_id, [answer], now)
    st.toast(t("key_in.is_sent_back"), icon=":material/undo:")


def _skip(shown: ClientToKeyIn) -> None:
    note_answer()
    st.session_state[_SKIPPED_KEY] = [*st.session_state.get(_SKIPPED_KEY, []), *shown.entry_ids]


def _split(shown: ClientToKeyIn) -> None:
    note_answer()
    st.session_state[_ALONE_KEY] = [*st.session_state.get(_ALONE_KEY, []), *shown.entry_ids]
