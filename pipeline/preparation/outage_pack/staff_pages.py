"""The pages about the staff: the schedule, and the telephone chain (telefonkedja).

The schedule has people × days of a week, from a CSV of the scheduling system; changes go on a form
of their own. The chain says who calls whom when nothing else works, from a CSV or by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.forms.drawing import PaperDocument
from pipeline.preparation.outage_pack.pages import (
    TOP_MM,
    Column,
    PackInfo,
    begin_page,
    count_fitting_rows,
    draw_bullets,
    draw_table,
    pack_text,
    pack_texts,
)
from pipeline.texts import Text

# The schedule: the columns of its file, and its page.
SCHEDULE_COLUMNS = ("namn", "datum", "pass")
_SCHEDULE_TABLE = TableSchema(
    SCHEDULE_COLUMNS, ";".join(SCHEDULE_COLUMNS), "error.table_row.remedy.schedule"
)
_NAME_WIDTH_MM, _DAY_WIDTH_MM, _SCHEDULE_ROW_MM = 48.0, 18.0, 8.0
_SCHEDULE_TABLE_TOP_MM = TOP_MM + 12
_SPARE_SCHEDULE_ROWS = 6
"""Rows left for people who come in besides."""

# The telephone chain: the columns of its file, and its page.
CHAIN_COLUMNS = ("namn", "telefon", "roll", "ringer")
_CHAIN_TABLE = TableSchema(
    CHAIN_COLUMNS[:2], ";".join(CHAIN_COLUMNS), "error.table_row.remedy.callers"
)
_CHAIN_ROW_MM = 8.6
_CHAIN_TABLE_TOP_MM = TOP_MM + 21
_SPARE_CHAIN_ROWS = 4
"""Rows left for people that the list lacks."""


@dataclass(frozen=True, slots=True)
class ScheduledShift:
    """The hours that a member of staff works on a day."""

    name: str
    day: date
    hours: str


def load_schedule(source: Path | str, data: bytes | None = None) -> tuple[ScheduledShift, ...]:
    """Read a schedule: columns namn, datum and pass; separated by semicolon, comma or tab.

    With `data`, the content of the file, `source` only names it in errors.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names
            rows, never their content.
    """
    return tuple(
        _parse_shift(source, number, row)
        for number, row in read_table(source, _SCHEDULE_TABLE, data)
    )


def count_schedule_pages(shifts: Sequence[ScheduledShift]) -> int:
    """Return the number of pages of the schedule."""
    return len(list(_split_schedule_pages(shifts)))


def draw_schedule(paper: PaperDocument, about: PackInfo, shifts: Sequence[ScheduledShift]) -> None:
    """Draw the pages: one a week, or more where a page has no room for all its people."""
    for monday, rows in _split_schedule_pages(shifts):
        year, week, _ = monday.isocalendar()
        subtitle = pack_text("pack_paper.schedule.week", week=week, year=year)
        begin_page(paper, about, pack_text("pack_paper.schedule.title"), subtitle)
        name = Column(pack_text("pack_paper.staff.name"), _NAME_WIDTH_MM, bold=True)
        days = [
            Column(f"{weekday} {day.day}/{day.month}", _DAY_WIDTH_MM)
            for weekday, day in zip(
                pack_texts("pack_paper.weekday"), _week_days(monday), strict=True
            )
        ]
        draw_table(
            paper,
            [name, *days],
            rows,
            draw_bullets(paper, pack_texts("pack_paper.schedule.instruction"), TOP_MM - 4) + 3,
            _SCHEDULE_ROW_MM,
            boxed=True,
        )


def _parse_shift(source: Path | str, number: int, row: dict[str, str]) -> ScheduledShift:
    try:
        return ScheduledShift(row["namn"], date.fromisoformat(row["datum"]), row["pass"])
    except ValueError:
        raise row_error(source, number, Text("error.table_row.no_day"), _SCHEDULE_TABLE) from None


def _split_schedule_pages(
    shifts: Sequence[ScheduledShift],
) -> Iterator[tuple[date, Sequence[Sequence[str]]]]:
    """Yield the Monday and the rows of each page: weeks that have a shift, with spare rows."""
    room = count_fitting_rows(_SCHEDULE_TABLE_TOP_MM, _SCHEDULE_ROW_MM)
    # The Mondays of all weeks with a shift.
    for monday in sorted({shift.day - timedelta(days=shift.day.weekday()) for shift in shifts}):
        week = _week_days(monday)
        # A row a person; several shifts of a day share its cell, the earliest first.
        cells_by_name: dict[str, list[str]] = {}
        for shift in sorted(shifts, key=lambda shift: (shift.day, shift.hours)):
            if shift.day in week:
                cells = cells_by_name.setdefault(shift.name, [""] * len(week))
                weekday = shift.day.weekday()
                cells[weekday] = " ".join(filter(None, (cells[weekday], shift.hours)))
        rows = [(name, *cells) for name, cells in sorted(cells_by_name.items())]
        # Blank rows to write on.
        rows += [("", *[""] * len(week))] * _SPARE_SCHEDULE_ROWS
        for start in range(0, len(rows), room):
            yield monday, rows[start : start + room]


def _week_days(monday: date) -> list[date]:
    return [monday + timedelta(days=days) for days in range(7)]


@dataclass(frozen=True, slots=True)
class ChainContact:
    """A person in the chain; `calls` names who the person calls in turn."""

    name: str
    phone: str
    title: str = ""
    calls: str = ""


def load_chain(source: Path | str, data: bytes | None = None) -> tuple[ChainContact, ...]:
    """Read a chain: columns namn and telefon, optionally roll and ringer.

    They are separated by semicolon, comma or tab. With `data`, the content of the file, `source`
    only names it in errors.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names
            rows, never their content.
    """
    return tuple(
        ChainContact(row["namn"], row["telefon"], row.get("roll", ""), row.get("ringer", ""))
        for _, row in read_table(source, _CHAIN_TABLE, data)
    )


def count_chain_pages(chain: Sequence[ChainContact]) -> int:
    """Return the number of pages of the chain."""
    return len(list(_split_chain_pages(chain)))


def draw_chain(paper: PaperDocument, about: PackInfo, chain: Sequence[ChainContact]) -> None:
    """Draw the pages; with an empty list, a page of blank rows."""
    pages = list(_split_chain_pages(chain))
    columns = (
        Column(pack_text("pack_paper.chain.number"), 9, align_right=True, bold=True),
        Column(pack_text("pack_paper.staff.name"), 46, bold=True),
        Column(pack_text("pack_paper.chain.role"), 34),
        Column(pack_text("pack_paper.chain.phone"), 34, bold=True),
        Column(pack_text("pack_paper.chain.calls"), 29),
        Column(pack_text("pack_paper.chain.reached"), 22),
    )
    for number, rows in enumerate(pages, start=1):
        subtitle = (
            pack_text("pack_paper.chain.page", page=number, pages=len(pages))
            if len(pages) > 1
            else ""
        )
        begin_page(paper, about, pack_text("pack_paper.chain.title"), subtitle)
        table_top = draw_bullets(paper, pack_texts("pack_paper.chain.instruction"), TOP_MM - 4) + 3
        draw_table(paper, columns, rows, table_top, _CHAIN_ROW_MM)


def _split_chain_pages(chain: Sequence[ChainContact]) -> Iterator[Sequence[Sequence[str]]]:
    """Yield the rows of each page; the spare rows fill the last page."""
    room = count_fitting_rows(_CHAIN_TABLE_TOP_MM, _CHAIN_ROW_MM)
    rows = [
        (str(number), contact.name, contact.title, contact.phone, contact.calls, "")
        for number, contact in enumerate(chain, start=1)
    ]
    # Spare rows up to the end of the last page, at least the fixed number.
    spare = max(_SPARE_CHAIN_ROWS, -(len(rows) + _SPARE_CHAIN_ROWS) % room + _SPARE_CHAIN_ROWS)
    rows += [(str(len(rows) + number), "", "", "", "", "") for number in range(1, spare + 1)]
    for start in range(0, len(rows), room):
        yield rows[start : start + room]
