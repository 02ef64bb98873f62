"""The reading desk: what is no page's fault is not held against the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.desk import Desk
from pipeline.errors import StoreUnavailableError
from pipeline.intake import take_in
from pipeline.model import Outcome
from pipeline.settings import Settings
from pipeline.store.database import Store, open_store
from pipeline.store.pages import page, queued
from tests.blank_reader import Blank
from tests.small_pages import write_stack

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a page that waits."""
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    take_in(store, write_stack(tmp_path / "in", 1), unit="Norra", place="", by="a.b")
    yield store
    store.close()


def test_workers_that_are_ended_while_the_disk_of_pictures_is_away_are_no_attempts(store: Store) -> None:
    with store.read() as conn:
        (waiting,) = queued(conn)
    desk = Desk(store, Blank(), 2, 0.01)
    away = store.images.folder.rename(store.images.folder.with_name("away"))
    desk.stop.set()
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            desk.read(waiting)
    away.rename(store.images.folder)
    desk.stop.clear()
    desk.read(waiting)
    with store.read() as conn:
        assert page(conn, waiting).outcome is Outcome.BLANK
