"""Bringing the tables of an earlier version up to date. Steps only ever add; nothing that was stored is changed or lost."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Connection, update
from sqlalchemy.schema import CreateColumn

from pipeline.store import tables

ADDED: Mapping[int, tuple[Column[object], ...]] = {2: (tables.client.c.address, tables.reading.c.reasons), 3: (), 4: ()}
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
    return found
