"""What workers that wait for pages cost the database: `python -m tests.load.idle_workers`.

One real worker is started on a new database of the server that EFTERSKRIFT_TEST_POSTGRES names, and
the statements that it sends while no page waits are written down. Then so many simulated workers
send them at the same pace, each with a connection of its own. The server has to run on this
machine, since its processor time is read from /proc.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event, insert, make_url

from pipeline.domain.settings import Settings
from pipeline.operations.page_job import PageJob
from pipeline.operations.worker import LOOK_SECONDS, Worker
from pipeline.store.database.store import Store, open_store
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import worker as worker_table
from tests.support.pages.blank_reader import Blank
from tests.support.store.databases import SERVER, new_database

SETTLE_S, RECORD_S = 8.0, 20.0
Sent = list[tuple[float, str, Any]]
"""Seconds after the beginning, statement and parameters."""


def record_worker(settings: Settings, store: Store) -> tuple[Sent, float]:
    """Return what an idle worker sends, and the share of a core that it takes itself."""
    sent: Sent = []
    begun = 0.0

    def note(_conn: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        if begun:
            sent.append((time.monotonic() - begun, statement, given))

    event.listen(Engine, "before_cursor_execute", note)
    worker = Worker(settings, "worker-0", PageJob(store, Blank(), 2, settings.beat_seconds))
    worker.start()
    worker._last_page_at -= 3600  # no page has come for an hour
    _work(worker, settings, SETTLE_S)
    begun, before = time.monotonic(), time.process_time()
    _work(worker, settings, RECORD_S)
    used, begun = time.process_time() - before, 0.0
    worker.end()
    event.remove(Engine, "before_cursor_execute", note)
    return sent, used / RECORD_S


def _work(worker: Worker, settings: Settings, seconds: float) -> None:
    """Do what `run_worker` does, for so long."""
    now = time.monotonic()
    end, next_beat = now + seconds, now + settings.beat_seconds
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        if time.monotonic() >= next_beat:
            worker.tend()
            next_beat = time.monotonic() + settings.beat_seconds
        else:
            worker.look()


def replay(url: str, sent: Sent, workers: int) -> tuple[float, float]:
    """Return the statements a second of so many workers, and the cores that the server takes."""
    stop, counts = threading.Event(), [0] * workers
    threads = [
        threading.Thread(target=_one_worker, args=(url, sent, number, counts, stop))
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    time.sleep(SETTLE_S)
    before, sent_before, begun = _server_seconds(url), sum(counts), time.monotonic()
    time.sleep(RECORD_S)
    taken = time.monotonic() - begun
    used, number = _server_seconds(url) - before, sum(counts) - sent_before
    stop.set()
    for thread in threads:
        thread.join()
    return number / taken, used / taken


def _one_worker(
    url: str, sent: Sent, number: int, counts: list[int], stop: threading.Event
) -> None:
    """Send the statements, each in a transaction, over and over from some moment on."""
    with psycopg.connect(url) as conn:
        begun = time.monotonic() - random.Random(number).uniform(0, RECORD_S)
        while not stop.is_set():
            for after, statement, given in sent:
                if (wait := begun + after - time.monotonic()) < -1:
                    continue
                if stop.wait(max(0.0, wait)):
                    return
                # One of all workers has the engine's lock for these
                if number and statement.startswith("UPDATE dbos."):
                    continue
                own = dict(given) if given else None
                if own and own.get("id_1") == "worker-0":
                    own["id_1"] = f"worker-{number}"
                conn.execute(statement, own)
                conn.commit()
                counts[number] += 1
            begun += RECORD_S


def _server_seconds(url: str) -> float:
    """Return the processor time of all processes of the server."""
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        head = _stat(row[0])[1]
    ticks = os.sysconf("SC_CLK_TCK")
    names = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    family = [head, *(int(name) for name in names if _stat(int(name))[1] == head)]
    return sum(_stat(pid)[0] for pid in family) / ticks


def _stat(pid: int) -> tuple[int, int]:
    """Return the ticks of a process with those of its ended children, and its parent."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return sum(map(int, fields[11:15])), int(fields[1])


@contextmanager
def _workspace() -> Iterator[Settings]:
    with tempfile.TemporaryDirectory() as folder, new_database(os.environ[SERVER]) as url:
        yield Settings(workspace=Path(folder) / "workspace", database_url=url)


def main() -> None:
    """Record, replay and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64])
    given = parser.parse_args()
    with _workspace() as settings:
        store = open_store(settings, create=True)
        sent, share = record_worker(settings, store)
        # Only now: the real one would take them for dead
        store = open_store(settings)
        with store.begin() as conn:
            names = [f"worker-{number}" for number in range(max(given.workers))]
            conn.execute(insert(worker_table), [{"id": n, "beat_at": utc_now()} for n in names])
        store.close()
        url = make_url(settings.url).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        print(f"one worker: {len(sent) / RECORD_S:.1f} statements a second, {share:.2%} of a core")
        print("| idle workers | statements a second | of a core, the server |\n|--:|--:|--:|")
        for workers in given.workers:
            rate, cores = replay(address, sent, workers)
            print(f"| {workers} | {rate:.0f} | {cores:.1%} |", flush=True)


if __name__ == "__main__":
    main()
