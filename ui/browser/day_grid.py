"""A table of days × units whose cells can be chosen by mouse or keyboard. What a cell is like is
said in words and shape, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import streamlit as st

from ui.browser.assets import read_script, read_style


@dataclass(frozen=True, slots=True)
class DayCell:
    """A cell: what stands in it, what kind of day it is, and what is read aloud."""

    text: str
    kind: str
    accessible_text: str


@cache
def _day_grid_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component(
        "efterskrift_day_grid",
        html='<div class="wide" tabindex="-1"></div>',
        css=read_style("day_grid"),
        js=read_script("day_grid"),
    )


def day_grid(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[tuple[str, Sequence[DayCell]]],
    chosen: tuple[int, int] | None,
    on_choose: Callable[[int, int], None],
    key: str = "day_grid",
) -> None:
    """Show the table: a head for each column, and rows with their own. `chosen` is a row and a
    column, as told to `on_choose`.
    """

    def changed() -> None:
        if at := (st.session_state.get(key) or {}).get(
            "cell"
        ):  # gone, if the grid has left the screen
            on_choose(int(at["row"]), int(at["column"]))

    data = {
        "caption": caption,
        "heads": list(heads),
        "rows": [{"head": head, "cells": [asdict(cell) for cell in cells]} for head, cells in rows],
        "chosen": list(chosen) if chosen else None,
    }
    _day_grid_component()(key=key, data=data, on_cell_change=changed)
