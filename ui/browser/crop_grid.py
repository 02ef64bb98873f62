"""A grid of field images of which the odd ones are marked by click or key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from ui.browser.assets import component, read_script
from ui.browser.page_view import data_url
from ui.i18n import t

CROP_GRID_KEY = "crop_grid"
_HTML = """<div class="grid" role="group"></div>
<div class="foot"><button type="button" class="done"><span class="label"></span>
<kbd>Ctrl+Enter</kbd></button>
<span class="count" role="status"></span></div>"""

MarkCallback = Callable[[str, Mapping[int, bool]], None]
"""Receives the id of the batch and the images that this window has marked or unmarked, by id."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One field image (JPEG), and where it comes from in words."""

    id: int
    picture: bytes
    origin: str
    is_marked: bool


def crop_grid(
    turn: str, what: str, cells: Sequence[GridCell], on_marked: MarkCallback, on_done: MarkCallback
) -> None:
    """Show the field images of a batch; `what` says what they were all read as.

    `turn` is the id of the batch.
    """

    def report(name: str, act: MarkCallback) -> None:
        # The last marks may arrive when the grid has left the screen and its state is gone.
        event = (st.session_state.get(CROP_GRID_KEY) or {}).get(name)
        if isinstance(event, dict):
            marks = {int(cell_id): bool(is_odd) for cell_id, is_odd in event["marks"].items()}
            act(str(event["group"]), marks)

    labels = {
        key.rpartition(".")[2]: t(key)
        for key in ("group.odd", "group.rest", "group.all", "group.more")
    }
    labels |= {
        "grid": what,
        "unseen": t("group.unseen", number="#"),
        "count": t("group.count", count="#", of=len(cells)),
    }
    component(
        "crop_grid", read_script("press_again", "review/crop_grid"), html=_HTML, style="crop_grid"
    )(
        key=CROP_GRID_KEY,
        on_marked_change=lambda: report("marked", on_marked),
        on_done_change=lambda: report("done", on_done),
        data={
            "turn": turn,
            "labels": labels,
            "cells": [
                {
                    "id": cell.id,
                    "src": data_url(cell.picture),
                    "where": cell.origin,
                    "marked": cell.is_marked,
                }
                for cell in cells
            ],
        },
    )
