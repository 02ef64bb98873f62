"""Keys and focus of a form, and the list of the workbench's keys.

The first field gets the focus once for each showing; a digit picks the radio button of that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape

import streamlit as st

from ui.browser.assets import component, read_script
from ui.i18n import t

_KEY_HELP_ROWS = (
    ("Ctrl+Enter", "keys.save"),
    ("Enter Tab", "keys.next_field"),
    ("Shift+Tab", "keys.previous_field"),
    ("Ctrl+↓ Ctrl+↑", "keys.any_field"),
    ("-", "keys.empty"),
    ("?", "keys.illegible"),
    ("Alt+T", "keys.empty_anywhere"),
    ("Alt+Shift+T", "keys.empty_rest"),
    ("Alt+I", "keys.illegible_anywhere"),
    ("1 2 3 ← →", "keys.choose"),
    ("Alt+O", "keys.unfold"),
    ("F8", "keys.doubtful"),
    ("Shift+F8", "keys.doubtful_before"),
    ("Alt+1 2 3 4", "keys.alternative"),
    ("→", "keys.complete"),
    ("← → ↑ ↓ Space", "keys.group"),
    ("Alt+S", "keys.skip"),
    ("Alt+A", "keys.reject"),
    ("Alt+Z", "keys.undo"),
    ("Alt+L", "keys.lookup"),
    ("Alt+↑ ↓ ← →", "keys.scroll"),
    ("Alt++ Alt+- Alt+0", "keys.zoom"),
    ("Alt+B", "keys.back"),
    ("Alt+K", "keys.contrast"),
    ("Alt+N", "keys.invert"),
    ("Alt+H", "keys.help"),
    ("Alt+J", "keys.attachments"),
    ("Alt+G", "keys.own_attachment"),
    ("Alt+V", "keys.rows"),
    ("Alt+M", "keys.split"),
)


def keyboard(
    turn: str,
    fields: Sequence[str],
    *,
    save: str = "",
    min_view_time: timedelta = timedelta(),
    read: str = "",
) -> None:
    """Handle the keys of the widgets `fields` (widget keys, in order).

    `turn` names one showing; when it changes, the first field gets the focus. The
    button `save` is pressed by Ctrl+Enter, not before the form has been on the screen for
    `min_view_time`. What the first field holds is selected, so that a key replaces it.

    `read` is the key of what is read before it is saved: each showing begins at the top of the
    screen, and Ctrl+Enter scrolls until the end has been in view.
    """
    data = {
        "turn": turn,
        "fields": list(fields),
        "focus": next(iter(fields), ""),
        "save": save,
        "read": read,
        "look": min_view_time / timedelta(milliseconds=1),
    }
    component("keyboard", read_script("press_again", "keyboard"))(
        key="keyboard", data=data, height=1
    )


def key_help_button() -> None:
    """Show a button that opens the list of keys."""
    with st.popover(t("keys.title"), icon=":material/keyboard:", key="keyboard_help"):
        rows = "".join(
            f"<kbd>{escape(keys)}</kbd><span>{escape(t(name))}</span>"
            for keys, name in _KEY_HELP_ROWS
        )
        st.html(f'<div class="ef-keys">{rows}</div>')
