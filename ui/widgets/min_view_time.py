"""Since when something that one key decides has been on the screen: whoever presses sooner than one
looks has pressed a key twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from pipeline.store.database.clock import utc_now

MIN_VIEW_TIME = timedelta(milliseconds=500)
"""What came up less than this ago nobody has read."""
_DRAWN_KEY = "first_look"


def note_drawn(what: str) -> None:
    """Say what is on the screen. Call it behind what was drawn: on a slow server much lies between
    the turn of something and its coming up.
    """
    if _last_drawn()[0] != what:
        st.session_state[_DRAWN_KEY] = what, utc_now()


def reset_drawn() -> None:
    """What comes up next is looked at anew, even if it has the same name."""
    st.session_state.pop(_DRAWN_KEY, None)


def is_too_soon(what: str, now: datetime, min_time: timedelta | None = None) -> bool:
    """Whether this has come up less than `least` (`LEAST_LOOK`) ago, or is not what was drawn last."""
    name, at = _last_drawn()
    return (
        name != what or at is None or now - at < (MIN_VIEW_TIME if min_time is None else min_time)
    )


def _last_drawn() -> tuple[str, datetime | None]:
    found: tuple[str, datetime | None] = st.session_state.get(_DRAWN_KEY, ("", None))
    return found
