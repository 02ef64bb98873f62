"""What the care system has already, as somebody exports it from there: a table with any header, and
which of its columns says what.

A row is of use if it tells whom it is about and on which day; the rest is compared where it is
given. What cannot be used is counted by row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum

from rapidfuzz import fuzz, utils

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import (
    MAX_LOCAL_PID_LENGTH,
    PidKind,
    is_local_pid,
    normalize_pid,
)
from pipeline.files.csv_tables import csv_reader, decode_text, refuse_workbook

MAX_ROWS, MAX_TEXT_LENGTH = 50_000, 4_000
_MIN_TITLE_SIMILARITY = 88
"""Per cent of likeness from which a column's title counts as one of those that are known."""


class CareColumn(StrEnum):
    """What a column can say."""

    PID = "pid"
    DAY = "day"
    CLOCK = "clock"
    KIND = "kind"
    TEXT = "text"
    AUTHOR = "author"


REQUIRED_COLUMNS = (CareColumn.PID, CareColumn.DAY)
KNOWN_TITLES: Mapping[CareColumn, tuple[str, ...]] = {
    CareColumn.PID: (
        "personnummer",
        "personnr",
        "pnr",
        "person id",
        "patient id",
        "patientens personnummer",
        "klient",
        "brukare",
        "personal number",
    ),
    CareColumn.DAY: (
        "händelsedatum",
        "datum",
        "dag",
        "besöksdatum",
        "mätdatum",
        "datum och tid",
        "tidpunkt",
        "starttid",
        "händelsetidpunkt",
        "date",
    ),
    CareColumn.CLOCK: ("händelsetid", "tid", "klockslag", "kl", "start", "besökstid", "time"),
    CareColumn.KIND: (
        "typ",
        "anteckningstyp",
        "kontakttyp",
        "händelsetyp",
        "slag",
        "rubrik",
        "insats",
        "mall",
        "type",
    ),
    CareColumn.TEXT: (
        "anteckning",
        "text",
        "anteckningstext",
        "journaltext",
        "fritext",
        "innehåll",
        "beskrivning",
        "kommentar",
        "plan",
        "värde",
        "note",
    ),
    CareColumn.AUTHOR: (
        "författare",
        "skribent",
        "skriven av",
        "signerad av",
        "utförare",
        "namn på utförare",
        "registrerad av",
        "author",
    ),
}
"""The titles that columns are known by, the surest first."""

ColumnMapping = Mapping[CareColumn, tuple[int, ...]]
"""Which columns, from 0, say what. Only text may stand in several."""


@dataclass(frozen=True, slots=True)
class CareTable:
    """A table as it was handed in: its titles, and each row with its number in the file."""

    titles: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class CareRow:
    """What the care system has. `pids` are the numbers that it may mean: several where the century
    is missing. `clock` is HH:MM or empty.
    """

    pids: tuple[str, ...]
    day: str
    clock: str = ""
    kind: str = ""
    text: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class CareList:
    """The rows of use, and the numbers in the file of those without a right personal number and
    without a day.
    """

    rows: tuple[CareRow, ...]
    rows_without_person: tuple[int, ...] = ()
    rows_without_day: tuple[int, ...] = ()


def parse_care_table(data: bytes, source: str) -> CareTable:
    """A table parted by semicolon, comma or tab; UTF-8, UTF-16 or Windows-1252.

    Raises:
        UsageError: it is no such table, or it is too long. The text never says what stands in it.
    """
    refuse_workbook(data, source)
    reader = csv_reader(decode_text(data), strict=True)
    try:
        titles = tuple(title.strip() for title in next(reader, []))
        rows = tuple(
            (reader.line_num, tuple(cell.strip() for cell in cells))
            for cells in reader
            if any(cell.strip() for cell in cells)
        )
    except csv.Error as error:
        raise UsageError("no_csv_table_see_row", source=source, line_num=reader.line_num) from error
    if len(titles) < len(REQUIRED_COLUMNS) or not rows:
        raise UsageError("fewer_than_two_columns_no", source=source)
    if len(rows) > MAX_ROWS:
        raise UsageError("more_than_rows", source=source, most_rows=MAX_ROWS)
    return CareTable(titles, rows)


def propose_columns(titles: Sequence[str], first: Sequence[str] = ()) -> ColumnMapping:
    """Which column probably says what, by its title: each for one thing, and the likeliest title
    first.

    Args:
        first: the cells of a row. A column of times in which days stand too is the column of
            days, if there is no other.
    """
    likely = sorted(
        (
            (_title_similarity(title, part), part, n)
            for n, title in enumerate(titles)
            for part in CareColumn
        ),
        key=lambda one: (-one[0], one[2]),
    )
    found: dict[CareColumn, tuple[int, ...]] = {}
    taken: set[int] = set()
    for likeness, part, column in likely:
        if (
            likeness >= _MIN_TITLE_SIMILARITY
            and column not in taken
            and (part is CareColumn.TEXT or part not in found)
        ):
            found[part] = tuple(sorted((*found.get(part, ()), column)))
            taken.add(column)
    if CareColumn.DAY not in found and any(
        _DAY_PATTERN.match(cell) for cell in _column_cells(first, found.get(CareColumn.CLOCK, ()))
    ):
        found[CareColumn.DAY] = found.pop(CareColumn.CLOCK)
    return found


def read_care_list(table: CareTable, columns: ColumnMapping, today: date | None = None) -> CareList:
    """The rows of a table read by these columns.

    Raises:
        UsageError: no column says whom a row is about, or when.
    """
    if lacking := [part.value for part in REQUIRED_COLUMNS if not columns.get(part)]:
        raise UsageError("no_column_named", lacking=", ".join(lacking))
    rows, no_person, no_day = list[CareRow](), list[int](), list[int]()
    for number, cells in table.rows:
        said = {part: " ".join(_column_cells(cells, columns.get(part, ()))) for part in CareColumn}
        pids, (day, clock) = (
            _parse_pids(said[CareColumn.PID], today),
            _parse_moment(said[CareColumn.DAY], said[CareColumn.CLOCK]),
        )
        if not pids:
            no_person.append(number)
        elif not day:
            no_day.append(number)
        else:
            rows.append(
                CareRow(
                    pids,
                    day,
                    clock,
                    said[CareColumn.KIND][:200],
                    said[CareColumn.TEXT][:MAX_TEXT_LENGTH],
                    said[CareColumn.AUTHOR][:200],
                )
            )
    return CareList(tuple(dict.fromkeys(rows)), tuple(no_person), tuple(no_day))


def _title_similarity(title: str, part: CareColumn) -> float:
    """Per cent; the surer the known title, the more, so that `händelsedatum` goes before `datum`."""
    plain = utils.default_process(title)
    return max(
        (fuzz.ratio(plain, known) - place / 10 for place, known in enumerate(KNOWN_TITLES[part])),
        default=0.0,
    )


def _column_cells(cells: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    return (cells[column] for column in columns if column < len(cells) and cells[column])


def _parse_pids(text: str, today: date | None) -> tuple[str, ...]:
    pid = normalize_pid(text, today)
    if pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION, PidKind.RESERVE):
        return (pid.value12,) if pid.valid and pid.value12 else pid.candidates
    # Digits and a slash are a number of the Migration Agency (LMA), or a month.
    is_one = is_local_pid(pid.value12) and (
        re.search("[A-ZÅÄÖ]", pid.value12) or re.fullmatch(r"\d{8}/\d", pid.value12)
    )
    return (pid.value12,) if is_one and len(pid.value12) <= MAX_LOCAL_PID_LENGTH else ()


_DAY_PATTERN = re.compile(
    r"(?:(\d{4})-?(\d\d)-?(\d\d)|(\d{1,2})[./](\d{1,2})[./](\d{4}))(?!\d)", re.ASCII
)
_CLOCK_PATTERN = re.compile(r"(?<!\d)(\d{1,2})[:.](\d\d)(?:[:.]\d\d(?:[.,]\d+)?)?(?!\d)", re.ASCII)
_MIDNIGHT = "24:00"
"""The end of a day: the first moment of the next."""
_BARE_CLOCK_PATTERN = re.compile(r"(\d\d)(\d\d)", re.ASCII)


def _parse_moment(day: str, clock: str) -> tuple[str, str]:
    """Day and time of day, either of which may stand in the column for the day; empty where it is
    none.
    """
    found = _DAY_PATTERN.match(day)
    if found is None:
        return "", ""
    year, month, on = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    try:
        of, at = (
            date(int(year), int(month), int(on)),
            _parse_clock(clock) or _parse_clock(day[found.end() :]),
        )
        return (
            ((of + timedelta(days=1)).isoformat(), "00:00")
            if at == _MIDNIGHT
            else (of.isoformat(), at)
        )
    except (ValueError, OverflowError):
        return "", ""


def _parse_clock(text: str) -> str:
    found = _CLOCK_PATTERN.search(text) or _BARE_CLOCK_PATTERN.fullmatch(text.strip())
    if found and (found[1], found[2]) == ("24", "00"):
        return _MIDNIGHT
    try:
        return time(int(found[1]), int(found[2])).isoformat("minutes") if found else ""
    except ValueError:
        return ""
