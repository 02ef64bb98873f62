"""Bringing the tables of an earlier version up to date. Steps only ever add; nothing that was stored is changed or lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, update
from sqlalchemy.schema import CreateColumn

from pipeline.store import tables
from pipeline.store.queue_upgrade import place_in_queue

ADDED: Mapping[int, tuple[Column[object], ...]] = {
    2: (tables.client.c.address, tables.reading.c.reasons),
    3: (),
    4: (
        tables.entry.c.lane,
        tables.entry.c.due_at,
        tables.entry.c.likely_pid,
        tables.entry.c.happened,
        tables.entry.c.first_on,
        tables.entry.c.last_on,
    ),
}
"""By version: the columns that came with it to tables that there were. Tables that are missing are made whatever the version."""


STEPS: Mapping[int, tuple[Callable[[Connection], None], ...]] = {4: (place_in_queue,)}
"""By version: what is done when its columns are there."""


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
        for step in STEPS.get(found, ()):
            step(conn)
        conn.execute(update(tables.schema_info).values(version=found))
    return found
