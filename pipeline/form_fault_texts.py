"""What can be wrong with a form, in words: by code and language what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, str]

TEXTS: Mapping[str, Mapping[str, Words]] = {
    # What does not fit on paper.
    "row_too_wide": {
        "sv": ("Fältet {field} är för brett: {width} mm av {room}.", "Ge det färre rutor, en kortare ledtext eller en mindre width."),
        "en": ("The field {field} is too wide: {width} mm of {room}.", "Give it fewer boxes, a shorter label or a smaller width."),
    },
    "section_too_high": {
        "sv": ("Avsnittet {title} är för högt: {height} mm av {room}.", "Dela det i två avsnitt, eller ta färre rader."),
        "en": ("The section {title} is too high: {height} mm of {room}.", "Divide it into two sections, or use fewer rows."),
    },
    "table_too_high": {
        "sv": (
            "Tabellen {field} är för hög: {count} rader à {row} mm blir {height} mm av {room}.",
            "Ta högst {most} rader, eller färre fält i varje rad.",
        ),
        "en": (
            "The table {field} is too high: {count} rows of {row} mm are {height} mm of {room}.",
            "Use at most {most} rows, or fewer fields in each.",
        ),
    },
}
