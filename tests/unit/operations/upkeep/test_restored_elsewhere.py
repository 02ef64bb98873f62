"""A workspace at work is backed up, destroyed and restored on another path and another kind of
database, and back: every record is the same, and work goes on.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, text

from pipeline.domain.settings import Settings
from pipeline.operations.upkeep import backup
from pipeline.operations.upkeep.store_check import check_store
from pipeline.store.database.migrations.row_copy import TableSum, write_rows
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.verification import verify_chain
from tests.support.store.databases import new_database, postgres_server
from tests.unit.operations.upkeep.backed_up import (
    BusyWard,
    Rows,
    Safe,
    all_rows,
    make_safe,
    rows_of,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.both_databases, pytest.mark.postgres, pytest.mark.slow]
NOTES = 150
"""Of two pages each."""
ADDED = {"event": 1, "store_check": 1}
"""Rows that a restoration adds: that it was done, and that it was checked."""


def work_on(store: Store, number: int, begun: Event, ended: Event) -> None:
    """Work until the backup has ended, on notes from a number on."""
    ward = BusyWard(store, position=2 * number)
    ward.begin_batch()
    while not ended.is_set():
        ward.work(number, 1)
        begun.set()
        number += 1


def back_up_at_work(
    safe: Safe, settings: Settings, number: int, monkeypatch: pytest.MonkeyPatch
) -> Rows:
    """Back up while a person writes; answers with the rows of the moment that the backup shows."""
    moment: Rows = {}

    def write_and_keep(conn: Connection, write: Any) -> dict[str, TableSum]:  # noqa: ANN401 - as given
        sums = write_rows(conn, write)
        moment.update(rows_of(conn))
        return sums

    begun, ended = Event(), Event()
    with closing(open_store(settings)) as store:
        colleague = Thread(target=work_on, args=(store, number, begun, ended))
        colleague.start()
        try:
            assert begun.wait(60)
            with monkeypatch.context() as patch:
                patch.setattr(backup, "write_rows", write_and_keep)
                safe.back_up(store, settings)
        finally:
            ended.set()
            colleague.join()
    return moment


def assert_same(moment: Rows, restored: Rows) -> None:
    """Every row is there, and none but those that a restoration adds."""
    assert moment.keys() == restored.keys()
    for name, rows in moment.items():
        if name == "event_head":
            continue
        missing = [row for row in rows if row not in restored[name]]
        assert missing == [], name
        assert len(restored[name]) - len(rows) == ADDED.get(name, 0), name


def assert_made_alike(settings: Settings, fresh: Settings) -> None:
    """A restored database has all that a new one has: tables, indexes, triggers."""
    found = []
    for one in (settings, fresh):
        with closing(open_store(one, create=True)) as store, store.read() as conn:
            found.append(schema(conn))
    assert found[0] == found[1]


def schema(conn: Connection) -> list[object]:
    """The names of all tables, indexes and triggers."""
    is_postgres = conn.dialect.name == "postgresql"
    return list(conn.execute(text(_POSTGRES_NAMES if is_postgres else _SQLITE_NAMES)).scalars())


_SQLITE_NAMES = "SELECT name FROM sqlite_master ORDER BY name"
_POSTGRES_NAMES = """SELECT relname || ' ' || tgname FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal
    UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"""


def assert_goes_on(settings: Settings, start: int) -> None:
    """The restored workspace is whole, and new work finds its place in it."""
    with closing(open_store(settings)) as store:
        ward = BusyWard(store, position=start)
        ward.begin_batch()
        ward.work(start, 2)
        assert check_store(store, "a.b").check.is_whole
        with store.read() as conn:
            assert verify_chain(conn).count == 0


def test_it_is_the_same_on_the_other_kind_of_database_and_back(
    tmp_path: Path, made_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = make_safe(tmp_path)
    first = Settings(workspace=tmp_path / "first", database_url="")
    shutil.copytree(made_workspace, first.workspace)
    (first.workspace / "settings.yaml").write_text("care_provider: Testby\n", "utf-8")
    with closing(open_store(first)) as store:
        ward = BusyWard(store)
        ward.begin()
        ward.work(0, NOTES)

    moment = back_up_at_work(safe, first, 1_000, monkeypatch)
    assert len(moment["page"]) >= 2 * NOTES
    shutil.rmtree(first.workspace)
    with new_database(postgres_server()) as url:
        second = Settings(workspace=tmp_path / "second" / "workspace", database_url=url)
        restored = safe.restore(second.workspace, url)
        assert (restored.lost_images, restored.log_problems) == (0, 0)
        assert_same(moment, all_rows(second))
        text = (second.workspace / "settings.yaml").read_text("utf-8")
        assert "care_provider: Testby\n" in text
        assert url in text
        assert_goes_on(second, 8_000)
        with new_database(postgres_server()) as fresh:
            assert_made_alike(second, Settings(workspace=tmp_path / "fresh", database_url=fresh))

        moment = back_up_at_work(safe, second, 2_000, monkeypatch)
        shutil.rmtree(second.workspace)
    third = Settings(workspace=tmp_path / "third", database_url="")
    safe.restore(third.workspace)
    assert_same(moment, all_rows(third))
    assert (third.workspace / "settings.yaml").read_text("utf-8") == "care_provider: Testby\n"
    assert_goes_on(third, 9_000)
    assert_made_alike(third, Settings(workspace=tmp_path / "new", database_url=""))
