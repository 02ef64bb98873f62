"""The workbench on the screen: what the browser gets, and what is drawn again after an act.

A fragment: an act draws nothing else of the screen again, unless something else is due.
"""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import Any

import streamlit as st

from pipeline.domain.model import Person
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.store.accounts.sessions import unsent_key
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.quality.rekeying import RekeyingTask
from ui.browser.image_cache import cache_images
from ui.browser.workbench import workbench
from ui.i18n import words_of_area
from ui.screens.review import current_entry
from ui.screens.review.workbench import actions, claims
from ui.screens.review.workbench.acts import handle_act
from ui.screens.review.workbench.cards import can_advance, entry_card
from ui.screens.review.workbench.rekeying_turn import claim_task, task_card, task_key
from ui.screens.review.workbench_state import (
    BenchState,
    Card,
    EntryAhead,
    HeldEntry,
    bench_state,
)
from ui.session import consume_acted, owner_of
from ui.workspace import AppContext


def workbench_panel(context: AppContext, person: Person, turn: EntryView | RekeyingTask) -> None:
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
        turn = claims.current_turn(context, person)
    if turn is None:
        st.rerun()
    workbench(_bench_data(context, person, state, turn), partial(handle_act, context, person))


def _bench_data(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | RekeyingTask
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
        "undo": actions.can_undo(context, person),
        "minView": MIN_VIEW_TIME.total_seconds() * 1000,
    }


def _unsent_key(context: AppContext, person: Person, state: BenchState) -> dict[str, str]:
    """Return the key of what the browser keeps until it is saved, and whose it is."""
    if not state.unsent:
        with context.store.begin() as conn:
            key = unsent_key(conn, person.login)
        state.unsent = {"key": b64encode(key).decode(), "owner": owner_of(key)}
    return state.unsent


def _current_card(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | RekeyingTask
) -> Card:
    held = state.hold(*_turn_key(turn))
    if text := current_entry.take_warning():
        held.warning = text
    card, images = _turn_card(context, person, turn, held)
    cache_images("now", images)
    return card | {"warning": held.warning}


def _card_ahead(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | RekeyingTask
) -> Card | None:
    """Return the card of what comes next; made once for each entry on the screen."""
    entry_id, revision = _turn_key(turn)
    images: list[bytes] = []
    if state.ahead_for != (key := f"{entry_id}-{revision}"):
        state.ahead_for = key
        state.ahead, images = _make_ahead(context, person, state, turn)
    cache_images("ahead", images)
    return state.ahead.card if state.ahead is not None else None


def _make_ahead(
    context: AppContext, person: Person, state: BenchState, turn: EntryView | RekeyingTask
) -> tuple[EntryAhead | None, list[bytes]]:
    """Claim what comes next: a rekeying task after an entry, else the next entry."""
    view = turn if isinstance(turn, EntryView) else None
    ahead: EntryView | RekeyingTask | None = claim_task(context, person) if view else None
    if ahead is None:
        ahead = claims.view_ahead(context, person, view)
    if ahead is None or (
        view is not None and isinstance(ahead, EntryView) and not can_advance(view, ahead)
    ):
        return None, []
    key = _turn_key(ahead)
    card, images = _turn_card(context, person, ahead, state.hold(*key))
    return EntryAhead(*key, card), images


def _turn_key(turn: EntryView | RekeyingTask) -> tuple[str, int]:
    if isinstance(turn, EntryView):
        return turn.entry.id, turn.entry.revision
    return task_key(turn), 0


def _turn_card(
    context: AppContext, person: Person, turn: EntryView | RekeyingTask, held: HeldEntry
) -> tuple[Card, list[bytes]]:
    with words_of_area(turn.form.area):
        if isinstance(turn, EntryView):
            return entry_card(context, person, turn, held)
        return task_card(context, person, turn, held)
