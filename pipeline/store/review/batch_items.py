"""The rows of batch review: items of batches, who has a batch, and how its items end.

A unit's manager can switch batch review off for the unit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.answers import CELL_CONFIRMED, CELL_ODD
from pipeline.store.entries.entry import Entry, select_entries, stale_decision_error
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import load_page_reading
from pipeline.store.schema import paper
from pipeline.store.schema.clock import has_lapsed, is_claimed
from pipeline.store.schema.review import (
    IS_ITEM_LIVE,
    group_cell,
    group_setting,
    group_task,
    plant,
)

OUTCOME_UNDONE, OUTCOME_GONE, OUTCOME_LAPSED = "undone", "gone", "lapsed"
"""Outcomes that free an item.

Taken back; decided, changed or hidden in the meantime; left until its time ran out.
"""
ItemRow = Row[Any]
"""A row of a table of batch review."""
_HAS_RESULT = group_cell.c.outcome.in_([CELL_CONFIRMED, CELL_ODD])


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


def find_open_batch(conn: Connection, login: str, now: datetime) -> Row[Any] | None:
    """Return the oldest batch of a person that has not ended and whose time has not run out."""
    task = group_task.c
    mine = select(group_task).where(
        task.login == login, task.ended_at.is_(None), is_claimed(task.claimed_until, now)
    )
    return conn.execute(mine.order_by(task.shown_at).limit(1)).one_or_none()


def add_batch(
    conn: Connection, batch: Mapping[str, object], items: Sequence[Mapping[str, object]]
) -> set[tuple[str, str]]:
    """Store a batch with its items, and return entry and field of those that it got.

    An item that another batch has by now is left out.
    """
    conn.execute(insert(group_task).values(batch))
    insert_missing(conn, group_cell, [{"task": batch["id"], **item} for item in items])
    query = select(group_cell.c.entry, group_cell.c.field)
    rows = conn.execute(query.where(group_cell.c.task == batch["id"]))
    return {(row.entry, row.field) for row in rows}


def extend_batch(conn: Connection, group_id: str, until: datetime) -> None:
    """Give the person who has a batch more time for it."""
    query = update(group_task).where(group_task.c.id == group_id)
    conn.execute(query.values(claimed_until=until))


def list_earlier_items(
    conn: Connection, entry_ids: Collection[str]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return all earlier items of entries with what they were shown as, oldest first."""
    cell, task = group_cell.c, group_task.c
    query = (
        select(cell.entry, cell.field, cell.revision, cell.marked, task.value, task.state)
        .join(group_task, task.id == cell.task)
        .where(cell.entry.in_(entry_ids))
        .order_by(cell.id)
    )
    return conn.execute(query).all()


def list_last_results(conn: Connection, login: str) -> Sequence[Row[Any]]:
    """Return the items with a result of the batch that a person ended last."""
    task, cell = group_task.c, group_cell.c
    # Batches in which the person confirmed or marked anything; the one that ended last.
    latest = (
        select(task.id)
        .where(
            task.login == login,
            task.ended_at.is_not(None),
            select(cell.id).where(cell.task == task.id, _HAS_RESULT).exists(),
        )
        .order_by(task.ended_at.desc(), task.id)
        .limit(1)
    )
    query = select(group_cell).where(cell.task.in_(latest), _HAS_RESULT)
    return conn.execute(query.order_by(cell.id)).all()


def free_items(conn: Connection, batch_ids: Collection[str], now: datetime) -> None:
    """Free the undecided items of batches for other batches."""
    undecided = update(group_cell).where(
        group_cell.c.task.in_(batch_ids), group_cell.c.outcome.is_(None)
    )
    conn.execute(undecided.values(outcome=OUTCOME_LAPSED, ended_at=now))


def expire_batches(conn: Connection, now: datetime) -> None:
    """End the batches whose time has run out, and free their undecided items."""
    has_run_out = group_task.c.ended_at.is_(None), has_lapsed(group_task.c.claimed_until, now)
    expired = list(conn.execute(select(group_task.c.id).where(*has_run_out)).scalars())
    if expired:
        free_items(conn, expired, now)
        conn.execute(update(group_task).where(group_task.c.id.in_(expired)).values(ended_at=now))


def fields_in_batches(conn: Connection, entry_ids: list[str]) -> set[tuple[str, str]]:
    """Return entry and field of what is in a batch already."""
    # Items that are open or have a result: no two people get the same field image.
    query = select(group_cell.c.entry, group_cell.c.field).where(
        group_cell.c.entry.in_(entry_ids), IS_ITEM_LIVE
    )
    return {(row.entry, row.field) for row in conn.execute(query)}


def seeded_errors_of_person(
    conn: Connection, login: str, entry_ids: list[str]
) -> dict[str, ItemRow]:
    """Return the seeded errors that a person has been shown in these entries, by entry."""
    # A person sees at most one seeded error in an entry, ever.
    query = select(plant).where(plant.c.entry.in_(entry_ids), plant.c.login == login)
    return {row.entry: row for row in conn.execute(query)}


def confident_readings(conn: Connection, page_ids: list[str]) -> dict[tuple[str, str], Reading]:
    """Return the readings that are shown filled in, by page and field."""
    table = paper.reading.c
    # Values and empty fields with high confidence: everything else is keyed blind on the sheet.
    query = select(table.page, table.field, table.value, table.p, table.state, table.reasons).where(
        table.page.in_(page_ids),
        table.p >= PREFILL_FROM,
        table.state.in_([State.READ.value, State.EMPTY.value]),
    )
    return {
        (row.page, row.field): Reading(
            row.value, row.p, State(row.state), evidence=tuple(row.reasons or ())
        )
        for row in conn.execute(query)
    }


def set_batch_review(
    conn: Connection, person: Person, unit: str, now: datetime, *, on: bool
) -> None:
    """Let a unit's paper be reviewed in batches too, or sheet by sheet only.

    Batches that are on a screen are finished.

    Raises:
        NotAllowedError: the person does not manage the queue of this unit.
    """
    require_permission(person, Action.PULL, unit)
    conn.execute(insert(group_setting).values(unit=unit, on=on, by=person.login, at=now))
    record(conn, person.login, "set_groups", unit, unit=unit, state="on" if on else "off")


def batch_review_by_unit(conn: Connection, person: Person) -> dict[str, bool]:
    """Return for each of the person's units whether its paper is reviewed in batches too.

    Raises:
        NotAllowedError: the person does not manage the queue.
    """
    require_permission(person, Action.PULL)
    excluded = units_without_batch_review(conn)
    return {unit: unit not in excluded for unit in sorted(permitted_units(person, Action.PULL))}


def units_without_batch_review(conn: Connection) -> frozenset[str]:
    """Return the units whose paper is reviewed sheet by sheet only."""
    # The latest setting of each unit holds; those that are switched off.
    latest = select(func.max(group_setting.c.id)).group_by(group_setting.c.unit)
    excluded = select(group_setting.c.unit).where(
        group_setting.c.id.in_(latest), group_setting.c.on.is_(False)
    )
    return frozenset(conn.execute(excluded).scalars())
