"""The ASGI app that `streamlit run` serves, with its own error messages, behind `ui/access/`.

Preloading: the login page is served at once, and everything that the screens need is loaded while
the first user types a password; then it is excluded from garbage collection. A full collection
walks all objects of the process: with the modules of the screens that is some hundred thousand
objects and 130–180 ms in which no screen responds. What is loaded here never becomes garbage, so
`gc.freeze` excludes it: a collection then takes about 10 ms. Streamlit would collect after every
run, also after every field that is left; that is switched off (`runner.postScriptGC`), since Python
collects as garbage piles up.

Unexpected errors: the user gets a remedy, and the log gets the kind and place of the error,
never field values.
"""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config
from streamlit.runtime import get_instance
from streamlit.starlette import App

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.settings import load_settings
from ui import screens
from ui.access.cookie import DeviceCookie
from ui.access.downloads import DOWNLOADS
from ui.access.gate import Gate
from ui.access.headers import SecurityHeaders
from ui.i18n import t
from ui.workspace import open_app_context


def preload() -> None:
    """Open the workspace with its forms, import all screens, and freeze what is loaded.

    A workspace that cannot be opened is reported by the app.
    """
    gc.disable()  # modules are no garbage: looking through them all the while costs half a second
    try:
        with suppress(EfterskriftError):
            open_app_context()
        for module in walk_packages(screens.__path__, f"{screens.__name__}."):
            import_module(module.name)
        gc.collect()
        gc.freeze()
    finally:
        gc.enable()


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


@asynccontextmanager
async def prepare_access(_app: App) -> AsyncIterator[None]:
    """Apply the settings to Streamlit, note whose each download is, and load the screens."""
    with suppress(EfterskriftError):
        config.set_option("server.maxUploadSize", load_settings().upload_mb)
    DOWNLOADS.watch(get_instance().media_file_mgr)
    Thread(target=preload, name="preload", daemon=True).start()
    yield


# These loggers would write the message of an exception.
for _name in ("error_util", "runtime.backend_operation_handler"):
    logging.getLogger(f"streamlit.{_name}").addFilter(ValueRedactingFilter())


app = App(
    Path(__file__).with_name("app.py"),
    lifespan=prepare_access,
    on_script_error=show_unexpected_error,
    middleware=[Middleware(SecurityHeaders), Middleware(Gate), Middleware(DeviceCookie)],
)
