"""Since when what a single key decides has been on the screen.

A key that is pressed before the user can have read it is a double press.
"""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from pipeline.store.schema.clock import utc_now

_DRAWN_KEY = "first_look"


def note_drawn(what: str) -> None:
    """Note what is on the screen.

    Call it after drawing: on a slow server much time passes before a drawn part is shown.
    """
    if _last_drawn()[0] != what:
        st.session_state[_DRAWN_KEY] = what, utc_now()


def reset_drawn() -> None:
    """Start the time again for what is drawn next, even if it has the same name."""
    st.session_state.pop(_DRAWN_KEY, None)


def drawn_at(what: str) -> datetime | None:
    """Return since when `what` is on the screen; None if it is not what was drawn last.

    Whether that is long enough is asked of the review (`Review.has_been_seen`).
    """
    name, at = _last_drawn()
    return at if name == what else None


def _last_drawn() -> tuple[str, datetime | None]:
    drawn: tuple[str, datetime | None] = st.session_state.get(_DRAWN_KEY, ("", None))
    return drawn


# Views of a page are logged once for each showing (PDL 4:3).
#
# Going to another screen and coming back is another view.

VIEW_KEY_PREFIX = "looked_at_"
"""Prefix of the session-state keys that say which views are logged already."""


def reset_views() -> None:
    """Start new views: another screen is shown."""
    for key in [key for key in st.session_state if str(key).startswith(VIEW_KEY_PREFIX)]:
        st.session_state.pop(key)
