"""The workbench on the screen: what the browser gets, and what is drawn again after an act.

A fragment: an act draws nothing else of the screen again, unless something else is due.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from pipeline.domain.model import Person
from pipeline.store.entries.entry_view import EntryView
from ui.browser.image_cache import cache_images
from ui.browser.workbench import workbench
from ui.screens.review import actions, current_entry
from ui.screens.review.depth.entry_actions import entry_actions
from ui.screens.review.workbench import claims
from ui.screens.review.workbench.acts import handle_act
from ui.screens.review.workbench.cards import can_advance, entry_card
from ui.screens.review.workbench.state import BenchState, Card, EntryAhead, bench_state
from ui.session import consume_acted
from ui.widgets.min_view_time import MIN_VIEW_TIME
from ui.workspace import AppContext


def workbench_panel(context: AppContext, person: Person, view: EntryView) -> None:
    """Show an entry at the workbench; later runs show what is due then."""
    state = bench_state()
    state.needs_screen = False
    state.fresh_view = view
    _panel(context, person)


@st.fragment
def _panel(context: AppContext, person: Person) -> None:
    state = bench_state()
    # Something else is due, or a button outside was pressed at the same moment.
    if consume_acted() or state.needs_screen:
        st.rerun()
    view, state.fresh_view = state.fresh_view, None
    if view is None:
        view = claims.current_view(context, person)
    if view is None:
        st.rerun()
    workbench(_bench_data(context, person, state, view), partial(handle_act, context, person))


def _bench_data(
    context: AppContext, person: Person, state: BenchState, view: EntryView
) -> dict[str, Any]:
    now = _current_card(context, person, state, view)
    ahead = _card_ahead(context, person, state, view)
    if text := current_entry.take_toast():
        state.say(text)
    text, kind = state.notice
    return {
        "now": now | {"canAdvance": ahead is not None},
        "ahead": ahead,
        "heard": state.heard,
        "says": {"text": text, "kind": kind} if text else None,
        "saysNo": state.notice_number,
        "undo": actions.can_undo(context, person),
        "minView": MIN_VIEW_TIME.total_seconds() * 1000,
    }


def _current_card(context: AppContext, person: Person, state: BenchState, view: EntryView) -> Card:
    held = state.hold(view)
    if text := current_entry.take_warning():
        held.warning = text
    card, images = entry_card(context, person, view, held, entry_actions(context, person, view))
    cache_images("now", images)
    return card | {"warning": held.warning}


def _card_ahead(
    context: AppContext, person: Person, state: BenchState, view: EntryView
) -> Card | None:
    """Return the card of the entry that comes next; made once for each entry on the screen."""
    turn = f"{view.entry.id}-{view.entry.revision}"
    if state.ahead_for != turn:
        state.ahead_for = turn
        state.ahead, images = _make_ahead(context, person, state, view)
        cache_images("ahead", images)
    else:
        cache_images("ahead", [])
    return state.ahead.card if state.ahead is not None else None


def _make_ahead(
    context: AppContext, person: Person, state: BenchState, view: EntryView
) -> tuple[EntryAhead | None, list[bytes]]:
    ahead = claims.view_ahead(context, person, view)
    if ahead is None or not can_advance(view, ahead):
        return None, []
    held = state.hold(ahead)
    card, images = entry_card(context, person, ahead, held, entry_actions(context, person, ahead))
    entry = ahead.entry
    return (
        EntryAhead(entry.id, entry.revision, tuple(page.id for page in ahead.pages), card),
        images,
    )
