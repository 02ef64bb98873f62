"""The exchange of a ticket for the login's cookie, which only a response of the server can set."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from ui.access.gate import SESSION_PATH
from ui.access.site import base_path
from ui.browser.assets import read_script
from ui.i18n import t


@cache
def _cookie_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_login", js=read_script("login_cookie"))


def exchange_ticket(ticket: str, renew_ticket: Callable[[], None]) -> None:
    """Let the browser post the ticket; the screen is drawn once it has the cookie."""
    result = _cookie_component()(
        key="login_cookie",
        data={"ticket": ticket, "path": base_path() + SESSION_PATH},
        height=1,
        on_answered_change=lambda: None,
    )
    if result.answered == "refused":
        st.error(t("login.no_cookie"), icon=":material/error:")
        st.button(t("login.try_again"), key="login_cookie_again", on_click=renew_ticket)
