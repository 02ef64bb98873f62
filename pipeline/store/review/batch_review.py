"""Batch review: a reviewer marks the odd ones of similar field images and confirms the others.

What is confirmed here is no decision: the entry is decided where its critical fields are keyed,
and uses these answers with the name of their reviewer (`decisions.decide_entry`). What is odd is
keyed there by a reviewer who is not shown the reading. No two people get the same field image. A
unit's manager can switch batch review off for the unit.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.work_modes import MIN_BATCH_SIZE
from pipeline.domain.settings import QueueOrder
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.answers import CELL_CONFIRMED, CELL_ODD
from pipeline.store.entries.entry import (
    Entry,
    entry_form,
    is_claimed_by_other,
    load_entry,
    select_entries,
    stale_decision_error,
)
from pipeline.store.entries.queue import CLAIM_MINUTES
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page, load_page_reading
from pipeline.store.quality import seeded_errors
from pipeline.store.review.batch_candidates import BatchCandidate, choose_candidates
from pipeline.store.schema import paper
from pipeline.store.schema.clock import has_lapsed, is_claimed
from pipeline.store.schema.review import group_cell, group_task


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
    entries = {entry.id: entry for entry in select_entries(conn, query)}
    visible = visibility.filter_visible_entries(conn, person, Action.REVIEW, list(entries))
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


OUTCOME_UNDONE, OUTCOME_GONE, OUTCOME_LAPSED = "undone", "gone", "lapsed"
"""Outcomes that free an item.

Taken back; decided, changed or hidden in the meantime; left until its time ran out.
"""


def claim_next_batch(
    conn: Connection,
    forms: Forms,
    person: Person,
    now: datetime,
    *,
    minutes: int = CLAIM_MINUTES,
    share: float = 0.0,
    order: QueueOrder = QueueOrder.OLDEST,
    least: int = MIN_BATCH_SIZE,
) -> ReviewBatch | None:
    """Return the batch that the person has open, or a new one where there are enough similar items.

    It is then the person's for `minutes`.

    Args:
        share: of the items, those that are drawn to show a wrong value on purpose (seeded errors).
        least: the fewest items of a batch.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    # Free what others left, then go on with the open batch.
    _expire_batches(conn, now)
    batch = _load_open_batch(conn, forms, person, now)
    if batch is None and (
        candidates := choose_candidates(conn, forms, person, now, share, order, least)
    ):
        _create_batch(conn, person, candidates, now, minutes)
        batch = _load_open_batch(conn, forms, person, now)
        # Other reviewers may have claimed most of the items in the meantime.
        if batch is not None and len(batch.items) < least:
            release_batch(conn, person, batch.id, now)
            return None
    if batch is not None:
        conn.execute(
            # The time runs from the last look.
            update(group_task)
            .where(group_task.c.id == batch.id)
            .values(claimed_until=now + timedelta(minutes=minutes))
        )
    return batch


def save_marked_items(
    conn: Connection,
    person: Person,
    group_id: str,
    marks: Mapping[int, bool],
    now: datetime,
    minutes: int = CLAIM_MINUTES,
) -> None:
    """Store which items were marked or unmarked, so that a closed browser loses nothing.

    Items that are not in `marks` stay as they are: another window of the person may have marked
    them.

    Raises:
        NotAllowedError: the person does not review.
        StaleDecisionError: the batch is done, or the person no longer has it.
    """
    permissions.require_permission(person, Action.REVIEW)
    load_own_batch(conn, person, group_id, now)
    store_marks(conn, group_id, marks)
    conn.execute(
        update(group_task)
        .where(group_task.c.id == group_id)
        .values(claimed_until=now + timedelta(minutes=minutes))
    )


def store_marks(conn: Connection, group_id: str, marks: Mapping[int, bool]) -> None:
    """Mark and unmark undecided items of a batch; all others stay as they are."""
    cell = group_cell.c
    for value in (True, False):
        changed = [item_id for item_id, is_marked in marks.items() if is_marked is value]
        # Items of another batch are not touched, whatever the browser says.
        conn.execute(
            update(group_cell)
            .where(cell.task == group_id, cell.outcome.is_(None), cell.id.in_(changed))
            .values(marked=value)
        )


def release_batch(conn: Connection, person: Person, group_id: str, now: datetime) -> None:
    """Give a batch back, undecided; what was marked in it stays marked.

    Raises:
        NotAllowedError: the person does not review.
        StaleDecisionError: the batch is done, or the person no longer has it.
    """
    permissions.require_permission(person, Action.REVIEW)
    load_own_batch(conn, person, group_id, now)
    # Undecided items are free for other batches.
    conn.execute(
        update(group_cell)
        .where(group_cell.c.task == group_id, group_cell.c.outcome.is_(None))
        .values(outcome=OUTCOME_LAPSED, ended_at=now)
    )
    end_batch(conn, group_id, now)


def undo_last_batch(conn: Connection, person: Person, now: datetime) -> int:
    """Take back the person's last batch and return the number of items; the marks are kept.

    Left out are items whose entries are decided by now or claimed by another person.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    task, cell = group_task.c, group_cell.c
    # Batches in which the person confirmed or marked anything; the one that ended last.
    has_result = (
        select(cell.id)
        .where(cell.task == task.id, cell.outcome.in_([CELL_CONFIRMED, CELL_ODD]))
        .exists()
    )
    latest = (
        select(task.id)
        .where(task.login == person.login, task.ended_at.is_not(None), has_result)
        .order_by(task.ended_at.desc(), task.id)
        .limit(1)
    )
    count = 0
    # Its items with a result that has not been taken back.
    for row in conn.execute(
        select(group_cell)
        .where(cell.task.in_(latest), cell.outcome.in_([CELL_CONFIRMED, CELL_ODD]))
        .order_by(cell.id)
    ).all():
        entry = load_entry(conn, row.entry)
        if (
            not is_unchanged(row, entry)
            or is_claimed_by_other(entry, person, now)
            or not visibility.filter_visible_entries(conn, person, Action.REVIEW, [entry.id])
        ):
            continue
        end_item(conn, row, OUTCOME_UNDONE, now)
        record(conn, person.login, "undo_group", entry.id, unit=entry.unit, field=row.field)
        count += 1
    return count


def _create_batch(
    conn: Connection,
    person: Person,
    candidates: Collection[BatchCandidate],
    now: datetime,
    minutes: int,
) -> None:
    """Store a batch of these candidates for the person, with its seeded errors."""
    group_id, batch_key = secrets.token_hex(8), next(iter(candidates)).batch_key
    batch = {
        "id": group_id,
        "login": person.login,
        "form": batch_key.form,
        "version": batch_key.version,
        "column": batch_key.column,
        "value": batch_key.value,
        "state": batch_key.state.value,
        "shown_at": now,
        "claimed_until": now + timedelta(minutes=minutes),
    }
    conn.execute(insert(group_task).values(batch))
    marked = _find_marked_fields(conn, candidates)
    # An item that another batch has by now is left out.
    items = [
        {
            "task": group_id,
            "entry": candidate.entry.id,
            "revision": candidate.entry.revision,
            "field": candidate.spec.name,
            "page": candidate.page.id,
            "marked": (candidate.entry.id, candidate.spec.name) in marked,
        }
        for candidate in candidates
    ]
    insert_missing(conn, group_cell, items)
    # The items that this batch got: only these show a seeded error.
    inserted = {
        (row.entry, row.field)
        for row in conn.execute(
            select(group_cell.c.entry, group_cell.c.field).where(group_cell.c.task == group_id)
        )
    }
    for candidate in candidates:
        entry_id, field = candidate.entry.id, candidate.spec.name
        if candidate.seeded_error is not None and (entry_id, field) in inserted:
            seeded_errors.add_batch_seeded_error(
                conn, person, entry_id, field, candidate.seeded_error, now
            )


def _find_marked_fields(
    conn: Connection, candidates: Collection[BatchCandidate]
) -> set[tuple[str, str]]:
    """Return entry and field of the candidates that were marked when they were shown last.

    They were shown with the same value, in a batch that was taken back or never confirmed.
    """
    batch_key = next(iter(candidates)).batch_key
    shown = Answer(batch_key.value, batch_key.state)
    cell, task = group_cell.c, group_task.c
    # All earlier items of these entries with what they were shown as, oldest first.
    query = (
        select(cell.entry, cell.field, cell.revision, cell.marked, task.value, task.state)
        .join(group_task, task.id == cell.task)
        .where(cell.entry.in_({candidate.entry.id for candidate in candidates}))
        .order_by(cell.id)
    )
    last = {(row.entry, row.field): row for row in conn.execute(query)}
    revisions = {candidate.entry.id: candidate.entry.revision for candidate in candidates}
    return {
        key
        for key, row in last.items()
        if row.marked
        and row.revision == revisions[row.entry]
        and Answer(row.value, State(row.state)) == shown
    }


def _load_open_batch(
    conn: Connection, forms: Forms, person: Person, now: datetime
) -> ReviewBatch | None:
    """Return the person's open batch without items that can no longer be decided.

    A batch of which nothing is left is ended.
    """
    task = group_task.c
    # The oldest batch of the person that has not ended and whose time has not run out.
    mine = select(group_task).where(
        task.login == person.login, task.ended_at.is_(None), is_claimed(task.claimed_until, now)
    )
    row = conn.execute(mine.order_by(task.shown_at).limit(1)).one_or_none()
    if row is None:
        return None
    items = [
        build_batch_item(conn, forms, item_row, entry)
        for item_row, entry, reading in list_open_items(conn, person, row.id)
        if reading is not None
    ]
    if not items:
        release_batch(conn, person, row.id, now)
        return None
    form = entry_form(forms, load_entry(conn, items[0].entry))
    return ReviewBatch(
        row.id, form.title, items[0].spec, Answer(row.value, State(row.state)), tuple(items)
    )


def _expire_batches(conn: Connection, now: datetime) -> None:
    """Free the batches whose time has run out, and their undecided items."""
    # Open batches whose claim has run out.
    expired = list(
        conn.execute(
            select(group_task.c.id).where(
                group_task.c.ended_at.is_(None), has_lapsed(group_task.c.claimed_until, now)
            )
        ).scalars()
    )
    if expired:
        conn.execute(
            update(group_cell)
            .where(group_cell.c.task.in_(expired), group_cell.c.outcome.is_(None))
            .values(outcome=OUTCOME_LAPSED, ended_at=now)
        )
        conn.execute(update(group_task).where(group_task.c.id.in_(expired)).values(ended_at=now))
