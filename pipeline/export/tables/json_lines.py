"""Tables as JSON Lines: one object per entry, with the columns of the mapping files as keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions, Item, insert_withdrawals
from pipeline.export.tables.mapping import TableMapping
from pipeline.export.tables.sources import column_text
from pipeline.texts import Text


class JsonLinesExporter:
    """A line per entry; forms may have different columns."""

    media_type = "application/jsonl"
    suffix = ".jsonl"
    mapping = TableMapping

    def __init__(self, title: Text) -> None:
        self.title = title

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return why a table cannot carry a record: its client is in no register."""
        del options
        return TEMPORARY_CLIENT if is_temporary_pid(record.client.pid) else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build the lines, UTF-8."""
        lines = []
        for item in insert_withdrawals(items):
            columns = options.mapping(item.record.form, TableMapping).columns
            entry = {column.title: column_text(column, item, run, options) for column in columns}
            lines.append(json.dumps(entry, ensure_ascii=False))
        return "".join(f"{line}\n" for line in lines).encode()
