"""The reading desk: what is no page's fault is not held against the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pipeline.desk import Desk
from pipeline.digitize import Digitized
from pipeline.errors import SchemaTooNewError, StoreUnavailableError
from pipeline.intake import take_in
from pipeline.model import Outcome
from pipeline.settings import Settings
from pipeline.store import tables
from pipeline.store.database import Store, open_store
from pipeline.store.migrations.history import alembic_version
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


class _WhileUpgraded(Blank):
    """Reads, and meanwhile a later version of the program upgrades the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, data: bytes, media_type: str) -> Digitized:
        """Upgrade, then read."""
        with self._store.begin() as conn:
            conn.execute(update(alembic_version).values(version_num="9999"))
        return super().read(data, media_type)


def test_a_page_in_hand_goes_back_to_the_queue_when_the_store_is_upgraded(store: Store) -> None:
    with store.read() as conn:
        (waiting,) = queued(conn)
    desk = Desk(store, _WhileUpgraded(store), 2, 0.01)
    for _ in range(3):
        with pytest.raises(SchemaTooNewError):
            desk.read(waiting)
    assert isinstance(desk.broken, SchemaTooNewError)
    with store.read() as conn:
        assert queued(conn) == [waiting]
        row = conn.execute(select(tables.page.c.state, tables.page.c.attempts, tables.page.c.reason)).one()
    assert tuple(row) == ("queued", 0, "")
