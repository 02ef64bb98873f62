"""The items of a review batch: which are still to be decided, and how they end.

Whether a unit's paper is reviewed in batches too: the unit's manager can switch that off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import Entry, stale_decision_error
from pipeline.store.entries.entry_view import entry_form
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page, load_page_reading
from pipeline.store.schema import paper
from pipeline.store.schema.clock import is_claimed
from pipeline.store.schema.review import group_cell, group_setting, group_task


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One field image of a batch, to be marked as odd or not."""

    id: int
    entry: str
    spec: FieldSpec
    page: Page
    page_no: int
    marked: bool


@dataclass(frozen=True, slots=True)
class ReviewBatch:
    """A batch of similar field images that were all read as `answer`.

    `title` is the form's title, `spec` the field of one of the items.
    """

    id: str
    title: str
    spec: FieldSpec
    answer: Answer
    items: tuple[BatchItem, ...]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a batch: how many items were confirmed and how many were odd.

    All others could no longer be decided. `missed` are the seeded errors that were not marked.
    """

    confirmed: int = 0
    marked_odd: int = 0
    missed: tuple[BatchItem, ...] = ()


def list_open_items(
    conn: Connection, person: Person, group_id: str
) -> list[tuple[Row[Any], Entry, Reading | None]]:
    """Return the open items of a batch with their entries and readings.

    The reading is None where the item can no longer be decided.
    """
    # The items without an outcome, in the order in which they are shown.
    rows = conn.execute(
        select(group_cell)
        .where(group_cell.c.task == group_id, group_cell.c.outcome.is_(None))
        .order_by(group_cell.c.id)
    ).all()
    readings = {page_id: load_page_reading(conn, page_id) for page_id in {row.page for row in rows}}
    query = select(paper.entry).where(paper.entry.c.id.in_({row.entry for row in rows}))
    entries = {row["id"]: Entry.from_row(row) for row in conn.execute(query).mappings()}
    # Of their entries those that the person can see now.
    visible = set(
        conn.execute(
            select(paper.entry.c.id).where(
                paper.entry.c.id.in_(entries),
                visibility.visible_entries_condition(conn, person, Action.REVIEW),
            )
        ).scalars()
    )
    return [
        (
            row,
            entries[row.entry],
            readings[row.page].get(row.field)
            if row.entry in visible and is_unchanged(row, entries[row.entry])
            else None,
        )
        for row in rows
    ]


def build_batch_item(conn: Connection, forms: Forms, row: Row[Any], entry: Entry) -> BatchItem:
    """Return an item as it is shown."""
    form, page = entry_form(forms, entry), load_page(conn, row.page)
    spec = form.by_name[row.field]
    return BatchItem(row.id, entry.id, spec, page, page.page_no or 1, row.marked)


def is_unchanged(row: Row[Any], entry: Entry) -> bool:
    """Return whether an entry is as it was when its item was shown."""
    return (
        entry.state is EntryState.REVIEW and entry.revision == row.revision and entry.voided is None
    )


def can_see_entry(conn: Connection, person: Person, entry: Entry) -> bool:
    """Return whether the person can see an entry."""
    # The entry, if the conditions of what the person can see hold for it.
    query = select(paper.entry.c.id).where(
        paper.entry.c.id == entry.id,
        visibility.visible_entries_condition(conn, person, Action.REVIEW),
    )
    return conn.execute(query).first() is not None


def load_own_batch(conn: Connection, person: Person, group_id: str, now: datetime) -> Row[Any]:
    """Return the person's open batch.

    Raises:
        StaleDecisionError: it is done, or the person no longer has it.
    """
    task = group_task.c
    # The batch only while it is open and claimed by this person.
    mine = select(group_task).where(
        task.id == group_id,
        task.login == person.login,
        task.ended_at.is_(None),
        is_claimed(task.claimed_until, now),
    )
    row = conn.execute(mine).one_or_none()
    if row is None:
        raise stale_decision_error()
    return row


def end_item(conn: Connection, row: Row[Any], outcome: str, now: datetime) -> None:
    """End one item with an outcome."""
    conn.execute(
        update(group_cell).where(group_cell.c.id == row.id).values(outcome=outcome, ended_at=now)
    )


def end_batch(conn: Connection, group_id: str, now: datetime) -> None:
    """End a batch, once.

    Raises:
        StaleDecisionError: it has ended already.
    """
    # The condition makes the second of two simultaneous requests fail.
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
    """Let a unit's paper be reviewed in batches too, or sheet by sheet only.

    Batches that are on a screen are finished.

    Raises:
        NotAllowedError: the person does not manage the queue of this unit.
    """
    permissions.require_permission(person, Action.PULL, unit)
    conn.execute(insert(group_setting).values(unit=unit, on=on, by=person.login, at=now))
    record(conn, person.login, "set_groups", unit, unit=unit, state="on" if on else "off")


def batch_review_by_unit(conn: Connection, person: Person) -> dict[str, bool]:
    """Return for each of the person's units whether its paper is reviewed in batches too.

    Raises:
        NotAllowedError: the person does not manage the queue.
    """
    permissions.require_permission(person, Action.PULL)
    excluded = units_without_batch_review(conn)
    return {
        unit: unit not in excluded
        for unit in sorted(permissions.permitted_units(person, Action.PULL))
    }


def units_without_batch_review(conn: Connection) -> frozenset[str]:
    """Return the units whose paper is reviewed sheet by sheet only."""
    # The latest setting of each unit holds; those that are switched off.
    latest = select(func.max(group_setting.c.id)).group_by(group_setting.c.unit)
    excluded = select(group_setting.c.unit).where(
        group_setting.c.id.in_(latest), group_setting.c.on.is_(False)
    )
    return frozenset(conn.execute(excluded).scalars())
