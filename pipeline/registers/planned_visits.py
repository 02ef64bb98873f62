"""Counts of planned visits or shifts per unit and day, from the planning system.

Only the counts are kept, never single visits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path

from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.texts import Text

PLANNED_COLUMNS = ("enhet", "datum", "antal")
_PLANNED_SCHEMA = TableSchema(
    PLANNED_COLUMNS[:2], ";".join(PLANNED_COLUMNS), "error.table_row.remedy.planned"
)
MAX_PLANNED = 100_000

PlannedCounts = Mapping[tuple[str, str], int]
"""Number of visits or shifts by unit and day (YYYY-MM-DD)."""


class PlanKind(StrEnum):
    """What is counted."""

    VISITS = "besok"
    SHIFTS = "pass"


def count_planned(data: bytes, source: Path | str) -> PlannedCounts:
    """Count the visits or shifts of a table by unit and day.

    Its columns are enhet, datum and, optionally, antal; without it each row is one visit or shift.
    Other columns are ignored.

    Raises:
        UsageError: the file lacks a column or has a wrong row. The message names rows, never
            their content.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for number, row in read_table(source, _PLANNED_SCHEMA, data):
        count = row.get("antal", "1")
        if not count.isdecimal() or int(count) > MAX_PLANNED:
            raise row_error(
                source, number, Text("error.table_row.no_whole_number"), _PLANNED_SCHEMA
            )
        counts[row["enhet"], _parse_day(source, number, row["datum"])] += int(count)
    return counts


def _parse_day(source: Path | str, number: int, text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()  # an export may have the time too
    except ValueError:
        raise row_error(source, number, Text("error.table_row.no_day"), _PLANNED_SCHEMA) from None
