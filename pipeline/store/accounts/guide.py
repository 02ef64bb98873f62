"""Keep whether a person has closed the first-day guide.

It reveals nothing about paper or clients, so no permission is required.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from pipeline.store.database.engines import insert_missing
from pipeline.store.schema.accounts import closed_guide


def is_guide_closed(conn: Connection, login: str) -> bool:
    """Return whether the person has closed the guide."""
    return (
        conn.execute(select(closed_guide.c.login).where(closed_guide.c.login == login)).first()
        is not None
    )


def close_guide(conn: Connection, login: str, now: datetime) -> None:
    """Hide the guide; closing it twice changes nothing."""
    insert_missing(conn, closed_guide, [{"login": login, "closed_at": now}])


def reopen_guide(conn: Connection, login: str) -> None:
    """Show the guide again."""
    conn.execute(delete(closed_guide).where(closed_guide.c.login == login))
