"""Texts that are not sent yet: they are there again when the person comes back to them.

Streamlit forgets what a field holds as soon as another screen is shown.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

_KEPT_KEY = "half_written"


def kept_widget(key: str, nothing: object = "") -> dict[str, Any]:
    """Return the key and callback of a widget, outside any form, that keeps what is typed in it.

    `nothing` is what it holds before anything is typed.
    """
    # Set before the widget is made: Streamlit refuses a value for one that is drawn already.
    if key not in st.session_state:
        st.session_state[key] = _kept().get(key, nothing)
    return {"key": key, "on_change": partial(_keep, key)}


def _keep(key: str) -> None:
    _kept()[key] = st.session_state[key]


def _kept() -> dict[str, object]:
    kept: dict[str, object] = st.session_state.setdefault(_KEPT_KEY, {})
    return kept
