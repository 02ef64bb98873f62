"""Tables as CSV for Swedish administration: semicolon, UTF-8 with byte order mark, CRLF.

Decimals have a comma. A personal number is twelve digits; CSV cannot say that a cell is text, so
a spreadsheet has to import that column as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.errors import ExportError
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import (
    TEMPORARY_CLIENT,
    Exporter,
    ExportOptions,
    Item,
    insert_withdrawals,
)
from pipeline.export.mapping import TableMapping
from pipeline.export.tables.sources import column_text
from pipeline.files.csv_tables import write_csv
from pipeline.texts import Text


class CsvExporter(Exporter):
    """A table with the columns of the mapping files."""

    media_type = "text/csv"
    suffix = ".csv"
    mapping = TableMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return why a table cannot carry a record: its client is in no register."""
        del options
        return TEMPORARY_CLIENT if is_temporary_pid(record.client.pid) else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build a header and a row an entry.

        Raises:
            ExportError: the forms of the run have mappings with different columns.
        """
        mappings = {
            item.record.form: options.mapping(item.record.form, TableMapping) for item in items
        }
        # All forms of a run share one header.
        headers = {
            tuple(column.title for column in mapping.columns) for mapping in mappings.values()
        }
        if len(headers) > 1:
            raise ExportError("mapping_columns_differ", mappings=", ".join(sorted(mappings)))
        rows = [
            [
                column_text(column, item, run, options)
                for column in mappings[item.record.form].columns
            ]
            for item in insert_withdrawals(items)
        ]
        return write_csv(next(iter(headers), ()), rows)
