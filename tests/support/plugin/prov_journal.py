"""A target of another package: notes as JSON Lines. It imports nothing but the public contract."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import (
    TEMPORARY_CLIENT,
    Exporter,
    ExportOptions,
    Item,
    TargetConfigurationError,
    TargetUnavailableError,
    plain_text,
)
from pipeline.export.mapping import TableMapping
from pipeline.texts import Text

STATE = "PROV_JOURNAL"
"""The environment says where the journal is: unset, or out of reach (`away`)."""


class JournalExporter(Exporter):
    """Each entry as an object of the mapped columns, a line each."""

    media_type = "application/x-ndjson"
    suffix = ".ndjson"
    mapping = TableMapping

    @property
    def title(self) -> Text:
        """The target's name for people."""
        return plain_text("Provjournal")

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return that the journal knows no temporary identities."""
        del options
        return None if record.client.pid.isdigit() else TEMPORARY_CLIENT

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build the file."""
        del run
        place = os.environ.get(STATE, "")
        if not place:
            raise TargetConfigurationError(f"{STATE} is not set")
        if place == "away":
            raise TargetUnavailableError(f"{STATE} does not answer")
        return b"".join(self._line(item, options) for item in items)

    def _line(self, item: Item, options: ExportOptions) -> bytes:
        columns = options.mapping(item.record.form, TableMapping).columns
        said: dict[str, object] = {
            column.title: item.record.fields.get((column.source or "").removeprefix("field."))
            for column in columns
        }
        said |= {"post": item.record.entry_id, "version": item.record.revision}
        said |= {"makulerad": item.record.voided is not None}
        return json.dumps(said, ensure_ascii=False, sort_keys=True).encode() + b"\n"


class SlowExporter(JournalExporter):
    """Its journal never answers."""

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Wait for a day."""
        time.sleep(24 * 3600)
        return super().make(items, run, options)
