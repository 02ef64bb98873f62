"""The entry on the screen: which it is, and the messages about it."""

from __future__ import annotations

import streamlit as st

from ui.markdown import plain_with_code
from ui.screens.review.duplicate_comparison import reset_comparison
from ui.screens.review.sheet_images import end_page_views
from ui.screens.review.workbench_state import bench_state

CAN_UNDO_KEY, UNDO_BATCH_KEY = "something_to_undo", "group_to_undo"
UNDO_TRANSFER_KEY = "transfer_to_undo"
"""The entry that was sent to another unit last, which undo takes back."""
_ENTRY_KEY, _COMPARING_KEY = "entry_id", "comparing"
_WARNING_KEY, _TOAST_KEY = "review_problem", "review_done"


def open_entry(entry_id: str | None) -> None:
    """Begin with another entry, clearing all state of the last one."""
    last = current_entry_id()
    if last is not None and last != entry_id:
        bench_state().let_go(last)
        end_page_views(last)
    if entry_id is not None:
        bench_state().is_task_due = False
    stop_comparing()
    st.session_state[_ENTRY_KEY] = entry_id


def current_entry_id() -> str | None:
    """Return the id of the entry on the screen."""
    entry_id: str | None = st.session_state.get(_ENTRY_KEY)
    return entry_id


def allow_undo() -> None:
    """Note that the last action was a decision, which can be undone, and no group."""
    _forget_undo()
    st.session_state[CAN_UNDO_KEY] = True


def clear_undo() -> None:
    """Note that the last action cannot be undone, nor one before it instead."""
    _forget_undo()
    st.session_state[CAN_UNDO_KEY] = False


def _forget_undo() -> None:
    for key in (UNDO_BATCH_KEY, UNDO_TRANSFER_KEY):
        st.session_state.pop(key, None)
    bench_state().attached = ("", [])


def set_warning(text: str) -> None:
    """Set the message at the top of the screen; it is shown once."""
    st.session_state[_WARNING_KEY] = text


def take_warning() -> str:
    """Return the message at the top of the screen, once; empty if there is none."""
    return str(st.session_state.pop(_WARNING_KEY, ""))


def set_toast(text: str) -> None:
    """Set the message that is shown briefly when something is done."""
    st.session_state[_TOAST_KEY] = text


def take_toast() -> str:
    """Return the brief message, once; empty if there is none."""
    return str(st.session_state.pop(_TOAST_KEY, ""))


def show_warning() -> None:
    """Show the message at the top of the screen, if there is one."""
    if text := take_warning():
        st.warning(plain_with_code(text), icon=":material/info:")


def show_toast() -> None:
    """Show the brief message; drawn last, so that it moves nothing else."""
    if text := take_toast():
        st.toast(plain_with_code(text), icon=":material/check:")


def start_comparing(entry_id: str) -> None:
    """Compare the entry with what it may be a duplicate of."""
    st.session_state[_COMPARING_KEY] = entry_id


def stop_comparing() -> None:
    """Go back to the entry; no other one is shown beside it."""
    reset_comparison()
    st.session_state.pop(_COMPARING_KEY, None)


def is_comparing(entry_id: str) -> bool:
    """Return whether the entry is being compared with what it may be a duplicate of."""
    return bool(st.session_state.get(_COMPARING_KEY) == entry_id)
