"""Open entries with a legal deadline, for whoever minds the queue. Counts only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, null, or_, select, type_coerce

from pipeline.access import Action, require
from pipeline.model import Person
from pipeline.store import sight, tables
from pipeline.store.clock import UtcDateTime
from pipeline.store.progress_counts import GAP

_entry = tables.entry


@dataclass(frozen=True, slots=True)
class Due:
    """Entries of one form and unit that are due at the same moment; `at` is None where the day that the time runs from is not sure."""

    at: datetime | None
    unit: str
    form: str
    version: int
    entries: int


def open_deadlines(conn: Connection, person: Person) -> list[Due]:
    """What is due by law in the person's units and areas of law and not decided, or put aside and not dealt with; at once first, then the nearest.

    Raises:
        NotAllowedError: the person may not pull entries to the front.
    """
    require(person, Action.PULL)
    due = _entry.c.due_at
    sure = case((due == _entry.c.created_at, null()), else_=due)
    at = type_coerce(sure, UtcDateTime).label("at")
    keys = (at, _entry.c.unit, _entry.c.form, _entry.c.version)
    query = select(*keys, func.count()).where(due.is_not(None), or_(_entry.c.state.in_(tables.OPEN_STATES), GAP), sight.visible_entries(conn, person))
    order = (at.is_not(None), at, _entry.c.unit, _entry.c.form)
    return [Due(*row) for row in conn.execute(query.group_by(*keys).order_by(*order))]
