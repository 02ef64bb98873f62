"""The staff schedule on paper: persons × days of a week, from a CSV that the scheduling system
gives. Changes go on a form of their own.

The telephone chain (telefonkedja): who calls whom when nothing else works. From a CSV, or blank
lines to write on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipeline.files.csv_tables import TableSchema, parse_table, read_table, row_error
from pipeline.forms.drawing import PaperDocument
from pipeline.preparation.outage_pack.pages import (
    TOP_MM,
    Column,
    PackInfo,
    begin_page,
    count_fitting_rows,
    draw_bullets,
    draw_table,
)
from pipeline.texts import Text

SCHEDULE_COLUMNS = ("namn", "datum", "pass")
_SCHEDULE_TABLE = TableSchema(
    SCHEDULE_COLUMNS, ";".join(SCHEDULE_COLUMNS), "error.table_row.remedy.schedule"
)
_WEEKDAYS = ("mån", "tis", "ons", "tors", "fre", "lör", "sön")
_SCHEDULE_INSTRUCTION = (
    "Enligt planeringen när paketet skrevs ut. Skriv ändringar för hand i rutan, och på blanketten för avvikelse från schema.",
)
_SPARE_SCHEDULE_ROWS = 6
"""Rows left for persons who come in besides."""
CHAIN_COLUMNS = ("namn", "telefon", "roll", "ringer")
_CHAIN_TABLE = TableSchema(
    CHAIN_COLUMNS[:2], ";".join(CHAIN_COLUMNS), "error.table_row.remedy.callers"
)
_CHAIN_TABLE_COLUMNS = (
    Column("Nr", 9, align_right=True, bold=True),
    Column("Namn", 46, bold=True),
    Column("Roll", 34),
    Column("Telefon", 34, bold=True),
    Column("Ringer i sin tur", 29),
    Column("Nådd, kl.", 22),
)
_CHAIN_ROW_MM = 8.6
_CHAIN_INSTRUCTION = (
    "Ring uppifrån och ned. Skriv klockslaget när du har fått tag i personen. Svarar ingen: ring nästa och försök igen efter 15 minuter.",
    "Säg: vad som har hänt, om datorerna får användas, var pärmen med reservpaketet finns och när nästa besked kommer.",
)
_SPARE_CHAIN_ROWS = 4
"""Lines left for persons that the list lacks."""


_NAME_WIDTH_MM, _DAY_WIDTH_MM, _SCHEDULE_ROW_MM = 48.0, 18.0, 8.0


@dataclass(frozen=True, slots=True)
class ScheduledShift:
    """When somebody works on a day."""

    name: str
    day: date
    hours: str


@dataclass(frozen=True, slots=True)
class _SchedulePage:
    monday: date
    rows: Sequence[Sequence[str]]


def load_schedule(path: Path) -> tuple[ScheduledShift, ...]:
    """Read a schedule: columns namn, datum and pass; separated by semicolon, comma or tab.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names
        rows, never what stands in them.
    """
    return tuple(
        _parse_shift(path, number, row) for number, row in read_table(path, _SCHEDULE_TABLE)
    )


def parse_schedule(data: bytes, source: str) -> tuple[ScheduledShift, ...]:
    """As `load_schedule`, of a file's content; `source` names it in errors."""
    return tuple(
        _parse_shift(source, number, row)
        for number, row in parse_table(data, source, _SCHEDULE_TABLE)
    )


def count_schedule_pages(shifts: Sequence[ScheduledShift]) -> int:
    """How many pages the schedule takes."""
    return len(list(_split_schedule_pages(shifts)))


def draw_schedule(paper: PaperDocument, about: PackInfo, shifts: Sequence[ScheduledShift]) -> None:
    """The pages, a week each or more where a week has more persons than a page has room for."""
    for page in _split_schedule_pages(shifts):
        year, week, _ = page.monday.isocalendar()
        begin_page(paper, about, "Pappersschema", f"vecka {week}, {year}")
        days = [
            Column(f"{name} {day.day}/{day.month}", _DAY_WIDTH_MM)
            for name, day in zip(_WEEKDAYS, _week_days(page.monday), strict=True)
        ]
        draw_table(
            paper,
            [Column("Namn", _NAME_WIDTH_MM, bold=True), *days],
            page.rows,
            draw_bullets(paper, _SCHEDULE_INSTRUCTION, TOP_MM - 4) + 3,
            _SCHEDULE_ROW_MM,
            boxed=True,
        )


def _parse_shift(source: Path | str, number: int, row: dict[str, str]) -> ScheduledShift:
    try:
        return ScheduledShift(row["namn"], date.fromisoformat(row["datum"]), row["pass"])
    except ValueError:
        raise row_error(source, number, Text("error.table_row.no_day"), _SCHEDULE_TABLE) from None


def _split_schedule_pages(shifts: Sequence[ScheduledShift]) -> Iterator[_SchedulePage]:
    room = count_fitting_rows(TOP_MM + 12, _SCHEDULE_ROW_MM)
    for monday in sorted({shift.day - timedelta(days=shift.day.weekday()) for shift in shifts}):
        week = _week_days(monday)
        theirs: dict[str, list[str]] = {}
        for shift in sorted(shifts, key=lambda shift: (shift.day, shift.hours)):
            if shift.day in week:
                cells = theirs.setdefault(shift.name, [""] * len(week))
                place = week.index(shift.day)
                cells[place] = " ".join(filter(None, (cells[place], shift.hours)))
        rows = [(name, *cells) for name, cells in sorted(theirs.items())] + [
            ("", *[""] * len(week))
        ] * _SPARE_SCHEDULE_ROWS
        for start in range(0, len(rows), room):
            yield _SchedulePage(monday, rows[start : start + room])


def _week_days(monday: date) -> list[date]:
    return [monday + timedelta(days=days) for days in range(7)]


@dataclass(frozen=True, slots=True)
class ChainContact:
    """A person in the chain. `calls` says whom the person calls in turn."""

    name: str
    phone: str
    title: str = ""
    calls: str = ""


def load_chain(path: Path) -> tuple[ChainContact, ...]:
    """Read a chain: columns namn, telefon and, if wanted, roll and ringer; separated by semicolon,
    comma or tab.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names
        rows, never what stands in them.
    """
    return _parse_contacts(read_table(path, _CHAIN_TABLE))


def parse_chain(data: bytes, source: str) -> tuple[ChainContact, ...]:
    """As `load_chain`, of a file's content; `source` names it in errors."""
    return _parse_contacts(parse_table(data, source, _CHAIN_TABLE))


def count_chain_pages(chain: Sequence[ChainContact]) -> int:
    """How many pages the chain takes."""
    return len(list(_split_chain_pages(chain)))


def draw_chain(paper: PaperDocument, about: PackInfo, chain: Sequence[ChainContact]) -> None:
    """The pages. Without anybody in the list all lines are blank."""
    pages = list(_split_chain_pages(chain))
    for number, rows in enumerate(pages, start=1):
        begin_page(
            paper, about, "Telefonkedja", f"sida {number} av {len(pages)}" if len(pages) > 1 else ""
        )
        draw_table(
            paper,
            _CHAIN_TABLE_COLUMNS,
            rows,
            draw_bullets(paper, _CHAIN_INSTRUCTION, TOP_MM - 4) + 3,
            _CHAIN_ROW_MM,
        )


def _parse_contacts(rows: Iterable[tuple[int, dict[str, str]]]) -> tuple[ChainContact, ...]:
    return tuple(
        ChainContact(row["namn"], row["telefon"], row.get("roll", ""), row.get("ringer", ""))
        for _, row in rows
    )


def _split_chain_pages(chain: Sequence[ChainContact]) -> Iterator[Sequence[Sequence[str]]]:
    room = count_fitting_rows(TOP_MM + 21, _CHAIN_ROW_MM)
    rows = [
        (str(place), one.name, one.title, one.phone, one.calls, "")
        for place, one in enumerate(chain, start=1)
    ]
    spare = max(_SPARE_CHAIN_ROWS, -(len(rows) + _SPARE_CHAIN_ROWS) % room + _SPARE_CHAIN_ROWS)
    rows += [(str(len(rows) + place), "", "", "", "", "") for place in range(1, spare + 1)]
    for start in range(0, len(rows), room):
        yield rows[start : start + room]
