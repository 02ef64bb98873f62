"""The page of a form whose boxes are drawn and changed with the pointer or the keys.

The keys move a frame, change its size and draw it; they choose, accept, move and remove boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from ui.browser.assets import component, read_script
from ui.browser.page_view import data_url
from ui.i18n import t

BOX_DRAWING_KEY = "box_drawing"
_DONE_KEY = "box_drawing_done"
_HTML = """<p class="how"></p>
<div class="sheet"><img alt="" draggable="false"><div class="boxes"></div>
<div class="made" hidden></div></div>"""

BoxRectangle = tuple[float, float, float, float]
"""x, y, width and height, mm."""


@dataclass(frozen=True, slots=True)
class EditedBox:
    """A box (mm) of a form; `text` says what it is to a person who does not see it.

    A box of the later rows of a table has the `id` of the one that it repeats.
    """

    id: int
    box: Sequence[float]
    text: str
    is_proposed: bool = False
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class BoxAct:
    """What the user did with a box; of a new one `id` is 0, and `box` (mm) is its place."""

    act: Literal["choose", "accept", "change", "remove", "draw", "undo"]
    id: int = 0
    box: BoxRectangle | None = None


@dataclass(frozen=True, slots=True)
class BoxEditing:
    """A page whose boxes are edited; `chosen` is an id, `label_key` the widget key of its label."""

    draft_id: str
    picture: bytes
    size_mm: tuple[float, float]
    boxes: Sequence[EditedBox]
    chosen: int
    label_key: str


def box_editing(page: BoxEditing, on_acts: Callable[[Sequence[BoxAct]], None]) -> None:
    """Show the page of a form with its boxes; report what the user did since the last report."""

    def handle_acts() -> None:
        event = _read_event("acts", page.draft_id)
        done = _last_done(page.draft_id)
        # Acts are sent again until they are known to have arrived.
        new = [act for act in event.get("acts", []) if int(act["n"]) > done]
        if new:
            st.session_state[_DONE_KEY] = (page.draft_id, int(new[-1]["n"]))
            on_acts(
                [
                    BoxAct(
                        act["act"],
                        int(act.get("id") or 0),
                        _to_mm(act["box"], page.size_mm) if act.get("box") else None,
                    )
                    for act in new
                ]
            )

    component("box_drawing", read_script("box_drawing"), html=_HTML, style="box_drawing")(
        key=BOX_DRAWING_KEY,
        on_acts_change=handle_acts,
        data={
            "turn": page.draft_id,
            "src": data_url(page.picture),
            "boxes": [
                {
                    "id": box.id,
                    "box": _to_shares(box.box, page.size_mm),
                    "text": box.text,
                    "proposed": box.is_proposed,
                    "row": box.is_row,
                }
                for box in page.boxes
            ],
            "chosen": page.chosen,
            "labels": {
                "alt": t("forms.blank_alt"),
                "how": t("forms.draw_how"),
                "boxes": t("forms.box_keys"),
            },
            "size": list(page.size_mm),
            "done": _last_done(page.draft_id),
            "chosenLabel": f"st-key-{page.label_key}",
        },
    )


def _read_event(name: str, draft_id: str) -> dict[str, Any]:
    # The state is gone if the drawing has left the screen.
    event = (st.session_state.get(BOX_DRAWING_KEY) or {}).get(name)
    return event if isinstance(event, dict) and event.get("turn") == draft_id else {}


def _last_done(draft_id: str) -> int:
    known_id, number = st.session_state.get(_DONE_KEY, ("", 0))
    return int(number) if known_id == draft_id else 0


def _to_mm(shares: Sequence[float], size_mm: tuple[float, float]) -> BoxRectangle:
    (x, y, w, h), (width, height) = map(float, shares), size_mm
    return (
        round(x * width, 1),
        round(y * height, 1),
        round(w * width, 1),
        round(h * height, 1),
    )


def _to_shares(box: Sequence[float], size_mm: tuple[float, float]) -> list[float]:
    (x, y, w, h), (width, height) = box, size_mm
    return [x / width, y / height, w / width, h / height]
