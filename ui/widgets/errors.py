"""Efterskrift's errors in the user's language: what happened and what to do."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.texts import catalogue
from ui.i18n import current_language, t
from ui.markdown import plain_with_code


def error_text(error: EfterskriftError) -> str:
    """Return the text for an error's class, or for the nearest base class that has one.

    The text contains the error's own message.
    """
    texts = catalogue(current_language())
    detail = f"{error.message_in(current_language())} {error.remedy_in(current_language())}".strip()
    for kind in type(error).__mro__:
        if f"fault.{kind.__name__}" in texts:
            return t(f"fault.{kind.__name__}", detail=detail)
    return detail


def show_error(error: EfterskriftError) -> None:
    """Show an error."""
    st.error(plain_with_code(error_text(error)), icon=":material/error:")
