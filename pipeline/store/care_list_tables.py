"""What the care system has already, kept while entries are compared with it, and what people decided of each pair.

The rows of a list are erased with it; a decision keeps a keyed digest of its row, which tells it again and says nothing.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

care_list = Table(
    "care_list",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("area", String(8), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("erased_by", String(80)),
    Column("erased_at", UtcDateTime),
)

# `digest` is the same for all numbers that one row may mean.
care_row = Table(
    "care_row",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("list", ForeignKey("care_list.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("day", String(10), nullable=False),
    Column("clock", String(5), nullable=False, default=""),
    Column("kind", String(200), nullable=False, default=""),
    Column("text", Text, nullable=False, default=""),
    Column("author", String(200), nullable=False, default=""),
)

clash_decision = Table(
    "clash_decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("same", Boolean, nullable=False),
    Column("mark", ForeignKey("duplicate_mark.id")),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("taken_back_by", String(80)),
    Column("taken_back_at", UtcDateTime),
)
_stands = clash_decision.c.taken_back_at.is_(None)
# A pair is decided once at a time.
Index("clash_standing", clash_decision.c.entry, clash_decision.c.digest, unique=True, sqlite_where=_stands, postgresql_where=_stands)
