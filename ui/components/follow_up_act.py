"""Acts of the screen Uppföljning: done in one transaction, and what became of them said above the list."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection

from pipeline.errors import EfterskriftError
from ui.components.faults import fault_text
from ui.session import while_open
from ui.site import Site
from ui.text import t

_SAID = "follow_up_said"


def told() -> None:
    """Say what became of the last act."""
    if said := st.session_state.pop(_SAID, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)


def tell(kind: str, text: str) -> None:
    """Say something ("ok" or "fault") at the next drawing of the screen."""
    st.session_state[_SAID] = (kind, text)


@while_open
def tried(here: Site, done: str, act: Callable[[Connection], object]) -> None:
    """Do it. `done` is the key of what is said then."""
    try:
        with here.store.begin() as conn:
            act(conn)
    except EfterskriftError as error:
        tell("fault", fault_text(error))
    else:
        tell("ok", t(done))
