"""The workspace's own key for drawing lots."""

from __future__ import annotations

from sqlalchemy import Connection, select

from pipeline.domain.review.sampling import new_sampling_key
from pipeline.store.database.engines import insert_missing
from pipeline.store.schema.review import control_key

REKEYING_SHARE_OPTION = "efterskrift_control_share"
"""The connection's option that says which share of confirmed fields is typed again; `open_store`
sets it.
"""


def rekeying_share(conn: Connection) -> float:
    """Which share of confirmed fields is typed again."""
    return float(conn.get_execution_options().get(REKEYING_SHARE_OPTION, 0.0))


def sampling_key(conn: Connection) -> str:
    """The key. It is made when it is asked for the first time, and never changes."""
    query = select(control_key.c.secret).where(control_key.c.id == 1)
    found = conn.execute(query).scalar_one_or_none()
    if found is None:
        insert_missing(conn, control_key, [{"id": 1, "secret": new_sampling_key()}])
        found = conn.execute(query).scalar_one()
    return str(found)
