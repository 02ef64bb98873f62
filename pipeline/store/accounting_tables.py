"""The table of printed sheets that came back without anything written on them. Rows are added, and closed by an undo."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

unused_sheet = Table(
    "unused_sheet",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("serial", String(8), nullable=False),
    Column("lot", String(32), nullable=False, index=True),  # what was registered in one go, and is undone in one go
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_stands = unused_sheet.c.undone_at.is_(None)
# A sheet is returned once at a time.
Index("unused_standing", unused_sheet.c.serial, unique=True, sqlite_where=_stands, postgresql_where=_stands)
