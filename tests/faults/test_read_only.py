"""A workspace that can only be read: it can be looked at, and what cannot be done says why."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.domain.errors import ReadOnlyStoreError
from pipeline.domain.settings import Settings
from pipeline.reporting.audit.follow_up import verify_log
from pipeline.store.database.store import Store, open_store
from pipeline.store.registers.client_register import areas_by_unit, save_units
from pipeline.store.reports.entry_counts import workspace_metrics

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture(params=["file", "log and index"])
def read_only(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A workspace on a disk that can only be read, with or without a write-ahead log."""
    made = Settings(workspace=tmp_path / "made", database_url="")
    settings = Settings(workspace=tmp_path / "read-only", database_url="")
    store = open_store(made, create=True)
    with store.begin() as conn:
        save_units(conn, {"Norr": "HSL"})
    if request.param == "log and index":
        # As of a server that was cut off: the copy has what is in the log alone
        shutil.copytree(made.workspace, settings.workspace)
    store.close()
    if request.param == "file":
        with closing(sqlite3.connect(made.workspace / "efterskrift.db")) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(made.workspace, settings.workspace)
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and real(path, mode))
    return settings


def _look(store: Store) -> object:
    with store.read() as conn:
        assert areas_by_unit(conn) == {"Norr": "HSL"}
        return workspace_metrics(conn)


def _verify(store: Store) -> object:
    verdict = verify_log(store, "a.b", [])
    assert verdict.count == 0
    return verdict


@pytest.mark.parametrize("look", [_look, _verify])
def test_it_can_be_looked_at_and_is_left_as_it_is(
    read_only: Settings, look: Callable[[Store], object]
) -> None:
    def content() -> dict[str, bytes]:
        files = read_only.workspace.glob("*.db")
        return {path.name: path.read_bytes() for path in files}

    before = content()
    with closing(open_store(read_only)) as store:
        assert look(store)
    assert content() == before


def test_what_has_to_write_names_the_reason(read_only: Settings) -> None:
    refusal = pytest.raises(ReadOnlyStoreError, match="can be read but not written")
    with closing(open_store(read_only)) as store, refusal, store.begin() as conn:
        save_units(conn, {"Söder": "HSL"})


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
@pytest.mark.postgres
def test_a_server_that_only_reads_is_named_too(store: Store) -> None:
    with pytest.raises(ReadOnlyStoreError), store.begin() as conn:
        conn.execute(text("SET TRANSACTION READ ONLY; INSERT INTO unit VALUES ('Söder', 'HSL')"))
