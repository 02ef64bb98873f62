"""Read tables of other systems: CSV in any encoding and with any separator, or xlsx; write CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import UsageError
from pipeline.files.sandbox_process import NoTableError, read_foreign_table
from pipeline.files.text import make_printable
from pipeline.texts import Text

if TYPE_CHECKING:
    from _csv import Reader

ENCODING = "utf-8-sig"
_ZIP_SIGNATURE = b"PK\x03\x04"
_OLD_WORKBOOK_SIGNATURE = b"\xd0\xcf\x11\xe0"
"""First bytes of a workbook of Excel before 2007, or of one with a password."""
_FORMULA_STARTS = tuple("=+-@\t\n＝＋－＠")
_NEGATIVE_NUMBER = re.compile(r"-\d+(,\d+)?")
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[;,\t]*\r?', re.IGNORECASE)
"""The first line by which Excel declares a separator."""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The schema of a table.

    `required` columns, an `example` of the first row with all columns that are read, and the text
    key of the `remedy` for a wrong row.
    """

    required: Sequence[str]
    example: str
    remedy: str


def read_table(
    source: Path | str, schema: TableSchema, data: bytes | None = None
) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a table that are not empty: line number in the file, and cells.

    Cells are by column name (lower case, stripped). The table is separated by semicolon, comma or
    tab; UTF-8, UTF-16 or Windows-1252; or it is a workbook (xlsx) with one sheet. Its columns may
    be in any order and among others.

    Args:
        source: the file; its name for errors if its content is given.
        schema: of the table.
        data: the content of the file; read from it unless given.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The message names
            rows, never their content.
    """
    try:
        content = Path(source).read_bytes() if data is None else data
    except OSError as error:
        raise UsageError(
            "unreadable", path=source, reason=error.strerror, example=schema.example
        ) from error
    try:
        rows = _read_rows(source, content, schema)
    except NoTableError as error:
        raise UsageError("not_a_table", source=source, example=schema.example) from error
    for number, row in rows:
        for name in schema.required:
            if not row[name]:
                raise row_error(
                    source, number, Text("error.table_row.nothing", {"column": name}), schema
                )
    return rows


def row_error(source: Path | str, number: int, problem: Text, schema: TableSchema) -> UsageError:
    """Make the error for a row; `problem` must not quote its content."""
    return UsageError(
        "table_row", source=source, number=number, problem=problem, remedy=Text(schema.remedy)
    )


def _read_rows(
    source: Path | str, data: bytes, schema: TableSchema
) -> list[tuple[int, dict[str, str]]]:
    # The header must have every required column, and no column twice that is read.
    (_, titles), *table = read_foreign_table(data, str(source)) or [(0, ())]
    names = [name.strip().casefold() for name in titles]
    if missing := [name for name in schema.required if name not in names]:
        raise UsageError(
            "lacks_column", source=source, missing=", ".join(missing), example=schema.example
        )
    if repeated := [name for name in schema.example.split(";") if names.count(name) > 1]:
        raise UsageError("duplicate_column", source=source, twice=", ".join(repeated))
    # Each row that is not empty has as many cells as the header.
    rows = []
    for number, cells in table:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            problem = Text(
                "error.table_row.columns", {"number": len(cells), "expected": len(names)}
            )
            raise row_error(source, number, problem, schema)
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
        rows.append((number, row))
    return rows


def csv_reader(text: str, *, strict: bool = False) -> Reader:
    """Return a reader of the rows of a table, titles first.

    The separator is declared in the first line (`sep=;`), or else is the most frequent of
    semicolon, comma and tab among the titles.
    """
    first_line = text.partition("\n")[0]
    declared = _SEPARATOR_LINE.fullmatch(first_line)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=declared[1] if declared else max(";,\t", key=first_line.count),
        strict=strict,
    )
    if declared:
        next(reader)
    return reader


def is_workbook(data: bytes) -> bool:
    """Whether a file may be a workbook (xlsx).

    Raises:
        UsageError: it is an older kind of workbook, or has a password.
    """
    if data[:4] == _OLD_WORKBOOK_SIGNATURE:
        raise UsageError("workbook_unreadable")
    return data[:4] == _ZIP_SIGNATURE


def decode_text(data: bytes) -> str:
    """Decode a file's text: UTF-16 if it has a byte order mark, UTF-8, else Windows-1252."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def neutralize_formula(text: str) -> str:
    """Prefix `'` to a cell that a spreadsheet would take for a formula.

    A plain negative number (`-5,0`) stays. Everything else with a leading sign is prefixed, also a
    phone number with `+46`: a spreadsheet would take it for a number and drop the plus. The
    receiver removes a leading `'` before one of `= + - @`, tab or line end.
    """
    clean = make_printable(text)
    if _NEGATIVE_NUMBER.fullmatch(clean):
        return clean
    return f"'{clean}" if clean.lstrip(" ").startswith(_FORMULA_STARTS) else clean


def write_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Write a table as CSV.

    Cells with `;`, `"` or a line end are quoted; a line end in a cell is `\\n`.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([neutralize_formula(title) for title in header])
    writer.writerows([neutralize_formula(cell) for cell in row] for row in rows)
    return out.getvalue().encode(ENCODING)
