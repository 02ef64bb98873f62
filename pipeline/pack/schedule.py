"""The staff schedule on paper: persons × days of a week, from a CSV that the scheduling system gives. Changes go on a form of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipeline.csv_table import TableKind, read_table, table_of, wrong_row
from pipeline.drawing import Paper
from pipeline.pack.plain_page import TOP, About, Column, begin, lines, rows_that_fit, table
from pipeline.texts import Text

COLUMNS = ("namn", "datum", "pass")
_KIND = TableKind(COLUMNS, ";".join(COLUMNS), "error.table_row.remedy.schedule")
_DAYS = ("mån", "tis", "ons", "tors", "fre", "lör", "sön")
_HOW = ("Enligt planeringen när paketet skrevs ut. Skriv ändringar för hand i rutan, och på blanketten för avvikelse från schema.",)
_NAME_MM, _DAY_MM, _ROW_MM = 48.0, 18.0, 8.0
_SPARE = 6
"""Rows left for persons who come in besides."""


@dataclass(frozen=True, slots=True)
class Shift:
    """When somebody works on a day."""

    name: str
    day: date
    hours: str


@dataclass(frozen=True, slots=True)
class _Page:
    monday: date
    rows: Sequence[Sequence[str]]


def load_schedule(path: Path) -> tuple[Shift, ...]:
    """Read a schedule: columns namn, datum and pass; separated by semicolon, comma or tab.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names rows, never what stands in them.
    """
    return tuple(_shift(path, number, row) for number, row in read_table(path, _KIND))


def schedule_of(data: bytes, source: str) -> tuple[Shift, ...]:
    """As `load_schedule`, of a file's content; `source` names it in errors."""
    return tuple(_shift(source, number, row) for number, row in table_of(data, source, _KIND))


def schedule_pages(shifts: Sequence[Shift]) -> int:
    """How many pages the schedule takes."""
    return len(list(_pages(shifts)))


def draw_schedule(paper: Paper, about: About, shifts: Sequence[Shift]) -> None:
    """The pages, a week each or more where a week has more persons than a page has room for."""
    for page in _pages(shifts):
        year, week, _ = page.monday.isocalendar()
        begin(paper, about, "Pappersschema", f"vecka {week}, {year}")
        days = [Column(f"{name} {day.day}/{day.month}", _DAY_MM) for name, day in zip(_DAYS, _week(page.monday), strict=True)]
        table(paper, [Column("Namn", _NAME_MM, bold=True), *days], page.rows, lines(paper, _HOW, TOP - 4) + 3, _ROW_MM, boxed=True)


def _shift(source: Path | str, number: int, row: dict[str, str]) -> Shift:
    try:
        return Shift(row["namn"], date.fromisoformat(row["datum"]), row["pass"])
    except ValueError:
        raise wrong_row(source, number, Text("error.table_row.no_day"), _KIND) from None


def _pages(shifts: Sequence[Shift]) -> Iterator[_Page]:
    room = rows_that_fit(TOP + 12, _ROW_MM)
    for monday in sorted({shift.day - timedelta(days=shift.day.weekday()) for shift in shifts}):
        week = _week(monday)
        theirs: dict[str, list[str]] = {}
        for shift in sorted(shifts, key=lambda shift: (shift.day, shift.hours)):
            if shift.day in week:
                cells = theirs.setdefault(shift.name, [""] * len(week))
                place = week.index(shift.day)
                cells[place] = " ".join(filter(None, (cells[place], shift.hours)))
        rows = [(name, *cells) for name, cells in sorted(theirs.items())] + [("", *[""] * len(week))] * _SPARE
        for start in range(0, len(rows), room):
            yield _Page(monday, rows[start : start + room])


def _week(monday: date) -> list[date]:
    return [monday + timedelta(days=days) for days in range(7)]
