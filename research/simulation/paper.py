"""A week's paper for the simulation: sheets of Efterskrift's forms with invented content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import EntriesPer, Form, Forms
from pipeline.domain.model import Client, Value
from pipeline.domain.settings import ROOT
from pipeline.registers.clients import load_client_register
from research.evaluation.fields.sample_content import SAMPLE_NOTES, SAMPLE_STAFF

SHEETS_PER_FORM: Mapping[str, int] = {
    "besokslista": 10,
    "matvarden": 6,
    "hsl-anteckning": 12,
    "fri-anteckning": 4,
}
"""Sheets of each form in one part of the week.

How many of each a municipality writes is published nowhere: an assumption.
"""
FILLED_SHARES: Mapping[Kind, float] = {
    Kind.MARK: 0.3,
    Kind.DIGITS: 0.6,
    Kind.TEXT: 0.6,
    Kind.LINES: 0.9,
    Kind.CHOICE: 1.0,
    Kind.INITIALS: 0.9,
}
"""How often something is written in an optional field."""
WEEK_UNIT = "Hemsjukvården Centrum"
MAX_ROWS = 5
"""Written rows of a table, at most."""
FIRST_DAY = date(2021, 12, 16)


@dataclass(frozen=True, slots=True)
class SimulatedSheet:
    """One sheet: its form, the written rows, and what each field says.

    A field that is left empty has no value.
    """

    serial: str
    form: Form
    rows: tuple[int | None, ...]
    says: Mapping[str, Value]


def load_sample_clients() -> Sequence[Client]:
    """Return the register: the clients of the sample stack, with official test numbers."""
    return load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients


def make_sheets(forms: Forms, parts: int, chance: Random) -> Iterator[SimulatedSheet]:
    """Return so many parts of a week, each with the sheets of `SHEETS_PER_FORM`, shuffled.

    All are about the unit's own clients.
    """
    known = [client for client in load_sample_clients() if client.unit == WEEK_UNIT]
    # Every form as often as in a week, in random order.
    kinds = [form_id for form_id, count in SHEETS_PER_FORM.items() for _ in range(count * parts)]
    chance.shuffle(kinds)
    for number, form_id in enumerate(kinds):
        # The first versions, so that what is measured stays comparable.
        yield _make_sheet(f"V{number:05d}", forms[form_id, 1], known, chance)


def _make_sheet(serial: str, form: Form, known: Sequence[Client], chance: Random) -> SimulatedSheet:
    # Tables: the first rows only; other forms have all of theirs.
    rows = (
        form.rows()[: chance.randint(1, MAX_ROWS)]
        if form.entries is EntriesPer.ROW
        else form.rows()
    )
    says: dict[str, Value] = {}
    # One client for the head of the sheet, and one for each row.
    for specs in (
        [spec for spec in form.fields if spec.row is None],
        *([s for s in form.fields if s.row == row] for row in rows if row is not None),
    ):
        client = chance.choice(known)
        says |= {
            spec.name: _make_value(spec, client, chance)
            for spec in specs
            if spec.traits.filled_by_hand and _is_filled(spec, chance)
        }
        _put_in_order(specs, says)
    return SimulatedSheet(serial, form, tuple(rows), says)


def _put_in_order(specs: Sequence[FieldSpec], says: dict[str, Value]) -> None:
    """Let what begins begin before it ends, and nothing be written before its day."""
    by_column = {spec.column: spec.name for spec in specs}
    by_meaning = {spec.means: spec.name for spec in specs if spec.means is not None}
    pairs = [
        (spec.name, by_column.get(spec.less_than or ""))
        for spec in specs
        if spec.format is Format.TIME
    ]
    pairs.append((by_meaning.get(Meaning.EVENT_DATE, ""), by_meaning.get(Meaning.WRITTEN_DATE)))
    for first, second in pairs:
        before, after = says.get(first), says.get(second or "")
        if isinstance(before, str) and isinstance(after, str) and second and before > after:
            says[first], says[second] = after, before


def _is_filled(spec: FieldSpec, chance: Random) -> bool:
    # Who, when and how much are always written.
    always = spec.critical and spec.means is not None
    return spec.required or always or chance.random() < FILLED_SHARES.get(spec.kind, 1.0)


def _make_value(spec: FieldSpec, client: Client, chance: Random) -> Value:
    if spec.means is Meaning.CLIENT_PID:
        return client.pid
    if spec.means is Meaning.CLIENT_NAME:
        return client.name
    match spec.kind:
        case Kind.DIGITS:
            return _make_digits(spec, chance)
        case Kind.CHOICE:
            return chance.choice(spec.options).value
        case Kind.LINES:
            return str(chance.choice(SAMPLE_NOTES)[3])
        case Kind.TEXT:
            return chance.choice(SAMPLE_STAFF)[1 if spec.means is Meaning.AUTHOR_TITLE else 0]
        case Kind.INITIALS:
            return "".join(part[0] for part in chance.choice(SAMPLE_STAFF)[0].split())
        case _:
            return True


def _make_digits(spec: FieldSpec, chance: Random) -> str:
    if spec.format is Format.DATE:
        return (FIRST_DAY + timedelta(days=chance.randrange(7))).isoformat()
    if spec.format is Format.TIME:
        return f"{chance.randrange(6, 23):02d}:{chance.randrange(12) * 5:02d}"
    # Values in the plausible range of the field, or else in its allowed range.
    low, high = spec.plausible or (
        spec.minimum or 0,
        spec.maximum or 10 ** (spec.cell_count - spec.decimals) - 1,
    )
    return f"{chance.uniform(low, high):.{spec.decimals}f}"
