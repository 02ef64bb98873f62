"""What `streamlit run` serves: the app, with our own words for unforeseen errors and a policy that
keeps the browser here.

What every session needs, loaded before the first person comes and then kept out of the garbage
collector's sight.

A full collection looks through all that the process holds: with the modules of the screens that
is some hundred thousand objects and 130–180 ms, in which nobody's screen goes on. What is loaded
here never becomes garbage, so `gc.freeze` sets it aside: a collection then takes about 10 ms.
Streamlit would do one after every run, also after every field that is left; it is told not to
(`runner.postScriptGC`), for Python does it as garbage piles up.

Errors that nobody foresaw: the person is told what to do, and the log gets kind and place but
never what somebody wrote.
"""

from __future__ import annotations

import gc
import logging
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from pipeline.domain.errors import EfterskriftError
from ui import screens
from ui.i18n import t
from ui.workspace import open_app_context

_log = logging.getLogger(__name__)
CONTENT_SECURITY_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
"""Streamlit's own page needs inline and evaluated script (plots); nothing needs another host."""


def preload() -> None:
    """Import all screens, open the workspace with its forms, and set everything aside. A workspace
    that cannot be opened is told of by the app.
    """
    for module in iter_modules(screens.__path__):
        import_module(f"{screens.__name__}.{module.name}")
    with suppress(EfterskriftError):
        open_app_context()
    gc.collect()
    gc.freeze()


class ValueRedactingFilter(logging.Filter):
    """Takes an exception off a log record and leaves its kind and place: its message may quote a
    field.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; always let it through."""
        if record.exc_info and (error := record.exc_info[1]):
            record.msg, record.args = f"{record.getMessage()}: {describe_error_origin(error)}", ()
            record.exc_info = record.exc_text = None
        return True


def describe_error_origin(error: BaseException) -> str:
    """The class of an error and where it was raised, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at {' > '.join(f'{Path(frame.filename).name}:{frame.lineno}' for frame in frames)}"


def show_unexpected_error(error: BaseException) -> bool:
    """Tell the person; answers that Streamlit need not."""
    del error
    st.error(t("fault.unexpected"), icon=":material/error:")
    return True


class SecurityHeaders:
    """Adds the policy to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, with_policy)


preload()


logging.getLogger("streamlit.error_util").addFilter(ValueRedactingFilter())


app = App(
    Path(__file__).with_name("app.py"),
    on_script_error=show_unexpected_error,
    middleware=[Middleware(SecurityHeaders)],
)
