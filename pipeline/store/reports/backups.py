"""When the workspace was last backed up, and whether that has failed since; from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import Detail
from pipeline.store.schema.paper import event

_SUBJECT = "backup"
_LATEST = 500
"""Among so many backups the last one in a place is looked for."""


@dataclass(frozen=True, slots=True)
class BackupState:
    """When the last whole backup was made, and the failure after it, if there was one.

    A backup with `missing` images is whole but for files that the workspace itself lacked.
    """

    last_at: datetime | None = None
    missing: int = 0
    failed_at: datetime | None = None
    failure: str = ""
    """The key of the error, such as `error.backup_folder_failed`."""


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What is recorded of a whole backup: of how much, and where it lies.

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
    query = select(event.c.detail).where(event.c.subject == _SUBJECT, event.c.action == "back_up")
    details = conn.execute(query.order_by(event.c.id.desc()).limit(_LATEST)).scalars()
    return next((bool(one["other_disk"]) for one in details if one.get("place") == place), False)


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


@dataclass(frozen=True, slots=True)
class _Logged:
    """A row of the log about a backup."""

    id: int
    at: datetime
    detail: Mapping[str, Detail]


def _last(conn: Connection, action: str) -> _Logged | None:
    query = select(event.c.id, event.c.at, event.c.detail)
    named = query.where(event.c.subject == _SUBJECT, event.c.action == action)
    row = conn.execute(named.order_by(event.c.id.desc()).limit(1)).one_or_none()
    return _Logged(*row) if row else None
