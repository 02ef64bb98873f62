"""The file of issued serials (utlamnade.csv) that a pack leaves behind, and that is taken in once there is a database again.

The last line holds a SHA-256 digest of what the rows say. It finds a file that was cut off, or changed by a spreadsheet, which takes 12E45678 for a
number; it is no protection against somebody who means to change the file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.export.csv_file import ENCODING
from pipeline.fiducials import is_serial
from pipeline.model import IssuedSheet

COLUMNS = ("löpnummer", "blankett", "version", "enhet", "personnummer")
CHECKSUM = "kontrollsumma"
_AS_WRITTEN = "Take the file as the program wrote it. A spreadsheet that saves it changes serials and personal numbers."


@dataclass(frozen=True, slots=True)
class Issued:
    """What a file says: the sheets in order of printing, and its digest, which names the file."""

    sheets: tuple[IssuedSheet, ...]
    sha256: str


def write_issued(sheets: Iterable[IssuedSheet]) -> bytes:
    """The file: semicolon, UTF-8 with byte order mark, CRLF."""
    rows = [(one.serial, one.form, str(one.version), one.unit, one.client_pid or "") for one in sheets]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([COLUMNS, *rows, (CHECKSUM, _digest(rows))])
    return out.getvalue().encode(ENCODING)


def read_issued(data: bytes) -> Issued:
    """What a file says. Byte order mark, line ends and quotes may have changed on the way, the cells not.

    Raises:
        UsageError: it is no such file, was cut off or changed, or holds a serial that is wrong or stands twice. The text names rows and serials,
            which say nothing of anybody.
    """
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(data.decode(ENCODING)), delimiter=";") if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError("This is no file of issued sheets.", _AS_WRITTEN) from error
    if not rows or rows[0] != COLUMNS:
        raise UsageError("This is no file of issued sheets.", f"Its first line is {';'.join(COLUMNS)}.")
    *body, last = rows[1:] or [("",)]
    if len(last) != 2 or last[0] != CHECKSUM:
        raise UsageError("The end of the file is missing: its last line holds no checksum.", "Copy the whole file again from the pack.")
    if last[1] != _digest(body):
        raise UsageError("The file has been changed or cut: what it says does not give its checksum.", _AS_WRITTEN)
    return Issued(tuple(_sheet(number, row) for number, row in enumerate(_once(body), start=2)), last[1])


def _once(rows: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    if twice := sorted(serial for serial, times in Counter(row[0] for row in rows).items() if times > 1):
        raise UsageError(f"The file has a serial twice: {', '.join(twice)}.", "Make the pack anew; two sheets must never bear the same serial.")
    return rows


def _sheet(number: int, row: tuple[str, ...]) -> IssuedSheet:
    if len(row) != len(COLUMNS) or not is_serial(row[0]) or not row[2].isdecimal() or not row[3]:
        raise UsageError(f"Row {number} of the file is wrong.", _AS_WRITTEN)
    return IssuedSheet(row[0], row[1], int(row[2]), row[3], row[4] or None)


def _digest(rows: Iterable[Sequence[str]]) -> str:
    return hashlib.sha256("\n".join(";".join(row) for row in rows).encode()).hexdigest()
