"""What the workers know of each other and of the queue: heartbeats, attempts, waiting pages.

The row of a page says whether it is still to be read; the queue engine's tables only say which
worker is reading it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, func, select, update

from pipeline.domain.model import EntryState
from pipeline.store.database.engines import SQLITE_SECONDS, enable_write_ahead_log
from pipeline.store.paper import pages
from pipeline.store.paper.tallies import list_entry_tallies, list_page_tallies
from pipeline.store.schema.paper import entry, page, worker
from pipeline.store.schema.tally import IS_LIVE_PAGE, IS_UNRECEIPTED


def save_heartbeat(conn: Connection, worker_id: str, now: datetime) -> None:
    """Register that the worker is alive."""
    # The first heartbeat creates the worker's row.
    if not conn.execute(
        update(worker).where(worker.c.id == worker_id).values(beat_at=now)
    ).rowcount:
        conn.execute(worker.insert().values(id=worker_id, beat_at=now))


def list_heartbeats(conn: Connection) -> dict[str, datetime]:
    """Return the latest heartbeat of every worker that has not signed off."""
    return {row.id: row.beat_at for row in conn.execute(select(worker))}


def remove_worker(conn: Connection, worker_id: str) -> None:
    """Remove a worker that has ended, or whose pages were reassigned."""
    conn.execute(worker.delete().where(worker.c.id == worker_id))


def count_attempt(conn: Connection, page_id: str) -> int | None:
    """Count one more attempt at a queued page and return its number, 1 for the first.

    None if the page is not queued.
    """
    # Only a page that still waits to be read.
    counted = (
        update(page)
        .where(page.c.id == page_id, page.c.state == "queued")
        .values(attempts=page.c.attempts + 1)
    )
    return conn.execute(counted.returning(page.c.attempts)).scalar_one_or_none()


def set_aside(conn: Connection, page_id: str, reason: str) -> None:
    """Let a queued page wait for its image, which cannot be read now; that is no attempt."""
    waiting = update(page).where(page.c.id == page_id, pages.is_queued)
    conn.execute(waiting.values(reason=reason, attempts=0))


def list_set_aside(conn: Connection, after: str, limit: int) -> list[tuple[str, str]]:
    """Return pages that wait for their image, each with its digest, by id from `after` on."""
    query = select(page.c.id, page.c.image_sha256).where(pages.lacks_image, page.c.id > after)
    return [(row[0], row[1]) for row in conn.execute(query.order_by(page.c.id).limit(limit))]


def take_up(conn: Connection, page_ids: Sequence[str]) -> None:
    """Let pages be read whose image is back."""
    waiting = update(page).where(page.c.id.in_(page_ids), pages.lacks_image)
    conn.execute(waiting.values(reason=""))


def count_set_aside(conn: Connection) -> int:
    """Return how many of the waiting pages wait for their image."""
    query = select(func.count()).select_from(page).where(pages.lacks_image)
    return int(conn.execute(query).scalar_one())


def reset_attempts(conn: Connection, page_id: str) -> None:
    """Reset the count of attempts, for a person who queues the page again."""
    conn.execute(update(page).where(page.c.id == page_id).values(attempts=0))


def count_queue(conn: Connection) -> tuple[int, int, int]:
    """Return how many pages have been read, could not be read, and wait to be read.

    Pages that could not be imported are not counted.
    """
    # A page that could not be imported has no image.
    unreadable = (pages.is_failed, page.c.image_sha256.is_not(None))
    read, failed, waiting = (
        int(conn.execute(select(func.count()).select_from(page).where(*conditions)).scalar_one())
        for conditions in ((IS_LIVE_PAGE, pages.is_read), unreadable, (pages.is_queued,))
    )
    done = sum(one.pages for one in list_page_tallies(conn) if one.state == pages.STATE_READ)
    return read + done, failed, waiting


def count_entries_by_state(conn: Connection) -> dict[str, int]:
    """Return how many entries are in each state."""
    left = select(entry.c.state, func.count()).where(IS_UNRECEIPTED).group_by(entry.c.state)
    counts = {row[0]: row[1] for row in conn.execute(left)}
    receipted = sum(one.entries for one in list_entry_tallies(conn))
    return counts | ({EntryState.RECEIPTED.value: receipted} if receipted else {})


def create_queue_database(path: Path) -> None:
    """Create the queue engine's SQLite file if it is missing, readable by its owner only.

    It uses the write-ahead log, in which readers do not wait for writers.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, SQLITE_SECONDS, isolation_level=None)) as file:
        enable_write_ahead_log(file, monotonic() + SQLITE_SECONDS)
