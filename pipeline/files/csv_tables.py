"""Registers that other systems export as CSV: rows by column name, however they were encoded and
separated.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import UsageError
from pipeline.files.text import make_printable
from pipeline.texts import Text

if TYPE_CHECKING:
    from _csv import Reader

ENCODING = "utf-8-sig"
_FORMULA_STARTS = tuple("=+-@\t\n＝＋－＠")
_NEGATIVE_NUMBER = re.compile(r"-\d+(,\d+)?")
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[;,\t]*\r?', re.IGNORECASE)
"""What Excel may write before the titles, and understands there."""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """What a register must look like: `required` columns, an `example` of the first row with all
    columns that are read, and the key of what to do about a wrong row.
    """

    required: Sequence[str]
    example: str
    remedy: str


def read_table(path: Path, kind: TableSchema) -> list[tuple[int, dict[str, str]]]:
    """Number in the file and cells by column name (lower case, stripped) of each row that is not
    empty.

    Separated by semicolon, comma or tab; UTF-8, UTF-16 or Windows-1252. Columns may stand in any
    order, and others beside them.

    Raises:
        UsageError: the file cannot be read, is a workbook, lacks a column or has a wrong row.
        The text names rows, never what stands in them.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            "not_read", path=path, reason=error.strerror, example=kind.example
        ) from error
    return parse_table(data, path, kind)


def parse_table(
    data: bytes, source: Path | str, kind: TableSchema
) -> list[tuple[int, dict[str, str]]]:
    """As `read_table`, of a file's content; `source` names it in errors."""
    refuse_workbook(data, source)
    try:
        rows = _read_rows(source, decode_text(data), kind)
    except csv.Error as error:
        raise UsageError("no_csv_table", source=source, example=kind.example) from error
    for number, row in rows:
        for name in kind.required:
            if not row[name]:
                raise row_error(
                    source, number, Text("error.table_row.nothing", {"column": name}), kind
                )
    return rows


def row_error(source: Path | str, number: int, problem: Text, kind: TableSchema) -> UsageError:
    """The error for a row; `problem` must not say what stands in it."""
    return UsageError(
        "table_row", source=source, number=number, problem=problem, remedy=Text(kind.remedy)
    )


def _read_rows(
    source: Path | str, text: str, kind: TableSchema
) -> list[tuple[int, dict[str, str]]]:
    reader = csv_reader(text)
    names = [name.strip().casefold() for name in next(reader, [])]
    if missing := [name for name in kind.required if name not in names]:
        raise UsageError(
            "lacks_column", source=source, missing=", ".join(missing), example=kind.example
        )
    if twice := [name for name in kind.example.split(";") if names.count(name) > 1]:
        raise UsageError("column_more_than_once", source=source, twice=", ".join(twice))
    rows = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            if len(cells) != len(names):
                raise row_error(
                    source,
                    reader.line_num,
                    Text("error.table_row.columns", {"number": len(cells), "expected": len(names)}),
                    kind,
                )
            rows.append(
                (
                    reader.line_num,
                    {name: cell.strip() for name, cell in zip(names, cells, strict=True)},
                )
            )
    return rows


def csv_reader(text: str, *, strict: bool = False) -> Reader:
    """The rows of a table, titles first: by the separator that its first line says (`sep=;`), else
    by whichever of semicolon, comma and tab stands most among the titles.
    """
    first = text.partition("\n")[0]
    said = _SEPARATOR_LINE.fullmatch(first)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=said[1] if said else max(";,\t", key=first.count),
        strict=strict,
    )
    if said:
        next(reader)
    return reader


def refuse_workbook(data: bytes, source: Path | str) -> None:
    """Tell a file of Excel or LibreOffice Calc from a table of text.

    Raises:
        UsageError: it is one.
    """
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise UsageError("workbook_not_csv", source=source)


def decode_text(data: bytes) -> str:
    """A file's text: UTF-16 if it says so, UTF-8, else Windows-1252."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def neutralize_formula(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: `'` before text that begins like one.

    A plain negative number (`-5,0`) stays. Everything else with a leading sign is marked, also a
    phone number with `+46`: a spreadsheet would take it for a number and drop the plus. The
    receiver takes away a leading `'` that stands before one of `= + - @`, tab or line end.
    """
    clean = make_printable(text)
    if _NEGATIVE_NUMBER.fullmatch(clean):
        return clean
    return f"'{clean}" if clean.lstrip(" ").startswith(_FORMULA_STARTS) else clean


def write_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """The file. Cells with `;`, `"` or a line end are quoted; a line end inside a cell is `\\n`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([neutralize_formula(title) for title in header])
    writer.writerows([neutralize_formula(cell) for cell in row] for row in rows)
    return out.getvalue().encode(ENCODING)
