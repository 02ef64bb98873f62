"""Read the counts that the database keeps of what is finished (`schema/tally.py`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from pipeline.store.schema.tally import ENTRY_TALLY, PAGE_TALLY, SHEET_TALLY, tally


@dataclass(frozen=True, slots=True)
class EntryTally:
    """Receipted entries that are alike; `is_second`: reviewed by two people."""

    unit: str
    form: str
    criticality: str
    is_void: bool
    is_second: bool
    entries: int


@dataclass(frozen=True, slots=True)
class PageTally:
    """Done pages of a unit and form in a state; one that failed was closed by a person."""

    unit: str
    form: str
    state: str
    pages: int


def list_page_tallies(conn: Connection, units: Collection[str] | None = None) -> list[PageTally]:
    """Count done pages of these units, or of all, by unit, form and state."""
    keys = (tally.c.unit, tally.c.form, tally.c.kind)
    query = select(*keys, func.sum(tally.c.number)).where(tally.c.what == PAGE_TALLY)
    if units is not None:
        query = query.where(tally.c.unit.in_(sorted(units)))
    return [PageTally(*row[:3], int(row[3])) for row in conn.execute(query.group_by(*keys))]


def list_entry_tallies(conn: Connection, units: Collection[str] | None = None) -> list[EntryTally]:
    """Count receipted entries of these units, or of all, by all that a tally tells apart."""
    keys = (tally.c.unit, tally.c.form, tally.c.kind, tally.c.is_void, tally.c.is_second)
    query = select(*keys, func.sum(tally.c.number)).where(tally.c.what == ENTRY_TALLY)
    if units is not None:
        query = query.where(tally.c.unit.in_(sorted(units)))
    return [
        EntryTally(row[0], row[1], row[2], bool(row[3]), bool(row[4]), int(row[5]))
        for row in conn.execute(query.group_by(*keys))
    ]


def count_printed_sheets(conn: Connection) -> dict[tuple[str, str], int]:
    """Count printed sheets by unit, known here or not, and form."""
    keys = (tally.c.unit, tally.c.form)
    query = select(*keys, func.sum(tally.c.number)).where(tally.c.what == SHEET_TALLY)
    return {(row[0], row[1]): int(row[2]) for row in conn.execute(query.group_by(*keys))}
