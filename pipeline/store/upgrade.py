"""Bringing the tables of an earlier version up to date. Steps only ever add; nothing that was stored is changed or lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, update
from sqlalchemy.schema import CreateColumn

from pipeline.store import tables

_entry = tables.entry.c

ADDED: Mapping[int, tuple[Column[Any], ...]] = {
    2: (tables.client.c.address, tables.reading.c.reasons),
    3: (),
    4: (_entry.author, _entry.signed_by, _entry.signed_at, _entry.signed_why),
}
"""By version: the columns that came with it to tables that there were. Tables that are missing are made whatever the version."""


def upgraded(conn: Connection, found: int) -> int:
    """Add what is missing since version `found`; answers with the version that the tables have now.

    A version without steps, as one of a later program, stays as it is.
    """
    if found < tables.SCHEMA_VERSION:
        tables.metadata.create_all(conn)
    while found < tables.SCHEMA_VERSION and found + 1 in ADDED:
        for column in ADDED[found + 1]:
            conn.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {CreateColumn(column).compile(dialect=conn.dialect)}")
        found += 1
        conn.execute(update(tables.schema_info).values(version=found))
    _add_indexes(conn)
    return found


def _add_indexes(conn: Connection) -> None:
    """Indexes that later versions have given to tables that there were."""
    for table in tables.metadata.tables.values():
        for index in table.indexes:
            index.create(conn, checkfirst=True)
