"""Keys and focus of the review form, drafts sent while typing, and the list of keys.

The first field gets the focus once per entry. "?" outside a field or Alt+H anywhere opens the list
of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from html import escape
from typing import Any

import streamlit as st

from ui.browser.assets import read_script
from ui.i18n import t

HELP_KEY = "keyboard_help"
_RECEIVED_DRAFT_KEY = "draft_heard"
_KEY_HELP_ROWS = (
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
    ("Alt+J", "attachments"),
    ("Alt+G", "own_attachment"),
    ("Alt+V", "rows"),
    ("Alt+M", "split"),
)


@cache
def _keyboard_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    script = read_script("press_again", "review/in_sight", "keyboard")
    return st.components.v2.component("efterskrift_keyboard", js=script)


def keyboard(
    turn: str,
    fields: Sequence[str],
    on_draft: Callable[[Mapping[str, str | int]], None] | None = None,
    *,
    focus: str | None = None,
    save: str = "",
    ready: str = "",
    min_view_time: timedelta = timedelta(),
    key: str = "keyboard",
) -> None:
    """Handle the keys of the widgets `fields` (widget keys, in order).

    `turn` names one showing of an entry; when it changes, the first field (or `focus`) gets the
    focus. `save` is the button that Ctrl+Enter presses, not before the entry has been on the screen
    for `min_view_time`; no key presses a button before the one named `ready` is drawn. `on_draft`
    receives the text of each text widget and the index of the chosen option of each radio (-1 when
    none is chosen); without it no draft leaves the browser. A second form on the same screen has
    its own `key`.

    Drafts are numbered, and the number of the last one received goes back: until then the browser
    delays what would take the form away.
    """

    def handle_draft() -> None:
        # The draft may arrive when the form has left the screen and the state is gone.
        draft = (st.session_state.get(key) or {}).get("draft")
        if draft and on_draft is not None:
            st.session_state[_RECEIVED_DRAFT_KEY] = draft["number"]
            on_draft(draft["held"])

    data = {
        "turn": turn,
        "fields": list(fields),
        "focus": focus or next(iter(fields), ""),
        "help": HELP_KEY,
        "save": save,
        "ready": ready,
        "look": min_view_time / timedelta(milliseconds=1),
        "drafts": on_draft is not None,
        "heard": st.session_state.get(_RECEIVED_DRAFT_KEY, 0),
    }
    _keyboard_component()(key=key, data=data, height=1, on_draft_change=handle_draft)


def key_help_button() -> None:
    """Show a button that opens the list of keys."""
    with st.popover(t("keys.title"), icon=":material/keyboard:", key=HELP_KEY):
        rows = "".join(
            f"<kbd>{escape(keys)}</kbd><span>{escape(t(f'keys.{name}'))}</span>"
            for keys, name in _KEY_HELP_ROWS
        )
        st.html(f'<div class="ef-keys">{rows}</div>')
