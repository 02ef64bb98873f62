"""Baseline tables of accounts, clients and the log.

Frozen: later changes are migrations.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from pipeline.store.database.migrations.baseline.metadata import METADATA, MOMENT, partial

Table(
    "schema_info",
    METADATA,
    Column("version", Integer, primary_key=True),
)

Table(
    "unit",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("area", String(8), nullable=False),
)

Table(
    "staff",
    METADATA,
    Column("login", String(80), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("title", String(80), nullable=False),
    Column("role", String(40), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("areas", String(40)),
    Column("break_glass", Boolean, nullable=False, server_default=false()),
    Column("must_change", Boolean, nullable=False, server_default=false()),
    Column("refused_until", MOMENT),
)

Table(
    "staff_unit",
    METADATA,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("unit", ForeignKey("unit.name"), primary_key=True),
)

Table(
    "client",
    METADATA,
    Column("pid", String(20), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("unit", String(80), nullable=False, index=True),
    Column("protected", Boolean, nullable=False),
    Column("address", String(200), nullable=False, server_default=""),
)

Table(
    "staff_signature",
    METADATA,
    Column("unit", String(80), primary_key=True),
    Column("signature", String(20), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("title", String(80), nullable=False),
)

Table(
    "event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", MOMENT, nullable=False, index=True),
    Column("by", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(80), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    Column("unit", String(80)),
    Column("previous", String(64)),
    Column("sha256", String(64)),
)

Table(
    "browser_session",
    METADATA,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False, index=True),
    Column("started_at", MOMENT, nullable=False),
    Column("active_at", MOMENT, nullable=False),
    Column("proved_at", MOMENT),
    Column("ended_at", MOMENT),
    Column("ended_why", String(20)),
)

Table(
    "address_failure",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("address_sha256", String(64), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
)

Table(
    "break_glass_use",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_by", String(80)),
    Column("seen_at", MOMENT),
)

Table(
    "client_block",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("client_pid", String(20), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("set_at", MOMENT, nullable=False),
    Column("set_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", MOMENT),
    Column("lifted_by", String(80)),
    Column("lifted_reason", Text),
    Index("client_block_stands", "client_pid", "unit", unique=True, **partial("lifted_at IS NULL")),
)

Table(
    "login_failure",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("login_sha256", String(64), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
)

Table(
    "closed_guide",
    METADATA,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("closed_at", MOMENT, nullable=False),
)

Table(
    "temporary_identity",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("number", String(20), nullable=False),
    Column("name", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("settled_by", String(80)),
    Column("settled_at", MOMENT),
)

Table(
    "client_choice",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("codes", JSON, nullable=False),
    Column("choice", String(40), nullable=False),
    Column("why", String(300), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", MOMENT, nullable=False),
)

Table(
    "event_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

Table(
    "log_key",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False),
)
