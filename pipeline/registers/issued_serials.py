"""Write and parse the file of issued serials (utlamnade.csv) of an outage pack.

It is imported once there is a database again. Each sheet has a line, and after it one for each row
that was printed for a client (a tour list), with the row's number in `rad`. The last line has a
SHA-256 digest of the rows. It detects a file that was cut off, or changed by a spreadsheet, which
takes 12E45678 for a number; it does not protect against a forged file.
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
from pipeline.files.sandbox_process import NoTableError, read_foreign_table
from pipeline.forms.fiducials import is_serial

COLUMNS = ("löpnummer", "blankett", "version", "enhet", "personnummer", "rad")
CHECKSUM_LABEL = "kontrollsumma"


@dataclass(frozen=True, slots=True)
class IssuedFile:
    """The content of a file: the sheets in order of printing, and the digest that identifies it."""

    sheets: tuple[IssuedSheet, ...]
    sha256: str


def format_issued_file(sheets: Iterable[IssuedSheet]) -> bytes:
    """Write the file: semicolon, UTF-8 with byte order mark, CRLF."""
    rows = [line for sheet in sheets for line in _sheet_lines(sheet)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([COLUMNS, *rows, (CHECKSUM_LABEL, _rows_digest(rows))])
    return out.getvalue().encode(ENCODING)


def parse_issued_file(data: bytes) -> IssuedFile:
    """Parse a file; of printed rows it has the client only.

    Byte order mark, line ends and quotes may differ from those written, the cells not.

    Raises:
        UsageError: it is no such file, was cut off or changed, or has a serial that is wrong or
            repeated. The message names rows and serials, which are no personal data.
    """
    try:
        rows = [cells for _, cells in read_foreign_table(data, "The file") if cells]
    except NoTableError as error:
        raise UsageError("not_an_issue_file") from error
    # Header and last line show whether the file is complete.
    if not rows or rows[0] != COLUMNS:
        raise UsageError("not_an_issue_file_by_header", columns=";".join(COLUMNS))
    *body, last = rows[1:] or [("",)]
    if len(last) != 2 or last[0] != CHECKSUM_LABEL:
        raise UsageError("file_truncated")
    if last[1] != _rows_digest(body):
        raise UsageError("file_checksum_wrong")
    if any(len(row) != len(COLUMNS) for row in body):
        raise UsageError("row_length_wrong")
    _require_unique(body)
    return IssuedFile(_parse_sheets(body), last[1])


def _require_unique(rows: Sequence[tuple[str, ...]]) -> None:
    counts = Counter((row[0], row[-1]) for row in rows)
    if repeated := sorted({serial for (serial, _), count in counts.items() if count > 1}):
        raise UsageError("duplicate_serial_in_file", twice=", ".join(repeated))


def _sheet_lines(sheet: IssuedSheet) -> Iterator[tuple[str, ...]]:
    sheet_cells = (sheet.serial, sheet.form, str(sheet.version), sheet.unit)
    yield (*sheet_cells, sheet.client_pid or "", "")
    yield from ((*sheet_cells, row.client_pid, str(row.row)) for row in sheet.rows)


def _parse_sheets(lines: Iterable[Sequence[str]]) -> tuple[IssuedSheet, ...]:
    sheets: dict[str, IssuedSheet] = {}
    for number, (serial, form, version, unit, pid, row) in enumerate(lines, start=2):
        sheet = sheets.get(serial)
        # A line with a row number belongs to the sheet of an earlier line.
        is_row_of_sheet = sheet is not None and (form, version, unit) == (
            sheet.form,
            str(sheet.version),
            sheet.unit,
        )
        if (
            not is_serial(serial)
            or not version.isdecimal()
            or not unit
            or (row and not (is_row_of_sheet and pid and row.isdecimal()))
        ):
            raise UsageError("row_wrong", number=number)
        if sheet is not None and row:
            sheets[serial] = replace(sheet, rows=(*sheet.rows, PrintedRow(int(row), pid)))
        else:
            sheets[serial] = IssuedSheet(serial, form, int(version), unit, pid or None)
    return tuple(sheets.values())


def _rows_digest(rows: Iterable[Sequence[str]]) -> str:
    return hashlib.sha256("\n".join(";".join(row) for row in rows).encode()).hexdigest()
