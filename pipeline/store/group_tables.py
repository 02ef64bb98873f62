"""The tables of the group way of working. Rows are added, and ended once; a planted value stands in its own table (`control_tables.plant`)."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, or_

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# One grid shown to one person. It is the person's until `claimed_until`; the sort says what all of it was read as. See pipeline/ways.py.
group_task = Table(
    "group_task",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("login", String(80), nullable=False),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("column", String(80), nullable=False),
    Column("value", JSON),
    Column("state", String(20), nullable=False),
    Column("shown_at", UtcDateTime, nullable=False),
    Column("claimed_until", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)
Index("group_task_login", group_task.c.login, group_task.c.ended_at)
_waits = group_task.c.ended_at.is_(None)
Index("group_task_open", group_task.c.claimed_until, sqlite_where=_waits, postgresql_where=_waits)

# One piece of it. `outcome`: kept or odd, which hold until the entry is decided; undone, gone or lapsed, which free it; NULL while it is shown.
group_cell = Table(
    "group_cell",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task", ForeignKey("group_task.id"), nullable=False, index=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("field", String(80), nullable=False),
    Column("page", ForeignKey("page.id"), nullable=False),
    Column("marked", Boolean, nullable=False, default=False),
    Column("outcome", String(10)),
    Column("ended_at", UtcDateTime),
)
IS_LIVE = or_(group_cell.c.outcome.is_(None), group_cell.c.outcome == "kept", group_cell.c.outcome == "odd")
# Two people never get the same piece.
Index("group_cell_live", group_cell.c.entry, group_cell.c.field, unique=True, sqlite_where=IS_LIVE, postgresql_where=IS_LIVE)

# Units in which a manager has switched the group way off or on again; the latest row of a unit holds.
group_setting = Table(
    "group_setting",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("on", Boolean, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
