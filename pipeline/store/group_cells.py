"""The pieces of a group, which of them are still to be decided, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from pipeline.field_spec import FieldSpec
from pipeline.model import EntryState, Person, Reading
from pipeline.review import Answer
from pipeline.store import sight, tables
from pipeline.store.entries import Entry, stale
from pipeline.store.entry_views import form_of
from pipeline.store.group_tables import group_cell, group_task
from pipeline.store.pages import Page, page, page_reading
from pipeline.template import Forms


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of a group, to be found odd or not."""

    id: int
    entry: str
    spec: FieldSpec
    page: Page
    page_no: int
    marked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A grid of pieces that were all read as `answer`. `title` is the form's, `spec` the field of one of them."""

    id: str
    title: str
    spec: FieldSpec
    answer: Answer
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class GroupDone:
    """What came of a group: how many pieces were confirmed and how many were odd; the others had gone. `missed`: planted values not marked."""

    kept: int = 0
    odd: int = 0
    missed: tuple[Cell, ...] = ()


def open_cells(conn: Connection, person: Person, group_id: str) -> list[tuple[Row[Any], Entry, Reading | None]]:
    """The open pieces of a group with their entries and readings; no reading where the piece is not to be decided any longer."""
    rows = conn.execute(select(group_cell).where(group_cell.c.task == group_id, group_cell.c.outcome.is_(None)).order_by(group_cell.c.id)).all()
    readings = {page_id: page_reading(conn, page_id) for page_id in {row.page for row in rows}}
    query = select(tables.entry).where(tables.entry.c.id.in_({row.entry for row in rows}))
    found = {row["id"]: Entry.of(row) for row in conn.execute(query).mappings()}
    seen = set(conn.execute(select(tables.entry.c.id).where(tables.entry.c.id.in_(found), sight.visible_entries(conn, person))).scalars())
    return [
        (row, found[row.entry], readings[row.page].get(row.field) if row.entry in seen and stands(row, found[row.entry]) else None) for row in rows
    ]


def cell_of(conn: Connection, forms: Forms, row: Row[Any], found: Entry) -> Cell:
    """A piece as it is shown."""
    form, of = form_of(forms, found), page(conn, row.page)
    return Cell(row.id, found.id, form.by_name[row.field], of, of.page_no or 1, row.marked)


def stands(row: Row[Any], found: Entry) -> bool:
    """Whether an entry is as it was when its piece was shown."""
    return found.state is EntryState.REVIEW and found.revision == row.revision and found.voided is None


def sees(conn: Connection, person: Person, found: Entry) -> bool:
    """Whether the person may see an entry."""
    query = select(tables.entry.c.id).where(tables.entry.c.id == found.id, sight.visible_entries(conn, person))
    return conn.execute(query).first() is not None


def own_task(conn: Connection, person: Person, group_id: str, now: datetime) -> Row[Any]:
    """The person's open group.

    Raises:
        StaleDecisionError: it is done, or the person does not have it any longer.
    """
    task = group_task.c
    mine = select(group_task).where(task.id == group_id, task.login == person.login, task.ended_at.is_(None), task.claimed_until > now)
    row = conn.execute(mine).one_or_none()
    if row is None:
        raise stale()
    return row


def end_cell(conn: Connection, row: Row[Any], outcome: str, now: datetime) -> None:
    """End one piece."""
    conn.execute(update(group_cell).where(group_cell.c.id == row.id).values(outcome=outcome, ended_at=now))


def end_task(conn: Connection, group_id: str, now: datetime) -> None:
    """End a group, once."""
    if conn.execute(update(group_task).where(group_task.c.id == group_id, group_task.c.ended_at.is_(None)).values(ended_at=now)).rowcount != 1:
        raise stale()
