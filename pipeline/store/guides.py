"""Whether a person has closed the guide of the first day. Everybody decides that for oneself alone, so that no right is asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from pipeline.model import Person
from pipeline.store.guide_tables import closed_guide
from pipeline.store.upsert import insert_new


def is_closed(conn: Connection, person: Person) -> bool:
    """Whether the person has closed it."""
    return conn.execute(select(closed_guide.c.login).where(closed_guide.c.login == person.login)).first() is not None


def close(conn: Connection, person: Person, now: datetime) -> None:
    """Show it no more; closing it twice changes nothing."""
    insert_new(conn, closed_guide, [{"login": person.login, "closed_at": now}])


def reopen(conn: Connection, person: Person) -> None:
    """Show it again."""
    conn.execute(delete(closed_guide).where(closed_guide.c.login == person.login))
