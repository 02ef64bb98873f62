"""One press at a time: until the server has done what a button asked for, other presses wait in the browser, and nothing is typed.

Streamlit ends a run when another is asked for, in the middle of what a button does: on a slow server a save that was followed by another key was
not done, and nobody was told.

It also forgets now and then to tell the browser that a run has ended (its issue 9921: a part of the screen is run right after the whole). What the
run before drew then stays beside the new. So each run draws marks, in turn one and two and two and one: more than three are of two runs.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import streamlit as st

from ui.text import t

PRESS_AGAIN = Path(__file__).with_name("press_again.js")
_runs = count(1)
"""Of all sessions; so that each run says something new."""
_ODD = "run_is_odd"


@cache
def _component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    script = PRESS_AGAIN.read_text("utf-8") + Path(__file__).with_suffix(".js").read_text("utf-8")
    return st.components.v2.component("efterskrift_one_press", js=script)


def one_press() -> None:
    """Tell the browser that the presses before this run are done, and let it ask for another run if this one is mixed with the one before. Draw it
    before the screen."""
    _component()(key="one_press", data={"run": next(_runs), "wait": t("document.wait")}, height=1, on_mixed_change=lambda: None)
    is_odd = st.session_state[_ODD] = not st.session_state.get(_ODD, False)
    with st.container(key="run_marks"):
        for marks in (1 + is_odd, 2 - is_odd):
            with st.container():
                for _ in range(marks):
                    st.html('<i class="ef-run"></i>')
