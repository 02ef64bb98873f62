"""Which entry is on the screen, since when, and what has to be said about it."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.i18n import t
from ui.screens.review.client_check_form import reset_client_question
from ui.screens.review.entry_form import expand_fields, reset_expanded
from ui.screens.review.rejection import reset_step
from ui.screens.review.sheet_images import VIEWED_PAGES_KEY
from ui.widgets.min_view_time import reset_drawn

CAN_UNDO_KEY, UNDO_BATCH_KEY = "something_to_undo", "group_to_undo"
(
    _ENTRY_KEY,
    _SHOWN_AT_KEY,
    _WARNING_KEY,
    _TOAST_KEY,
    _FIELD_ERRORS_KEY,
    _REJECTING_KEY,
    _ATTEMPTS_KEY,
) = (
    "entry_id",
    "entry_shown_at",
    "review_problem",
    "review_done",
    "complaints",
    "rejecting",
    "review_try",
)


def open_entry(entry_id: str | None, now: datetime | None = None) -> None:
    """Begin with another entry: nothing of the last one is left."""
    for key in (_FIELD_ERRORS_KEY, _REJECTING_KEY, VIEWED_PAGES_KEY, _ATTEMPTS_KEY):
        st.session_state.pop(key, None)
    reset_client_question()
    reset_step()
    reset_expanded(current_entry_id())
    reset_drawn()
    st.session_state[_ENTRY_KEY], st.session_state[_SHOWN_AT_KEY] = entry_id, now


def current_entry_id() -> str | None:
    """The entry that is on the screen."""
    found: str | None = st.session_state.get(_ENTRY_KEY)
    return found


def entry_shown_at() -> datetime | None:
    """Since when it is."""
    found: datetime | None = st.session_state.get(_SHOWN_AT_KEY)
    return found


def clear_undo() -> None:
    """What was done last is not taken back, and nothing that was done before it is taken back in
    its stead.
    """
    st.session_state.pop(UNDO_BATCH_KEY, None)
    st.session_state[CAN_UNDO_KEY] = False


def set_warning(text: str) -> None:
    """Tell the person at the top of the screen, once."""
    st.session_state[_WARNING_KEY] = text


def set_toast(text: str) -> None:
    """Tell the person in passing that something is done."""
    st.session_state[_TOAST_KEY] = text


def show_warning() -> None:
    """What is to be told."""
    if problem := st.session_state.pop(_WARNING_KEY, None):
        st.warning(problem, icon=":material/info:")


def show_toast() -> None:
    """What is told in passing: drawn last, so that it moves nothing else."""
    if done := st.session_state.pop(_TOAST_KEY, None):
        st.toast(done, icon=":material/check:")


def set_field_error(entry_id: str, fields: tuple[str, ...], key: str) -> None:
    """Nothing was saved: say so, and why, beside the fields."""
    set_field_errors(entry_id, dict.fromkeys(fields, t(key)))


def set_field_errors(entry_id: str, fields: dict[str, str]) -> None:
    """As `complain`, with a text of its own for each field."""
    st.session_state[_FIELD_ERRORS_KEY] = fields
    st.session_state[_ATTEMPTS_KEY] = st.session_state.get(_ATTEMPTS_KEY, 0) + 1
    expand_fields(entry_id, fields)
    set_warning(t("review.not_saved"))


def field_errors() -> dict[str, str]:
    """What is wrong with which field."""
    found: dict[str, str] = st.session_state.get(_FIELD_ERRORS_KEY, {})
    return found


def failed_attempts() -> int:
    """How often this entry could not be saved."""
    return int(st.session_state.get(_ATTEMPTS_KEY, 0))


def start_rejecting(entry_id: str) -> None:
    """Ask why the entry is rejected."""
    st.session_state[_REJECTING_KEY] = entry_id


def stop_rejecting() -> None:
    """The entry is not rejected after all."""
    reset_step()
    st.session_state.pop(_REJECTING_KEY, None)


def is_rejecting(entry_id: str) -> bool:
    """Whether the person is being asked why."""
    return bool(st.session_state.get(_REJECTING_KEY) == entry_id)
