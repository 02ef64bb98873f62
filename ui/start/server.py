"""The ASGI app that `streamlit run` serves, with its own error messages, behind `ui/access/`.

Preloading: the login page is served at once, and everything that the screens need is loaded while
the first user types a password; then it is excluded from garbage collection. A full collection
walks all objects of the process: with the modules of the screens that is some hundred thousand
objects and 130–180 ms in which no screen responds. What is loaded here never becomes garbage, so
`gc.freeze` excludes it: a collection then takes about 10 ms. Streamlit would collect after every
run, also after every field that is left; that is switched off (`runner.postScriptGC`), since Python
collects as garbage piles up.

Unexpected errors: the user gets a remedy, and the log gets the kind and place of the error, never
field values (`operations/upkeep/log_lines.py`).
"""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config
from streamlit import logger as streamlit_logger
from streamlit.runtime import get_instance
from streamlit.starlette import App

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.settings import load_settings
from pipeline.operations.upkeep.log_lines import start_log
from ui import screens
from ui.access.cookie import DeviceCookie
from ui.access.downloads import DOWNLOADS
from ui.access.headers import HeaderLimits, SecurityHeaders
from ui.access.screen_socket import limit_web_sockets
from ui.i18n import t
from ui.start.gate import Gate
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
    # Addresses name sessions and single-use tickets: no request is logged.
    logging.getLogger("uvicorn.access").disabled = True
    DOWNLOADS.watch(get_instance().media_file_mgr)
    Thread(target=preload, name="preload", daemon=True).start()
    yield


def _log_as_set() -> None:
    """Let Streamlit's loggers and the web server's write as the program's own do.

    Otherwise each gets a handler that would write the message of an exception.
    """
    handler = start_log()

    def take_over(logger: logging.Logger) -> None:
        if (own := getattr(logger, "streamlit_console_handler", None)) is not None:
            logger.removeHandler(own)
        logger.streamlit_console_handler = handler  # type: ignore[attr-defined]
        logger.addHandler(handler)

    streamlit_logger.setup_formatter = take_over
    streamlit_logger.update_formatter()


_log_as_set()
limit_web_sockets()

app = App(
    Path(__file__).with_name("app.py"),
    lifespan=prepare_access,
    on_script_error=show_unexpected_error,
    middleware=[
        Middleware(HeaderLimits),
        Middleware(SecurityHeaders),
        Middleware(Gate),
        Middleware(DeviceCookie),
    ],
)
