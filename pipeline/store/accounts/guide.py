"""Whether a person has closed the guide of the first day. It says nothing of paper or clients, so
that no right is asked for.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from pipeline.store.database.engines import insert_missing
from pipeline.store.schema.accounts import closed_guide


def is_guide_closed(conn: Connection, login: str) -> bool:
    """Whether the person has closed it."""
    return (
        conn.execute(select(closed_guide.c.login).where(closed_guide.c.login == login)).first()
        is not None
    )


def close_guide(conn: Connection, login: str, now: datetime) -> None:
    """Show it no more; closing it twice changes nothing."""
    insert_missing(conn, closed_guide, [{"login": login, "closed_at": now}])


def reopen_guide(conn: Connection, login: str) -> None:
    """Show it again."""
    conn.execute(delete(closed_guide).where(closed_guide.c.login == login))
