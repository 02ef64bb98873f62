"""What was planned for each unit and day, from the planning or scheduling system: counted, never kept line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path

from pipeline.csv_table import TableKind, table_of, wrong_row
from pipeline.texts import Text

COLUMNS = ("enhet", "datum", "antal")
_KIND = TableKind(COLUMNS[:2], ";".join(COLUMNS), "error.table_row.remedy.planned")
MOST = 100_000

Planned = Mapping[tuple[str, str], int]
"""Unit and day (YYYY-MM-DD) → how many."""


class PlanKind(StrEnum):
    """What was planned."""

    VISITS = "besok"
    SHIFTS = "pass"


def planned_of(data: bytes, source: Path | str) -> Planned:
    """Count a table: columns enhet, datum and, if wanted, antal; without it each row is one visit or shift. Other columns are not looked at.

    Raises:
        UsageError: the file lacks a column or has a wrong row. The text names rows, never what stands in them.
    """
    found: Counter[tuple[str, str]] = Counter()
    for number, row in table_of(data, source, _KIND):
        count = row.get("antal", "1")
        if not count.isdecimal() or int(count) > MOST:
            raise wrong_row(source, number, Text("error.table_row.no_whole_number"), _KIND)
        found[row["enhet"], _day(source, number, row["datum"])] += int(count)
    return found


def _day(source: Path | str, number: int, text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()  # an export may give the clock too
    except ValueError:
        raise wrong_row(source, number, Text("error.table_row.no_day"), _KIND) from None
