"""A table of days × units whose cells can be chosen by mouse or keyboard.

The status of a cell is shown in words and shape, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from ui.browser.assets import component, read_script


@dataclass(frozen=True, slots=True)
class DayCell:
    """A cell: its text, the kind of day (a CSS class), and the text for screen readers.

    The names of the attributes are those that the script reads.
    """

    text: str
    kind: str
    accessible_text: str


@dataclass(frozen=True, slots=True)
class DayTable:
    """A caption, a heading for each column, and rows with their own headings."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[tuple[str, Sequence[DayCell]]]


def day_grid(
    table: DayTable,
    chosen: tuple[int, int] | None,
    on_choose: Callable[[int, int], None],
    key: str = "day_grid",
) -> None:
    """Show the table; `chosen` is the row and column of a cell, as passed to `on_choose`."""

    def handle_cell() -> None:
        # The state is gone if the grid has left the screen.
        if cell := (st.session_state.get(key) or {}).get("cell"):
            on_choose(int(cell["row"]), int(cell["column"]))

    data = {
        "caption": table.caption,
        "heads": list(table.headings),
        "rows": [
            {"head": heading, "cells": [asdict(cell) for cell in cells]}
            for heading, cells in table.rows
        ],
        "chosen": list(chosen) if chosen else None,
    }
    component(
        "day_grid",
        read_script("day_grid"),
        html='<div class="wide" tabindex="-1"></div>',
        style="day_grid",
    )(key=key, data=data, on_cell_change=handle_cell)
