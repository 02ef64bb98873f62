"""Errors that nobody foresaw: the person is told what to do, and the log gets kind and place but never what somebody wrote."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import streamlit as st

from ui.text import t

_log = logging.getLogger(__name__)


class WithoutValues(logging.Filter):
    """Takes an exception off a log record and leaves its kind and place: its message may quote a field."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; always let it through."""
        if record.exc_info and (error := record.exc_info[1]):
            record.msg, record.args = f"{record.getMessage()}: {kind_and_place(error)}", ()
            record.exc_info = record.exc_text = None
        return True


def kind_and_place(error: BaseException) -> str:
    """The class of an error and where it was raised, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at {' > '.join(f'{Path(frame.filename).name}:{frame.lineno}' for frame in frames)}"


def show_unexpected(error: BaseException) -> bool:
    """Tell the person; answers that Streamlit need not."""
    del error
    st.error(t("fault.unexpected"), icon=":material/error:")
    return True
