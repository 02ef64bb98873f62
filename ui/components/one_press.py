"""One press at a time: until the server has done what a button asked for, other presses wait in the browser, and nothing is typed.

Streamlit ends a run when another is asked for, in the middle of what a button does: on a slow server a save that was followed by another key was
not done, and nobody was told.
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


@cache
def _component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    script = PRESS_AGAIN.read_text("utf-8") + Path(__file__).with_suffix(".js").read_text("utf-8")
    return st.components.v2.component("efterskrift_one_press", js=script)


def one_press() -> None:
    """Tell the browser that the presses before this run are done. Draw it before the screen."""
    _component()(key="one_press", data={"run": next(_runs), "wait": t("document.wait")}, height=1)
