"""The sorts of fields that a person who makes a form chooses from, each with the kind and format
that a form says instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.domain.form.field import Format, Kind


class FieldType(StrEnum):
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
class FieldTypeTraits:
    """What a form says of a sort. `cells` is how many boxes it begins with, where a person says how
    many.
    """

    kind: Kind
    format: Format | None = None
    cells: int = 0


FIELD_TYPE_TRAITS: Mapping[FieldType, FieldTypeTraits] = {
    FieldType.TEXT: FieldTypeTraits(Kind.TEXT),
    FieldType.LINES: FieldTypeTraits(Kind.LINES),
    FieldType.MARK: FieldTypeTraits(Kind.MARK),
    FieldType.CHOICE: FieldTypeTraits(Kind.CHOICE),
    FieldType.DATE: FieldTypeTraits(Kind.DIGITS, Format.DATE),
    FieldType.TIME: FieldTypeTraits(Kind.DIGITS, Format.TIME),
    FieldType.PERSONAL_NUMBER: FieldTypeTraits(Kind.DIGITS, Format.PERSONAL_NUMBER),
    FieldType.NUMBER: FieldTypeTraits(Kind.DIGITS, Format.NUMBER, 4),
    FieldType.CODE: FieldTypeTraits(Kind.DIGITS, Format.CODE, 6),
    FieldType.LETTERS: FieldTypeTraits(Kind.LETTERS, None, 6),
    FieldType.PHONE: FieldTypeTraits(Kind.TEXT, Format.PHONE),
    FieldType.AMOUNT: FieldTypeTraits(Kind.TEXT, Format.AMOUNT),
    FieldType.DOSE: FieldTypeTraits(Kind.TEXT, Format.DOSE),
    FieldType.BLOOD_PRESSURE: FieldTypeTraits(Kind.TEXT, Format.BLOOD_PRESSURE),
    FieldType.SIGNATURE: FieldTypeTraits(Kind.SIGNATURE),
    FieldType.INITIALS: FieldTypeTraits(Kind.INITIALS),
    FieldType.PRINTED: FieldTypeTraits(Kind.PRINTED),
}


def find_field_type(kind: str, form: str | None) -> FieldType:
    """What a field is chosen as; a line of handwriting in another format of boxes goes as text."""
    exact = (
        sort
        for sort, made in FIELD_TYPE_TRAITS.items()
        if (made.kind, made.format) == (kind, form or None)
    )
    return next(
        exact,
        FieldType.TEXT
        if kind == Kind.TEXT
        else FieldType(kind)
        if kind in set(FieldType)
        else FieldType.TEXT,
    )


def change_field_type(field: Mapping[str, Any], field_type: FieldType) -> dict[str, Any]:
    """The field as another sort: what belongs to the old one only is left out, and what the new one
    needs is there.
    """
    if "text" in field or field_type is FieldType.WORDS:
        label = str(field.get("label") or field.get("text") or "")
        return (
            {"text": label}
            if field_type is FieldType.WORDS
            else change_field_type({"name": "", "label": label, "kind": "text"}, field_type)
        )
    made = FIELD_TYPE_TRAITS[field_type]
    dropped = {
        "format",
        "cells",
        "lines",
        "options",
        "columns",
        "decimals",
        "minimum",
        "maximum",
        "plausible",
        "less_than",
        "sum_of",
        "filled",
    }
    kept = {key: value for key, value in field.items() if key not in dropped} | {
        "kind": made.kind.value
    }
    needed: dict[str, Any] = {}
    if made.format:
        needed["format"] = made.format.value
    if made.cells:
        needed["cells"] = int(field.get("cells") or made.cells)
    if made.kind.traits.is_multiline:
        needed["lines"] = field.get("lines") or 3
    if made.kind.traits.has_options:
        needed["options"] = field.get("options") or [
            {"value": "ja", "label": "Ja"},
            {"value": "nej", "label": "Nej"},
        ]
    if made.kind.traits.has_cells or made.kind.traits.has_check_boxes:
        kept.pop("width", None)
    return kept | needed
