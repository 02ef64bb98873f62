"""Whether the database itself is whole: its pages, indexes and references."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

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
