"""Counts for managers. No names, no numbers and no text of anybody's record (SoLPUL 7 a §)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, literal_column, select

from pipeline.model import EntryState
from pipeline.store import tables

_entry = tables.entry
CONFIRMED = [state.value for state in (EntryState.CONFIRMED, EntryState.SIGNED, EntryState.EXPORTED, EntryState.RECEIPTED)]
ENDED = [*CONFIRMED, EntryState.REJECTED.value]

Group = tuple[str, bool, str, str, str, str, int]
"""State, whether void, unit, form, class, age, count."""


def entry_groups(conn: Connection, units: Collection[str], ages: Mapping[str, datetime], oldest: str) -> list[Group]:
    """Entries by state, whether they are void, unit, form, class and age.

    Args:
        ages: name of an age → entries made after this moment have it, youngest first.
        oldest: the age of all others.
    """
    # Spelt out, since PostgreSQL takes a group with a parameter for another expression than the column with it.
    names: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (_entry.c.created_at > moment, literal_column(f"'{name}'")) for name, moment in ages.items()
    ]
    age = case(*names, else_=literal_column(f"'{oldest}'")).label("age")
    keys = (_entry.c.state, _entry.c.voided.is_not(None).label("void"), _entry.c.unit, _entry.c.form, _entry.c.criticality)
    inner = select(*keys, age).where(_entry.c.unit.in_(units)).subquery()
    columns = list(inner.c)
    query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    return [(row[0], bool(row[1]), row[2], row[3], row[4], row[5], row[6]) for row in conn.execute(query)]


def open_entries(conn: Connection, units: Collection[str]) -> int:
    """How many entries of these units wait for somebody."""
    query = select(func.count()).select_from(_entry).where(_entry.c.unit.in_(sorted(units)), _entry.c.state.in_(tables.OPEN_STATES))
    total: int = conn.execute(query).scalar_one()
    return total
