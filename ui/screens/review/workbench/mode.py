"""The cards of modes, and their fields.

A mode has fields like an entry: they are ticked, typed and saved with the same keys.
"""

from __future__ import annotations

from typing import Any

from ui.browser.image_cache import image_id
from ui.screens.review.workbench_state import Card, FieldValue, HeldEntry, Mode
from ui.widgets.images import picture_size

_FIELD: dict[str, Any] = {
    "hint": "",
    "needs": False,
    "must": False,
    "blind": False,
    "client": False,
    "crop": None,
    "area": None,
    "words": None,
    "reading": None,
    "error": "",
}
_NOBODY = {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}


def mode_card(mode: Mode, held: HeldEntry, title: str, **parts: object) -> Card:
    """Return the card of a mode; `parts` are what it has beside a title and its fields.

    `fields` are drawn as those of an entry. `words` replace the texts of the buttons (`save`,
    `skip`), and are those that only some modes have: `more` to see the next ticked fields, and
    `count` and `unseen`, in which # is how many are ticked, or have not been seen. With `layout`
    "tiles" the fields stand side by side, with "lines" three on a line, with "rows" each is a line.
    With `mustSee` nothing is saved before each ticked field has been in view. With `draws` a person
    draws boxes on the page (an act `draw` each); `parts` are those that are drawn. `escape` is the
    action by which Escape leaves it, where it has no word for `skip`.
    """
    return {
        "entry": mode.key,
        "revision": held.revision,
        "attempt": held.attempts,
        "title": title,
        "origin": "",
        "notices": [],
        "warning": held.warning,
        "facts": [],
        "second": False,
        "banner": _NOBODY,
        "question": None,
        "fields": [],
        "focus": held.focus or next(iter(held.errors), ""),
        "folded": [],
        "unfold": "",
        "settled": None,
        "pages": [],
        "row": None,
        "marked": [],
        "look": None,
        "add": None,
        "actions": [],
        "hidden": None,
        "mode": True,
        "undo": True,
        "parts": [],
        "draws": False,
        "layout": "",
        "mustSee": False,
        "words": {},
    } | parts


def mode_field(
    kind: str, name: str, label: str, value: FieldValue, **parts: object
) -> dict[str, Any]:
    """Return a field of a mode that has to be answered; `parts` are what it has beside that."""
    card = {"kind": kind, "name": name, "label": label, "value": value}
    return _FIELD | {"needs": True, "must": True} | card | parts


def tick_field(name: str, label: str, *, is_ticked: bool, **parts: object) -> dict[str, Any]:
    """Return a field that is ticked or not; `parts` are what it has beside that.

    `text` is beside the tick, `crop` is its piece of the paper (as of an entry's field).
    """
    card = {"kind": "tick", "name": name, "label": label, "value": is_ticked}
    return _FIELD | card | parts


def text_field(name: str, label: str, value: str, **parts: object) -> dict[str, Any]:
    """Return a field of one line; `parts` are what it has beside that, as a `placeholder`."""
    return _FIELD | {"kind": "text", "name": name, "label": label, "value": value} | parts


def page_crop(
    image: bytes, label: str, box: tuple[float, float, float, float] = (0, 0, 1, 1)
) -> dict[str, Any]:
    """Return a part of an image (JPEG) as the piece of paper of a field; `box` are its shares."""
    width, height = picture_size(image)
    x, y, w, h = box
    crop = {"x": x, "y": y, "w": w, "h": h, "aspect": w * width / (h * height)}
    return crop | {"image": image_id(image), "label": label}


def page_card(image: bytes, caption: str) -> dict[str, Any]:
    """Return an image (JPEG, PNG) as a page of the sheet's pane."""
    width, height = picture_size(image)
    return {"image": image_id(image), "caption": caption, "aspect": height / width}
