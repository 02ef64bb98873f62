"""Insert, or update what is there: the one statement that the two databases spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; where the primary key is known, the other columns are replaced."""
    if not rows:
        return
    statement = _insert(conn, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def upsert_where(conn: Connection, table: Table, row: Mapping[str, Any], condition: ColumnElement[bool]) -> bool:
    """Insert the row, or replace the known one if it fulfils the condition; whether either was done."""
    statement = _insert(conn, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    replaced = statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition)
    # Not its `rowcount`: PostgreSQL's driver tells none of an insert.
    return conn.execute(replaced.returning(table.c[keys[0]]), row).first() is not None


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that no unique rule of the table forbids and leave the others as they are."""
    if rows:
        conn.execute(_insert(conn, table).on_conflict_do_nothing(), list(rows))


def _insert(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
