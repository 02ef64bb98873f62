"""Tables as CSV the way Swedish administration reads it: semicolon, UTF-8 with byte order mark, CRLF, decimal comma.

A personal number is twelve digits as text. CSV cannot say that a cell is text, so whoever opens the file in a spreadsheet must import that
column as text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from pipeline.errors import ExportError
from pipeline.export.exporter import TEMPORARY_CLIENT, Item, Terms, with_withdrawals
from pipeline.export.mapping import TableMapping
from pipeline.export.sources import column_text
from pipeline.identity import is_temporary
from pipeline.plain_text import printable
from pipeline.record import Record, Run

ENCODING = "utf-8-sig"
_FORMULA = tuple("=+-@\t\n＝＋－＠")
_NEGATIVE_NUMBER = re.compile(r"-\d+(,\d+)?")


def neutral(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: `'` before text that begins like one.

    A plain negative number (`-5,0`) stays. Everything else with a leading sign is marked, also a phone number with `+46`: a spreadsheet would
    take it for a number and drop the plus. The receiver takes away a leading `'` that stands before one of `= + - @`, tab or line end.
    """
    clean = printable(text)
    if _NEGATIVE_NUMBER.fullmatch(clean):
        return clean
    return f"'{clean}" if clean.lstrip(" ").startswith(_FORMULA) else clean


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """The file. Cells with `;`, `"` or a line end are quoted; a line end inside a cell is `\\n`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([neutral(title) for title in header])
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return out.getvalue().encode(ENCODING)


class CsvExporter:
    """A table with the columns of the mapping files."""

    media_type = "text/csv"
    suffix = ".csv"
    mapping = TableMapping

    def __init__(self, title: str) -> None:
        self.title = title

    def unfit(self, record: Record, terms: Terms) -> str:
        """A table can carry any record whose client the receiver can know."""
        del terms
        return TEMPORARY_CLIENT if is_temporary(record.client.pid) else ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """A header and a row an entry.

        Raises:
            ExportError: the forms of the run have mappings with different columns.
        """
        mappings = {item.record.form: terms.mapping(item.record.form, TableMapping) for item in items}
        headers = {tuple(column.title for column in mapping.columns) for mapping in mappings.values()}
        if len(headers) > 1:
            raise ExportError("mappings_different_columns", mappings=", ".join(sorted(mappings)))
        rows = [[column_text(column, item, run, terms) for column in mappings[item.record.form].columns] for item in with_withdrawals(items)]
        return write_table(next(iter(headers), ()), rows)
