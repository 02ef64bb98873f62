"""Stores to test on: SQLite in the test's folder, and PostgreSQL in a database of its own.

A test module that says `pytest_plugins = ("tests.support.store.databases",)` has the fixtures.
PostgreSQL is the server that the URL in EFTERSKRIFT_TEST_POSTGRES names, where databases may be
made; without it those tests skip, except in CI, where they fail.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    inspect,
    make_url,
    text,
    update,
)

from pipeline.domain.settings import Settings
from pipeline.store.database.history import alembic_version, revisions
from pipeline.store.database.migrations.run import baseline_statements
from pipeline.store.database.store import Store, accept_images, open_store
from pipeline.store.schema import paper
from pipeline.store.schema.tally_triggers import drop_tally_triggers

SERVER = "EFTERSKRIFT_TEST_POSTGRES"
BASELINE = revisions()[0]
BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@pytest.fixture(params=BOTH)
def bare_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a workspace that is not made yet, on each kind of database."""
    if request.param == "sqlite":
        yield Settings(workspace=tmp_path / "workspace", database_url="")
        return
    with new_database(postgres_server()) as url:
        yield Settings(workspace=tmp_path / "workspace", database_url=url)


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an empty store, to be copied: making the tables takes longer than most
    tests.
    """
    folder = tmp_path_factory.mktemp("made") / "workspace"
    open_store(Settings(workspace=folder, database_url=""), create=True).close()
    return folder


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a PostgreSQL database with an empty store, to be copied."""
    with new_database(postgres_server()) as url:
        open_store(
            Settings(workspace=tmp_path_factory.mktemp("made"), database_url=url), create=True
        ).close()
        yield str(make_url(url).database)


@pytest.fixture(params=BOTH)
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a workspace with an empty store, on each kind of database."""
    with _made(request, tmp_path / "workspace") as settings:
        yield settings


@pytest.fixture(scope="module", params=BOTH)
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store on each kind of database, empty for the first test: for modules that fill it once
    and whose tests leave it as they find it.
    """
    with _made(request, tmp_path_factory.mktemp("shared") / "workspace") as settings:
        opened = open_store(settings, create=True)
        yield opened
        opened.close()


@contextmanager
def _made(request: pytest.FixtureRequest, workspace: Path) -> Iterator[Settings]:
    """Settings of a workspace with an empty store on the kind of database that is asked for."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("made_workspace"), workspace)
        yield Settings(workspace=workspace, database_url="")
        return
    with new_database(postgres_server(), like=request.getfixturevalue("made_database")) as url:
        settings = Settings(workspace=workspace, database_url=url)
        _give_images(settings)
        yield settings


@pytest.fixture
def store(store_settings: Settings) -> Iterator[Store]:
    """An empty store on each kind of database."""
    opened = open_store(store_settings, create=True)
    yield opened
    opened.close()


@pytest.fixture
def other_store(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Another empty store on the same kind of database as `store`."""
    folder = tmp_path / "other"
    if store.engine.dialect.name == "sqlite":
        opened = open_store(Settings(workspace=folder, database_url=""), create=True)
        yield opened
        opened.close()
        return
    with new_database(postgres_server(), like=request.getfixturevalue("made_database")) as url:
        settings = Settings(workspace=folder, database_url=url)
        _give_images(settings)
        opened = open_store(settings)
        yield opened
        opened.close()


def _give_images(settings: Settings) -> None:
    """Make a folder of images for a copy of a database."""
    open_store(settings, create=True).close()
    accept_images(settings)


def revert_to_baseline(conn: Connection) -> None:
    """Leave of a store the tables, columns and indexes that the baseline knows."""
    known = baseline_tables()
    conn.execute(update(alembic_version).values(version_num=BASELINE))
    drop_tally_triggers(conn)
    later = [table for table in paper.metadata.sorted_tables if table.name not in known]
    paper.metadata.drop_all(conn, later)
    for name in known.keys() & paper.metadata.tables.keys():
        table, before = paper.metadata.tables[name], known[name]
        indexes = {index.name: index.columns.keys() for index in before.indexes}
        for index in table.indexes:
            if indexes.get(index.name) != index.columns.keys():
                index.drop(conn, checkfirst=True)
        for column in sorted({*table.columns.keys()} - {*before.columns.keys()}):
            conn.exec_driver_sql(f'ALTER TABLE "{name}" DROP COLUMN "{column}"')
    # What has gone since, and indexes that have other columns, as they were
    found = inspect(conn)
    here = set(found.get_table_names())
    here |= {str(index["name"]) for name in here for index in found.get_indexes(name)}
    for statement in baseline_statements(conn.dialect.name):
        if (made := _MADE.search(statement)) and made[1] not in here:
            conn.exec_driver_sql(statement)


_MADE = re.compile(r"CREATE (?:TABLE|(?:UNIQUE )?INDEX) (\w+)")


@cache
def baseline_tables() -> dict[str, Table]:
    """The tables of the baseline by name, as an empty SQLite database has them."""
    known = MetaData()
    with create_engine("sqlite://").begin() as conn:
        for statement in baseline_statements("sqlite"):
            conn.exec_driver_sql(statement)
        known.reflect(conn)
    return dict(known.tables)


def postgres_server() -> str:
    """The URL of the server, or the reason why the test does not run."""
    server = os.environ.get(SERVER, "")
    if server:
        return server
    reason = f"{SERVER} does not name a PostgreSQL server"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def new_database(server: str, like: str = "template1") -> Iterator[str]:
    """A database of the server that is there for the length of a `with`, a copy of another one;
    gives its URL.
    """
    engine = _ruling(server)
    name = f"efterskrift_test_{secrets.token_hex(6)}"
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'))
    try:
        yield engine.url.set(drivername="postgresql", database=name).render_as_string(
            hide_password=False
        )
    finally:
        with engine.connect() as conn:
            conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@cache
def _ruling(server: str) -> Engine:
    """Makes databases and drops them: one connection for all tests, for making it takes as long as
    making a database.
    """
    engine = create_engine(
        make_url(server).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=True,
    )
    atexit.register(engine.dispose)
    return engine
