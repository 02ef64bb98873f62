"""The tables of archived sheets and of where their paper is. Rows are added; a decision that paper may be destroyed is closed by an undo."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

archive_package = Table(
    "archive_package",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
)

# A sheet is archived once as it is. When an entry on it is exported again, its content is another, and it goes into a package again.
archived_sheet = Table(
    "archived_sheet",
    metadata,
    Column("package", ForeignKey("archive_package.id"), primary_key=True),
    Column("sheet", String(41), primary_key=True),
    Column("content", String(64), nullable=False),
    Column("rule", String(40), nullable=False),  # class of retention with its version, as it was computed then
    Column("earliest", String(10), nullable=False, default="", server_default=""),
    UniqueConstraint("sheet", "content"),
)

# Where a stack's paper is kept now: the latest row of the stack.
paper_place = Table(
    "paper_place",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("batch", ForeignKey("batch.id"), nullable=False, index=True),
    Column("box", String(80), nullable=False),
    Column("bundle", String(80), nullable=False, default="", server_default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

paper_decision = Table(
    "paper_decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("package", ForeignKey("archive_package.id"), nullable=False),
    Column("number", String(80), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_stands = paper_decision.c.undone_at.is_(None)
Index("paper_decision_standing", paper_decision.c.package, unique=True, sqlite_where=_stands, postgresql_where=_stands)
