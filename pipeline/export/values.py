"""How a confirmed value reads to a person: option labels, ja/nej, decimal comma, oläsligt."""

from __future__ import annotations

import re
from collections.abc import Collection

from pipeline.field_spec import FieldSpec, Format
from pipeline.model import Value
from pipeline.record import Record
from pipeline.template import Form, Forms

ILLEGIBLE = "[oläsligt]"
_NUMBER = re.compile(r"-?\d+\.\d+")


def decimal_comma(text: str) -> str:
    """`37.5` → `37,5`; any other text as it is."""
    return text.replace(".", ",") if _NUMBER.fullmatch(text) else text


def spec_of(record: Record, name: str, forms: Forms) -> FieldSpec | None:
    """The definition of an entry's field, whose name lacks the row's prefix."""
    form = forms.get((record.form, record.version))
    return next((spec for spec in form.entry_fields(record.row) if spec.column == name), None) if form else None


def form_of(record: Record, forms: Forms) -> Form | None:
    """The form an entry was written on, in its own version."""
    return forms.get((record.form, record.version))


def said(record: Record, name: str, forms: Forms) -> Value:
    """What a field says. An empty box or place for a signature says False, though nothing was written there."""
    value = record.fields.get(name)
    spec = spec_of(record, name, forms)
    if value is None and spec and spec.traits.is_boolean and name in record.fields and name not in record.illegible:
        return False
    return value


def shown(record: Record, name: str, forms: Forms) -> str:
    """A field's value in words for a reader; empty when the field is empty."""
    if name in record.illegible:
        return ILLEGIBLE
    value, spec = said(record, name, forms), spec_of(record, name, forms)
    if value is None:
        return ""
    if isinstance(value, bool):
        return _marked(value, spec)
    if spec and spec.options:
        return next((option.label for option in spec.options if option.value == value), value)
    if spec and spec.format is Format.NUMBER:
        return " ".join(part for part in (decimal_comma(value), spec.measure) if part)
    return value


def uncoded(record: Record, name: str, codes: Collection[str], forms: Forms) -> str:
    """With its label, what a choice says and the file's code for it does not: an option that has none, or that nobody can read it."""
    known = not name or str(record.fields.get(name)) in codes or said(record, name, forms) is False
    words = "" if known else shown(record, name, forms)
    return f"{record.labels.get(name, name)}: {words}" if words else ""


def _marked(value: bool, spec: FieldSpec | None) -> str:
    if spec and spec.traits.is_signature:
        return "finns på papperet" if value else "saknas på papperet"
    return "ja" if value else "nej"
