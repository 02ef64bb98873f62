"""Mina senaste: what the user did last with entries, to be undone or corrected."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.review.corrections import Corrections
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.lookup.own_actions import OwnAction, list_own_actions
from pipeline.store.schema.clock import utc_now
from ui.i18n import code_text, format_recent, t
from ui.screens.lookup.entry_list import (
    Review,
    choose_entry,
    chosen_entry,
    entry_line,
    look_button,
)
from ui.screens.review.current_entry import CAN_UNDO_KEY
from ui.screens.review.workbench.correction_mode import DECIDED_MESSAGE
from ui.session import requires_open_session
from ui.widgets.messages import errors_to
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_LOGGED_KEY = f"{VIEW_KEY_PREFIX}own_actions"


def show_own_decisions(context: AppContext, person: Person, review: Review) -> None:
    """Show the user's last decisions; `review` opens an entry that waits again."""
    if chosen_entry(context, person):
        return
    with context.store.begin() as conn:
        is_first = not st.session_state.get(_LOGGED_KEY)
        actions = list_own_actions(conn, person, first=is_first)
    st.session_state[_LOGGED_KEY] = True
    st.caption(t("own_decisions.what"))
    if not actions:
        st.info(t("own_decisions.none"), icon=":material/info:")
    now = utc_now()
    for number, action in enumerate(actions):
        what = code_text("own_decisions.kind", action.kind)
        first = f"{format_recent(action.at, now)} · {what}"
        key = f"{number}-{action.found.entry.id}"
        with entry_line(context, action.found, key, first):
            _buttons(context, person, action, review, key)


def _buttons(
    context: AppContext, person: Person, action: OwnAction, review: Review, key: str
) -> None:
    entry = action.found.entry
    if action.can_undo:
        st.button(
            t("own_decisions.undo"),
            key=f"undo-{key}",
            icon=":material/undo:",
            on_click=partial(_undo, context, person, entry, review),
        )
    if action.can_correct:
        st.button(
            t("lookup.correct"),
            key=f"correct-{key}",
            icon=":material/edit:",
            on_click=partial(choose_entry, entry.id, to_correct=True),
        )
    elif not action.can_undo:
        look_button(action.found, review, key)


@requires_open_session
def _undo(context: AppContext, person: Person, entry: Entry, review: Review) -> None:
    """Take a decision back; an entry that waits again is opened in the review."""
    with errors_to(DECIDED_MESSAGE.failed):
        state = context.work(Corrections, person).undo([(entry.id, entry.revision)])
        # What can be undone now is asked again
        st.session_state.pop(CAN_UNDO_KEY, None)
        if state in OPEN_STATES:
            review(entry.id)
        else:
            DECIDED_MESSAGE.done(t("review.undone_rejection"))
