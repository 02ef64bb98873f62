"""Attached pages with their text, areas of a page, and the depth of entry."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables; nothing that is stored changes."""
    op.create_table(
        "attachment",
        _id(),
        _page(),
        sa.Column("sheet", sa.String(41), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        *_given(),
        *_undone(),
    )
    op.create_index("ix_attachment_page", "attachment", ["page"])
    op.create_index("ix_attachment_sheet", "attachment", ["sheet"])
    _index_active("attachment_standing", "attachment", ["page"])
    op.create_table(
        "page_text",
        sa.Column("page", sa.String(40), sa.ForeignKey("page.id"), primary_key=True),
        sa.Column("plain", sa.String, nullable=False),
        sa.Column("words", sa.JSON, nullable=False),
    )
    op.create_table(
        "page_area",
        _id(),
        _page(),
        sa.Column("row", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("x", "y", "w", "h")),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        *_given(),
        *_undone(),
    )
    op.create_index("ix_page_area_page", "page_area", ["page"])
    _index_active("page_area_standing", "page_area", ["page", "row"])
    op.create_table(
        "unit_depth",
        _id(),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("form", sa.String(60), nullable=False),
        sa.Column("depth", sa.String(20), nullable=False),
        *_given(),
    )
    op.create_index("ix_unit_depth_unit", "unit_depth", ["unit"])
    op.create_table(
        "sheet_depth",
        _id(),
        sa.Column("sheet", sa.String(41), nullable=False),
        sa.Column("depth", sa.String(20), nullable=False),
        *_given(),
    )
    op.create_index("ix_sheet_depth_sheet", "sheet_depth", ["sheet"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def _page() -> sa.Column[str]:
    return sa.Column("page", sa.String(40), sa.ForeignKey("page.id"), nullable=False)


def _given() -> list[sa.Column[Any]]:
    return [
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    ]


def _undone() -> list[sa.Column[Any]]:
    return [sa.Column("undone_by", sa.String(80)), sa.Column("undone_at", UtcDateTime)]


def _index_active(name: str, table: str, columns: list[str]) -> None:
    """Let one row of each stand at a time."""
    is_active = sa.text("undone_at IS NULL")
    op.create_index(
        name, table, columns, unique=True, sqlite_where=is_active, postgresql_where=is_active
    )
