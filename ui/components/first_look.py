"""Since when something that one key decides has been on the screen: whoever presses sooner than one looks has pressed a key twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from pipeline.store.clock import utc_now

LEAST_LOOK = timedelta(milliseconds=500)
"""What came up less than this ago nobody has read."""
_DRAWN = "first_look"


def note_drawn(what: str) -> None:
    """Say what is on the screen. Call it behind what was drawn: on a slow server much lies between the turn of something and its coming up."""
    if _drawn()[0] != what:
        st.session_state[_DRAWN] = what, utc_now()


def forget_drawn() -> None:
    """What comes up next is looked at anew, even if it has the same name."""
    st.session_state.pop(_DRAWN, None)


def is_too_soon(what: str, now: datetime, least: timedelta | None = None) -> bool:
    """Whether this has come up less than `least` (`LEAST_LOOK`) ago, or is not what was drawn last."""
    name, at = _drawn()
    return name != what or at is None or now - at < (LEAST_LOOK if least is None else least)


def _drawn() -> tuple[str, datetime | None]:
    found: tuple[str, datetime | None] = st.session_state.get(_DRAWN, ("", None))
    return found
