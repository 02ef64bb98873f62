"""What is watched of the queue, the workers and reading: counts and moments of the whole workspace.

Nothing here grows with the history of the workspace, as it is asked every minute.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, select

from pipeline.domain.issues import split_code
from pipeline.domain.model import EntryState
from pipeline.store.exports.runs import IS_DELIVERED
from pipeline.store.paper import pages
from pipeline.store.schema.exports import export_item, export_run
from pipeline.store.schema.paper import entry, page, worker
from pipeline.store.schema.tally import IS_UNRECEIPTED

PACE_MINUTES = 5
"""The pace of reading is the mean of so many minutes."""
_ENDED = [pages.STATE_READ, pages.STATE_FAILED]
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class QueueState:
    """Pages that wait to be read, since when the oldest does, and who reads.

    `workers` have had a heartbeat lately; `pace` is in pages a minute; `first_at` is when the first
    page of the workspace came in.
    """

    waiting: int = 0
    oldest_at: datetime | None = None
    workers: int = 0
    pace: float = 0.0
    first_at: datetime | None = None


def load_queue_state(conn: Connection, now: datetime, patience: timedelta) -> QueueState:
    """Return the state of the queue; `patience` is the age of a heartbeat that counts as lately."""
    # A page that waits for its image is not waiting for a worker
    queued = select(func.count(), func.min(page.c.scanned_at)).where(
        pages.is_queued, page.c.reason == ""
    )
    waiting, oldest_at = conn.execute(queued).one()
    alive = select(func.count()).select_from(worker).where(worker.c.beat_at > now - patience)
    since = now - timedelta(minutes=PACE_MINUTES)
    lately = select(func.count()).select_from(page).where(page.c.read_at > since)
    first = select(page.c.scanned_at).order_by(page.c.scanned_at).limit(1)
    return QueueState(
        int(waiting),
        oldest_at,
        int(conn.execute(alive).scalar_one()),
        int(conn.execute(lately).scalar_one()) / PACE_MINUTES,
        conn.execute(first).scalar_one_or_none(),
    )


def count_failures(conn: Connection) -> dict[str, int]:
    """Return how many pages have failed and wait for a person, by the code of the reason."""
    query = select(page.c.reason, func.count()).where(pages.is_failed).group_by(page.c.reason)
    counts = Counter[str]()
    for reason, number in conn.execute(query):
        code, _ = split_code(reason)
        # A sentence may name a file, whose name may be a person's
        counts[code if _CODE.fullmatch(code) else "other"] += number
    return dict(sorted(counts.items()))


def list_ended_pages(
    conn: Connection, units: Collection[str], most: int
) -> list[tuple[str, datetime, bool]]:
    """Return the latest pages that were read or failed: batch, when scanned, and if it failed.

    The newest come first.
    """
    query = (
        select(page.c.batch, page.c.scanned_at, page.c.state)
        .where(page.c.state.in_(_ENDED), page.c.unit.in_(sorted(units)))
        .order_by(page.c.scanned_at.desc())
        .limit(most)
    )
    return [(row[0], row[1], row[2] == pages.STATE_FAILED) for row in conn.execute(query)]


def count_unreceipted(
    conn: Connection, units: Collection[str], before: datetime
) -> tuple[int, int]:
    """Return how many entries of these units were sent and have no receipt, and the late of them.

    Late are those last sent at this moment or before. A file that nobody fetched is not sent.
    """
    sent = (
        select(func.max(export_run.c.made_at).label("at"))
        .select_from(entry)
        .join(export_item, export_item.c.entry == entry.c.id)
        .join(export_run, export_run.c.id == export_item.c.run)
        .where(
            IS_UNRECEIPTED,
            entry.c.state == EntryState.EXPORTED.value,
            entry.c.voided.is_(None),
            entry.c.unit.in_(sorted(units)),
            IS_DELIVERED,
        )
        .group_by(entry.c.id)
        .subquery()
    )
    late = func.coalesce(func.sum(case((sent.c.at <= before, 1), else_=0)), 0)
    number, of_them = conn.execute(select(func.count(), late).select_from(sent)).one()
    return int(number), int(of_them)
