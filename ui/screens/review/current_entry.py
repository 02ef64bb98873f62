"""The entry on the screen: which it is, since when, and the messages about it."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.i18n import t
from ui.markdown import plain_with_code
from ui.screens.review.entry_form import expand_fields, reset_client_question, reset_expanded
from ui.screens.review.rejection import reset_step
from ui.screens.review.sheet_images import VIEWED_PAGES_KEY
from ui.widgets.min_view_time import reset_drawn

CAN_UNDO_KEY, UNDO_BATCH_KEY = "something_to_undo", "group_to_undo"
_ENTRY_KEY, _SHOWN_AT_KEY = "entry_id", "entry_shown_at"
_WARNING_KEY, _TOAST_KEY, _FIELD_ERRORS_KEY = "review_problem", "review_done", "complaints"
_REJECTING_KEY, _ATTEMPTS_KEY = "rejecting", "review_try"


def open_entry(entry_id: str | None, now: datetime | None = None) -> None:
    """Begin with another entry, clearing all state of the last one."""
    for key in (_FIELD_ERRORS_KEY, _REJECTING_KEY, VIEWED_PAGES_KEY, _ATTEMPTS_KEY):
        st.session_state.pop(key, None)
    reset_client_question()
    reset_step()
    reset_expanded(current_entry_id())
    reset_drawn()
    st.session_state[_ENTRY_KEY], st.session_state[_SHOWN_AT_KEY] = entry_id, now


def current_entry_id() -> str | None:
    """Return the id of the entry on the screen."""
    entry_id: str | None = st.session_state.get(_ENTRY_KEY)
    return entry_id


def entry_shown_at() -> datetime | None:
    """Return since when the entry is on the screen."""
    shown_at: datetime | None = st.session_state.get(_SHOWN_AT_KEY)
    return shown_at


def allow_undo() -> None:
    """Note that the last action was a decision, which can be undone, and no group."""
    st.session_state.pop(UNDO_BATCH_KEY, None)
    st.session_state[CAN_UNDO_KEY] = True


def clear_undo() -> None:
    """Note that the last action cannot be undone, nor one before it instead."""
    st.session_state.pop(UNDO_BATCH_KEY, None)
    st.session_state[CAN_UNDO_KEY] = False


def set_warning(text: str) -> None:
    """Set the message at the top of the screen; it is shown once."""
    st.session_state[_WARNING_KEY] = text


def set_toast(text: str) -> None:
    """Set the message that is shown briefly when something is done."""
    st.session_state[_TOAST_KEY] = text


def show_warning() -> None:
    """Show the message at the top of the screen, if there is one."""
    if text := st.session_state.pop(_WARNING_KEY, None):
        st.warning(plain_with_code(text), icon=":material/info:")


def show_toast() -> None:
    """Show the brief message; drawn last, so that it moves nothing else."""
    if text := st.session_state.pop(_TOAST_KEY, None):
        st.toast(plain_with_code(text), icon=":material/check:")


def set_field_error(entry_id: str, fields: tuple[str, ...], key: str) -> None:
    """Note that nothing was saved, with the text of `key` next to these fields."""
    set_field_errors(entry_id, dict.fromkeys(fields, t(key)))


def set_field_errors(entry_id: str, texts: dict[str, str]) -> None:
    """Note that nothing was saved, with a text for each field."""
    st.session_state[_FIELD_ERRORS_KEY] = texts
    st.session_state[_ATTEMPTS_KEY] = st.session_state.get(_ATTEMPTS_KEY, 0) + 1
    expand_fields(entry_id, texts)
    set_warning(t("review.not_saved"))


def field_errors() -> dict[str, str]:
    """Return the error text of each field that has one."""
    errors: dict[str, str] = st.session_state.get(_FIELD_ERRORS_KEY, {})
    return errors


def failed_attempts() -> int:
    """Return how often this entry could not be saved."""
    return int(st.session_state.get(_ATTEMPTS_KEY, 0))


def start_rejecting(entry_id: str) -> None:
    """Ask for the reason of a rejection."""
    st.session_state[_REJECTING_KEY] = entry_id


def stop_rejecting() -> None:
    """Cancel the rejection."""
    reset_step()
    st.session_state.pop(_REJECTING_KEY, None)


def is_rejecting(entry_id: str) -> bool:
    """Return whether the reason of a rejection is being asked for."""
    return bool(st.session_state.get(_REJECTING_KEY) == entry_id)
