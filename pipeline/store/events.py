"""What happened, who did it and when. Only ever added to, and never with the value of a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from pipeline.store import tables
from pipeline.store.clock import utc_now

Detail = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Detail]


def record(conn: Connection, by: str, action: str, subject: str, **detail: Detail) -> None:
    """Add to the log.

    Args:
        by: the login of a member of staff, or "system".
        action: a verb, such as "view_page".
        subject: the id of what it was done to.
        detail: counts, states and field names. Never what a field says.
    """
    flagged = detail | {"break_glass": True} if _in_emergency(conn, by) else detail
    conn.execute(insert(tables.event).values(at=utc_now(), by=by, action=action, subject=subject, detail=flagged))


def _in_emergency(conn: Connection, by: str) -> bool:
    """Whether it was done with an account for emergencies: all that such an account does is marked."""
    return conn.execute(select(tables.staff.c.login).where(tables.staff.c.login == by, tables.staff.c.break_glass)).first() is not None


def events_of(conn: Connection, subject: str) -> list[Event]:
    """All that happened to one thing, oldest first."""
    table = tables.event.c
    query = select(table.at, table.by, table.action, table.subject, table.detail).where(table.subject == subject).order_by(table.id)
    return [Event(*row) for row in conn.execute(query)]
