"""What is open in place of Granska, at its address, until it is closed.

Slå upp, or a mode of the workbench, such as the correction of an entry, which Signera opens too.
Granska knows only their names: the menu knows the modules that show them. What is opened last is
shown.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.i18n import t
from ui.widgets.views import reset_drawn

_OPEN_KEY = "review_in_place"


def open_in_place(screen: str, subject: str = "") -> None:
    """Open a screen of this name in place of Granska; `subject` is the id of what it shows."""
    below = [place for place in _open_places() if place[0] != screen]
    st.session_state[_OPEN_KEY] = [*below, (screen, subject)]


def opened_screen() -> str:
    """Return the name of the screen in place of Granska, empty if there is none."""
    places = _open_places()
    return places[-1][0] if places else ""


def opened_subject() -> str:
    """Return the id of what the screen in place of Granska shows."""
    return _open_places()[-1][1]


def close_in_place(*keys: str) -> None:
    """Go back to what was there before, and forget these keys of the session state."""
    st.session_state[_OPEN_KEY] = _open_places()[:-1]
    # Streamlit keeps what no widget owns until it is deleted: the next opening would find it.
    for key in keys:
        st.session_state.pop(key, None)
    # Granska may show the same entry as before; it has to be looked at again.
    reset_drawn()


def _open_places() -> list[tuple[str, str]]:
    """Return name and subject of what is open, in the order of opening."""
    places: list[tuple[str, str]] = st.session_state.get(_OPEN_KEY, [])
    return places


def back_button(key: str, on_click: Callable[[], None]) -> None:
    """Show the button that goes back to Granska."""
    st.button(
        t("attachments.back"),
        key=key,
        shortcut="Escape",
        icon=":material/arrow_back:",
        on_click=on_click,
    )
