"""Accounts: devices, second factors, changes of access, provider identities; failures in one table.

What exists already is left as it is.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
)

revision = "0002"
down_revision = "0001"

_METADATA = MetaData()
_MOMENT = DateTime(timezone=True)
_STAFF = Table("staff", _METADATA, Column("login", String(80), primary_key=True))
_NEW_TABLES = (
    Table(
        "known_device",
        _METADATA,
        Column("login", ForeignKey("staff.login"), primary_key=True),
        Column("device_sha256", String(64), primary_key=True),
        Column("used_at", _MOMENT, nullable=False),
    ),
    Table(
        "access_change",
        _METADATA,
        Column("id", String(16), primary_key=True),
        Column("login", ForeignKey("staff.login"), nullable=False, index=True),
        Column("kind", String(20), nullable=False),
        Column("at", _MOMENT, nullable=False),
        Column("by", String(80), nullable=False),
        Column("needs_approval", Boolean, nullable=False),
        Column("approved_by", String(80)),
        Column("approved_at", _MOMENT),
        Column("code_sha256", String(64)),
        Column("expires_at", _MOMENT),
        Column("done_at", _MOMENT),
        Column("cancelled_by", String(80)),
        Column("cancelled_at", _MOMENT),
    ),
    Table(
        "second_factor",
        _METADATA,
        Column("login", ForeignKey("staff.login"), primary_key=True),
        Column("secret", String(400), nullable=False),
        Column("key_id", String(16), nullable=False),
        Column("added_at", _MOMENT, nullable=False),
        Column("last_step", Integer, nullable=False),
    ),
    Table(
        "recovery_code",
        _METADATA,
        Column("login", ForeignKey("staff.login"), primary_key=True),
        Column("code_sha256", String(64), primary_key=True),
        Column("used_at", _MOMENT),
    ),
    Table(
        "provider_link",
        _METADATA,
        Column("login", ForeignKey("staff.login"), primary_key=True),
        Column("issuer", String(255), nullable=False),
        Column("subject", String(255), nullable=False),
        Column("linked_at", _MOMENT, nullable=False),
        UniqueConstraint("issuer", "subject", name="provider_link_identity"),
    ),
)
_FAILURE_SOURCES = ("address_sha256", "device_sha256")


def upgrade() -> None:
    """Create the tables, and count failed logins by login, address and device in one of them."""
    conn = op.get_bind()
    _METADATA.create_all(conn, tables=_NEW_TABLES)
    known = {column["name"] for column in inspect(conn).get_columns("login_failure")}
    for name in _FAILURE_SOURCES:
        if name not in known:
            op.add_column("login_failure", Column(name, String(64)))
    failures = Table(
        "login_failure",
        MetaData(),
        Column("at", _MOMENT),
        *(Column(name, String(64)) for name in _FAILURE_SOURCES),
    )
    for column in failures.columns:
        Index(f"ix_login_failure_{column.name}", column).create(conn, checkfirst=True)
    # Its rows count for minutes only.
    if inspect(conn).has_table("address_failure"):
        op.drop_table("address_failure")
