"""A page on which boxes are drawn. Whoever does not use a pointer writes the same millimetres in
the editor beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import streamlit as st

from ui.browser.assets import read_script, read_style
from ui.browser.page_view import data_url
from ui.i18n import t

BOX_DRAWING_KEY = "box_drawing"
_LAST_EVENT_KEY = "box_drawing_last"
_HTML = """<p class="how"></p><div class="sheet"><img alt="" draggable="false"><div class="boxes"></div><div class="made" hidden></div></div>"""
BoxRectangle = tuple[float, float, float, float]


@cache
def _box_drawing_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component(
        "efterskrift_box_drawing",
        html=_HTML,
        css=read_style("box_drawing"),
        js=read_script("box_drawing"),
    )


def box_drawing(
    turn: str,
    picture: bytes,
    boxes: Sequence[Sequence[float]],
    chosen: int,
    size_mm: tuple[float, float],
    on_drawn: Callable[[BoxRectangle], None],
    on_chosen: Callable[[int], None],
) -> None:
    """Show a page (JPEG) of this size with its boxes (mm). A new one is given in mm; what was drawn
    for another `turn` (draft) is passed over.
    """
    width, height = size_mm

    def told(name: str) -> dict[str, Any]:
        said = (st.session_state.get(BOX_DRAWING_KEY) or {}).get(
            name
        )  # gone, if the drawing has left the screen
        return said if isinstance(said, dict) and said.get("turn") == turn else {}

    def drawn() -> None:
        said = told("drawn")
        if said and said["id"] != st.session_state.get(
            _LAST_EVENT_KEY
        ):  # a trigger may be told twice
            st.session_state[_LAST_EVENT_KEY] = said["id"]
            x, y, w, h = (float(share) for share in said["box"])
            on_drawn(
                (
                    round(x * width, 1),
                    round(y * height, 1),
                    round(w * width, 1),
                    round(h * height, 1),
                )
            )

    def picked() -> None:
        if said := told("chosen"):
            on_chosen(int(said["place"]))

    _box_drawing_component()(
        key=BOX_DRAWING_KEY,
        on_drawn_change=drawn,
        on_chosen_change=picked,
        data={
            "turn": turn,
            "src": data_url(picture),
            "boxes": [
                [box[0] / width, box[1] / height, box[2] / width, box[3] / height] for box in boxes
            ],
            "chosen": chosen,
            "labels": {"alt": t("forms.blank_alt"), "how": t("forms.draw_how")},
        },
    )
