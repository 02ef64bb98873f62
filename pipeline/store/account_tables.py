"""Tables of who may come in and what is kept from whom: sessions, failed logins by address, uses of break-glass accounts, blocks."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# The token is only in the server's memory; the row has its digest.
browser_session = Table(
    "browser_session",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False, index=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("active_at", UtcDateTime, nullable=False),
    # When the person proved to the organisation's provider who it is; NULL for a local account.
    Column("proved_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("ended_why", String(20)),
)

address_failure = Table(
    "address_failure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("address_sha256", String(64), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
)

break_glass_use = Table(
    "break_glass_use",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_by", String(80)),
    Column("seen_at", UtcDateTime),
)

# A block (spärr) that a unit has set for a client. Lifting fills in the last columns; a row is never removed.
client_block = Table(
    "client_block",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("client_pid", String(20), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", UtcDateTime),
    Column("lifted_by", String(80)),
    Column("lifted_reason", Text),
)
_stands = client_block.c.lifted_at.is_(None)
Index("client_block_stands", client_block.c.client_pid, client_block.c.unit, unique=True, sqlite_where=_stands, postgresql_where=_stands)

# Who is digested, so that a password typed in the wrong box is not kept.
login_failure = Table(
    "login_failure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("login_sha256", String(64), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
)
