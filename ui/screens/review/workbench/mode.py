"""The cards of modes, and their fields.

A mode has fields like an entry: they are ticked, typed and saved with the same keys.
"""

from __future__ import annotations

from ui.screens.review.workbench_state import Card, HeldEntry, Mode

_NOBODY = {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}


def mode_card(mode: Mode, held: HeldEntry, title: str, **parts: object) -> Card:
    """Return the card of a mode; `parts` are what it has beside a title and its fields.

    `fields` are drawn as those of an entry. `words` replace the texts of the buttons (`save`,
    `skip`); with `layout` "tiles" the fields stand side by side.
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
        "words": {},
    } | parts
