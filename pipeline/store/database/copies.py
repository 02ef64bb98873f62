"""A dated backup copy of the database before an upgrade, and whether the database is whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from pipeline.domain.errors import MissingProgramError, StoreError, StoreUnavailableError
from pipeline.files.atomic import open_partial, replace_file


def back_up(conn: Connection, folder: Path, revision: str, now: datetime) -> Path:
    """Copy the database as it is now and return the copy's path; only its owner may read it.

    Args:
        conn: a transaction that keeps others from writing.
        folder: where the copy of a PostgreSQL database goes; SQLite's is next to the database.
        revision: the database's revision, for the copy's name.
        now: in UTC, for the copy's name.

    Raises:
        MissingProgramError: pg_dump is not installed.
        StoreUnavailableError: the copy cannot be written.
        StoreError: pg_dump failed, or the copy is damaged.
    """
    # Name the copy after the revision and the time
    name = f"before-upgrade-from-{revision}-{now:%Y%m%dT%H%M%SZ}"
    is_postgres = conn.dialect.name == "postgresql"
    source = folder / "efterskrift.dump" if is_postgres else _sqlite_file(conn)
    copy = source.with_name(f"{source.stem}-{name}{source.suffix}")
    try:
        # Write beside and rename, so that a copy is whole or absent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_partial(copy) as partial:
            if is_postgres:
                _dump_postgres(conn.engine.url, partial)
            else:
                _copy_sqlite(source, partial)
            replace_file(partial, copy)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StoreUnavailableError("backup_not_written", copy=copy, reason=reason) from error
    return copy


def _sqlite_file(conn: Connection) -> Path:
    databases = conn.exec_driver_sql("PRAGMA database_list")
    return Path(next(row.file for row in databases if row.name == "main"))


def _copy_sqlite(source: Path, file: Path) -> None:
    """Copy by SQLite's online backup, which includes the write-ahead log, and check the copy.

    The source is opened by a second connection, since that of the upgrade holds the write lock.
    """
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(file)) as copy:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError("backup_damaged")


def _dump_postgres(url: URL, file: Path) -> None:
    """Copy with pg_dump for `pg_restore`, keeping the password off the command line."""
    program = shutil.which("pg_dump")
    if program is None:
        raise MissingProgramError("pg_dump_not_installed")
    address = url.set(drivername="postgresql", password=None).render_as_string()
    # The password is passed in the environment, which other users cannot read
    environment = {"PGPASSWORD": str(url.password)} if url.password else {}
    options = ("--format=custom", "--no-password", f"--file={file}", f"--dbname={address}")
    process = subprocess.run(
        [program, *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        reason = next(iter(process.stderr.strip().splitlines()), "").removeprefix(
            "pg_dump: error: "
        )
        raise StoreError("pg_dump_failed", reason=reason)


# Whether the database itself is whole: its pages, indexes and references.

_MAX_PROBLEMS = 10


def find_database_problem(conn: Connection) -> str:
    """Return what is wrong with the database, without any value; empty if it is whole.

    SQLite checks its file and all references. PostgreSQL checks its indexes against the tables
    where the extension amcheck is installed; otherwise every row is read, which notices what the
    server's checksums cover.
    """
    try:
        is_postgres = conn.dialect.name == "postgresql"
        return _check_postgres(conn) if is_postgres else _check_sqlite(conn)
    except DBAPIError as error:
        return f"{type(error.orig).__name__} {getattr(error.orig, 'sqlstate', None) or ''}".strip()


def _check_sqlite(conn: Connection) -> str:
    verdicts = conn.exec_driver_sql(f"PRAGMA integrity_check({_MAX_PROBLEMS})").scalars().all()
    if verdicts != ["ok"]:
        return "; ".join(str(verdict) for verdict in verdicts)
    dangling = {str(row[0]) for row in conn.exec_driver_sql("PRAGMA foreign_key_check")}
    return f"dangling references in {', '.join(sorted(dangling))}" if dangling else ""


def _check_postgres(conn: Connection) -> str:
    has_amcheck = conn.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"))
    if has_amcheck.first():
        conn.execute(text(_CHECK_INDEXES)).all()
        return ""
    for name in sorted(inspect(conn).get_table_names()):
        conn.exec_driver_sql(f'SELECT count(row_of::text) FROM "{name}" AS row_of').all()
    return ""


_CHECK_INDEXES = """SELECT bt_index_check(index.oid, true) FROM pg_class AS index
    JOIN pg_am ON pg_am.oid = index.relam AND pg_am.amname = 'btree'
    JOIN pg_namespace AS schema ON schema.oid = index.relnamespace AND schema.nspname = 'public'
    WHERE index.relkind = 'i'"""
