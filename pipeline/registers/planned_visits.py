"""What was planned for each unit and day, from the planning or scheduling system: counted, never
kept line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path

from pipeline.files.csv_tables import TableSchema, parse_table, row_error
from pipeline.texts import Text

PLANNED_COLUMNS = ("enhet", "datum", "antal")
_PLANNED_SCHEMA = TableSchema(
    PLANNED_COLUMNS[:2], ";".join(PLANNED_COLUMNS), "error.table_row.remedy.planned"
)
MAX_PLANNED = 100_000

PlannedCounts = Mapping[tuple[str, str], int]
"""Unit and day (YYYY-MM-DD) → how many."""


class PlanKind(StrEnum):
    """What was planned."""

    VISITS = "besok"
    SHIFTS = "pass"


def count_planned(data: bytes, source: Path | str) -> PlannedCounts:
    """Count a table: columns enhet, datum and, if wanted, antal; without it each row is one visit
    or shift. Other columns are not looked at.

    Raises:
        UsageError: the file lacks a column or has a wrong row. The text names rows, never what
        stands in them.
    """
    found: Counter[tuple[str, str]] = Counter()
    for number, row in parse_table(data, source, _PLANNED_SCHEMA):
        count = row.get("antal", "1")
        if not count.isdecimal() or int(count) > MAX_PLANNED:
            raise row_error(
                source, number, Text("error.table_row.no_whole_number"), _PLANNED_SCHEMA
            )
        found[row["enhet"], _parse_day(source, number, row["datum"])] += int(count)
    return found


def _parse_day(source: Path | str, number: int, text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()  # an export may give the clock too
    except ValueError:
        raise row_error(source, number, Text("error.table_row.no_day"), _PLANNED_SCHEMA) from None
