"""What the runs of a store carried that was made before this was kept: the log has every decision and every export in their order."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from pipeline.store.export_tables import export_item
from pipeline.store.tables import event

_CARRIED = update(export_item).where(export_item.c.run == bindparam("in_run"), export_item.c.entry == bindparam("of"))


def note_carried(conn: Connection) -> None:
    """Write down of every exported entry the revision that its latest decision before the export had made."""
    latest, found = dict[str, int](), list[dict[str, str | int]]()
    query = select(event.c.action, event.c.subject, event.c.detail).where(event.c.action.in_(["decide", "exported"])).order_by(event.c.id)
    for row in conn.execute(query):
        if row.action == "decide":
            latest[row.subject] = row.detail["revision"]
        else:
            found.append({"in_run": row.detail["run"], "of": row.subject, "carried": latest.get(row.subject, 0)})
    if found:
        conn.execute(_CARRIED.values(entry_revision=bindparam("carried")), found)
