"""Make random plausible values to fill in any form with."""

from __future__ import annotations

from datetime import date, timedelta

from numpy.random import Generator

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form
from pipeline.domain.model import Value
from pipeline.domain.settings import ROOT
from pipeline.registers.clients import load_client_register
from research.evaluation.fields.sample_content import SAMPLE_NOTES, SAMPLE_STAFF

_FIRST_DAY = date(2021, 12, 16)
STRUCK_SHARE = 0.04
"""Share of marks that are filled in to cancel them."""
EMPTY_SHARE = 0.12
"""Share of fields that are not filled in."""


def make_values(form: Form, rng: Generator) -> dict[str, Value]:
    """Return values for nearly every field, and about half of a table's rows.

    Never what the printer prints.
    """
    # The first row, and each further row with probability 0.6.
    rows = {row: row in (None, 1) or rng.random() < 0.6 for row in form.rows()}
    values: dict[str, Value] = {}
    for spec in form.fields:
        if not spec.traits.filled_by_hand or not rows.get(spec.row, True):
            continue
        values[spec.name] = _make_value(spec, rng)
    return values


def _make_value(spec: FieldSpec, rng: Generator) -> Value:
    match spec.kind:
        case Kind.DIGITS:
            return make_digits_value(spec, rng)
        case Kind.MARK:
            return bool(rng.random() < 0.4)
        case Kind.CHOICE:
            return spec.options[rng.integers(len(spec.options))].value
        case Kind.LINES:
            return "\n".join(
                str(SAMPLE_NOTES[rng.integers(len(SAMPLE_NOTES))][3]).split("\n")[: spec.lines]
            )
        case Kind.TEXT:
            return (
                SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][0]
                if spec.area.w > 40
                else SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][1][:4]
            )
        case Kind.INITIALS:
            return "".join(
                part[0] for part in SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][0].split()
            )
        case Kind.LETTERS:
            return "".join(
                part[0] for part in SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][0].split()
            )[: spec.cell_count]
        case _:
            return True


def make_digits_value(spec: FieldSpec, rng: Generator) -> str:
    """Return a value of a row of digit boxes, in its format."""
    match spec.format:
        case Format.DATE:
            return (_FIRST_DAY + timedelta(days=int(rng.integers(25)))).isoformat()
        case Format.TIME:
            return f"{rng.integers(24):02d}:{rng.integers(12) * 5:02d}"
        case Format.PERSONAL_NUMBER:
            # Official test personal numbers only.
            clients = load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients
            return clients[rng.integers(len(clients))].pid
        case Format.CODE:
            # Codes may leave the last boxes empty.
            length = rng.integers(max(1, spec.cell_count - 2), spec.cell_count + 1)
            return "".join(str(digit) for digit in rng.integers(10, size=length))
        case _:
            # Numbers fill the field's range, or all its digits.
            low, high = (
                spec.minimum or 0,
                spec.maximum
                if spec.maximum is not None
                else 10 ** (spec.cell_count - spec.decimals) - 1,
            )
            return f"{rng.uniform(low, high):.{spec.decimals}f}"
