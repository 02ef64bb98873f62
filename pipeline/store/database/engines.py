"""Engines, errors and statements for SQLite and PostgreSQL.

Covers what differs between the two: transactions and who waits for whom, error codes, and inserts
that update or skip existing rows.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, OperationalError, StatementError

from pipeline.domain.errors import (
    ReadOnlyStoreError,
    StoreError,
    StoreUnavailableError,
    UnstorableTextError,
)
from pipeline.store.event_log.events import watch_changes

# Let writers of an SQLite database wait in line, in the order in which they came.
#
# SQLite's own wait is a lottery: everybody asks again after a while, whoever asks when the lock is
# free has it, and who was unlucky for long enough fails ("database is locked"). The line is a small
# hidden file beside the database: each writer takes the next number and holds the byte of that
# number until it has written. The system ends such a lock with its process, so the line passes over
# whoever was killed. It only orders: SQLite's own lock still decides who writes.

_LOCK = "hhqqi0q"
"""The system's `struct flock`: kind, from where, first byte, number of bytes, process."""
_NUMBER = struct.Struct("=q")
_COUNTER = 0
"""The byte that is locked while a number is taken; the last number is stored from here on."""
_FIRST = 64
"""The byte of number 0, beyond the stored number."""
_STEP_SECONDS, _LONGEST_SECONDS = 0.002, 0.1
"""Time between two looks at the line, for each one in front, and at most."""


def queue_file(database: Path) -> Path:
    """Return the file of the line: hidden, so that no backup takes it for a part of a workspace."""
    return database.with_name(f".{database.name}.turns")


@contextmanager
def wait_turn(
    database: Path,
    wait_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Wait until all who came earlier have written, and let nobody in before the block ends.

    One in front who stays longer than `wait_seconds`, stopped or stuck, is not waited for any
    more: SQLite itself then says whether the database is locked. Where no line can be made, as in a
    folder that cannot be written, there is none.
    """
    line, number = _join(queue_file(database))
    try:
        first, until = -1, 0.0
        while number is not None and (seen := _first_before(line, number)) is not None:
            if seen != first:
                first, until = seen, clock() + wait_seconds
            elif clock() > until:
                break
            sleep(min(_STEP_SECONDS * (number - seen), _LONGEST_SECONDS))
        yield
    finally:
        if line >= 0:
            os.close(line)


def _join(file: Path) -> tuple[int, int | None]:
    """Open the line and take the next number in it; no number where that is not possible."""
    line = -1
    try:
        line = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _lock(line, fcntl.F_OFD_SETLKW, fcntl.F_WRLCK, _COUNTER)
        last = os.pread(line, _NUMBER.size, _COUNTER).ljust(_NUMBER.size, b"\0")
        number = _NUMBER.unpack(last)[0] + 1
        os.pwrite(line, _NUMBER.pack(number), _COUNTER)
        # Before the next number can be taken, so that nobody overlooks this one
        _lock(line, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, _FIRST + number)
        _lock(line, fcntl.F_OFD_SETLK, fcntl.F_UNLCK, _COUNTER)
    except OSError:
        return line, None
    return line, number


def _first_before(line: int, number: int) -> int | None:
    """Return a number in front of this one: the one that came first of those still in line."""
    kind, start = _lock(line, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, _FIRST, number)
    return None if kind == fcntl.F_UNLCK else start - _FIRST


def _lock(line: int, command: int, kind: int, start: int, length: int = 1) -> tuple[int, int]:
    """Do something with a lock of this open file, whatever thread asks; return kind and start."""
    asked = struct.pack(_LOCK, kind, os.SEEK_SET, start, length, 0)
    found = struct.unpack(_LOCK, fcntl.fcntl(line, command, asked))
    return found[0], found[2]


READ_ONLY_OPTION = "efterskrift_reads_only"
"""The option of a connection whose transaction only reads."""
_TURN_OPTION = "efterskrift_turn_seconds"
"""The option of an SQLite engine: how long one writer in front is waited for."""
SQLITE_SECONDS, _POSTGRES_SECONDS = 120, 30
"""How long a lock is waited for. SQLite has one for all writers, and the slowest write, an upgrade
of 120 pages beside forty other programs, took 42 s; PostgreSQL has one for each row.
"""
# SQLite's codes for a database that is full or out of reach
_AWAY_CODES = {
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
}
_NOT_CONNECTED = {
    "password authentication failed": "wrong password",
    "no password supplied": "no password given",
    "no pg_hba.conf entry": "pg_hba.conf of the server lets this machine not in",
    'role ".*" does not exist': "no such role",
    'database ".*" does not exist': "no such database",
    "not support ssl|ssl error": "TLS failed",
    "failed to resolve|could not translate host name": "no such host",
    "connection refused": "nothing answers there",
    "timeout": "no answer in time",
}
"""What libpq says when it gets no connection, most telling first, and what that means."""
_READ_ONLY_STATES = {"25006", "42501"}
"""PostgreSQL's codes for a transaction that may only read, and for a right that the user lacks."""


def make_engine(url: str, wait_seconds: float | None = None) -> Engine:
    """Return the engine of an SQLAlchemy URL.

    Args:
        url: of an SQLite or PostgreSQL database.
        wait_seconds: how long a lock is waited for; of SQLite, by each writer in front. None: as
            long as the slowest write may take.

    Raises:
        StoreError: the URL is invalid, or names another kind of database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("database_url_malformed") from None
    if parsed.get_backend_name() == "postgresql":
        # PostgreSQL: the server itself limits the wait for locks
        parsed = parsed.set(drivername="postgresql+psycopg")
        wait_seconds = _POSTGRES_SECONDS if wait_seconds is None else wait_seconds
        milliseconds = int(wait_seconds * 1000)
        options = {
            "connect_timeout": max(2, int(wait_seconds)),
            # Compiling a statement takes longer than all statements of a screen together
            "options": f"-c lock_timeout={milliseconds} -c jit=off",
        }
        engine = create_engine(
            parsed, hide_parameters=True, pool_pre_ping=True, connect_args=options
        )
        watch_changes(engine)
        return engine
    if parsed.get_backend_name() != "sqlite":
        raise StoreError("database_not_supported", value=parsed.get_backend_name())
    # SQLite: transactions and durability are set per connection
    file = Path(parsed.database or "")
    wait_seconds = SQLITE_SECONDS if wait_seconds is None else wait_seconds
    if is_read_only(file):
        return _make_read_only_engine(file, wait_seconds)
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": wait_seconds})
    event.listen(engine, "connect", partial(_prepare_sqlite, wait_seconds=wait_seconds))
    event.listen(engine, "begin", _begin_sqlite)
    watch_changes(engine)
    return engine.execution_options(**{_TURN_OPTION: wait_seconds})


@contextmanager
def write_turn(engine: Engine) -> Iterator[None]:
    """Wait in line to write, before a connection is taken; the turn ends with the block.

    PostgreSQL's writers wait only for the same rows.
    """
    wait_seconds = engine.get_execution_options().get(_TURN_OPTION)
    if wait_seconds is None:
        yield
        return
    with wait_turn(Path(str(engine.url.database)), wait_seconds):
        yield


def is_read_only(file: Path) -> bool:
    """Return whether an SQLite file exists but it, or its folder, cannot be written."""
    return file.is_file() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def _make_read_only_engine(file: Path, wait_seconds: float) -> Engine:
    """Return an engine that only reads.

    Without a write-ahead log the file is complete, and is read as one that never changes. With one
    its index has to be there too, since SQLite cannot write it.
    """
    log = file.with_name(f"{file.name}-wal")
    is_complete = not (log.exists() and log.stat().st_size)
    options = "mode=ro&immutable=1" if is_complete else "mode=ro"
    address = f"sqlite:///file:{quote(str(file))}?{options}&uri=true"
    engine = create_engine(address, hide_parameters=True, connect_args={"timeout": wait_seconds})
    event.listen(engine, "connect", _leave_transactions)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _leave_transactions(connection: sqlite3.Connection, record: object) -> None:
    """Keep the driver from beginning transactions of its own: see `_begin_sqlite`."""
    del record
    connection.isolation_level = None


def _prepare_sqlite(connection: sqlite3.Connection, record: object, *, wait_seconds: float) -> None:
    del record
    # The driver must not begin transactions of its own: see _begin_sqlite
    connection.isolation_level = None
    enable_write_ahead_log(connection, monotonic() + wait_seconds)
    # FULL: a power cut must not undo a decision, or a run whose file has been delivered
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def enable_write_ahead_log(connection: sqlite3.Connection, until: float) -> None:
    """Switch to write-ahead logging (WAL), waiting for other processes that open a new file.

    SQLite refuses this at once when several do so at the same time, so wait by taking the write
    lock.
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
        # Waits until the process that was first has finished
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")


def _begin_sqlite(conn: Connection) -> None:
    """Take the write lock at the start of a transaction that may write.

    One that reads first and writes later could fail without waiting for the lock.
    """
    conn.exec_driver_sql(
        "BEGIN" if conn.get_execution_options().get(READ_ONLY_OPTION) else "BEGIN IMMEDIATE"
    )


def redact_error(error: StatementError, name: str) -> StoreError:
    """Return a store error without the driver's message, which may quote values."""
    original = error.orig
    code = getattr(original, "sqlite_errorcode", None)
    is_read_only_file = code is not None and code & 0xFF == sqlite3.SQLITE_READONLY
    if is_read_only_file or getattr(original, "sqlstate", None) in _READ_ONLY_STATES:
        return ReadOnlyStoreError("database_read_only", name=name)
    if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError("database_busy", name=name)
    # SQLite: the lower byte is the primary error code; PostgreSQL has no such code
    is_unavailable = isinstance(error, OperationalError) and (
        code is None or code & 0xFF in _AWAY_CODES
    )
    if is_unavailable or getattr(error, "connection_invalidated", False):
        reason = (
            getattr(original, "sqlite_errorname", None)
            or getattr(original, "sqlstate", None)
            or _why_not_connected(str(original))
        )
        return StoreUnavailableError("database_away", name=name, why=reason)
    if isinstance(error, DataError):
        return UnstorableTextError("text_unstorable")
    # The constraint's name says what was refused, without any value
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None) or ""
    problem = f"{type(original).__name__} {constraint}".rstrip()
    return StoreError("database_constraint_violated", name=name, what=problem)


def _why_not_connected(said: str) -> str:
    """Return why PostgreSQL was not reached, in words of our own: the driver's may hold values."""
    found = (why for sign, why in _NOT_CONNECTED.items() if re.search(sign, said, re.IGNORECASE))
    return next(found, "no connection")


def upsert_rows(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; for an existing primary key, replace the other columns."""
    if not rows:
        return
    statement = _insert_statement(conn, table)
    keys = [column.name for column in table.primary_key]
    replacement = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=replacement), list(rows))


def upsert_where(
    conn: Connection, table: Table, row: Mapping[str, Any], condition: ColumnElement[bool]
) -> bool:
    """Insert the row, or replace the existing one if it meets the condition.

    Returns whether either was done.
    """
    statement = _insert_statement(conn, table)
    keys = [column.name for column in table.primary_key]
    replacement = {name: statement.excluded[name] for name in row if name not in keys}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=replacement, where=condition)
    # Not `rowcount`: PostgreSQL's driver does not report it for an insert
    return conn.execute(upsert.returning(table.c[keys[0]]), row).first() is not None


def insert_missing(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows, skipping those that a unique constraint of the table refuses."""
    if rows:
        conn.execute(_insert_statement(conn, table).on_conflict_do_nothing(), list(rows))


def _insert_statement(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)


def suspend_foreign_keys(conn: Connection) -> None:
    """Let migrations replace tables that others refer to.

    SQLite ignores this pragma within a transaction.
    """
    if conn.dialect.name == "sqlite":
        driver: object = conn.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")  # type: ignore[attr-defined]


def check_foreign_keys(conn: Connection, name: str) -> None:
    """Check the references that were not checked row by row.

    Raises:
        StoreError: a row refers to one that is missing.
    """
    if conn.dialect.name == "sqlite" and conn.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError("dangling_references", store=name)
