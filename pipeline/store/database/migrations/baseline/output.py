"""Baseline tables of exports, payments, archives and lists from the care system.

Frozen: later changes are migrations.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from pipeline.store.database.migrations.baseline.metadata import METADATA, MOMENT, partial

Table(
    "archive_package",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", MOMENT, nullable=False),
    Column("made_by", String(80), nullable=False),
)

Table(
    "archived_sheet",
    METADATA,
    Column("package", ForeignKey("archive_package.id"), primary_key=True),
    Column("sheet", String(41), primary_key=True),
    Column("content", String(64), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("earliest", String(10), nullable=False, server_default=""),
    UniqueConstraint("sheet", "content"),
)

Table(
    "paper_place",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False, index=True),
    Column("box", String(80), nullable=False),
    Column("bundle", String(80), nullable=False, server_default=""),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
)

Table(
    "paper_decision",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("package", ForeignKey("archive_package.id"), nullable=False),
    Column("number", String(80), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", MOMENT),
    Index("paper_decision_standing", "package", unique=True, **partial("undone_at IS NULL")),
)

Table(
    "care_list",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("area", String(8), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("erased_by", String(80)),
    Column("erased_at", MOMENT),
)

Table(
    "care_row",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("list", ForeignKey("care_list.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("day", String(10), nullable=False),
    Column("clock", String(5), nullable=False),
    Column("kind", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(200), nullable=False),
)

Table(
    "clash_decision",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("same", Boolean, nullable=False),
    Column("mark", ForeignKey("duplicate_mark.id")),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("taken_back_by", String(80)),
    Column("taken_back_at", MOMENT),
    Index("clash_standing", "entry", "digest", unique=True, **partial("taken_back_at IS NULL")),
)

Table(
    "export_run",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("target", String(40), nullable=False),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", MOMENT, nullable=False),
    Column("made_by", String(80), nullable=False),
)

Table(
    "export_item",
    METADATA,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("entry_revision", Integer, nullable=False, server_default="0"),
    UniqueConstraint("entry", "revision"),
)

Table(
    "receipt",
    METADATA,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("run", ForeignKey("export_run.id"), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("by", String(80), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("text", Text, nullable=False),
)

Table(
    "key_in_claim",
    METADATA,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("by", String(80), nullable=False),
    Column("until", MOMENT, nullable=False),
)

Table(
    "payment_approval",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("seen", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("undone_at", MOMENT),
    Column("rows_sha256", String(64)),
    Index(
        "payment_approval_standing",
        "entry",
        "seen",
        "by",
        unique=True,
        **partial("undone_at IS NULL"),
    ),
)

Table(
    "statistics_item",
    METADATA,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True, index=True),
    Column("revision", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
)
