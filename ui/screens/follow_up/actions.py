"""Actions of the screen Uppföljning, each in a transaction, with a message about the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from ui.i18n import t
from ui.markdown import plain_with_code
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.workspace import AppContext

_MESSAGE_KEY = "follow_up_said"


def show_message() -> None:
    """Show the result of the last action."""
    if message := st.session_state.pop(_MESSAGE_KEY, None):
        kind, text = message
        (st.success if kind == "ok" else st.error)(plain_with_code(text))


def set_message(kind: str, text: str) -> None:
    """Set the message ("ok" or "fault") for the next drawing of the screen."""
    st.session_state[_MESSAGE_KEY] = (kind, text)


@requires_open_session
def run_and_report(
    context: AppContext,
    success_key: str,
    action: Callable[[Connection], object],
    also: Sequence[str] = (),
) -> None:
    """Run the action and set its result as the message.

    `success_key` is the key of the text for success, `also` what is shown after it.
    """
    try:
        with context.store.begin() as conn:
            action(conn)
    except EfterskriftError as error:
        set_message("fault", error_text(error))
    else:
        set_message("ok", " ".join([t(success_key), *also]))
