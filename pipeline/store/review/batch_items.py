"""The pieces of a group, which of them are still to be decided, and how they end.

Whether a unit's paper is reviewed in groups too: its manager may switch that off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from pipeline.domain import permissions
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person, Reading
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import Entry, stale_decision_error
from pipeline.store.entries.entry_view import entry_form
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page, load_page_reading
from pipeline.store.schema import paper
from pipeline.store.schema.review import group_cell, group_setting, group_task


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One piece of a group, to be found odd or not."""

    id: int
    entry: str
    spec: FieldSpec
    page: Page
    page_no: int
    marked: bool


@dataclass(frozen=True, slots=True)
class ReviewBatch:
    """A grid of pieces that were all read as `answer`. `title` is the form's, `spec` the field of
    one of them.
    """

    id: str
    title: str
    spec: FieldSpec
    answer: Answer
    items: tuple[BatchItem, ...]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a group: how many pieces were confirmed and how many were odd; the others had
    gone. `missed`: planted values not marked.
    """

    confirmed: int = 0
    marked_odd: int = 0
    missed: tuple[BatchItem, ...] = ()


def list_open_items(
    conn: Connection, person: Person, group_id: str
) -> list[tuple[Row[Any], Entry, Reading | None]]:
    """The open pieces of a group with their entries and readings; no reading where the piece is not
    to be decided any longer.
    """
    rows = conn.execute(
        select(group_cell)
        .where(group_cell.c.task == group_id, group_cell.c.outcome.is_(None))
        .order_by(group_cell.c.id)
    ).all()
    readings = {page_id: load_page_reading(conn, page_id) for page_id in {row.page for row in rows}}
    query = select(paper.entry).where(paper.entry.c.id.in_({row.entry for row in rows}))
    found = {row["id"]: Entry.from_row(row) for row in conn.execute(query).mappings()}
    seen = set(
        conn.execute(
            select(paper.entry.c.id).where(
                paper.entry.c.id.in_(found), visibility.visible_entries_condition(conn, person)
            )
        ).scalars()
    )
    return [
        (
            row,
            found[row.entry],
            readings[row.page].get(row.field)
            if row.entry in seen and is_unchanged(row, found[row.entry])
            else None,
        )
        for row in rows
    ]


def build_batch_item(conn: Connection, forms: Forms, row: Row[Any], entry: Entry) -> BatchItem:
    """A piece as it is shown."""
    form, of = entry_form(forms, entry), load_page(conn, row.page)
    return BatchItem(row.id, entry.id, form.by_name[row.field], of, of.page_no or 1, row.marked)


def is_unchanged(row: Row[Any], entry: Entry) -> bool:
    """Whether an entry is as it was when its piece was shown."""
    return (
        entry.state is EntryState.REVIEW and entry.revision == row.revision and entry.voided is None
    )


def can_see_entry(conn: Connection, person: Person, entry: Entry) -> bool:
    """Whether the person may see an entry."""
    query = select(paper.entry.c.id).where(
        paper.entry.c.id == entry.id, visibility.visible_entries_condition(conn, person)
    )
    return conn.execute(query).first() is not None


def load_own_batch(conn: Connection, person: Person, group_id: str, now: datetime) -> Row[Any]:
    """The person's open group.

    Raises:
        StaleDecisionError: it is done, or the person does not have it any longer.
    """
    task = group_task.c
    mine = select(group_task).where(
        task.id == group_id,
        task.login == person.login,
        task.ended_at.is_(None),
        task.claimed_until > now,
    )
    row = conn.execute(mine).one_or_none()
    if row is None:
        raise stale_decision_error()
    return row


def end_item(conn: Connection, row: Row[Any], outcome: str, now: datetime) -> None:
    """End one piece."""
    conn.execute(
        update(group_cell).where(group_cell.c.id == row.id).values(outcome=outcome, ended_at=now)
    )


def end_batch(conn: Connection, group_id: str, now: datetime) -> None:
    """End a group, once."""
    if (
        conn.execute(
            update(group_task)
            .where(group_task.c.id == group_id, group_task.c.ended_at.is_(None))
            .values(ended_at=now)
        ).rowcount
        != 1
    ):
        raise stale_decision_error()


def set_batch_review(
    conn: Connection, person: Person, unit: str, now: datetime, *, on: bool
) -> None:
    """Let a unit's paper be reviewed in groups too, or sheet by sheet alone. Groups that are on a
    screen are finished.

    Raises:
        NotAllowedError: the person does not steer the queue of this unit.
    """
    permissions.require_permission(person, Action.PULL, unit)
    conn.execute(insert(group_setting).values(unit=unit, on=on, by=person.login, at=now))
    record(conn, person.login, "set_groups", unit, unit=unit, state="on" if on else "off")


def batch_review_by_unit(conn: Connection, person: Person) -> dict[str, bool]:
    """For each of the person's units whether its paper is reviewed in groups too.

    Raises:
        NotAllowedError: the person does not steer the queue.
    """
    permissions.require_permission(person, Action.PULL)
    off = units_without_batch_review(conn)
    return {unit: unit not in off for unit in sorted(person.units)}


def units_without_batch_review(conn: Connection) -> frozenset[str]:
    """The units whose paper is reviewed sheet by sheet alone."""
    latest = select(func.max(group_setting.c.id)).group_by(group_setting.c.unit)
    off = select(group_setting.c.unit).where(
        group_setting.c.id.in_(latest), group_setting.c.on.is_(False)
    )
    return frozenset(conn.execute(off).scalars())
