"""One press at a time: until the server has done what a button asked for, other presses wait in the
browser, and nothing is typed.

Streamlit ends a run when another is asked for, in the middle of what a button does: on a slow
server a save that was followed by another key was not done, and nobody was told.

It also forgets now and then to tell the browser that a run has ended (its issue 9921: a part of
the screen is run right after the whole). What the run before drew then stays beside the new. So
each run draws marks, in turn one and two and two and one: more than three are of two runs.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

import streamlit as st

from ui.browser.assets import read_script
from ui.i18n import t

_run_numbers = count(1)
"""Of all sessions; so that each run says something new."""
_IS_ODD_RUN_KEY = "run_is_odd"


@cache
def _action_lock_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    script = read_script("press_again", "action_lock")
    return st.components.v2.component("efterskrift_one_press", js=script)


def action_lock() -> None:
    """Tell the browser that the presses before this run are done, and let it ask for another run if
    this one is mixed with the one before. Draw it before the screen.
    """
    _action_lock_component()(
        key="one_press",
        data={"run": next(_run_numbers), "wait": t("document.wait")},
        height=1,
        on_mixed_change=lambda: None,
    )
    is_odd = st.session_state[_IS_ODD_RUN_KEY] = not st.session_state.get(_IS_ODD_RUN_KEY, False)
    with st.container(key="run_marks"):
        for marks in (1 + is_odd, 2 - is_odd):
            with st.container():
                for _ in range(marks):
                    st.html('<i class="ef-run"></i>')
