"""Which entry is on the screen, since when, and what has to be said about it."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.components.client_guard_form import forget_client
from ui.components.first_look import forget_drawn
from ui.components.folding import forget_folding, unfold
from ui.components.returning import forget_returning
from ui.components.sheet_pictures import SEEN
from ui.text import t

UNDO, UNDO_GROUP = "something_to_undo", "group_to_undo"
_ENTRY, _SHOWN_AT, _PROBLEM, _DONE, _COMPLAINTS, _REJECTING, _TRY = (
    "entry_id",
    "entry_shown_at",
    "review_problem",
    "review_done",
    "complaints",
    "rejecting",
    "review_try",
)


def turn_to(entry_id: str | None, now: datetime | None = None) -> None:
    """Begin with another entry: nothing of the last one is left."""
    for key in (_COMPLAINTS, _REJECTING, SEEN, _TRY):
        st.session_state.pop(key, None)
    forget_client()
    forget_returning()
    forget_folding(current())
    forget_drawn()
    st.session_state[_ENTRY], st.session_state[_SHOWN_AT] = entry_id, now


def current() -> str | None:
    """The entry that is on the screen."""
    found: str | None = st.session_state.get(_ENTRY)
    return found


def shown_at() -> datetime | None:
    """Since when it is."""
    found: datetime | None = st.session_state.get(_SHOWN_AT)
    return found


def nothing_to_undo() -> None:
    """What was done last is not taken back, and nothing that was done before it is taken back in its stead."""
    st.session_state.pop(UNDO_GROUP, None)
    st.session_state[UNDO] = False


def say(text: str) -> None:
    """Tell the person at the top of the screen, once."""
    st.session_state[_PROBLEM] = text


def tell(text: str) -> None:
    """Tell the person in passing that something is done."""
    st.session_state[_DONE] = text


def show_said() -> None:
    """What is to be told."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.warning(problem, icon=":material/info:")


def show_told() -> None:
    """What is told in passing: drawn last, so that it moves nothing else."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(done, icon=":material/check:")


def complain(entry_id: str, fields: tuple[str, ...], key: str) -> None:
    """Nothing was saved: say so, and why, beside the fields."""
    complain_of(entry_id, dict.fromkeys(fields, t(key)))


def complain_of(entry_id: str, fields: dict[str, str]) -> None:
    """As `complain`, with a text of its own for each field."""
    st.session_state[_COMPLAINTS] = fields
    st.session_state[_TRY] = st.session_state.get(_TRY, 0) + 1
    unfold(entry_id, fields)
    say(t("review.not_saved"))


def complaints() -> dict[str, str]:
    """What is wrong with which field."""
    found: dict[str, str] = st.session_state.get(_COMPLAINTS, {})
    return found


def tries() -> int:
    """How often this entry could not be saved."""
    return int(st.session_state.get(_TRY, 0))


def begin_rejecting(entry_id: str) -> None:
    """Ask why the entry is rejected."""
    st.session_state[_REJECTING] = entry_id


def stop_rejecting() -> None:
    """The entry is not rejected after all."""
    forget_returning()
    st.session_state.pop(_REJECTING, None)


def is_rejecting(entry_id: str) -> bool:
    """Whether the person is being asked why."""
    return bool(st.session_state.get(_REJECTING) == entry_id)
