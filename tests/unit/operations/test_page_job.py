"""The reading desk: what is no page's fault is not held against the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import SchemaTooNewError, StoreUnavailableError
from pipeline.domain.model import Outcome
from pipeline.domain.settings import Settings
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob
from pipeline.reading.read_page import PageResult
from pipeline.store.database.migrations.history import alembic_version
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.pages import list_queued_pages, load_page
from pipeline.store.schema import paper
from tests.support.pages.blank_reader import Blank
from tests.support.pages.small_pages import write_stack

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a page that waits."""
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    import_files(store, write_stack(tmp_path / "in", 1), unit="Norra", place="", by="a.b")
    yield store
    store.close()


def test_workers_that_are_ended_while_the_disk_of_pictures_is_away_are_no_attempts(
    store: Store,
) -> None:
    with store.read() as conn:
        (waiting,) = list_queued_pages(conn)
    desk = PageJob(store, Blank(), 2, 0.01)
    away = store.images.folder.rename(store.images.folder.with_name("away"))
    desk.stop.set()
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            desk.read(waiting)
    away.rename(store.images.folder)
    desk.stop.clear()
    desk.read(waiting)
    with store.read() as conn:
        assert load_page(conn, waiting).outcome is Outcome.BLANK


class _WhileUpgraded(Blank):
    """Reads, and meanwhile a later version of the program upgrades the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, data: bytes, media_type: str) -> PageResult:
        """Upgrade, then read."""
        with self._store.begin() as conn:
            conn.execute(update(alembic_version).values(version_num="9999"))
        return super().read(data, media_type)


def test_a_page_in_hand_goes_back_to_the_queue_when_the_store_is_upgraded(store: Store) -> None:
    with store.read() as conn:
        (waiting,) = list_queued_pages(conn)
    desk = PageJob(store, _WhileUpgraded(store), 2, 0.01)
    for _ in range(3):
        with pytest.raises(SchemaTooNewError):
            desk.read(waiting)
    assert isinstance(desk.missing_program, SchemaTooNewError)
    with store.read() as conn:
        assert list_queued_pages(conn) == [waiting]
        row = conn.execute(
            select(paper.page.c.state, paper.page.c.attempts, paper.page.c.reason)
        ).one()
    assert tuple(row) == ("queued", 0, "")
