"""The cards of modes, and their fields.

A mode has fields like an entry: they are ticked, typed and saved with the same keys.
"""

from __future__ import annotations

from typing import Any

from ui.screens.review.workbench_state import Card, FieldValue, HeldEntry, Mode

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
        "undo": True,
        "layout": "",
        "words": {},
    } | parts


def mode_field(
    kind: str, name: str, label: str, value: FieldValue, **parts: object
) -> dict[str, Any]:
    """Return a field of a mode that has to be answered; `parts` are what it has beside that."""
    return {
        "kind": kind,
        "name": name,
        "label": label,
        "hint": "",
        "needs": True,
        "must": True,
        "blind": False,
        "client": False,
        "crop": None,
        "area": None,
        "words": None,
        "reading": None,
        "error": "",
        "value": value,
    } | parts
