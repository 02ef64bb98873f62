"""The keys, opened by "?" outside a field or Alt+H anywhere."""

from __future__ import annotations

from html import escape

import streamlit as st

from ui.components.keyboard import HELP_KEY
from ui.text import t

_KEYS = (
    ("Ctrl+Enter", "save"),
    ("Tab", "next_field"),
    ("-", "empty"),
    ("?", "illegible"),
    ("Alt+T", "empty_anywhere"),
    ("Alt+I", "illegible_anywhere"),
    ("1 2 3 ← →", "choose"),
    ("Alt+O", "unfold"),
    ("Alt+U", "doubtful"),
    ("← → ↑ ↓ Space", "group"),
    ("Alt+S", "skip"),
    ("Alt+A", "reject"),
    ("Alt+Z", "undo"),
    ("Alt+L", "lookup"),
    ("Alt+↑ ↓ ← →", "scroll"),
    ("Alt++ Alt+- Alt+0", "zoom"),
    ("Alt+B", "back"),
    ("Alt+K", "contrast"),
    ("Alt+N", "invert"),
    ("Alt+H", "help"),
)


def key_help() -> None:
    """A button that opens the list of keys."""
    with st.popover(t("keys.title"), icon=":material/keyboard:", key=HELP_KEY):
        rows = "".join(f"<kbd>{escape(keys)}</kbd><span>{escape(t(f'keys.{name}'))}</span>" for keys, name in _KEYS)
        st.html(f'<div class="ef-keys">{rows}</div>')
