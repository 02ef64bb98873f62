"""What a worker hands over to the queue: pages that wait, and none that was read while it
looked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.domain.settings import Settings
from pipeline.operations import worker
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.pages import list_queued_pages
from tests.support.pages.blank_reader import Blank
from tests.support.pages.small_pages import write_stack

pytestmark = [pytest.mark.slow, pytest.mark.patient]


class Engine:
    """What the engine knows, and what it is told."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.deleted: list[str] = []
        self.begun: list[str] = []

    def delete_workflows(self, ids: list[str]) -> None:
        """Forget them."""
        self.deleted += ids

    def enqueue_workflow(self, queue: str, function: object, page_id: str) -> None:
        """Put a page into the queue."""
        del queue, function
        self.begun.append(page_id)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PageJob]:
    """A desk of a store with two pages that wait."""
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    import_files(store, write_stack(tmp_path / "in", 2), unit="Norra", place="", by="a.b")
    yield PageJob(store, Blank(), 2, 0.01)
    store.close()


def bare_worker() -> worker.Worker:
    """A worker without its engine, for which a page has just come."""
    here = worker.Worker.__new__(worker.Worker)
    here._last_page_at, here._next_look = time.monotonic(), 0.0
    return here


def pages(store: Store) -> list[str]:
    with store.read() as conn:
        return list_queued_pages(conn)


def hand_over(
    desk: PageJob, engine: Engine, monkeypatch: pytest.MonkeyPatch, *, meanwhile: str = ""
) -> None:
    """One look after the queue, while another worker reads the page `meanwhile`."""

    def workflows(**_which: object) -> list[SimpleNamespace]:
        if meanwhile:
            desk.read(meanwhile)
        return [
            SimpleNamespace(workflow_id=page_id, status=status)
            for page_id, status in engine.known.items()
        ]

    monkeypatch.setattr(worker, "DBOS", engine)
    monkeypatch.setattr(worker, "_list_workflows", workflows)
    here = bare_worker()
    here._job, here._read_page = desk, desk.read
    here._enqueue()


def test_a_page_that_is_read_while_a_worker_looks_is_not_begun_again(
    desk: PageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that still had it then waited for it, and for itself: it read no further page,
    and did not end when told to.
    """
    first, second = pages(desk.store)
    engine = Engine({first: "SUCCESS", second: "PENDING"})
    hand_over(desk, engine, monkeypatch, meanwhile=first)
    assert (engine.deleted, engine.begun) == ([], [])


def test_a_page_that_waits_although_its_workflow_has_ended_is_begun_again(
    desk: PageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pages(desk.store)
    engine = Engine({first: "ERROR"})
    hand_over(desk, engine, monkeypatch)
    assert (engine.deleted, engine.begun) == ([first], [first, second])


def test_pages_that_have_just_come_are_handed_over_before_the_next_heartbeat(
    desk: PageJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = Engine({})
    hand_over(desk, engine, monkeypatch)
    here = bare_worker()
    here._job, here._read_page, here._seen = desk, desk.read, frozenset(pages(desk.store))
    here.look()
    known = len(engine.begun)
    import_files(
        desk.store, write_stack(tmp_path / "later", 3)[2:], unit="Norra", place="", by="a.b"
    )
    here.look()
    assert (known, len(engine.begun)) == (2, 5)  # the engine knew none of the three
    here.look()
    assert len(engine.begun) == 5


def test_a_look_that_fails_is_left_to_the_heartbeat(
    desk: PageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bare_worker()
    here._job, here._seen = desk, frozenset()

    def broken(**_which: object) -> list[SimpleNamespace]:
        raise OSError

    monkeypatch.setattr(worker, "_list_workflows", broken)
    here.look()


def test_the_engine_looks_for_pages_when_some_wait_and_not_before(
    desk: PageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle worker took an eighth of a core by looking thirty times a second."""
    looks: list[str] = []
    database = SimpleNamespace(get_queue=looks.append)
    here = bare_worker()
    here._job, here._read_page = desk, desk.read
    here._pages_wait = threading.Event()
    here._engine = SimpleNamespace(_sys_db=database)  # type: ignore[assignment]
    here._pace_polls()
    thread = threading.Thread(
        target=lambda: database.get_queue("pages"), name="queue-worker-pages", daemon=True
    )
    thread.start()
    assert not looks
    monkeypatch.setattr(worker, "DBOS", Engine({}))
    monkeypatch.setattr(worker, "_list_workflows", lambda **_which: [])
    here._hand_over()  # two pages have come
    thread.join(worker._IDLE_POLL_SECONDS / 2)
    assert looks == ["pages"]
    for page_id in pages(desk.store):
        desk.read(page_id)
    here._hand_over()
    assert not here._pages_wait.is_set()


def test_a_worker_that_has_been_idle_long_looks_less_often(
    desk: PageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 idle workers together took a quarter of a core of the database."""
    here = bare_worker()
    looks: list[int] = []

    def look() -> list[str]:
        looks.append(1)
        return []

    here._job, here._seen = desk, frozenset()
    here._last_page_at -= worker._IDLE_SECONDS + 1
    monkeypatch.setattr(here, "_list_queued", look)
    here.look()
    here.look()
    assert len(looks) == 1
    here._last_page_at, here._next_look = time.monotonic(), 0.0
    here.look()
    here.look()
    assert len(looks) == 3


def test_the_engines_other_threads_are_held_only_once_its_queue_is_looked_at(
    desk: PageJob,
) -> None:
    asked: list[str] = []
    here = bare_worker()
    here._job, here._pages_wait = desk, threading.Event()
    database = SimpleNamespace(list_queues=asked.append)
    here._engine = SimpleNamespace(_sys_db=database)  # type: ignore[assignment]
    here._pace_polls()

    def ask() -> threading.Thread:
        thread = threading.Thread(
            target=lambda: database.list_queues("at once"), name="Thread-4 (queue_thread)"
        )
        thread.start()
        return thread

    ask().join(worker._IDLE_POLL_SECONDS / 2)
    assert asked == ["at once"]  # before there is a thread of the queue
    stop = threading.Event()
    of_queue = threading.Thread(target=stop.wait, name=worker._QUEUE_THREAD)
    of_queue.start()
    held = ask()
    assert asked == ["at once"]
    here._pages_wait.set()  # as at the end, and when pages come
    held.join(worker._IDLE_POLL_SECONDS / 2)
    stop.set()
    assert len(asked) == 2
