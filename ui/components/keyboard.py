"""Keys and focus of the review form: first field focused once per entry, answers by key, and drafts sent as the person types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from ui.components.one_press import PRESS_AGAIN

HELP_KEY = "keyboard_help"
_HEARD = "draft_heard"


@cache
def _component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    script = PRESS_AGAIN.read_text("utf-8") + Path(__file__).with_suffix(".js").read_text("utf-8")
    return st.components.v2.component("efterskrift_keyboard", js=script)


def keyboard(
    turn: str,
    fields: Sequence[str],
    on_draft: Callable[[Mapping[str, str | int]], None] | None = None,
    *,
    focus: str | None = None,
    save: str = "",
    ready: str = "",
    least_look: timedelta = timedelta(),
    key: str = "keyboard",
) -> None:
    """Mind the keys of the widgets `fields` (widget keys, in order).

    `turn` names the showing of an entry; when it changes, the first field (or `focus`) gets the focus. `save` is the button that Ctrl+Enter
    presses, not before the entry has been on the screen for `least_look`; and no key presses a button before the one named `ready` is drawn.
    `on_draft` receives the text of each text widget and the index of the chosen option of each radio (-1 when none is chosen); without it no draft
    leaves the browser. A second form on the same screen has its own `key`.

    Drafts are numbered, and the number of the last one heard goes back: until then the browser holds what would take the form away.
    """

    def changed() -> None:
        # Who clicks away at once may be on another screen when the draft arrives, and the component's state is gone.
        draft = (st.session_state.get(key) or {}).get("draft")
        if draft and on_draft is not None:
            st.session_state[_HEARD] = draft["number"]
            on_draft(draft["held"])

    data = {
        "turn": turn,
        "fields": list(fields),
        "focus": focus or next(iter(fields), ""),
        "help": HELP_KEY,
        "save": save,
        "ready": ready,
        "look": least_look / timedelta(milliseconds=1),
        "drafts": on_draft is not None,
        "heard": st.session_state.get(_HEARD, 0),
    }
    _component()(key=key, data=data, height=1, on_draft_change=changed)
