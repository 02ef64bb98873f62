"""The sorts of fields that a person who makes a form chooses from, each with the kind and format that a form says instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.field_spec import Format, Kind


class Sort(StrEnum):
    """One choice; the screens have a word for each."""

    TEXT = "text"
    LINES = "lines"
    MARK = "mark"
    CHOICE = "choice"
    DATE = "date"
    TIME = "time"
    PERSONAL_NUMBER = "personnummer"
    NUMBER = "number"
    CODE = "code"
    LETTERS = "letters"
    PHONE = "phone"
    AMOUNT = "amount"
    DOSE = "dose"
    BLOOD_PRESSURE = "blood_pressure"
    SIGNATURE = "signature"
    INITIALS = "initials"
    PRINTED = "printed"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Made:
    """What a form says of a sort. `cells` is how many boxes it begins with, where a person says how many."""

    kind: Kind
    format: Format | None = None
    cells: int = 0


MADE: Mapping[Sort, Made] = {
    Sort.TEXT: Made(Kind.TEXT),
    Sort.LINES: Made(Kind.LINES),
    Sort.MARK: Made(Kind.MARK),
    Sort.CHOICE: Made(Kind.CHOICE),
    Sort.DATE: Made(Kind.DIGITS, Format.DATE),
    Sort.TIME: Made(Kind.DIGITS, Format.TIME),
    Sort.PERSONAL_NUMBER: Made(Kind.DIGITS, Format.PERSONAL_NUMBER),
    Sort.NUMBER: Made(Kind.DIGITS, Format.NUMBER, 4),
    Sort.CODE: Made(Kind.DIGITS, Format.CODE, 6),
    Sort.LETTERS: Made(Kind.LETTERS, None, 6),
    Sort.PHONE: Made(Kind.TEXT, Format.PHONE),
    Sort.AMOUNT: Made(Kind.TEXT, Format.AMOUNT),
    Sort.DOSE: Made(Kind.TEXT, Format.DOSE),
    Sort.BLOOD_PRESSURE: Made(Kind.TEXT, Format.BLOOD_PRESSURE),
    Sort.SIGNATURE: Made(Kind.SIGNATURE),
    Sort.INITIALS: Made(Kind.INITIALS),
    Sort.PRINTED: Made(Kind.PRINTED),
}


def sort_of(kind: str, form: str | None) -> Sort:
    """What a field is chosen as; a line of handwriting in another format of boxes goes as text."""
    exact = (sort for sort, made in MADE.items() if (made.kind, made.format) == (kind, form or None))
    return next(exact, Sort.TEXT if kind == Kind.TEXT else Sort(kind) if kind in set(Sort) else Sort.TEXT)


def turned_into(field: Mapping[str, Any], sort: Sort) -> dict[str, Any]:
    """The field as another sort: what belongs to the old one only is left out, and what the new one needs is there."""
    if "text" in field or sort is Sort.WORDS:
        label = str(field.get("label") or field.get("text") or "")
        return {"text": label} if sort is Sort.WORDS else turned_into({"name": "", "label": label, "kind": "text"}, sort)
    made = MADE[sort]
    dropped = {"format", "cells", "lines", "options", "columns", "decimals", "minimum", "maximum", "plausible", "less_than", "sum_of", "filled"}
    kept = {key: value for key, value in field.items() if key not in dropped} | {"kind": made.kind.value}
    needed: dict[str, Any] = {}
    if made.format:
        needed["format"] = made.format.value
    if made.cells:
        needed["cells"] = int(field.get("cells") or made.cells)
    if made.kind.traits.is_multiline:
        needed["lines"] = field.get("lines") or 3
    if made.kind.traits.has_options:
        needed["options"] = field.get("options") or [{"value": "ja", "label": "Ja"}, {"value": "nej", "label": "Nej"}]
    if made.kind.traits.has_cells or made.kind.traits.has_check_boxes:
        kept.pop("width", None)
    return kept | needed
