"""Digests of the record that the event log covers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table of digests, and the log's column with the digest of each event's digests.

    The rows that exist are covered at the end of the upgrade, by events that say so
    (`adopt_records`).
    """
    tables = sa.inspect(op.get_bind())
    if not tables.has_table("record_digest"):
        op.create_table(
            "record_digest",
            sa.Column("kind", sa.String(40), nullable=False),
            sa.Column("owner", sa.String(44), nullable=False),
            sa.Column("event", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("sha256", sa.String(64), nullable=False),
            sa.PrimaryKeyConstraint("kind", "owner", "event"),
        )
        op.create_index("ix_record_digest_event", "record_digest", ["event"])
    if "records" not in {column["name"] for column in tables.get_columns("event")}:
        op.add_column("event", sa.Column("records", sa.String(64)))
