"""One click at a time: others wait until the server has done what a button asked for.

Streamlit ends a run when another is requested, even in the middle of what a button does: on a slow
server a save that was followed by another key was lost without a message.

Streamlit also sometimes fails to tell the browser that a run has ended (its issue 9921: a fragment
is run right after the whole script). What the run before drew then remains next to the new screen.
Each run therefore draws marks, alternately 1 + 2 and 2 + 1: more than three marks belong to two
runs.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

import streamlit as st

from ui.browser.assets import read_script
from ui.i18n import t

_run_numbers = count(1)
"""Run numbers of all sessions, so that the data of each run differs."""
_IS_ODD_RUN_KEY = "run_is_odd"


@cache
def _action_lock_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    script = read_script("press_again", "action_lock")
    return st.components.v2.component("efterskrift_one_press", js=script)


def action_lock() -> None:
    """Release the clicks of earlier runs, and let the browser ask for a run if two are mixed.

    Draw it before the screen.
    """
    _action_lock_component()(
        key="one_press",
        data={"run": next(_run_numbers), "wait": t("document.wait")},
        height=1,
        on_mixed_change=lambda: None,
    )
    is_odd = st.session_state[_IS_ODD_RUN_KEY] = not st.session_state.get(_IS_ODD_RUN_KEY, False)
    with st.container(key="run_marks"):
        for mark_count in (1 + is_odd, 2 - is_odd):
            with st.container():
                for _ in range(mark_count):
                    st.html('<i class="ef-run"></i>')
