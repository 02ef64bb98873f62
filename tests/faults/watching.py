"""Waiting for something to become true, and asking the store whether nothing was lost and nothing
doubled.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import select, text

from pipeline.store.database.engines import wait_turn
from pipeline.store.database.store import Store
from pipeline.store.paper.pages import count_pages_by_state
from pipeline.store.paper.workers import count_queue
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.schema.paper import entry, event, page

# A process that ends between the opening of its file under /proc and the reading gives the second.
_GONE = (FileNotFoundError, ProcessLookupError)
_POLL_SECONDS = 0.01


def until(condition: Callable[[], bool], what: str, seconds: float = 180) -> None:
    """Go on as soon as it is true; fail if it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(_POLL_SECONDS)


def suspend(pid: int, store: Store) -> None:
    """Stop a worker, the only one of the store, when it is not writing.

    One that is stopped while it writes holds its locks until it goes on, and on SQLite nobody else
    can write.
    """

    def condition() -> bool:
        os.kill(pid, signal.SIGSTOP)
        until(lambda: _state(pid) == "T", "the worker stands still")
        if not _is_locked(store):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    until(condition, "the worker is stopped when it is not writing")


def _is_locked(store: Store) -> bool:
    """Whether another person is writing to a database of the store."""
    if store.engine.dialect.name == "sqlite":
        folder = Path(str(store.engine.url.database)).parent
        others = list[float]()
        with wait_turn(folder / "efterskrift.db", 0, sleep=others.append):
            pass
        return bool(others) or any(
            _is_file_locked(folder / name) for name in ("efterskrift.db", "queue.db")
        )
    with store.read() as conn:
        return bool(
            conn.execute(
                text(
                    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                    " WHERE datname = current_database() AND locktype = 'transactionid' AND granted"
                )
            ).scalar()
        )


def _is_file_locked(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as conn:
        try:
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        conn.execute("ROLLBACK")
    return False


def queued(store: Store) -> int:
    """How many pages wait to be read."""
    with store.read() as conn:
        return count_queue(conn)[-1]


def figures_of(store: Store) -> dict[str, int]:
    """The counts of pages. Asked again and again: all metrics would take the workers' processor."""
    with store.read() as conn:
        return count_pages_by_state(conn) | {"queued": count_queue(conn)[-1]}


def states(store: Store) -> dict[str, str]:
    """State and reason of each page by the name of its file."""
    with store.read() as conn:
        return {
            row.source_name: f"{row.state} {row.reason}".strip()
            for row in conn.execute(select(page))
        }


def assert_each_page_ended_once(store: Store, expected: int) -> None:
    """Every page is there, was ended exactly once, and no entry was made twice."""
    with store.read() as conn:
        found = workspace_metrics(conn)
        rows = conn.execute(
            select(
                page.c.id,
                page.c.batch,
                page.c.position,
                page.c.state,
                page.c.outcome,
                page.c.duplicate_of,
            )
        ).all()
        ends = Counter(
            conn.execute(
                select(event.c.subject).where(event.c.action.in_(("read_page", "fail_page")))
            ).scalars()
        )
        entries = Counter(conn.execute(select(entry.c.page)).scalars())
    counts = found["pages"]
    assert len(rows) == counts["in"] == expected
    assert counts["in"] == counts["done"] + counts["waiting"] + counts["failed"]
    assert counts["queued"] == 0
    assert found["batches"]["unfinished"] == []
    for batch in {row.batch for row in rows}:
        assert sorted(row.position for row in rows if row.batch == batch) == list(
            range(1, 1 + sum(row.batch == batch for row in rows))
        )
    read = {row.id for row in rows if row.state == "read"}
    assert {page_id: ends[page_id] for page_id in read} == dict.fromkeys(read, 1)
    wanted = {row.id for row in rows if row.outcome == "unidentified" and row.duplicate_of is None}
    assert entries == Counter(dict.fromkeys(wanted, 1))


def processes_below(parent: int, word: str, *, levels: int) -> list[int]:
    """Processes so many levels below another, whose command line holds the word."""
    found = [parent]
    for _ in range(levels):
        found = [child for pid in found for child in _children(pid) if word in _command(child)]
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie that only waits to be collected."""
    return _state(pid) not in {"Z", ""}


def _state(pid: int) -> str:
    """The letter of a process's state, as `man 5 proc` says; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except _GONE:
        return ""


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except _GONE:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except _GONE:
        return ""
