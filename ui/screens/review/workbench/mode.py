"""The cards of modes, and their fields.

A mode has fields like an entry: they are ticked, typed and saved with the same keys.
"""

from __future__ import annotations

from typing import Any

from ui.screens.review.workbench_state import Card, HeldEntry, Mode

_NOBODY = {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}


def mode_card(mode: Mode, held: HeldEntry, title: str, **parts: object) -> Card:
    """Return the card of a mode; `parts` are what it has beside a title and its fields.

    `fields` are drawn as those of an entry. `words` replace the texts of the buttons (`save`,
    `skip`), and are those that only some modes have: `more` to see the next ticked fields, and
    `count` and `unseen`, in which # is how many are ticked, or have not been seen. With `layout`
    "tiles" the fields stand side by side, with "rows" each is a line. With `mustSee` nothing is
    saved before each ticked field has been in view.
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
        "layout": "",
        "mustSee": False,
        "words": {},
    } | parts


def tick_field(name: str, label: str, *, is_ticked: bool, **parts: object) -> dict[str, Any]:
    """Return a field that is ticked or not; `parts` are what it has beside that.

    `text` stands beside the tick, `crop` is its piece of the paper (as of an entry's field).
    """
    return {
        "kind": "tick",
        "name": name,
        "label": label,
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
        "value": is_ticked,
    } | parts
