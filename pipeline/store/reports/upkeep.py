"""When the workspace was last backed up and checked, and what failed or was found since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pipeline.store.database.store import lock_keys
from pipeline.store.event_log.events import record
from pipeline.store.schema.paper import event
from pipeline.store.schema.registers import store_check

_SUBJECT = "backup"


@dataclass(frozen=True, slots=True)
class BackupState:
    """When the last backup was made, and the failure after it, if there was one.

    With `missing` files it is not whole: the workspace lacked them.
    """

    last_at: datetime | None = None
    missing: int = 0
    failed_at: datetime | None = None
    failure: str = ""
    """The key of the error, such as `error.backup_folder_failed`."""


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What is recorded of a backup: of how much, and where it lies.

    The place is a digest of the folder's path; `is_apart` if that was another disk than the
    workspace's.
    """

    rows: int
    images: int
    missing: int
    place: str
    is_apart: bool


def record_backup(conn: Connection, by: str, facts: BackupFacts) -> None:
    """Record that a whole backup was made."""
    record(
        conn,
        by,
        "back_up",
        _SUBJECT,
        rows=facts.rows,
        pictures=facts.images,
        problems=facts.missing,
        place=facts.place,
        other_disk=facts.is_apart,
    )


def was_apart(conn: Connection, place: str) -> bool:
    """Return whether the last backup in this place was on another disk than the workspace."""
    detail = event.c.detail
    query = select(detail["other_disk"].as_boolean()).where(
        event.c.subject == _SUBJECT,
        event.c.action == "back_up",
        detail["place"].as_string() == place,
    )
    return bool(conn.execute(query.order_by(event.c.id.desc()).limit(1)).scalar())


def record_failed_backup(conn: Connection, by: str, failure: str) -> None:
    """Record that a backup failed, with the key of the error."""
    record(conn, by, "back_up_failed", _SUBJECT, reason=failure)


def find_last_backup(conn: Connection) -> BackupState:
    """Return when the last backup was made; a failure counts if it is newer."""
    done, failed = (_last(conn, action) for action in ("back_up", "back_up_failed"))
    state = BackupState(done.at, int(done.detail["problems"] or 0)) if done else BackupState()
    if failed is None or (done is not None and done.id > failed.id):
        return state
    return BackupState(state.last_at, state.missing, failed.at, str(failed.detail["reason"]))


def _last(conn: Connection, action: str) -> Row[Any, Any, Any] | None:
    query = select(event.c.id, event.c.at, event.c.detail)
    named = query.where(event.c.subject == _SUBJECT, event.c.action == action)
    return conn.execute(named.order_by(event.c.id.desc()).limit(1)).one_or_none()


# Checks of the whole store: when one is due, and what the last one found.

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
