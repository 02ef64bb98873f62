"""The ASGI app that `streamlit run` serves, with its own error messages and security headers.

Preloading: everything that each session needs is loaded before the first user comes, and then
excluded from garbage collection. A full collection walks all objects of the process: with the
modules of the screens that is some hundred thousand objects and 130–180 ms in which no screen
responds. What is loaded here never becomes garbage, so `gc.freeze` excludes it: a collection then
takes about 10 ms. Streamlit would collect after every run, also after every field that is left;
that is switched off (`runner.postScriptGC`), since Python collects as garbage piles up.

Unexpected errors: the user gets a remedy, and the log gets the kind and place of the error,
never field values.
"""

from __future__ import annotations

import gc
import logging
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from pipeline.domain.errors import EfterskriftError
from ui import screens
from ui.device_cookie import DeviceCookie
from ui.i18n import t
from ui.workspace import open_app_context

_log = logging.getLogger(__name__)
CONTENT_SECURITY_POLICY = (
    "default-src 'self' data: blob:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
"""Streamlit's page needs inline and evaluated scripts (charts); nothing needs another host."""


def preload() -> None:
    """Import all screens, open the workspace with its forms, and freeze what is loaded.

    A workspace that cannot be opened is reported by the app.
    """
    for module in walk_packages(screens.__path__, f"{screens.__name__}."):
        import_module(module.name)
    with suppress(EfterskriftError):
        open_app_context()
    gc.collect()
    gc.freeze()


class ValueRedactingFilter(logging.Filter):
    """Logging filter that replaces an exception by its kind and place.

    Its message may quote the value of a field.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; always let it through."""
        if record.exc_info and (error := record.exc_info[1]):
            record.msg, record.args = f"{record.getMessage()}: {describe_error_origin(error)}", ()
            record.exc_info = record.exc_text = None
        return True


def describe_error_origin(error: BaseException) -> str:
    """Return the class of an error and where it was raised, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"


def show_unexpected_error(error: BaseException) -> bool:
    """Tell the user about an unexpected error; True: Streamlit need not show it."""
    del error
    st.error(t("fault.unexpected"), icon=":material/error:")
    return True


class SecurityHeaders:
    """ASGI middleware that adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, send_with_policy)


preload()


logging.getLogger("streamlit.error_util").addFilter(ValueRedactingFilter())


app = App(
    Path(__file__).with_name("app.py"),
    on_script_error=show_unexpected_error,
    middleware=[Middleware(SecurityHeaders), Middleware(DeviceCookie)],
)
