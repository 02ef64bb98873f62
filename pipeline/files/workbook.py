"""Read the cells of a workbook (xlsx) as the text that its CSV would have; runs in the sandbox.

A spreadsheet stores what a person sees as numbers: days, times, and personal numbers with their
leading zeros only in the number format. Each becomes the text that Excel saves as CSV, with days
and times in ISO order.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from openpyxl import load_workbook

from pipeline.domain.errors import UsageError

MAX_ROWS, MAX_COLUMNS = 200_000, 500
"""A larger table is no register."""
_MAX_UNPACKED_BYTES = 500_000_000
_TEXT_FORMAT = re.compile(r"0+(?:(?:\\?-|\\? |\"[^\"]*\"|\\.)?0+)*", re.ASCII)
"""A number format of zeros, possibly with signs between, such as 000000\\-0000."""
_FORMAT_PARTS = re.compile(r"\\(.)|\"([^\"]*)\"|(.)", re.ASCII | re.DOTALL)
_DECIMAL_DIGITS = 15
"""Digits of a number that a spreadsheet stores exactly."""

Row = tuple[int, list[str]]


def read_workbook(data: bytes) -> list[Row]:
    """Return the rows of the only sheet with content: row number and cells, all of equal width.

    The width is that of the titles in the first row with content, or of a longer row.

    Raises:
        UsageError: it is no such workbook, is too large, or several of its sheets have content.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_UNPACKED_BYTES:
                raise UsageError("table_too_large")
        filled = list(_read_sheets(data))
    except (UsageError, MemoryError):
        raise
    except Exception as error:  # of the library, or of one that it uses
        raise UsageError("workbook_unreadable") from error
    if len(filled) > 1:
        raise UsageError("workbook_several_sheets")
    return _pad_rows(filled[0]) if filled else []


def _read_sheets(data: bytes) -> Iterator[list[Row]]:
    """Yield the rows of each sheet with content."""
    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # the declared size may be wrong
        if rows := list(_read_rows(sheet.iter_rows())):
            yield rows


def _read_rows(rows: Iterable[Iterable[Any]]) -> Iterator[Row]:
    for number, cells in enumerate(rows, start=1):
        texts = [format_cell(cell.value, cell.number_format) for cell in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        if len(texts) > MAX_COLUMNS or number > MAX_ROWS:
            raise UsageError("table_too_large")
        if texts:
            yield number, texts


def _pad_rows(rows: list[Row]) -> list[Row]:
    width = len(rows[0][1])
    return [(number, texts + [""] * (width - len(texts))) for number, texts in rows]


def format_cell(value: object, number_format: str) -> str:
    """Return the text of a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "SANT" if value else "FALSKT"
        case datetime():
            if value.time() == time():
                return value.date().isoformat()
            return f"{value.date().isoformat()} {_format_time(value.time())}"
        case date():
            return value.isoformat()
        case time():
            return _format_time(value)
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            clock = f"{minutes // 60:02d}:{minutes % 60:02d}"
            return f"{clock}:{seconds:02d}" if seconds else clock
        case int() | float():
            return _format_number(value, number_format)
    return str(value)


def _format_time(value: time) -> str:
    # Times are fractions of a day: 07:30 may be stored as 07:29:59.999997.
    whole = datetime.combine(date(2000, 1, 1), value) + timedelta(microseconds=500_000)
    return whole.strftime("%H:%M:%S" if whole.second else "%H:%M")


def _format_number(value: float, number_format: str) -> str:
    if value != int(value) if abs(value) < 1e15 else isinstance(value, float):
        return f"{value:.{_DECIMAL_DIGITS}g}".replace(".", ",")
    digits = str(int(value))
    # Leading zeros, and signs between the digits, exist only in the number format.
    if value >= 0 and _TEXT_FORMAT.fullmatch(number_format) and number_format != "0":
        return _fill_format(digits, number_format)
    return digits


def _fill_format(digits: str, number_format: str) -> str:
    places = [
        (escaped or quoted or plain, bool(plain == "0"))
        for escaped, quoted, plain in _FORMAT_PARTS.findall(number_format)
    ]
    room = sum(is_digit for _, is_digit in places)
    rest = iter(digits.zfill(room))
    # Digits beyond the format are before it.
    lead = "".join(next(rest) for _ in range(max(0, len(digits) - room)))
    return lead + "".join(next(rest) if is_digit else text for text, is_digit in places)
