"""Read an export of the care system: a table with any header, and the mapping of its columns.

A row is usable if it has a personal number and a day; other cells are compared where there are
any. Unusable rows are listed by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from rapidfuzz import fuzz, utils

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import (
    MAX_LOCAL_PID_LENGTH,
    PidKind,
    is_local_pid,
    normalize_pid,
)
from pipeline.files.sandbox_process import NoTableError, read_foreign_table

MAX_ROWS, MAX_TEXT_LENGTH = 50_000, 4_000
_MAX_WORDS_LENGTH = 200
"""Characters kept of a kind of record and of an author."""
_MIN_TITLE_SIMILARITY = 88
"""Similarity (%) from which a column's title counts as one of the known ones."""
_DAY_PATTERN = re.compile(
    r"(?:(\d{4})-?(\d\d)-?(\d\d)|(\d{1,2})[./](\d{1,2})[./](\d{4}))(?!\d)", re.ASCII
)
_CLOCK_PATTERN = re.compile(r"(?<!\d)(\d{1,2})[:.](\d\d)(?:[:.]\d\d(?:[.,]\d+)?)?(?!\d)", re.ASCII)
_BARE_CLOCK_PATTERN = re.compile(r"(\d\d)(\d\d)", re.ASCII)
_MIDNIGHT = "24:00"
"""The end of a day: the first moment of the next."""


class CareColumn(StrEnum):
    """The meaning of a column."""

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
"""The known titles of columns, the least ambiguous first."""

ColumnMapping = Mapping[CareColumn, tuple[int, ...]]
"""The columns, from 0, by meaning. Only text may be in several."""


@dataclass(frozen=True, slots=True)
class CareTable:
    """A table as it was uploaded: its titles, and each row with its number in the file."""

    titles: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class CareRow:
    """A row of the care system.

    `pids` are the possible numbers, several where the century is missing. `clock` is HH:MM or
    empty.
    """

    pids: tuple[str, ...]
    day: str
    clock: str = ""
    kind: str = ""
    text: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class CareList:
    """The usable rows, and the numbers in the file of those without a right pid or a day."""

    rows: tuple[CareRow, ...]
    rows_without_person: tuple[int, ...] = ()
    rows_without_day: tuple[int, ...] = ()


def parse_care_table(data: bytes, source: str) -> CareTable:
    """Parse a workbook (xlsx), or a table separated by semicolon, comma or tab in any encoding.

    Raises:
        UsageError: it is no such table, or it is too long. The message never has its content.
    """
    try:
        (_, first), *others = read_foreign_table(data, source, strict=True) or [(0, ())]
    except NoTableError as error:
        raise UsageError("not_a_table_from_row", source=source, line_num=error.line) from error
    titles = tuple(title.strip() for title in first)
    rows = tuple(
        (number, tuple(cell.strip() for cell in cells))
        for number, cells in others
        if any(cell.strip() for cell in cells)
    )
    if len(titles) < len(REQUIRED_COLUMNS) or not rows:
        raise UsageError("table_too_small", source=source)
    if len(rows) > MAX_ROWS:
        raise UsageError("too_many_rows", source=source, most_rows=MAX_ROWS)
    return CareTable(titles, rows)


def propose_columns(titles: Sequence[str], first_row: Sequence[str] = ()) -> ColumnMapping:
    """Propose a mapping of columns by their titles.

    Each column gets one meaning, the most similar titles first.

    Args:
        first_row: the cells of a row. A column of times that contains days too is the column of
            days, if there is no other.
    """
    # Every title against every meaning, the most similar pairs first.
    pairs = sorted(
        (
            (_title_similarity(title, meaning), meaning, column)
            for column, title in enumerate(titles)
            for meaning in CareColumn
        ),
        key=lambda pair: (-pair[0], pair[2]),
    )
    mapping: dict[CareColumn, tuple[int, ...]] = {}
    used: set[int] = set()
    for similarity, meaning, column in pairs:
        if (
            similarity >= _MIN_TITLE_SIMILARITY
            and column not in used
            and (meaning is CareColumn.TEXT or meaning not in mapping)
        ):
            mapping[meaning] = tuple(sorted((*mapping.get(meaning, ()), column)))
            used.add(column)
    # One column may have day and time together.
    if CareColumn.DAY not in mapping and any(
        _DAY_PATTERN.match(cell)
        for cell in _column_cells(first_row, mapping.get(CareColumn.CLOCK, ()))
    ):
        mapping[CareColumn.DAY] = mapping.pop(CareColumn.CLOCK)
    return mapping


def read_care_list(table: CareTable, columns: ColumnMapping, today: date | None = None) -> CareList:
    """Read the rows of a table by a mapping of columns.

    Raises:
        UsageError: no column is mapped to the personal number or the day.
    """
    if missing := [meaning.value for meaning in REQUIRED_COLUMNS if not columns.get(meaning)]:
        raise UsageError("columns_not_named", lacking=", ".join(missing))
    rows, no_person, no_day = list[CareRow](), list[int](), list[int]()
    for number, cells in table.rows:
        texts = {
            meaning: " ".join(_column_cells(cells, columns.get(meaning, ())))
            for meaning in CareColumn
        }
        pids = _parse_pids(texts[CareColumn.PID], today)
        day, clock = _parse_moment(texts[CareColumn.DAY], texts[CareColumn.CLOCK])
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
                    texts[CareColumn.KIND][:_MAX_WORDS_LENGTH],
                    texts[CareColumn.TEXT][:MAX_TEXT_LENGTH],
                    texts[CareColumn.AUTHOR][:_MAX_WORDS_LENGTH],
                )
            )
    # Equal rows count once.
    return CareList(tuple(dict.fromkeys(rows)), tuple(no_person), tuple(no_day))


def _title_similarity(title: str, meaning: CareColumn) -> float:
    """Return a similarity (%), higher for the less ambiguous of the known titles.

    So `händelsedatum` is preferred to `datum`.
    """
    plain = utils.default_process(title)
    return max(
        (fuzz.ratio(plain, known) - rank / 10 for rank, known in enumerate(KNOWN_TITLES[meaning])),
        default=0.0,
    )


def _column_cells(cells: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    return (cells[column] for column in columns if column < len(cells) and cells[column])


def _parse_pids(text: str, today: date | None) -> tuple[str, ...]:
    pid = normalize_pid(text, today)
    if pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION, PidKind.RESERVE):
        return (pid.value12,) if pid.valid and pid.value12 else pid.candidates
    # Digits and a slash are a number of the Migration Agency (LMA), or a month.
    is_pid = is_local_pid(pid.value12) and (
        re.search("[A-ZÅÄÖ]", pid.value12) or re.fullmatch(r"\d{8}/\d", pid.value12)
    )
    return (pid.value12,) if is_pid and len(pid.value12) <= MAX_LOCAL_PID_LENGTH else ()


def _parse_moment(day_text: str, clock_text: str) -> tuple[str, str]:
    """Parse day and time, which may both be in the column of days; "" where there is none."""
    match = _DAY_PATTERN.match(day_text)
    if match is None:
        return "", ""
    year, month, day = (
        (match[1], match[2], match[3]) if match[1] else (match[6], match[5], match[4])
    )
    try:
        moment = date(int(year), int(month), int(day))
        clock = _parse_clock(clock_text) or _parse_clock(day_text[match.end() :])
        if clock == _MIDNIGHT:
            return (moment + timedelta(days=1)).isoformat(), "00:00"
        return moment.isoformat(), clock
    except (ValueError, OverflowError):
        return "", ""


def _parse_clock(text: str) -> str:
    match = _CLOCK_PATTERN.search(text) or _BARE_CLOCK_PATTERN.fullmatch(text.strip())
    if match and (match[1], match[2]) == ("24", "00"):
        return _MIDNIGHT
    try:
        return time(int(match[1]), int(match[2])).isoformat("minutes") if match else ""
    except ValueError:
        return ""


# Compare an entry with a row of the care system that may be the same record, keyed in already.
#
# Too many pairs are better than too few: a wrong pair costs a short check, an entry that is keyed
# in twice is wrong in the client's record.

MIN_TEXT_SIMILARITY = 65
"""Similarity (%) from which two texts count as the same.

Different notes of the sample stack reach 58, shortened ones 93 and more
(`tests/unit/registers/test_care_system_match.py`).
"""
_MIN_KIND_SIMILARITY = 80
"""Similarity (%) from which two words for a kind of record mean the same kind."""
_UNKNOWN_SIMILARITY = 50.0
"""Points of a text or time that cannot be compared."""


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """The facts of an entry or row that are compared.

    `day` is YYYY-MM-DD and `clock` HH:MM, empty where it is not known; `kinds` are words for the
    kind of record.
    """

    day: str
    clock: str
    kinds: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MatchSimilarity:
    """The evidence for an entry and a row being the same record.

    Attributes:
        minutes: Time between them; None where a time of day is missing.
        text: Similarity of the texts in %; None where one is missing.
        kind: Whether they are of the same kind; None where the row's word does not tell.
        rank: The higher, the likelier a match.
    """

    minutes: int | None
    text: int | None
    kind: bool | None
    rank: float


def compare_facts(
    entry: MatchFacts, row: MatchFacts, max_minutes: int, *, kind: bool | None
) -> MatchSimilarity | None:
    """Compare an entry and a row about the same person; return None if they do not match.

    They match within `max_minutes`, or on the same day where one has no time of day, or on the
    same day with similar texts. A row that is named as another kind of record matches by similar
    texts only.

    Args:
        kind: whether they are of the same kind, see `is_same_kind`.
    """
    minutes = _minutes_between(entry, row)
    text = _text_similarity(entry.text, row.text)
    # Similar texts of the same day match, whatever the time and kind.
    is_same_text = text is not None and text >= MIN_TEXT_SIMILARITY
    is_same_day = not entry.day or bool(_candidate_days(entry) & _candidate_days(row))
    is_near = minutes <= max_minutes if minutes is not None else is_same_day
    if not (is_same_text and is_same_day) and (not is_near or not entry.day or kind is False):
        return None
    # Rank by closeness in time, similarity of the texts and kind.
    closeness = (
        _UNKNOWN_SIMILARITY
        if minutes is None
        else 100 * max(0.0, 1 - minutes / max(max_minutes, 1))
    )
    rank = (
        closeness
        + (_UNKNOWN_SIMILARITY if text is None else text)
        + {True: 20, None: 0, False: -20}[kind]
    )
    return MatchSimilarity(minutes, text, kind, round(rank, 1))


def _candidate_days(facts: MatchFacts) -> set[date]:
    """Return its day, and for midnight also the day before, to which 24:00 on paper belongs."""
    day = date.fromisoformat(facts.day)
    return {day, day - timedelta(days=1)} if facts.clock == "00:00" and day > date.min else {day}


def _minutes_between(entry: MatchFacts, row: MatchFacts) -> int | None:
    if not (entry.day and entry.clock and row.clock):
        return None
    difference = _to_moment(entry) - _to_moment(row)
    return int(abs(difference.total_seconds()) // 60)


def _to_moment(facts: MatchFacts) -> datetime:
    hour, minute = map(int, facts.clock.split(":"))
    return datetime.combine(date.fromisoformat(facts.day), datetime.min.time()).replace(
        hour=hour, minute=minute
    )


def _text_similarity(entry_text: str, row_text: str) -> int | None:
    if not entry_text.strip() or not row_text.strip():
        return None
    return round(fuzz.token_set_ratio(entry_text, row_text, processor=utils.default_process))


def is_same_kind(
    entry_kinds: Sequence[str], row_kinds: Sequence[str], other_kinds: Sequence[str]
) -> bool | None:
    """Return whether words for a kind mean the same; None where the row's words do not tell."""
    same, other = _best_similarity(row_kinds, entry_kinds), _best_similarity(row_kinds, other_kinds)
    if same >= _MIN_KIND_SIMILARITY and same >= other:
        return True
    return False if other >= _MIN_KIND_SIMILARITY else None


def _best_similarity(words: Sequence[str], known_words: Sequence[str]) -> float:
    return max(
        (
            fuzz.token_set_ratio(word, known_word, processor=utils.default_process)
            for word in words
            if word
            for known_word in known_words
        ),
        default=0.0,
    )
