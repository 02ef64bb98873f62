"""Which entries the monthly files of statistics have told of. They go beside the one export that takes an entry, and change nothing of it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from pipeline.store.tables import metadata

# `revision` is that of the entry, `month` (YYYY-MM) the file in which it stands. A month is told whole: an entry may be in many runs at one revision.
statistics_item = Table(
    "statistics_item",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True, index=True),
    Column("revision", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
)
