"""Counts of what is finished, kept by triggers, and indexes of what is not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.tally_triggers import rebuild_tallies

revision = "0020"
down_revision = "0019"

_IS_LIVE = "standing != 'done'"
_INDEXES: dict[str, tuple[str, list[str], str | None]] = {
    "page_live": ("page", ["unit", "form", "standing", "state", "sheet"], _IS_LIVE),
    "page_queue": ("page", ["scanned_at", "id", "reason"], "state = 'queued'"),
    "page_duplicate_of": ("page", ["duplicate_of"], "duplicate_of IS NOT NULL"),
    "page_blank": ("page", ["scanned_at", "id"], "outcome = 'blank'"),
    "page_sides": (
        "page",
        ["sheet", "page_no", "pages", "serial", "outcome", "unit", "area", "form"],
        "pages > 1",
    ),
    "page_scanned": ("page", ["scanned_at", "unit"], None),
    "batch_created": ("batch", ["created_at", "unit"], None),
    "batch_coming": ("batch", ["id"], "taking_in IS NOT NULL"),
    "entry_unreceipted": (
        "entry",
        ["unit", "state", "form", "criticality", "created_at"],
        "state != 'kvitterad'",
    ),
    "entry_gap": (
        "entry",
        ["unit"],
        "state != 'kvitterad' AND state = 'avvisad' AND voided IS NULL AND (reason NOT IN"
        " ('dubblett', 'främmande sida', 'tom rad'))",
    ),
    "entry_due": ("entry", ["unit", "state"], "state != 'kvitterad' AND due_at IS NOT NULL"),
    "entry_first": ("entry", ["first_at", "first_by", "unit"], "first_at IS NOT NULL"),
    "entry_second": ("entry", ["second_at", "second_by", "unit"], "second_at IS NOT NULL"),
    "entry_created": ("entry", ["created_at", "unit", "state", "form", "criticality"], None),
    "entry_version_at": ("entry_version", ["at", "entry", "state"], None),
    "look_at": ("look", ["at"], None),
    "receipt_run": ("receipt", ["run"], None),
    "event_skip": ("event", ["by", "at"], "action = 'skip'"),
}


def upgrade() -> None:
    """Add column, tables and indexes, and count what is there."""
    op.drop_index("ix_page_state", "page")
    op.add_column(
        "page", sa.Column("standing", sa.String(8), nullable=False, server_default="waiting")
    )
    op.create_table(
        "tally",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("what", sa.String(8), nullable=False),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("form", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("is_void", sa.Boolean, nullable=False),
        sa.Column("is_second", sa.Boolean, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "outstanding_sheet",
        sa.Column("serial", sa.String(8), primary_key=True),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("form", sa.String(60), nullable=False),
        sa.Column("pack", sa.String(32), nullable=False),
    )
    op.create_table("scanned_pack", sa.Column("pack", sa.String(32), primary_key=True))
    rebuild_tallies(op.get_bind())
    for name, (table, columns, where) in _INDEXES.items():
        condition = sa.text(where) if where else None
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
