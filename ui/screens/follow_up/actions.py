"""Acts of the screen Uppföljning: done in one transaction, and what became of them said above the
list.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from ui.i18n import t
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.workspace import AppContext

_MESSAGE_KEY = "follow_up_said"


def show_message() -> None:
    """Say what became of the last act."""
    if said := st.session_state.pop(_MESSAGE_KEY, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)


def set_message(kind: str, text: str) -> None:
    """Say something ("ok" or "fault") at the next drawing of the screen."""
    st.session_state[_MESSAGE_KEY] = (kind, text)


@requires_open_session
def run_and_report(
    context: AppContext, success_key: str, action: Callable[[Connection], object]
) -> None:
    """Do it. `done` is the key of what is said then."""
    try:
        with context.store.begin() as conn:
            action(conn)
    except EfterskriftError as error:
        set_message("fault", error_text(error))
    else:
        set_message("ok", t(success_key))
