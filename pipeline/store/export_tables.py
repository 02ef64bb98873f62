"""The tables of exports: runs, the entries in them, and what their targets answered. Rows are only ever added."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

export_run = Table(
    "export_run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("target", String(40), nullable=False),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
)

# `revision` counts the entry's exports, `entry_revision` is the entry's own as it was carried: later answers were not, whatever any clock says.
export_item = Table(
    "export_item",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("entry_revision", Integer, nullable=False, server_default="0"),
    UniqueConstraint("entry", "revision"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("run", ForeignKey("export_run.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("text", Text, nullable=False, default=""),
)
