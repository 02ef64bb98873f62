"""Granska: reviewing one entry at a time, also with the keyboard alone."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import Any

import streamlit as st

from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.store.accounts.own_choices import QueueGrouping, choose_queue_grouping, queue_choice
from pipeline.store.accounts.sessions import unsent_key
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.second_reviewer import count_waiting_for_others
from ui.browser.image_cache import cache_images
from ui.browser.keyboard import key_help_button
from ui.browser.workbench import workbench
from ui.i18n import t, words_of_area
from ui.markdown import md, plain
from ui.screens.review import current_entry
from ui.screens.review.duplicate_comparison import duplicate_comparison
from ui.screens.review.entry_header import entry_origin_text
from ui.screens.review.sheet_images import sheet_images
from ui.screens.review.workbench import actions
from ui.screens.review.workbench.acts import handle_act
from ui.screens.review.workbench.batch_mode import BatchMode
from ui.screens.review.workbench.cards import can_advance, entry_card
from ui.screens.review.workbench.rekeying_mode import claim_task
from ui.screens.review.workbench.rows_mode import RowsMode
from ui.screens.review.workbench_state import (
    BenchState,
    Card,
    EntryAhead,
    HeldEntry,
    Mode,
    bench_state,
)
from ui.session import consume_acted, owner_of, requires_open_session
from ui.widgets.heading import person_menu
from ui.workspace import AppContext

_GROUPING_KEY = "queue_grouping"


def show(context: AppContext, person: Person) -> None:
    """Show the screen: what is open in its place, the workbench, or what to do without entries."""
    if show_opened_mode(context, person):
        return
    turn = actions.current_turn(context, person)
    if turn is None:
        _show_empty_queue(context, person)
    elif isinstance(turn, EntryView) and current_entry.is_comparing(turn.entry.id):
        _show_comparison(context, person, turn)
    else:
        with st.container(horizontal=True, horizontal_alignment="right", key="review_menu"):
            _show_menu(context, person)
        workbench_panel(context, person, turn)


def show_opened_mode(context: AppContext, person: Person) -> bool:
    """Show the mode of the workbench that is open, if there is one; return whether there is."""
    if not actions.is_mode_open():
        return False
    mode = actions.current_turn(context, person)
    if mode is None:  # it could not be opened: its screen before shows why
        st.rerun()
    with st.container(horizontal=True, horizontal_alignment="right", key="review_menu"):
        key_help_button()
        person_menu(context, person)
    workbench_panel(context, person, mode)
    return True


def _show_menu(context: AppContext, person: Person) -> None:
    with st.popover(t("grouping.title"), icon=":material/low_priority:", key="grouping_menu"):
        _grouping_control(context, person)
    key_help_button()
    person_menu(context, person)


def _grouping_control(context: AppContext, person: Person) -> None:
    """Show what the user may stay with (nothing, a form, a client, an author); keep the choice."""
    chosen = context.store.query(queue_choice, person)
    st.segmented_control(
        t("grouping.title"),
        list(QueueGrouping),
        default=chosen,
        required=True,
        format_func=lambda grouping: t(f"grouping.{grouping.value}"),
        key=_GROUPING_KEY,
        label_visibility="collapsed",
        help=t("grouping.what"),
        on_change=partial(_choose_grouping, context, person),
    )


@requires_open_session
def _choose_grouping(context: AppContext, person: Person) -> None:
    grouping = QueueGrouping(st.session_state[_GROUPING_KEY])
    # The entry on the screen is what the user goes on from.
    context.store.change(
        choose_queue_grouping, person, grouping, current_entry.current_entry_id() or ""
    )
    # What was claimed ahead was claimed in the order that held before.
    bench_state().forget_ahead()


def _show_comparison(context: AppContext, person: Person, view: EntryView) -> None:
    """Compare with what the entry may be a duplicate of, so that Ctrl+Enter can only mean that."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(plain(view.form.title), anchor=False)
            st.caption(plain(entry_origin_text(context, person, view)))
        _show_menu(context, person)
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):
        sheet_images(context, view)
    with right:
        current_entry.show_warning()
        mark = partial(actions.mark_current, context, person, view)
        duplicate_comparison(context, person, view, mark)
        st.button(
            t("reject.back"),
            key=f"back-{view.entry.id}-{view.entry.revision}",
            shortcut="Escape",
            on_click=current_entry.stop_comparing,
        )


def _show_empty_queue(context: AppContext, person: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(t("review.title"), anchor=False)
        _show_menu(context, person)
    current_entry.show_warning()
    with st.container(border=True):
        if permitted_units(person, Action.REVIEW):
            st.markdown(t("review.empty"))
            st.caption(t("review.empty_next"))
        else:
            st.markdown(t("review.no_unit"))
        with context.store.read() as conn:
            counts = {
                "review.hidden": queue.count_hidden(conn, person),
                "review.for_another": count_waiting_for_others(conn, person),
            }
        for text, count in counts.items():
            if count:
                st.caption(md(text, count=count))
        actions.undo_button(context, person)
    current_entry.show_toast()


# The workbench on the screen: what the browser gets, and what is drawn again after an act.
#
# A fragment: an act draws nothing else of the screen again, unless something else is due.


def workbench_panel(context: AppContext, person: Person, turn: EntryView | Mode) -> None:
    """Show what is due at the workbench; later runs show what is due then."""
    state = bench_state()
    state.needs_screen = False
    state.fresh_turn = turn
    _panel(context, person)


@st.fragment
def _panel(context: AppContext, person: Person) -> None:
    state = bench_state()
    # Something else is due, or a button outside was pressed at the same moment.
    if consume_acted() or state.needs_screen:
        st.rerun()
    turn, state.fresh_turn = state.fresh_turn, None
    if turn is None:
        turn = actions.current_turn(context, person)
    # The queue is empty: its screen is not the fragment's to draw.
    if turn is None:
        st.rerun()
    workbench(_bench_data(context, person, state, turn), partial(handle_act, context, person))


def _bench_data(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | Mode
) -> dict[str, Any]:
    now = _current_card(context, person, state, turn)
    ahead = _card_ahead(context, person, state, turn)
    state.keep_only(_turn_key(turn)[0], *([ahead["entry"]] if ahead is not None else []))
    if text := current_entry.take_toast():
        state.say(text)
    text, kind = state.notice
    return {
        "now": now | {"canAdvance": ahead is not None},
        "ahead": ahead,
        "heard": state.heard,
        "kept": state.kept,
        "unsent": _unsent_key(context, person, state),
        "says": {"text": text, "kind": kind} if text else None,
        "saysNo": state.notice_number,
        "undo": now.get("undo", True) and actions.can_undo(context, person),
        "minView": MIN_VIEW_TIME.total_seconds() * 1000,
    }


def _unsent_key(context: AppContext, person: Person, state: BenchState) -> dict[str, str]:
    """Return the key of what the browser keeps until it is saved, and whose it is."""
    if not state.unsent:
        key = context.store.change(unsent_key, person.login)
        state.unsent = {"key": b64encode(key).decode(), "owner": owner_of(key)}
    return state.unsent


def _current_card(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | Mode
) -> Card:
    held = state.hold(*_turn_key(turn))
    if text := current_entry.take_warning():
        held.warning = text
    card, images = _turn_card(context, person, turn, held)
    cache_images("now", images)
    return card | {"warning": held.warning}


def _card_ahead(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | Mode
) -> Card | None:
    """Return the card of what comes next; made once for each entry on the screen."""
    entry_id, revision = _turn_key(turn)
    images: list[bytes] = []
    if state.ahead_for != (key := f"{entry_id}-{revision}"):
        state.ahead_for = key
        state.ahead, images = _make_ahead(context, person, turn)
    cache_images("ahead", images)
    return state.ahead.card if state.ahead is not None else None


def _make_ahead(
    context: AppContext, person: Person, turn: EntryView | Mode
) -> tuple[EntryAhead | None, list[bytes]]:
    """Claim what comes next: a rekeying task after an entry, else the next entry.

    After a mode that was opened nothing does: it goes back to where that was done. After the rows
    of a sheet, or a batch, nothing is sure before they are confirmed.
    """
    if actions.is_mode_open() or isinstance(turn, BatchMode | RowsMode):
        return None, []
    view = turn if isinstance(turn, EntryView) else None
    task = claim_task(context, person) if view is not None else None
    if task is not None:
        return _card_of_ahead(context, person, task, _turn_key(task))
    is_face = not isinstance(turn, EntryView) and actions.is_named(turn.key)
    if is_face and not actions.is_face_of_current(_turn_key(turn)[0]):
        return None, []  # its entry may be gone when the mode is over
    entry = actions.view_ahead(context, person, view)
    if entry is None or (view is not None and not can_advance(view, entry)):
        return None, []
    ahead = entry if is_face else actions.face_of(context, person, entry)
    return _card_of_ahead(context, person, ahead, _turn_key(entry))


def _card_of_ahead(
    context: AppContext, person: Person, ahead: EntryView | Mode, opens: tuple[str, int]
) -> tuple[EntryAhead, list[bytes]]:
    """Return what comes next with its card; `opens` are the entry and revision behind it."""
    held = bench_state().hold(*_turn_key(ahead))
    card, images = _turn_card(context, person, ahead, held)
    return EntryAhead(*opens, card), images


def _turn_key(turn: EntryView | Mode) -> tuple[str, int]:
    if isinstance(turn, EntryView):
        return turn.entry.id, turn.entry.revision
    return turn.key, 0


def _turn_card(
    context: AppContext, person: Person, turn: EntryView | Mode, held: HeldEntry
) -> tuple[Card, list[bytes]]:
    if isinstance(turn, EntryView):
        with words_of_area(turn.form.area):
            return entry_card(context, person, turn, held)
    with words_of_area(turn.area):
        return turn.card(held)
