"""The document around the screens: its language, what screen readers hear, one click at a time.

It scrolls to its top when a long list is replaced by another view, or to a part that is asked for.
"""

from __future__ import annotations

from itertools import count

import streamlit as st

from ui.browser.assets import component, read_script
from ui.i18n import current_language, t

_TEXTS = (
    *(
        "document.main",
        "menu.places",
        "document.explains",
        "document.year",
        "document.skip",
        "document.refused",
        "document.remove",
    ),
    *("document.lost", "document.lost_what", "document.not_found", "document.not_found_what"),
    *("document.all", "document.all_found", "document.add"),
)
_SCRIPTS = (
    *("unsent", "press_again"),
    *(f"document/{name}" for name in ("labels", "tables", "action_lock", "document")),
)

# One click at a time: others wait until the server has done what a button asked for.
#
# Streamlit ends a run when another is requested, even in the middle of what a button does: on a
# slow server a save that was followed by another key was lost without a message.
#
# Streamlit also sometimes fails to tell the browser that a run has ended (its issue 9921: a
# fragment is run right after the whole script). What the run before drew then remains next to the
# new screen. Each run therefore draws marks, alternately 1 + 2 and 2 + 1: more than three marks
# belong to two runs.

_run_numbers = count(1)
"""Run numbers of all sessions, so that the data of each run differs."""
_IS_ODD_RUN_KEY = "run_is_odd"


def begin_document(left: str = "") -> None:
    """Set the language and the accessible names, and release the clicks of earlier runs.

    Draw it once a run, before the screen. What the browser keeps of a person who has logged out
    (`left`) is removed from it. The browser asks for a run if it shows two that are mixed.
    """
    component("document", read_script(*_SCRIPTS))(
        key="document",
        data={
            "run": next(_run_numbers),
            "wait": t("document.wait"),
            "language": current_language(),
            **{key.rpartition(".")[2]: t(key) for key in _TEXTS},
            "choose": t("scan.choose"),
            "chosen": t("document.chosen", count="{count}"),
            "left": left,
        },
        height=1,
        on_mixed_change=lambda: None,
    )
    is_odd = st.session_state[_IS_ODD_RUN_KEY] = not st.session_state.get(_IS_ODD_RUN_KEY, False)
    with st.container(key="run_marks"):
        for mark_count in (1 + is_odd, 2 - is_odd):
            with st.container():
                for _ in range(mark_count):
                    st.html('<i class="ef-run"></i>')


def scroll_to(turn: str, part: str = "", button: str = "") -> None:
    """Scroll to a container, and give a button in it the focus, once for each new `turn`.

    Args:
        turn: names the press that asked for it.
        part: the key of the container; empty: the top of the screen.
        button: the CSS selector of the button, within the container; empty: the focus stays.
    """
    component("scroll", read_script("scroll"), "<span></span>")(
        key="scroll", data={"turn": turn, "part": part, "button": button}
    )
