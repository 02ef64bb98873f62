"""A page on which boxes are drawn with the pointer or the keys.

The keys move a frame, change its size and draw it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from ui.browser.assets import read_script, read_style
from ui.browser.page_view import data_url
from ui.i18n import t

BOX_DRAWING_KEY = "box_drawing"
_LAST_EVENT_KEY = "box_drawing_last"
_HTML = """<p class="how"></p>
<div class="sheet"><img alt="" draggable="false"><div class="boxes"></div>
<div class="made" hidden></div></div>"""

BoxRectangle = tuple[float, float, float, float]
"""x, y, width and height, mm."""


@dataclass(frozen=True, slots=True)
class DrawingPage:
    """The page to draw on: a JPEG of this size (mm) with the boxes (mm) that are there.

    Events of another draft are ignored. `chosen` is the index of the highlighted box. `alt` and
    `how` say what the page is and what to do; without them it is the blank of a form. With `how`
    the page has the focus.
    """

    draft_id: str
    picture: bytes
    size_mm: tuple[float, float]
    boxes: Sequence[Sequence[float]]
    chosen: int
    alt: str = ""
    how: str = ""


@cache
def _box_drawing_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component(
        "efterskrift_box_drawing",
        html=_HTML,
        css=read_style("box_drawing"),
        js=read_script("box_drawing"),
    )


def box_drawing(
    page: DrawingPage,
    on_drawn: Callable[[BoxRectangle], None],
    on_chosen: Callable[[int], None],
) -> None:
    """Show a page with its boxes; report a new box (mm) or the index of a box that was clicked."""
    width, height = page.size_mm

    def read_event(name: str) -> dict[str, Any]:
        # The state is gone if the drawing has left the screen.
        event = (st.session_state.get(BOX_DRAWING_KEY) or {}).get(name)
        return event if isinstance(event, dict) and event.get("turn") == page.draft_id else {}

    def handle_drawn() -> None:
        event = read_event("drawn")
        # A trigger may arrive twice.
        if event and event["id"] != st.session_state.get(_LAST_EVENT_KEY):
            st.session_state[_LAST_EVENT_KEY] = event["id"]
            x, y, w, h = (float(share) for share in event["box"])
            on_drawn(
                (
                    round(x * width, 1),
                    round(y * height, 1),
                    round(w * width, 1),
                    round(h * height, 1),
                )
            )

    def handle_chosen() -> None:
        if event := read_event("chosen"):
            on_chosen(int(event["place"]))

    _box_drawing_component()(
        key=BOX_DRAWING_KEY,
        on_drawn_change=handle_drawn,
        on_chosen_change=handle_chosen,
        data={
            "turn": page.draft_id,
            "src": data_url(page.picture),
            "boxes": [[x / width, y / height, w / width, h / height] for x, y, w, h in page.boxes],
            "chosen": page.chosen,
            "labels": {
                "alt": page.alt or t("forms.blank_alt"),
                "how": page.how or t("forms.draw_how"),
            },
            "focus": bool(page.how),
        },
    )
