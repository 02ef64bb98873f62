"""What `streamlit run` serves: the app, with our own words for unforeseen errors and a policy that keeps the browser here."""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from ui.components.unexpected import WithoutValues, show_unexpected
from ui.loading import load

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
"""Streamlit's own page needs inline and evaluated script (plots); nothing needs another host."""


class OnlyHere:
    """Adds the policy to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, with_policy)


load()
logging.getLogger("streamlit.error_util").addFilter(WithoutValues())
app = App(Path(__file__).with_name("app.py"), on_script_error=show_unexpected, middleware=[Middleware(OnlyHere)])
