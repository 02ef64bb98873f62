"""The workspace's own key for drawing lots."""

from __future__ import annotations

from sqlalchemy import Connection, select

from pipeline.lots import new_key
from pipeline.store.control_tables import control_key
from pipeline.store.upsert import insert_new

SHARE = "efterskrift_control_share"
"""The connection's option that says which share of confirmed fields is typed again; `open_store` sets it."""


def control_share(conn: Connection) -> float:
    """Which share of confirmed fields is typed again."""
    return float(conn.get_execution_options().get(SHARE, 0.0))


def key_for_lots(conn: Connection) -> str:
    """The key. It is made when it is asked for the first time, and never changes."""
    query = select(control_key.c.secret).where(control_key.c.id == 1)
    found = conn.execute(query).scalar_one_or_none()
    if found is None:
        insert_new(conn, control_key, [{"id": 1, "secret": new_key()}])
        found = conn.execute(query).scalar_one()
    return str(found)
