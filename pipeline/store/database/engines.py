"""SQLite and PostgreSQL as they are used here, and what they complain of in our own words.

Insert, or update what is there: the one statement that the two databases spell alike but
SQLAlchemy keeps apart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, OperationalError, StatementError

from pipeline.domain.errors import StoreError, StoreUnavailableError, UnstorableTextError

_MAX_QUERY_IDS = 500
READ_ONLY_OPTION = "efterskrift_reads_only"
"""The option of a connection whose transaction only reads."""
_BUSY_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}


def make_engine(url: str, wait_seconds: float) -> Engine:
    """The engine of an SQLAlchemy URL; a locked database is waited for so long.

    Raises:
        StoreError: the URL makes no sense, or is of another kind of database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("database_url_makes_no_sense") from None
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        milliseconds = int(wait_seconds * 1000)
        options = {
            "connect_timeout": max(2, int(wait_seconds)),
            "options": f"-c lock_timeout={milliseconds}",
        }
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True, connect_args=options)
    if parsed.get_backend_name() != "sqlite":
        raise StoreError("not_database_works_here", value=parsed.get_backend_name())
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": wait_seconds})
    event.listen(engine, "connect", partial(_prepare_sqlite, wait_seconds=wait_seconds))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object, *, wait_seconds: float) -> None:
    del record
    connection.isolation_level = (
        None  # the driver must not begin transactions of its own: see _begin_sqlite
    )
    _enable_write_ahead_log(connection, monotonic() + wait_seconds)
    # FULL: a decision, or a run whose file has been handed out, must not be undone by a power cut.
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _enable_write_ahead_log(connection: sqlite3.Connection, until: float) -> None:
    """Write ahead (WAL). Where several open a new file at once SQLite refuses this without waiting;
    a transaction waits for whoever is first.
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")


def _begin_sqlite(conn: Connection) -> None:
    """Take the write lock at once: a transaction that first reads and then writes could otherwise
    fail without being waited for.
    """
    conn.exec_driver_sql(
        "BEGIN" if conn.get_execution_options().get(READ_ONLY_OPTION) else "BEGIN IMMEDIATE"
    )


def redact_error(error: StatementError, name: str) -> StoreError:
    """Our error without the driver's text, which may quote values."""
    original = error.orig
    code = getattr(original, "sqlite_errorcode", None)
    away = isinstance(error, OperationalError) and (code is None or code & 0xFF in _BUSY_CODES)
    if away or getattr(error, "connection_invalidated", False):
        why = (
            getattr(original, "sqlite_errorname", None)
            or getattr(original, "sqlstate", None)
            or "no connection"
        )
        return StoreUnavailableError("database_away", name=name, why=why)
    if isinstance(error, DataError):
        return UnstorableTextError("text_unstorable")
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None) or ""
    what = f"{type(original).__name__} {constraint}".rstrip()
    return StoreError("database_refused_change", name=name, what=what)


def upsert_rows(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; where the primary key is known, the other columns are replaced."""
    if not rows:
        return
    statement = _insert_statement(conn, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def upsert_where(
    conn: Connection, table: Table, row: Mapping[str, Any], condition: ColumnElement[bool]
) -> bool:
    """Insert the row, or replace the known one if it fulfils the condition; whether either was
    done.
    """
    statement = _insert_statement(conn, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    replaced = statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition)
    # Not its `rowcount`: PostgreSQL's driver tells none of an insert.
    return conn.execute(replaced.returning(table.c[keys[0]]), row).first() is not None


def insert_missing(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that no unique rule of the table forbids and leave the others as they are."""
    if rows:
        conn.execute(_insert_statement(conn, table).on_conflict_do_nothing(), list(rows))


def chunk_ids(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in parts that one query can list: both databases limit its parameters."""
    return (ids[start : start + _MAX_QUERY_IDS] for start in range(0, len(ids), _MAX_QUERY_IDS))


def _insert_statement(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
