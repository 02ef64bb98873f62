"""Opening the store and what happens when it is busy, gone or of another make."""

from __future__ import annotations

import gc
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import StatementError

from pipeline.domain.errors import StoreError, StoreUnavailableError
from pipeline.domain.settings import Settings
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events, record
from pipeline.store.paper.workers import create_queue_database
from pipeline.store.schema import paper

pytestmark = [pytest.mark.slow, pytest.mark.patient]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A workspace that is not made yet."""
    return Settings(workspace=tmp_path / "workspace", database_url="")


def test_a_store_is_made_only_when_asked_and_then_opened(settings: Settings) -> None:
    with pytest.raises(StoreError, match="no store"):
        open_store(settings)
    assert not settings.workspace.exists()
    open_store(settings, create=True).close()
    store = open_store(settings)
    with store.begin() as conn:
        record(conn, "eva", "try", "x", count=1)
    store.close()
    again = open_store(settings, create=True)
    with again.read() as conn:
        (event,) = list_events(conn, "x")
    assert (event.by, event.action, event.detail) == ("eva", "try", {"count": 1})
    again.close()


def test_sqlite_waits_checks_and_keeps_a_log(settings: Settings) -> None:
    store = open_store(settings, create=True, wait_seconds=7)
    with store.read() as conn:
        values = {
            name: conn.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 7000,
        "foreign_keys": 1,
    }
    store.close()


def test_a_locked_database_is_waited_for_and_then_named(settings: Settings) -> None:
    store = open_store(settings, create=True, wait_seconds=0.2)
    other = sqlite3.connect(settings.workspace / "efterskrift.db")
    other.execute("BEGIN IMMEDIATE")
    with store.read() as conn:
        assert list_events(conn, "x") == []
    with pytest.raises(StoreUnavailableError, match=r"efterskrift\.db is locked"), store.begin():
        pytest.fail("the lock is held")
    other.rollback()
    other.close()
    with store.begin() as conn:
        record(conn, "eva", "try", "x")
    store.close()


def test_a_full_disk_is_named(settings: Settings) -> None:
    store = open_store(settings, create=True)
    with pytest.raises(StoreUnavailableError, match="SQLITE_FULL"):
        _fill(store)
    store.close()


def _fill(store: Store) -> None:
    with store.begin() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1")
        for number in range(2000):
            record(conn, "eva", "try", f"x{number}", filling="x" * 500)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    settings = Settings(
        workspace=tmp_path, database_url="postgresql://eva:hemligt@127.0.0.1:1/nothing"
    )
    with pytest.raises(StoreUnavailableError) as error:
        open_store(settings, wait_seconds=2)
    assert "127.0.0.1:1/nothing" in error.value.message
    assert "hemligt" not in str(error.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://eva@127.0.0.1/x"])
def test_other_urls_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError):
        open_store(Settings(workspace=tmp_path, database_url=url))


def test_many_may_make_the_store_at_once(settings: Settings) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            open_store(settings, create=True).close()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_workspace_is_its_owners_alone(settings: Settings) -> None:
    store = open_store(settings, create=True)
    with store.begin() as conn:
        record(conn, "eva", "try", "x")
    store.images.put(b"a page")
    create_queue_database(settings.workspace / "queue.db")
    files = [path for path in settings.workspace.iterdir() if path.is_file()]
    assert {"efterskrift.db", "efterskrift.db-wal", "queue.db"} <= {path.name for path in files}
    assert all(
        path.stat().st_mode & 0o077 == 0 for path in (*files, settings.workspace, settings.images)
    )
    store.close()


def test_a_wide_open_database_is_closed_to_others(settings: Settings) -> None:
    settings.workspace.mkdir(mode=0o755)
    (settings.workspace / "efterskrift.db").touch(mode=0o644)
    open_store(settings, create=True).close()
    assert (settings.workspace / "efterskrift.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["a b", "vad?", "50%20", "#1", "å"])
def test_a_workspace_may_be_called_anything(tmp_path: Path, name: str) -> None:
    settings = Settings(workspace=tmp_path / name, database_url="")
    open_store(settings, create=True).close()
    open_store(settings).close()
    assert (tmp_path / name / "efterskrift.db").exists()


def test_a_workspace_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="file") as error:
        open_store(Settings(workspace=tmp_path / "file", database_url=""), create=True)
    assert error.value.remedy


def test_a_value_that_no_column_takes_is_not_in_the_error(settings: Settings) -> None:
    store = open_store(settings, create=True)
    with pytest.raises(StoreError) as error, store.begin() as conn:
        conn.execute(
            insert(paper.event).values(
                at=datetime.now(UTC), by="eva", action="try", subject="x", detail={"Asta Provberg"}
            )
        )
    assert "Provberg" not in f"{error.value!r} {vars(error.value)}"
    assert error.value.remedy
    store.close()


def test_an_error_rolls_back(settings: Settings) -> None:
    store = open_store(settings, create=True)
    with pytest.raises(RuntimeError):
        _stumble(store)
    with store.read() as conn:
        assert list_events(conn, "x") == []
    store.close()


def _stumble(store: Store) -> None:
    with store.begin() as conn:
        record(conn, "eva", "try", "x")
        raise RuntimeError


def test_moments_keep_their_instant_and_need_a_zone(settings: Settings) -> None:
    store = open_store(settings, create=True)
    swedish = datetime(2026, 2, 17, 8, 15, tzinfo=timezone(timedelta(hours=1)))
    with store.begin() as conn:
        conn.execute(insert(paper.worker).values(id="w", beat_at=swedish))
        assert conn.execute(select(paper.worker.c.beat_at)).scalar_one() == swedish
        assert conn.execute(select(paper.worker.c.beat_at)).scalar_one().tzinfo is UTC
        with pytest.raises(StatementError):
            conn.execute(insert(paper.worker).values(id="v", beat_at=datetime(2026, 2, 17)))
    store.close()


def test_a_store_that_is_let_go_closes_its_connections(tmp_path: Path) -> None:
    store = open_store(Settings(workspace=tmp_path), create=True)
    with store.read() as conn:
        held = conn.connection.dbapi_connection
    assert isinstance(held, sqlite3.Connection)
    del store, conn
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError):
        held.execute("SELECT 1")
