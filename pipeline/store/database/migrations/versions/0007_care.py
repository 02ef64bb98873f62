"""Archive decisions, packs of printed sheets, and failed pages that people closed."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0007"
down_revision = "0006"

_PRINT_GAP = timedelta(seconds=1)
"""Sheets that were registered together are microseconds apart."""


def upgrade() -> None:
    """Add columns and tables, and say which sheets were printed together."""
    op.add_column(
        "archive_package",
        sa.Column("decision", sa.String(80), nullable=False, server_default=""),
    )
    op.add_column(
        "issued_sheet", sa.Column("pack", sa.String(32), nullable=False, server_default="")
    )
    op.create_index("ix_issued_sheet_pack", "issued_sheet", ["pack"])
    _create_pack_opening()
    _create_page_closure()
    _name_packs(op.get_bind())


def _create_pack_opening() -> None:
    op.create_table(
        "pack_opening",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("pack", sa.String(32), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("undone_by", sa.String(80)),
        sa.Column("undone_at", UtcDateTime),
    )
    _index_active("pack_opening_standing", "pack_opening", "pack")


def _create_page_closure() -> None:
    op.create_table(
        "page_closure",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("page", sa.String(40), sa.ForeignKey("page.id"), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("other", sa.String(80), nullable=False, server_default=""),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("undone_by", sa.String(80)),
        sa.Column("undone_at", UtcDateTime),
    )
    _index_active("page_closure_standing", "page_closure", "page")


def _index_active(name: str, table: str, column: str) -> None:
    """Let one row of each stand at a time."""
    is_active = sa.text("undone_at IS NULL")
    op.create_index(
        name, table, [column], unique=True, sqlite_where=is_active, postgresql_where=is_active
    )


def _name_packs(conn: sa.Connection) -> None:
    """Give sheets of a unit that were registered in one moment the same pack."""
    sheet = sa.table(
        "issued_sheet",
        sa.column("serial", sa.String),
        sa.column("unit", sa.String),
        sa.column("issued_at", UtcDateTime),
        sa.column("pack", sa.String),
    )
    query = sa.select(sheet.c.serial, sheet.c.unit, sheet.c.issued_at)
    unit, last, pack = None, datetime.min, ""
    for row in conn.execute(query.order_by(sheet.c.unit, sheet.c.issued_at)).all():
        # The first sheet of a printing names its pack.
        if row.unit != unit or row.issued_at - last > _PRINT_GAP:
            pack = row.serial
        unit, last = row.unit, row.issued_at
        conn.execute(sa.update(sheet).where(sheet.c.serial == row.serial).values(pack=pack))
