"""Counts for managers. No names, no numbers and no text of anybody's record (SoLPUL 7 a §)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, or_, select

from pipeline.model import EntryState
from pipeline.store import tables
from pipeline.store.page_states import count

_entry = tables.entry
CONFIRMED = [state.value for state in (EntryState.CONFIRMED, EntryState.SIGNED, EntryState.EXPORTED, EntryState.RECEIPTED)]
ENDED = [*CONFIRMED, EntryState.REJECTED.value]
_decided_at = func.coalesce(_entry.c.second_at, _entry.c.first_at, type_=_entry.c.first_at.type)
_decided_by = func.coalesce(_entry.c.second_by, _entry.c.first_by)

Group = tuple[str, str, str, str, str, int]
"""State, unit, form, class, age, count."""


def entry_groups(conn: Connection, units: Collection[str], ages: Mapping[str, datetime], oldest: str) -> list[Group]:
    """Entries by state, unit, form, class and age.

    Args:
        ages: name of an age → entries made after this moment have it, youngest first.
        oldest: the age of all others.
    """
    # Spelt out, since PostgreSQL takes a group with a parameter for another expression than the column with it.
    names: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (_entry.c.created_at > moment, literal_column(f"'{name}'")) for name, moment in ages.items()
    ]
    age = case(*names, else_=literal_column(f"'{oldest}'")).label("age")
    keys = (_entry.c.state, _entry.c.unit, _entry.c.form, _entry.c.criticality)
    inner = select(*keys, age).where(_entry.c.unit.in_(units)).subquery()
    columns = list(inner.c)
    query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in conn.execute(query)]


def confirmations(conn: Connection, units: Collection[str], since: datetime) -> list[tuple[datetime, str]]:
    """When entries were confirmed, and by whom (for counting people, not for showing)."""
    query = select(_decided_at, _decided_by).where(_entry.c.unit.in_(units), _entry.c.state.in_(CONFIRMED), _since(since)).order_by(_decided_at)
    return [(row[0], row[1]) for row in conn.execute(query)]


def flow(conn: Connection, units: Collection[str], since: datetime) -> tuple[int, int, int, datetime | None, str | None]:
    """Open entries; how many were made and how many ended since a moment; when the first was made; the day of the oldest event that waits."""
    is_open = _entry.c.state.in_(tables.OPEN_STATES)
    query = select(
        count(is_open),
        count(_entry.c.created_at > since),
        count(and_(_entry.c.state.in_(ENDED), _since(since))),
        func.min(_entry.c.created_at, type_=_entry.c.created_at.type),
        func.min(case((is_open, _entry.c.event_on))),
    ).where(_entry.c.unit.in_(units))
    row = conn.execute(query).one()
    return row[0], row[1], row[2], row[3], row[4]


def _since(moment: datetime) -> ColumnElement[bool]:
    return or_(_entry.c.second_at > moment, and_(_entry.c.second_at.is_(None), _entry.c.first_at > moment))
