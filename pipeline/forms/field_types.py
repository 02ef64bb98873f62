"""The types of fields that the form editor offers, each a kind and format of a form's field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.domain.form.field import Format, Kind


class FieldType(StrEnum):
    """A type of field; the screens have a name for each."""

    TEXT = "text"
    LINES = "lines"
    MARK = "mark"
    CHOICE = "choice"
    DATE = "date"
    TIME = "time"
    PERSONAL_NUMBER = "personnummer"
    DATE_LINE = "date_line"
    TIME_LINE = "time_line"
    PERSONAL_NUMBER_LINE = "personnummer_line"
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
    """The kind and format of a type.

    `cells` is the initial number of boxes, where the number can be chosen.
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
    FieldType.DATE_LINE: FieldTypeTraits(Kind.TEXT, Format.DATE),
    FieldType.TIME_LINE: FieldTypeTraits(Kind.TEXT, Format.TIME),
    FieldType.PERSONAL_NUMBER_LINE: FieldTypeTraits(Kind.TEXT, Format.PERSONAL_NUMBER),
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


_TYPE_SPECIFIC_KEYS = frozenset(
    {
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
)
"""Keys of a field that are dropped with its type."""


def find_field_type(kind: str, field_format: str | None) -> FieldType:
    """Return the type of a field by kind and format.

    A line of handwriting in a format that has no type of its own is text.
    """
    for field_type, traits in FIELD_TYPE_TRAITS.items():
        if (traits.kind, traits.format) == (kind, field_format or None):
            return field_type
    # A kind in a format without a type of its own has the type of the kind's name.
    if kind != Kind.TEXT and kind in set(FieldType):
        return FieldType(kind)
    return FieldType.TEXT


def change_field_type(field: Mapping[str, Any], field_type: FieldType) -> dict[str, Any]:
    """Return the field with another type, without keys of the old and with those of the new one."""
    # To or from printed words: only the text is kept, as label or as words.
    if "text" in field or field_type is FieldType.WORDS:
        label = str(field.get("label") or field.get("text") or "")
        return (
            {"text": label}
            if field_type is FieldType.WORDS
            else change_field_type({"name": "", "label": label, "kind": "text"}, field_type)
        )
    traits = FIELD_TYPE_TRAITS[field_type]
    kind_traits = traits.kind.traits
    # Keys of the old type are dropped, all others kept.
    common = {key: value for key, value in field.items() if key not in _TYPE_SPECIFIC_KEYS} | {
        "kind": traits.kind.value
    }
    # Boxes have the width that they need.
    if kind_traits.has_cells or kind_traits.has_check_boxes:
        common.pop("width", None)
    return common | required_keys(field, traits)


def required_keys(field: Mapping[str, Any], traits: FieldTypeTraits) -> dict[str, Any]:
    """Return the keys that a type needs, with the field's values if it has them."""
    required: dict[str, Any] = {}
    if traits.format:
        required["format"] = traits.format.value
    if traits.cells:
        required["cells"] = int(field.get("cells") or traits.cells)
    if traits.kind.traits.is_multiline:
        required["lines"] = field.get("lines") or 3
    if traits.kind.traits.has_options:
        required["options"] = field.get("options") or [
            {"value": "ja", "label": "Ja"},
            {"value": "nej", "label": "Nej"},
        ]
    return required
