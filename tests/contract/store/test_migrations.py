"""The history of the schema: one line, the same tables as a new store, and upgrades that lose
nothing.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, insert, select, text, update
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import (
    EfterskriftError,
    ExitCode,
    MissingProgramError,
    SchemaOutdatedError,
    SchemaTooNewError,
    StoreError,
    StoreUnavailableError,
)
from pipeline.domain.model import Client
from pipeline.domain.settings import ROOT, Settings
from pipeline.operations.health import check_health
from pipeline.store.database import copies
from pipeline.store.database.engines import make_engine
from pipeline.store.database.history import (
    FOLDER,
    alembic_version,
    database_revision,
    head,
    revisions,
)
from pipeline.store.database.image_files import ImageFolder
from pipeline.store.database.migrations import upgrade
from pipeline.store.database.migrations.run import make_earlier_tables, migrate
from pipeline.store.database.migrations.upgrade import Upgrade, upgrade_store
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import discard_pending, record
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.registers.client_register import list_clients, save_clients
from pipeline.store.schema import paper
from pipeline.store.schema.append_only import unprotected_tables
from tests.support.store.databases import (
    BASELINE,
    BOTH,
    new_database,
    postgres_server,
    revert_to_baseline,
)

pytestmark = pytest.mark.patient

pytest_plugins = ("tests.support.store.databases",)

VERSIONS = ROOT / "tests" / "data" / "store_versions"
"""Stores that released versions made: confirmed, signed, exported, corrected and open entries."""
REVISIONS = {"1.2.0": "0023"}
REVISED = {"event_head.number", "event_head.sha256"}
"""Columns whose values an upgrade changes: those of the log."""
Rows = dict[str, list[str]]
ASTA = Client("189001019802", "Asta Ek", "Norr")
on_sqlite = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


@pytest.fixture
def old_settings(store_settings: Settings) -> Settings:
    """A workspace with one client, whose schema is that of version 1.2.0."""
    store = open_store(store_settings)
    with store.begin() as conn:
        save_clients(conn, [ASTA])
    with store.begin() as conn:
        revert_to_baseline(conn)
    store.close()
    return store_settings


@pytest.fixture(params=REVISIONS)
def version_settings(request: pytest.FixtureRequest, bare_settings: Settings) -> Settings:
    """A workspace as an earlier version made it, on each kind of database."""
    settings = bare_settings
    settings.images.mkdir(parents=True)
    file = settings.workspace / "efterskrift.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript((VERSIONS / f"{request.param}.sql").read_text("utf-8"))
    if settings.database_url:
        _copy_to_postgres(file, settings.url, REVISIONS[request.param])
    return settings


def _copy_to_postgres(file: Path, url: str, revision: str) -> None:
    """Fill the tables of a revision with the rows of an SQLite store."""
    source, target = make_engine(f"sqlite:///{file}"), make_engine(url)
    with source.connect() as old, target.begin() as conn:
        known = make_earlier_tables(conn, revision)
        for table in known.sorted_tables:
            if rows := old.execute(select(table)).mappings().all():
                conn.execute(insert(table), [dict(row) for row in rows])
                discard_pending(conn)
    source.dispose()
    target.dispose()


def known_rows(settings: Settings, like: MetaData | None = None) -> tuple[MetaData, Rows]:
    """The tables of a store, and its rows in each column that a new store has too."""
    engine = make_engine(settings.url)
    tables = like or MetaData()
    with engine.connect() as conn:
        if like is None:
            tables.reflect(conn)
        found = {
            f"{table.name}.{column.name}": sorted(map(repr, conn.execute(select(column))))
            for table in tables.sorted_tables
            for column in table.columns
            if column.name in paper.metadata.tables.get(table.name, table).columns
            and table.name in paper.metadata.tables
        }
    engine.dispose()
    return tables, found


def set_revision(settings: Settings, revision: str) -> None:
    """Let a store seem to be of another revision."""
    store = open_store(settings)
    with store.begin() as conn:
        conn.execute(update(alembic_version).values(version_num=revision))
    store.close()


def revision_of(settings: Settings) -> str | None:
    """The revision that a database has, whatever it is."""
    engine = make_engine(settings.url, 5)
    with engine.connect() as conn:
        found = database_revision(conn)
    engine.dispose()
    return found


def schema(conn: Connection) -> set[tuple[object, ...]]:
    """All that the database itself knows of the schema, columns in no order."""
    if conn.dialect.name == "sqlite":
        found = {tuple(row) for row in conn.execute(text(_SQLITE_OBJECTS))}
        names = [name for kind, name, *_ in found if kind == "table"]
        for name in names:
            for pragma in ("table_info", "foreign_key_list"):
                rows = conn.exec_driver_sql(f"PRAGMA {pragma}('{name}')")
                found |= {(name, *row[1 if pragma == "table_info" else 2 :]) for row in rows}
        return found
    return {tuple(row) for query in _POSTGRES_OBJECTS for row in conn.execute(text(query))}


_SQLITE_OBJECTS = """SELECT type, name, CASE type WHEN 'table' THEN '' ELSE sql END
    FROM sqlite_master"""
_POSTGRES_OBJECTS = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,
        column_default FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    """SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal""",
)


def schema_of(settings: Settings) -> set[tuple[object, ...]]:
    """The schema of a workspace's database."""
    store = open_store(settings)
    with store.read() as conn:
        found = schema(conn)
    store.close()
    return found


def backups(settings: Settings) -> list[Path]:
    """The backup copies beside the database or in the workspace."""
    return sorted(settings.workspace.glob("*before-upgrade*"))


def test_the_history_is_one_line_that_ends_at_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    history = ScriptDirectory.from_config(config)
    line = [script.revision for script in history.walk_revisions()]
    assert tuple(reversed(line)) == revisions()
    assert history.get_heads() == [head()]


def test_a_new_store_has_the_schema_that_the_migrations_make(store_settings: Settings) -> None:
    store = open_store(store_settings)
    with store.begin() as conn:
        made = schema(conn)
        differences = compare_metadata(MigrationContext.configure(conn), paper.metadata)
        is_sqlite = conn.dialect.name == "sqlite"
    store.close()
    assert [one for one in differences if one[1].name != alembic_version.name] == []
    with new_database(postgres_server()) if not is_sqlite else _new_file(store_settings) as url:
        engine = make_engine(url, 5)
        with engine.begin() as conn:
            make_earlier_tables(conn, BASELINE)
            migrate(conn)
            assert schema(conn) == made
            assert database_revision(conn) == head()
            assert unprotected_tables(conn) == []
        engine.dispose()


def _new_file(settings: Settings) -> closing[_Address]:
    return closing(_Address(f"sqlite:///{settings.workspace / 'migrated.db'}"))


class _Address(str):
    """A URL whose database needs no end."""

    def close(self) -> None:
        """Nothing to end."""


def test_a_store_of_a_released_version_is_upgraded_with_all_its_rows(
    version_settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SchemaOutdatedError):
        open_store(version_settings)
    tables, before = known_rows(version_settings)
    upgrade_store(version_settings, backup=False)
    _, after = known_rows(version_settings, tables)
    assert before.keys() == after.keys()
    added = {name for name in before if name.startswith(("event.", "record_digest."))}
    lost = {name for name in before if Counter(before[name]) - Counter(after[name])}
    assert lost <= REVISED
    grown = {name for name in before if len(before[name]) != len(after[name])}
    assert grown <= added
    store = open_store(version_settings)
    with store.begin() as conn:
        assert verify_chain(conn).problems == ()
        entries = {row.id: row for row in conn.execute(select(paper.entry))}
        record(conn, "eva", "try", "new")
    store.close()
    if not version_settings.database_url:
        fresh = Settings(workspace=tmp_path / "fresh", database_url="")
        open_store(fresh, create=True).close()
        assert schema_of(version_settings) == schema_of(fresh)
    assert {name: row.state for name, row in entries.items()} == {
        "AAAA01-00": "signerad",
        "BBBB01-00": "bekräftad",
        "CCCC01-00": "bekräftad",
        "EEEE01-00": "granskas",
        "FFFF01-00": "bekräftad",
    }


@pytest.mark.parametrize("number", ["1", "8", "0001", "0016", "0022"])
def test_a_store_from_before_the_history_is_refused_with_what_upgrades_it(
    tmp_path: Path, number: str
) -> None:
    settings = Settings(workspace=tmp_path, database_url="")
    is_early = len(number) == 1
    table, column = ("schema_info", "version") if is_early else ("alembic_version", "version_num")
    with closing(sqlite3.connect(tmp_path / "efterskrift.db")) as database:
        database.executescript(
            f"CREATE TABLE {table} ({column} TEXT); INSERT INTO {table} VALUES ('{number}')"
        )
    for act in (open_store, upgrade_store, lambda given: open_store(given, create=True)):
        with pytest.raises(SchemaOutdatedError, match=f"schema {number}, from before") as error:
            act(settings)
        assert "version 1.2.0 first" in error.value.remedy
        assert "before 1.0.0 with 1.1.0" in error.value.remedy
        assert error.value.exit_code == ExitCode.STORE
    assert revision_of(settings) == str(number)
    assert backups(settings) == []


def test_an_old_schema_is_refused_with_the_command_that_raises_it(old_settings: Settings) -> None:
    for create in (True, False):
        with pytest.raises(SchemaOutdatedError, match=f"has schema {BASELINE}") as error:
            open_store(old_settings, create=create)
        assert "efterskrift upgrade" in error.value.remedy
        assert error.value.exit_code == ExitCode.STORE
    assert revision_of(old_settings) == BASELINE


def test_a_newer_schema_is_refused_and_not_upgraded(store_settings: Settings) -> None:
    set_revision(store_settings, "9999")
    for act in (open_store, upgrade_store):
        with pytest.raises(SchemaTooNewError, match="9999") as error:
            act(store_settings)
        assert error.value.remedy
    assert revision_of(store_settings) == "9999"
    assert backups(store_settings) == []


def test_an_upgrade_makes_a_backup_copy_first(old_settings: Settings) -> None:
    seen: list[Upgrade] = []
    done = upgrade_store(old_settings, report=seen.append)
    assert seen == [done]
    assert (done.before, done.after, done.is_needed) == (BASELINE, head(), True)
    (copy,) = backups(old_settings)
    assert copy == done.backup
    assert copy.stat().st_mode & 0o077 == 0
    assert not upgrade_store(old_settings).is_needed
    assert backups(old_settings) == [copy]
    store = open_store(old_settings)
    with store.read() as conn:
        assert list_clients(conn) == [ASTA]
    store.close()


@on_sqlite
def test_a_backup_copy_put_back_is_the_store_as_it_was(old_settings: Settings) -> None:
    done = upgrade_store(old_settings)
    assert done.backup is not None
    database = old_settings.workspace / "efterskrift.db"
    for file in old_settings.workspace.glob("efterskrift.db*"):
        file.unlink()
    shutil.copy(done.backup, database)
    assert revision_of(old_settings) == BASELINE
    upgrade_store(old_settings, backup=False)
    store = open_store(old_settings)
    with store.read() as conn:
        assert list_clients(conn) == [ASTA]
    store.close()


@on_sqlite
def test_a_copy_that_cannot_be_written_stops_the_upgrade(
    old_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies, "replace_file", full)
    with pytest.raises(StoreUnavailableError, match="No space") as error:
        upgrade_store(old_settings)
    assert "--no-backup" in error.value.remedy
    assert revision_of(old_settings) == BASELINE
    assert backups(old_settings) == []


@pytest.mark.postgres
@pytest.mark.parametrize("store_settings", BOTH[1:], indirect=True)
def test_without_pg_dump_the_upgrade_says_what_to_do(
    old_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\necho 'pg_dump: error: server version mismatch' >&2\nexit 1\n")
    broken.chmod(0o755)
    for found, kind in ((None, MissingProgramError), (str(broken), StoreError)):
        monkeypatch.setattr(
            "pipeline.store.database.copies.shutil.which", lambda _, found=found: found
        )
        with pytest.raises(kind) as error:
            upgrade_store(old_settings)
        assert "--no-backup" in error.value.remedy
    assert "server version mismatch" in error.value.message
    assert revision_of(old_settings) == BASELINE
    assert backups(old_settings) == []
    assert upgrade_store(old_settings, backup=False).is_needed


def test_of_two_that_upgrade_at_once_one_does(old_settings: Settings) -> None:
    done: list[Upgrade | EfterskriftError] = []

    def act() -> None:
        try:
            done.append(upgrade_store(old_settings))
        except EfterskriftError as error:
            done.append(error)

    threads = [Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(one, Upgrade) and one.is_needed for one in done) == [False, True]
    assert all(isinstance(one, Upgrade) for one in done)
    assert len(backups(old_settings)) == 1


_KILLED = """
import os, sys
from pathlib import Path
from pipeline.domain.settings import Settings
from pipeline.store.database.migrations import run
from pipeline.store.database.migrations.upgrade import upgrade_store
run.adopt_records = lambda *_: os._exit(9)
upgrade_store(Settings(workspace=Path(sys.argv[1]), database_url=sys.argv[2]), backup=False)
"""


def test_a_killed_upgrade_leaves_the_store_as_it_was(old_settings: Settings) -> None:
    engine = make_engine(old_settings.url, 5)
    with engine.begin() as conn:
        before = schema(conn)
    arguments = [str(old_settings.workspace), old_settings.database_url]
    command = [sys.executable, "-c", _KILLED, *arguments]
    assert subprocess.run(command, check=False, timeout=100).returncode == 9
    with engine.begin() as conn:
        assert schema(conn) == before
    engine.dispose()
    assert upgrade_store(old_settings, backup=False).before == BASELINE
    open_store(old_settings).close()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    version_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("dangling_references", store="")

    _, before = known_rows(version_settings)
    with monkeypatch.context() as broken:
        broken.setattr(upgrade, "check_foreign_keys", fail)
        with pytest.raises(StoreError):
            upgrade_store(version_settings)
    assert known_rows(version_settings)[1] == before
    assert upgrade_store(version_settings).before == BASELINE


@pytest.fixture
def in_workspace(old_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment of a command on the old store."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(old_settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", old_settings.database_url)
    return old_settings


def test_the_command_tells_from_where_to_where(in_workspace: Settings) -> None:
    runner = CliRunner()
    said = runner.invoke(build_app(), ["upgrade"], catch_exceptions=False).stdout
    assert f"Schema {BASELINE} → {head()}" in said
    assert "".join(str(backups(in_workspace)[0]).split()) in "".join(said.split())
    again = runner.invoke(build_app(), ["upgrade", "--no-backup"], catch_exceptions=False).stdout
    assert f"has the latest schema already ({head()})" in again


@pytest.mark.usefixtures("in_workspace")
@pytest.mark.parametrize("command", [["status"], ["init"], ["audit", "verify"]], ids=" ".join)
def test_other_commands_refuse_and_name_it(command: list[str]) -> None:
    with pytest.raises(SchemaOutdatedError, match="efterskrift upgrade"):
        CliRunner().invoke(build_app(), command, catch_exceptions=False)


@on_sqlite
@pytest.mark.usefixtures("in_workspace")
def test_doctor_names_it() -> None:
    (found,) = [finding for finding in check_health() if finding.part == "Store"]
    assert "efterskrift upgrade" in found.remedy
    assert found.code == ExitCode.STORE


def test_there_is_nothing_to_upgrade_without_a_store(bare_settings: Settings) -> None:
    with pytest.raises(StoreError, match="no store"):
        upgrade_store(bare_settings)
    assert not bare_settings.workspace.exists()


def test_a_store_that_is_open_is_not_upgraded_under_its_writer(old_settings: Settings) -> None:
    """The copy and the upgrade see what was committed, and wait for who is writing."""
    store = Store(make_engine(old_settings.url, 5), ImageFolder(old_settings.images))
    done: list[Upgrade] = []
    thread = Thread(target=lambda: done.append(upgrade_store(old_settings)))
    with store.begin() as conn:
        conn.exec_driver_sql("UPDATE client SET name = 'Asta Ny'")
        thread.start()
        thread.join(1)
        assert done == []
    thread.join()
    store.close()
    assert done[0].is_needed
    with open_store(old_settings).read() as conn:
        assert [client.name for client in list_clients(conn)] == ["Asta Ny"]
