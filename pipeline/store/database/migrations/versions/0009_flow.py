"""Triage, outages by unit and system, care providers by unit, clients who died or moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0009"
down_revision = "0008"

_NO_DEADLINE = "9999-12-31"
_SWEDEN = ZoneInfo("Europe/Stockholm")
_LEVEL_BY_LANE = {0: 1, 1: 3, 2: 4, 3: 5}
"""Lanes were: a legal deadline, and the classes A, B and C."""
_QUEUE_INDEXES = {"entry_queue_oldest": "first_on", "entry_queue_newest": "last_on DESC"}


def upgrade() -> None:
    """Add columns and tables, and sort the queue by the levels of triage."""
    for name in ("deceased_on", "moved_on"):
        op.add_column("client", sa.Column(name, sa.String(10), nullable=False, server_default=""))
    op.add_column(
        "entry", sa.Column("due_on", sa.String(10), nullable=False, server_default=_NO_DEADLINE)
    )
    op.add_column("entry", sa.Column("triage", sa.String(40), nullable=False, server_default=""))
    op.add_column("entry", sa.Column("triage_content", sa.JSON(none_as_null=True)))
    _sort_by_level(op.get_bind())
    _replace_queue_indexes()
    _create_triage()
    _create_outage()
    _create_unit_provider()


def _sort_by_level(conn: sa.Connection) -> None:
    """Give entries the level of their lane, and the day of their deadline.

    What they say is looked at when a worker starts (`store/entries/triage.py`).
    """
    entry = sa.table(
        "entry",
        sa.column("id", sa.String),
        sa.column("lane", sa.Integer),
        sa.column("due_at", UtcDateTime),
        sa.column("due_on", sa.String),
    )
    level = sa.case(_LEVEL_BY_LANE, value=entry.c.lane, else_=entry.c.lane)
    conn.execute(sa.update(entry).values(lane=level))
    query = sa.select(entry.c.id, entry.c.due_at).where(entry.c.due_at.is_not(None))
    for entry_id, due_at in conn.execute(query).all():
        conn.execute(
            sa.update(entry).where(entry.c.id == entry_id).values(due_on=_swedish_day(due_at))
        )


def _swedish_day(moment: datetime) -> str:
    return moment.astimezone(_SWEDEN).date().isoformat()


def _replace_queue_indexes() -> None:
    """Sort by the last day instead of the moment, which databases sort in two ways if unknown."""
    is_open = sa.text("state IN ('granskas', 'andra granskning')")
    for name, day in _QUEUE_INDEXES.items():
        op.drop_index(name, "entry")
        first: list[Any] = ["rank", "lane", "skipped", "due_on", sa.text(day)]
        more = [
            "likely_pid",
            "happened",
            "id",
            "unit",
            "area",
            "state",
            "claimed_until",
            "first_by",
        ]
        op.create_index(
            name, "entry", [*first, *more], sqlite_where=is_open, postgresql_where=is_open
        )


def _create_triage() -> None:
    op.create_table(
        "triage_table",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        *_author_columns(),
    )
    op.create_index("ix_triage_table_unit", "triage_table", ["unit"])
    op.create_table(
        "triage_order",
        sa.Column("unit", sa.String(80), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def _create_outage() -> None:
    op.create_table(
        "outage",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("system", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("start", UtcDateTime, nullable=False),
        sa.Column("end", UtcDateTime),
        *_author_columns(),
    )


def _create_unit_provider() -> None:
    op.create_table(
        "unit_provider",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("hsa_id", sa.String(64), nullable=False),
        sa.Column("organisation_number", sa.String(20), nullable=False),
        *_author_columns(),
    )
    op.create_index("ix_unit_provider_unit", "unit_provider", ["unit"])


def _author_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("undone_by", sa.String(80)),
        sa.Column("undone_at", UtcDateTime),
    )
