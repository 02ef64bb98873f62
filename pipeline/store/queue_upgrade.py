"""The queue of a store that was made before entries had a place in it: class, day and client as they are known without reading again."""

from __future__ import annotations

from sqlalchemy import Connection, String, case, cast, func, update

from pipeline.store import tables


def place_in_queue(conn: Connection) -> None:
    """Give every entry its place and make the indexes of the order in place of the one before."""
    entry = tables.entry.c
    day = func.coalesce(entry.event_on, func.substr(cast(entry.created_at, String), 1, 10))
    lane = case((entry.criticality == "A", 1), (entry.criticality == "B", 2), else_=3)
    conn.execute(update(tables.entry).values(lane=lane, likely_pid=func.coalesce(entry.client_pid, ""), happened=day, first_on=day, last_on=day))
    conn.exec_driver_sql("DROP INDEX IF EXISTS entry_queue")
    for index in (*tables.QUEUE_INDEXES, tables.ENTRY_LIKELY):
        index.create(conn, checkfirst=True)
