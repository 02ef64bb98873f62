"""The table of what managers pulled to the front of the queue. Rows are added, and closed by an undo."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# `kind` says what `what` is: the entry's id, a client's number or a day; of a whole unit it is empty.
pull = Table(
    "pull",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("what", String(44), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
