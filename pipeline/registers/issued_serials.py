"""The file of issued serials (utlamnade.csv) that a pack leaves behind, and that is taken in once
there is a database again.

The last line holds a SHA-256 digest of what the rows say. It finds a file that was cut off, or
changed by a spreadsheet, which takes 12E45678 for a number; it is no protection against somebody
who means to change the file.

A sheet has a line, and after it one for each row that was printed for a client (a tour list),
with the row's number in `rad`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.domain.errors import UsageError
from pipeline.domain.model import IssuedSheet, PrintedRow
from pipeline.files.csv_tables import ENCODING
from pipeline.forms.fiducials import is_serial

COLUMNS = ("löpnummer", "blankett", "version", "enhet", "personnummer", "rad")
_COLUMNS_WITHOUT_ROWS = COLUMNS[:-1]
"""The first line of files from before there were tour lists in packs; they are in safes and are
taken in too.
"""
CHECKSUM_LABEL = "kontrollsumma"


@dataclass(frozen=True, slots=True)
class IssuedFile:
    """What a file says: the sheets in order of printing, and its digest, which names the file."""

    sheets: tuple[IssuedSheet, ...]
    sha256: str


def format_issued_file(sheets: Iterable[IssuedSheet]) -> bytes:
    """The file: semicolon, UTF-8 with byte order mark, CRLF."""
    rows = [line for sheet in sheets for line in _sheet_lines(sheet)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([COLUMNS, *rows, (CHECKSUM_LABEL, _rows_digest(rows))])
    return out.getvalue().encode(ENCODING)


def parse_issued_file(data: bytes) -> IssuedFile:
    """What a file says: of rows only whom they were printed for. Byte order mark, line ends and
    quotes may have changed on the way, the cells not.

    Raises:
        UsageError: it is no such file, was cut off or changed, or holds a serial that is wrong
        or stands twice. The text names rows and serials, which say nothing of anybody.
    """
    try:
        rows = [
            tuple(row)
            for row in csv.reader(io.StringIO(data.decode(ENCODING)), delimiter=";")
            if row
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError("no_file_issued_sheets") from error
    if not rows or rows[0] not in (COLUMNS, _COLUMNS_WITHOUT_ROWS):
        raise UsageError("no_file_issued_sheets_first_line", columns=";".join(COLUMNS))
    *body, last = rows[1:] or [("",)]
    if len(last) != 2 or last[0] != CHECKSUM_LABEL:
        raise UsageError("end_file_missing_last_line")
    if last[1] != _rows_digest(body):
        raise UsageError("file_changed_cut_says_does")
    if any(len(row) != len(rows[0]) for row in body):
        raise UsageError("file_row_too_short_too")
    return IssuedFile(
        _parse_sheets([(*row, "")[: len(COLUMNS)] for row in _unique_lines(body)]), last[1]
    )


def _unique_lines(rows: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    lines = Counter((row[0], row[len(_COLUMNS_WITHOUT_ROWS) :]) for row in rows)
    if twice := sorted({serial for (serial, _), times in lines.items() if times > 1}):
        raise UsageError("file_serial_twice", twice=", ".join(twice))
    return rows


def _sheet_lines(sheet: IssuedSheet) -> Iterator[tuple[str, ...]]:
    printed = (sheet.serial, sheet.form, str(sheet.version), sheet.unit)
    yield (*printed, sheet.client_pid or "", "")
    yield from ((*printed, one.client_pid, str(one.row)) for one in sheet.rows)


def _parse_sheets(lines: Iterable[Sequence[str]]) -> tuple[IssuedSheet, ...]:
    found: dict[str, IssuedSheet] = {}
    for number, (serial, form, version, unit, pid, row) in enumerate(lines, start=2):
        sheet = found.get(serial)
        of_sheet = sheet is not None and (form, version, unit) == (
            sheet.form,
            str(sheet.version),
            sheet.unit,
        )
        if (
            not is_serial(serial)
            or not version.isdecimal()
            or not unit
            or (row and not (of_sheet and pid and row.isdecimal()))
        ):
            raise UsageError("row_file_wrong", number=number)
        if sheet is not None and row:
            found[serial] = replace(sheet, rows=(*sheet.rows, PrintedRow(int(row), pid)))
        else:
            found[serial] = IssuedSheet(serial, form, int(version), unit, pid or None)
    return tuple(found.values())


def _rows_digest(rows: Iterable[Sequence[str]]) -> str:
    return hashlib.sha256("\n".join(";".join(row) for row in rows).encode()).hexdigest()
