"""Bringing the tables of an earlier version up to date. Steps only ever add; nothing that was stored is changed or lost."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Connection, inspect, update
from sqlalchemy.schema import CreateColumn

from pipeline.store import tables
from pipeline.store.chain_rows import begin_log

_event = tables.event.c

ADDED: Mapping[int, tuple[Column[object], ...]] = {
    2: (tables.client.c.address, tables.reading.c.reasons),
    3: (),
    4: (_event.unit, _event.previous, _event.sha256),
}
"""By version: the columns that came with it to tables that there were. Tables that are missing are made whatever the version."""


def upgraded(conn: Connection, found: int) -> int:
    """Add what is missing since version `found`; answers with the version that the tables have now.

    A version without steps, as one of a later program, stays as it is.
    """
    if found < tables.SCHEMA_VERSION:
        tables.metadata.create_all(conn)
    before = found
    while found < tables.SCHEMA_VERSION and found + 1 in ADDED:
        there = inspect(conn)
        for column in ADDED[found + 1]:
            if column.name in {each["name"] for each in there.get_columns(column.table.name)}:
                continue
            conn.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {CreateColumn(column).compile(dialect=conn.dialect)}")
        found += 1
        conn.execute(update(tables.schema_info).values(version=found))
    if before < 4 <= found:
        for index in tables.event.indexes:
            index.create(conn, checkfirst=True)
        begin_log(conn)
    return found
