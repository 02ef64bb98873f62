"""Baseline tables of printed sheets, pages and their readings.

Frozen: later changes are migrations.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
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
    "issued_sheet",
    METADATA,
    Column("serial", String(8), primary_key=True),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("unit", String(80), nullable=False),
    Column("client_pid", String(20)),
    Column("issued_at", MOMENT, nullable=False),
    Column("issued_by", String(80), nullable=False),
)

Table(
    "batch",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created_at", MOMENT, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("place", String(200), nullable=False),
    Column("taking_in", String(64), unique=True),
)

Table(
    "page",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("source_name", String(400), nullable=False),
    Column("source_page", Integer, nullable=False),
    Column("source_sha256", String(64), index=True),
    Column("image_sha256", String(64), index=True),
    Column("media_type", String(40)),
    Column("scanned_at", MOMENT, nullable=False),
    Column("scanned_by", String(80), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("area", String(8)),
    Column("state", String(20), nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("outcome", String(20)),
    Column("reason", Text, nullable=False),
    Column("duplicate_of", String(40)),
    Column("settled", Boolean, nullable=False),
    Column("form", String(60)),
    Column("version", Integer),
    Column("page_no", Integer),
    Column("pages", Integer),
    Column("serial", String(8), index=True),
    Column("sheet", String(41), index=True),
    Column("rotation_deg", Float),
    Column("residual_mm", Float),
    Column("problems", JSON, nullable=False),
    Column("upright_sha256", String(64)),
    Column("read_at", MOMENT),
    Column("reader_version", String(40)),
    UniqueConstraint("batch", "position"),
    Index("page_sheet_side", "serial", "page_no"),
)

Table(
    "reading",
    METADATA,
    Column("page", ForeignKey("page.id"), primary_key=True),
    Column("field", String(80), primary_key=True),
    Column("value", JSON),
    Column("p", Float, nullable=False),
    Column("state", String(20), nullable=False),
    Column("alternatives", JSON, nullable=False),
    Column("characters", JSON, nullable=False),
    Column("reasons", JSON),
    Column("words", JSON),
)

Table(
    "worker",
    METADATA,
    Column("id", String(60), primary_key=True),
    Column("beat_at", MOMENT, nullable=False),
)

Table(
    "unused_sheet",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("serial", String(8), nullable=False),
    Column("lot", String(32), nullable=False, index=True),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", MOMENT),
    Index("unused_standing", "serial", unique=True, **partial("undone_at IS NULL")),
)

Table(
    "issued_row",
    METADATA,
    Column("serial", ForeignKey("issued_sheet.serial"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("printed", JSON, nullable=False),
)

Table(
    "pack_number",
    METADATA,
    Column("unit", String(80), primary_key=True),
    Column("form", String(60), primary_key=True),
    Column("sheets", Integer, nullable=False),
    Column("each_client", Integer, nullable=False),
)

Table(
    "planned_day",
    METADATA,
    Column("unit", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("planned", Integer, nullable=False),
)
