"""The share of fields that a person need not type."""

from __future__ import annotations

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Reading, State
from research.evaluation.untyped import ReadField, format_flags, format_table

MARK = FieldSpec(name="kryss", label="Kryss", kind=Kind.MARK, box=(10, 10, 4, 4))


def field(p: float, *, right: bool) -> ReadField:
    """A mark that was read with a p."""
    return ReadField(MARK, "written", Reading(True, p, State.READ), right)


def test_only_what_reaches_the_limit_of_its_kind_need_not_be_typed() -> None:
    """A mark needs 0.995; what is wrong but typed harms nobody and is not counted."""
    fields = [field(0.9949, right=False), field(0.9951, right=True), field(0.998, right=False)]
    row = format_table([*fields, field(0.997, right=True)]).splitlines()[-1]
    assert row.startswith("| mark | written | 4 | 0 | 75.0% | 1/3 (≤ ")
    assert row.endswith("| 0.995 | 0.9980 |")


def test_flags_count_where_nothing_is_amiss() -> None:
    """What was corrected is struck out in truth."""
    flags = frozenset({IssueCode.STRUCK_OUT})
    reading = Reading(True, 0.5, State.READ)
    fields = [
        ReadField(MARK, "corrected", reading, right=True, flags=flags),
        ReadField(MARK, "empty", reading, right=False, flags=flags),
        *[field(0.9, right=True)] * 3,
    ]
    assert format_flags(fields).splitlines()[2:] == [
        "| struck_out | 1 | 1 | 25.00% |",
        "| any | 1 | 1 | 25.00% |",
    ]
