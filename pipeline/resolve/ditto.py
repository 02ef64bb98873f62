"""Ditto marks in a table: what stands in the row above is meant, never what the signs look like (a name `11`, a medicine `samma`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline.field_spec import FieldSpec
from pipeline.issues import IssueCode
from pipeline.model import UNSEEN_P, Reading, State
from pipeline.recognize.ditto_marks import may_say_ditto, says_ditto


def repeated(specs: tuple[FieldSpec, ...], fields: Mapping[str, Reading]) -> dict[str, Reading]:
    """The texts of table rows that are ditto marks, or words that stand for one, each with what the row above says, for a person to look at.

    Where the strokes may also be a number, as in a column that has numbers, the reading stays as it is and what stands above is its alternative.
    """
    found: dict[str, Reading] = {}
    column: dict[str, Reading] = {}
    for spec in specs:
        if spec.row is None or not spec.traits.is_handwriting:
            continue
        name, reading = spec.name.rpartition(".")[2], fields[spec.name]
        above = _text(column.get(name))
        if says_ditto(_text(reading)) or (above and may_say_ditto(_text(reading))):
            found[spec.name] = reading = _meant(reading, above, column.get(name))
        column[name] = reading
    return found


def _text(reading: Reading | None) -> str:
    return reading.value if reading is not None and isinstance(reading.value, str) and reading.state is State.READ else ""


def _meant(reading: Reading, above: str, its: Reading | None) -> Reading:
    p, remarks = min(reading.p, UNSEEN_P), (*reading.remarks, IssueCode.DITTO)
    if its is None or not above:
        return replace(reading, p=p, remarks=remarks)
    p = min(p, its.p)
    text = _text(reading)
    if may_say_ditto(text) and any(sign.isdigit() for sign in above):
        return replace(reading, p=p, alternatives=((above, p),), remarks=remarks)
    return replace(reading, value=above, p=p, alternatives=((text, p),), characters=(), words=(), remarks=remarks)
