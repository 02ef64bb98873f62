"""What a worker hands over to the queue: pages that wait, and none that was read while it looked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import worker
from pipeline.desk import Desk
from pipeline.intake import take_in
from pipeline.settings import Settings
from pipeline.store.database import Store, open_store
from pipeline.store.pages import queued
from tests.blank_reader import Blank
from tests.small_pages import write_stack

pytestmark = pytest.mark.slow


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
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk of a store with two pages that wait."""
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    take_in(store, write_stack(tmp_path / "in", 2), unit="Norra", place="", by="a.b")
    yield Desk(store, Blank(), 2, 0.01)
    store.close()


def pages(store: Store) -> list[str]:
    with store.read() as conn:
        return queued(conn)


def hand_over(desk: Desk, engine: Engine, monkeypatch: pytest.MonkeyPatch, *, meanwhile: str = "") -> None:
    """One look after the queue, while another worker reads the page `meanwhile`."""

    def workflows(**_which: object) -> list[SimpleNamespace]:
        if meanwhile:
            desk.read(meanwhile)
        return [SimpleNamespace(workflow_id=page_id, status=status) for page_id, status in engine.known.items()]

    monkeypatch.setattr(worker, "DBOS", engine)
    monkeypatch.setattr(worker, "_workflows", workflows)
    here = worker.Worker.__new__(worker.Worker)
    here._desk, here._read_page = desk, desk.read
    here._hand_over()


def test_a_page_that_is_read_while_a_worker_looks_is_not_begun_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever still had it in hand then waited for it, and for itself: it read no further page, and did not end when told to."""
    first, second = pages(desk.store)
    engine = Engine({first: "SUCCESS", second: "PENDING"})
    hand_over(desk, engine, monkeypatch, meanwhile=first)
    assert (engine.deleted, engine.begun) == ([], [])


def test_a_page_that_waits_although_its_workflow_has_ended_is_begun_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pages(desk.store)
    engine = Engine({first: "ERROR"})
    hand_over(desk, engine, monkeypatch)
    assert (engine.deleted, engine.begun) == ([first], [first, second])
