"""The reading desk: what is no page's fault is not held against the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import SchemaTooNewError
from pipeline.domain.model import Outcome
from pipeline.domain.settings import Settings
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob
from pipeline.reading.read_page import PageResult
from pipeline.store.database.history import alembic_version
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper import workers
from pipeline.store.paper.page_lists import list_all_problem_pages
from pipeline.store.paper.pages import list_queued_pages, load_page
from pipeline.store.schema import paper
from tests.support.image_folder import folder_of
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


def queue_of(store: Store) -> list[tuple[str, int, str]]:
    """State, attempts and reason of each page."""
    columns = paper.page.c.state, paper.page.c.attempts, paper.page.c.reason
    with store.read() as conn:
        return [tuple(row) for row in conn.execute(select(*columns))]


@pytest.mark.parametrize("is_mount_point_left", [False, True])
def test_while_the_disk_of_pictures_is_away_a_page_stays_in_the_queue(
    store: Store, is_mount_point_left: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with store.read() as conn:
        (waiting,) = list_queued_pages(conn)
    desk = PageJob(store, Blank(), 2, 0.01)
    away = folder_of(store).folder.rename(folder_of(store).folder.with_name("away"))
    if is_mount_point_left:
        folder_of(store).folder.mkdir()
    for _ in range(3):
        desk.read(waiting)
    assert queue_of(store) == [("queued", 0, "")]
    assert len(caplog.messages) == 1, "it is said once"
    assert "folder of images" in caplog.text or "cannot be reached" in caplog.text
    if is_mount_point_left:
        assert list(folder_of(store).folder.iterdir()) == []
        folder_of(store).folder.rmdir()
    away.rename(folder_of(store).folder)
    desk.read(waiting)
    assert "are back" in caplog.messages[-1]
    with store.read() as conn:
        assert load_page(conn, waiting).outcome is Outcome.BLANK


def test_the_disk_of_pictures_may_go_while_a_page_is_read(store: Store) -> None:
    with store.read() as conn:
        (waiting,) = list_queued_pages(conn)

    class Unmounting(Blank):
        def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
            """Read, and lose the disk before the result is stored."""
            folder_of(store).folder.rename(folder_of(store).folder.with_name("away"))
            return replace(super().read(data, media_type, unit), upright=data)

    PageJob(store, Unmounting(), 2, 0.01).read(waiting)
    assert queue_of(store) == [("queued", 0, "")]


def _remove(file: Path) -> None:
    file.unlink()


def _damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [_remove, _damage])
def test_a_page_whose_picture_is_lost_waits_for_it_and_holds_up_no_other(
    store: Store, harm: Callable[[Path], None]
) -> None:
    with store.read() as conn:
        (waiting,) = list_queued_pages(conn)
        sha256 = load_page(conn, waiting).image_sha256 or ""
    file = folder_of(store).path(sha256)
    data = file.read_bytes()
    harm(file)
    desk = PageJob(store, Blank(), 2, 0.01)
    desk.read(waiting)
    ((state, attempts, reason),) = queue_of(store)
    assert (state, attempts, reason.partition(":")[0]) == ("queued", 0, "image_away")
    with store.read() as conn:
        assert list_queued_pages(conn) == []
        assert workers.count_set_aside(conn) == 1
        assert [page.id for page in list_all_problem_pages(conn)] == [waiting]
        assert workers.list_set_aside(conn, "", 10) == [(waiting, sha256)]
    store.images.put(data)
    with store.begin() as conn:
        workers.take_up(conn, [waiting])
        assert list_queued_pages(conn) == [waiting]
    desk.read(waiting)
    with store.read() as conn:
        assert load_page(conn, waiting).outcome is Outcome.BLANK


class _WhileUpgraded(Blank):
    """Reads, and meanwhile a later version of the program upgrades the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """Upgrade, then read."""
        with self._store.begin() as conn:
            conn.execute(update(alembic_version).values(version_num="9999"))
        return super().read(data, media_type, unit)


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
