"""What was copied and signed for as keyed in, and orders of fields by receiving system."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the tables; nothing that is stored changes."""
    op.create_table(
        "key_in_signature",
        _id(),
        sa.Column("turn", sa.String(32), nullable=False),
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), nullable=False),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        *_who(),
        sa.Column("undone_at", UtcDateTime),
        sa.Column("settled_at", UtcDateTime),
    )
    op.create_index("ix_key_in_signature_turn", "key_in_signature", ["turn"])
    op.create_index(
        "key_in_signature_active",
        "key_in_signature",
        ["entry", "revision"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "key_in_copy",
        _id(),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("part", sa.String(200), nullable=False),
        *_who(),
    )
    op.create_index("ix_key_in_copy_entry", "key_in_copy", ["entry"])
    op.create_table(
        "key_in_order",
        _id(),
        sa.Column("system", sa.String(80), nullable=False),
        sa.Column("form", sa.String(80), nullable=False),
        sa.Column("own", sa.JSON, nullable=False),
        sa.Column("note", sa.JSON, nullable=False),
        *_who(),
    )
    op.create_index("key_in_order_latest", "key_in_order", ["system", "form", "id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def _who() -> list[sa.Column[Any]]:
    return [
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    ]
