"""What was typed in a store that was made before it was kept with the entry's revision: which of it came first is told by the clock once more."""

from __future__ import annotations

from sqlalchemy import Connection, exists, literal_column, select, update

from pipeline.model import EntryState
from pipeline.store.tables import draft, entry


def note_typed(conn: Connection) -> None:
    """Tell apart what was typed after the first person had decided; all else keeps the first revision, before every decision."""
    typed_in = entry.c.id == draft.c.entry
    as_second = exists().where(typed_in, entry.c.state == literal_column(f"'{EntryState.SECOND}'"), draft.c.at >= entry.c.first_at)
    conn.execute(update(draft).where(as_second).values(revision=select(entry.c.revision).where(typed_in).scalar_subquery()))
