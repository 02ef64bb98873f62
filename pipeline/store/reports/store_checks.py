"""Checks of the whole store: when one is due, and what the last one found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from pipeline.store.database.store import lock_keys
from pipeline.store.schema.upkeep import store_check

_LOCK_NAME = "store-check"


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """A check: how many files there should be, and how many of them are missing or damaged.

    `orphans` are files that no row names: an import was interrupted before its row, or rows are
    missing. `changed` rows are not as the log has them. `database_problem` is empty if the database
    is whole.
    """

    id: int
    started_at: datetime
    ended_at: datetime | None = None
    database_problem: str = ""
    files: int = 0
    missing: int = 0
    damaged: int = 0
    orphans: int = 0
    changed: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, damaged or changed. Orphans harm nothing then."""
        return not (self.database_problem or self.missing or self.damaged or self.changed)


def begin_check(conn: Connection, by: str, now: datetime) -> StoreCheck:
    """Store that a check has begun."""
    values = {"started_at": now, "started_by": by}
    added = insert(store_check).values(values).returning(store_check.c.id)
    return StoreCheck(int(conn.execute(added).scalar_one()), now)


def begin_due_check(conn: Connection, by: str, now: datetime, hours: float) -> StoreCheck | None:
    """Begin a check if the last one began so many hours ago; of several processes, one does so.

    A last check in the future was written by a clock that was wrong. One that was killed is
    followed by the next when that is due.
    """
    lock_keys(conn, _LOCK_NAME)
    latest = select(store_check.c.started_at).order_by(store_check.c.id.desc()).limit(1)
    started_at = conn.execute(latest).scalar_one_or_none()
    if started_at is not None and now - timedelta(hours=hours) < started_at <= now:
        return None
    return begin_check(conn, by, now)


def save_check(conn: Connection, check: StoreCheck, now: datetime) -> StoreCheck:
    """Store the result of a check."""
    ended = replace(check, ended_at=now)
    values = {
        "ended_at": now,
        "database_problem": check.database_problem,
        "files": check.files,
        "missing": check.missing,
        "damaged": check.damaged,
        "orphans": check.orphans,
        "changed": check.changed,
    }
    conn.execute(update(store_check).where(store_check.c.id == check.id).values(values))
    return ended


def find_last_check(conn: Connection) -> StoreCheck | None:
    """Return the last check that came to its end, or None."""
    table = store_check.c
    query = select(
        table.id,
        table.started_at,
        table.ended_at,
        table.database_problem,
        table.files,
        table.missing,
        table.damaged,
        table.orphans,
        table.changed,
    )
    ended = query.where(table.ended_at.is_not(None)).order_by(table.id.desc()).limit(1)
    row = conn.execute(ended).one_or_none()
    return StoreCheck(*row) if row else None
