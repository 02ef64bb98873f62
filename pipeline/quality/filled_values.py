"""Values to fill a form with: plausible, random, for any form."""

from __future__ import annotations

from datetime import date, timedelta

from numpy.random import Generator

from pipeline.clients import load_register
from pipeline.field_spec import FieldSpec, Format, Kind
from pipeline.model import Value
from pipeline.quality.sample_texts import NOTES, STAFF
from pipeline.settings import ROOT
from pipeline.template import Form

_FIRST_DAY = date(2021, 12, 16)


def values_for(form: Form, rng: Generator) -> dict[str, Value]:
    """Something for nearly every field; about half of a table's rows; never what the printer prints."""
    rows = {row: row in (None, 1) or rng.random() < 0.6 for row in form.rows()}
    values: dict[str, Value] = {}
    for spec in form.fields:
        if not spec.traits.filled_by_hand or not rows.get(spec.row, True):
            continue
        values[spec.name] = _value(spec, rng)
    return values


def _value(spec: FieldSpec, rng: Generator) -> Value:
    match spec.kind:
        case Kind.DIGITS:
            return digits_value(spec, rng)
        case Kind.MARK:
            return bool(rng.random() < 0.4)
        case Kind.CHOICE:
            return spec.options[rng.integers(len(spec.options))].value
        case Kind.LINES:
            return "\n".join(str(NOTES[rng.integers(len(NOTES))][3]).split("\n")[: spec.lines])
        case Kind.TEXT:
            return STAFF[rng.integers(len(STAFF))][0] if spec.area.w > 40 else STAFF[rng.integers(len(STAFF))][1][:4]
        case Kind.INITIALS:
            return "".join(part[0] for part in STAFF[rng.integers(len(STAFF))][0].split())
        case Kind.LETTERS:
            return "".join(part[0] for part in STAFF[rng.integers(len(STAFF))][0].split())[: spec.cell_count]
        case _:
            return True


def digits_value(spec: FieldSpec, rng: Generator) -> str:
    """A value of a row of digit boxes, in its format."""
    match spec.format:
        case Format.DATE:
            return (_FIRST_DAY + timedelta(days=int(rng.integers(25)))).isoformat()
        case Format.TIME:
            return f"{rng.integers(24):02d}:{rng.integers(12) * 5:02d}"
        case Format.PERSONAL_NUMBER:
            clients = load_register(ROOT / "data" / "samples" / "klienter.csv").clients
            return clients[rng.integers(len(clients))].pid
        case Format.CODE:
            length = rng.integers(max(1, spec.cell_count - 2), spec.cell_count + 1)
            return "".join(str(digit) for digit in rng.integers(10, size=length))
        case _:
            low, high = spec.minimum or 0, spec.maximum if spec.maximum is not None else 10 ** (spec.cell_count - spec.decimals) - 1
            return f"{rng.uniform(low, high):.{spec.decimals}f}"
