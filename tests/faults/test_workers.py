"""What a worker can meet: pages that kill it, pages that never end, a stop without return, a full
disk, a locked database.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from pipeline.domain.errors import ExitCode, MissingProgramError, StoreError
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import Settings
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import ReaderFactory
from pipeline.operations.worker_pool import WorkerPool, run_pool
from pipeline.store.database.history import alembic_version, head
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.page_lists import list_problem_pages, requeue_page
from pipeline.store.registers.client_register import save_units
from tests.faults import readers
from tests.faults.watching import (
    assert_each_page_ended_once,
    queued,
    states,
    suspend,
    until,
)
from tests.support.image_folder import folder_of
from tests.support.pages.small_pages import write_stack

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.faults, pytest.mark.both_databases]
on_sqlite = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)

PAGES = 8
TRAP = "0003.png"


@pytest.fixture
def settings(store_settings: Settings) -> Settings:
    """Workers that beat fast and are patient with no page."""
    return store_settings.model_copy(
        update={
            "beat_seconds": 0.2,
            "takeover_seconds": 1.5,
            "page_attempts": 2,
            "page_seconds": 600.0,
        }
    )


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Iterator[Store]:
    """A store with a stack that waits, and a trap on one of its pages."""
    store = open_store(settings, create=True)
    with store.begin() as conn:
        save_units(conn, {"Norra": "HSL"})
    paths = write_stack(tmp_path / "in", PAGES)
    import_files(store, paths, unit="Norra", place="", by="a.b")
    (settings.workspace / "trap").write_text(
        hashlib.sha256((tmp_path / "in" / TRAP).read_bytes()).hexdigest()
    )
    yield store
    store.close()


@contextmanager
def crew(settings: Settings, size: int, make_reader: ReaderFactory) -> Iterator[WorkerPool]:
    """Workers that are ended when the test is."""
    working = WorkerPool(settings, size, make_reader)
    working.start()
    try:
        yield working
    finally:
        working.stop()


def idle(store: Store, working: WorkerPool) -> Callable[[], bool]:
    """Whether all is read, while the dead are replaced."""

    def condition() -> bool:
        working.poll()
        return queued(store) == 0

    return condition


def said(settings: Settings, *words: str) -> Callable[[], bool]:
    """Whether a worker has said all this."""
    return lambda: all(word in (settings.workspace / "said").read_text() for word in words)


def test_a_page_that_kills_its_reader_fails_alone(settings: Settings, store: Store) -> None:
    with crew(settings, 2, readers.deadly) as working:
        until(idle(store, working), "all pages ended")
    assert {name: state for name, state in states(store).items() if state != "read"} == {
        TRAP: "failed reader_died: 2"
    }
    assert_each_page_ended_once(store, PAGES)


@on_sqlite
def test_a_page_that_never_ends_fails_alone(settings: Settings, store: Store) -> None:
    with crew(settings, 1, readers.endless) as working:
        until(idle(store, working), "all pages ended")
    assert {name: state for name, state in states(store).items() if state != "read"} == {
        TRAP: "failed reader_died: 2"
    }


@on_sqlite
def test_an_unforeseen_error_fails_its_page_and_tells_nobody_what_is_written_there(
    settings: Settings, store: Store
) -> None:
    with crew(settings, 1, readers.raising) as working:
        until(idle(store, working), "all pages ended")
    assert states(store)[TRAP].startswith("failed not_read: ValueError")
    written = {
        path.name: path.read_bytes() for path in settings.workspace.glob("*") if path.is_file()
    }
    assert {"efterskrift.db", "queue.db", "said"} <= set(written)
    assert not [name for name, text in written.items() if readers.SECRET.encode() in text]


def test_the_pages_of_a_worker_that_never_returns_are_taken_over(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    with crew(settings, 1, readers.gated) as stopped:
        until((settings.workspace / "begun").exists, "the page was begun")
        pid = stopped.pids()[0]
        suspend(pid, store)
        with crew(settings, 1, readers.plain) as living:
            until(idle(store, living), "the living worker has read the rest")
        assert states(store)[TRAP] == "read"
        # It comes back after all: its reading changes nothing, and it works on.
        (settings.workspace / "gate").touch()
        os.kill(pid, signal.SIGCONT)
        more = write_stack(tmp_path / "more", 2, start=100)
        import_files(store, more, unit="Norra", place="", by="a.b")
        until(idle(store, stopped), "the worker that came back reads on")
    assert_each_page_ended_once(store, PAGES + 2)


def test_the_pages_of_a_worker_that_is_killed_with_its_parent_are_taken_over(
    settings: Settings, store: Store
) -> None:
    with crew(settings, 1, readers.gated) as killed:
        until((settings.workspace / "begun").exists, "the page was begun")
        os.kill(killed.pids()[0], signal.SIGKILL)
        # Nobody looks after the killed one: only the other crew can help.
        with crew(settings, 1, readers.plain) as living:
            until(idle(store, living), "the other crew has read all")
    assert_each_page_ended_once(store, PAGES)


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """The process can write no file beyond its first kilobyte, as on a full disk."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@on_sqlite
def test_a_full_disk_names_itself_and_loses_nothing(settings: Settings, store: Store) -> None:
    with crew(settings, 1, readers.gated) as working:
        until((settings.workspace / "begun").exists, "the page was begun")
        with full_disk(working.pids()[0]):
            (settings.workspace / "gate").touch()
            in_store = said(settings, "cannot be reached (SQLITE_IOERR_WRITE)")
            in_helper = said(settings, "the disk is full", "Make room in")
            until(lambda: in_store() or in_helper(), "the full disk is named")
        until(idle(store, working), "all pages ended once there was room")
    assert set(states(store).values()) == {"read"}
    assert_each_page_ended_once(store, PAGES)


@on_sqlite
def test_a_locked_database_names_itself_and_loses_nothing(settings: Settings, store: Store) -> None:
    with crew(settings, 1, readers.plain) as working:
        until((settings.workspace / "said").exists, "the worker has begun")
        with closing(
            sqlite3.connect(settings.workspace / "efterskrift.db", isolation_level=None)
        ) as other:
            other.execute("BEGIN EXCLUSIVE")
            until(said(settings, "efterskrift.db is locked"), "the lock is named")
            other.execute("ROLLBACK")
        until(idle(store, working), "all pages ended once the lock was gone")
    assert_each_page_ended_once(store, PAGES)


@on_sqlite
def test_what_is_not_installed_ends_the_work_and_fails_no_page(
    settings: Settings, store: Store
) -> None:
    for _ in range(settings.page_attempts + 1):
        with crew(settings, 1, readers.incomplete) as working, pytest.raises(MissingProgramError):
            until(idle(store, working), "the work ends")
    assert states(store)[TRAP] == "queued"
    with crew(settings, 1, readers.plain) as working:
        until(idle(store, working), "all pages ended")
    assert_each_page_ended_once(store, PAGES)


@on_sqlite
def test_work_until_idle_ends_by_itself_and_tells_how_far_it_is(
    settings: Settings, store: Store
) -> None:
    told = list(run_pool(store, WorkerPool(settings, 1, readers.plain), until_idle=True))
    assert (told[-1].ended, told[-1].waiting) == (PAGES, 0)
    assert [step.waiting for step in told] == sorted((step.waiting for step in told), reverse=True)


@on_sqlite
def test_a_failed_page_that_a_person_lets_be_read_again_is_read(
    settings: Settings, store: Store
) -> None:
    with crew(settings, 1, readers.deadly) as working:
        until(idle(store, working), "all pages ended")
    person = Person(
        "a.b", "Anna Berg", "", Role.ADMINISTRATOR, frozenset({"Norra"}), frozenset({"HSL"})
    )
    with store.begin() as conn:
        failed = next(page for page in list_problem_pages(conn, person) if page.source_name == TRAP)
        requeue_page(conn, person, failed.id)
    with crew(settings, 1, readers.plain) as working:
        until(idle(store, working), "the page is read")
    assert states(store)[TRAP] == "read"


def test_a_share_that_blinks_and_a_machine_without_it_fail_no_page(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    away = settings.images.rename(tmp_path / "share")
    settings.images.mkdir()
    with crew(settings, 2, readers.plain) as working:
        until((settings.workspace / "said").exists, "a worker has begun")
        until(said(settings, "folder of images", "cannot be reached"), "the share is missed")
        assert queued(store) == PAGES
        # A scan while the share is away must not vanish below it.
        with pytest.raises(StoreError, match="cannot be reached"):
            import_files(
                store, write_stack(tmp_path / "more", 1, start=100), unit="Norra", place="", by="a"
            )
        settings.images.rmdir()
        away.rename(settings.images)
        until(idle(store, working), "all pages are read once the share is there")
    assert set(states(store).values()) == {"read"}


@on_sqlite
def test_pages_whose_pictures_are_lost_wait_and_are_read_when_the_files_are_back(
    settings: Settings, store: Store
) -> None:
    lost = settings.images.rglob("[0-9a-f]" * 64)
    moved = [path.rename(settings.workspace / path.name) for path in list(lost)[:3]]
    pool = WorkerPool(settings, 1, readers.plain)
    assert [step.set_aside for step in run_pool(store, pool, until_idle=True)][-1] == len(moved)
    with crew(settings, 1, readers.plain) as working:
        for path in moved:
            path.rename(folder_of(store).path(path.name))
        until(idle(store, working), "all pages are read once the files are there")
    assert_each_page_ended_once(store, PAGES)


def test_a_worker_ends_when_the_store_is_upgraded_and_its_page_is_read_by_the_next(
    settings: Settings, store: Store
) -> None:
    def revise(revision: str) -> None:
        with store.begin() as conn:
            conn.execute(update(alembic_version).values(version_num=revision))

    working = WorkerPool(settings, 1, readers.gated)
    working.start()
    until((settings.workspace / "begun").exists, "the page was begun")
    revise("9999")
    (settings.workspace / "gate").touch()
    with pytest.raises(StoreError, match=f"exit code {int(ExitCode.STORE)}"):
        until(idle(store, working), "the worker ended")
    working.stop()
    assert states(store)[TRAP] == "queued"
    revise(head())
    with crew(settings, 1, readers.plain) as later:
        until(idle(store, later), "all pages ended")
    assert_each_page_ended_once(store, PAGES)
