"""The group way of working: one person has a grid of alike pieces, marks the odd ones and confirms the others.

What is confirmed here is no decision: the entry is decided where its critical fields are typed, and takes these answers along with the name of who
gave them (`decisions.save_answers`). What is odd is typed there by somebody who is not shown what was read. No two people have the same piece.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.model import Person, State
from pipeline.review import Answer
from pipeline.settings import QueueOrder
from pipeline.store import plants, sight
from pipeline.store.claims import CLAIM_MINUTES
from pipeline.store.entries import entry, held_by_other
from pipeline.store.entry_views import form_of
from pipeline.store.events import record
from pipeline.store.group_answers import KEPT, ODD, says
from pipeline.store.group_cells import Cell, Group, GroupDone, cell_of, end_cell, end_task, open_cells, own_task, sees, stands
from pipeline.store.group_choice import Piece, chosen
from pipeline.store.group_tables import group_cell, group_task
from pipeline.store.upsert import insert_new
from pipeline.template import Forms
from pipeline.ways import GROUP_LEAST

UNDONE, GONE, LAPSED = "undone", "gone", "lapsed"
"""Ends that free a piece: taken back; decided, changed or out of sight meanwhile; left alone."""


def next_group(
    conn: Connection,
    forms: Forms,
    person: Person,
    now: datetime,
    *,
    minutes: int = CLAIM_MINUTES,
    share: float = 0.0,
    order: QueueOrder = QueueOrder.OLDEST,
    least: int = GROUP_LEAST,
) -> Group | None:
    """The group that the person has open, or a new one where enough pieces are alike; it is then the person's for `minutes`.

    Args:
        share: of the pieces, those that are drawn to be shown in the wrong group (`planting`).
        least: the fewest pieces of a group.

    Raises:
        NotAllowedError: the person does not review.
    """
    access.require(person, Action.REVIEW)
    _lapse(conn, now)
    found = _open_group(conn, forms, person, now)
    if found is None and (pieces := chosen(conn, forms, person, now, share, order, least)):
        _offer(conn, person, pieces, now, minutes)
        found = _open_group(conn, forms, person, now)
        if found is not None and len(found.cells) < least:  # somebody was quicker with most of them
            leave_group(conn, person, found.id, now)
            return None
    if found is not None:
        conn.execute(update(group_task).where(group_task.c.id == found.id).values(claimed_until=now + timedelta(minutes=minutes)))
    return found


def mark_cells(conn: Connection, person: Person, group_id: str, marked: Collection[int], now: datetime, minutes: int = CLAIM_MINUTES) -> None:
    """Keep which pieces are marked so far, so that a closed browser loses nothing.

    Raises:
        NotAllowedError: the person does not review.
        StaleDecisionError: the group is done, or the person does not have it any longer.
    """
    access.require(person, Action.REVIEW)
    own_task(conn, person, group_id, now)
    cell = group_cell.c
    conn.execute(update(group_cell).where(cell.task == group_id, cell.outcome.is_(None)).values(marked=cell.id.in_(list(marked))))
    conn.execute(update(group_task).where(group_task.c.id == group_id).values(claimed_until=now + timedelta(minutes=minutes)))


def confirm_group(conn: Connection, forms: Forms, person: Person, group_id: str, marked: Collection[int], now: datetime) -> GroupDone:
    """Confirm all pieces of a group but the marked ones, which go back to their sheets. Pieces that the person may not see any longer are left out.

    Raises:
        NotAllowedError: the person does not review, or may not see any of it.
        StaleDecisionError: the group is done, or the person does not have it any longer.
    """
    access.require(person, Action.REVIEW)
    task = own_task(conn, person, group_id, now)
    shown = Answer(task.value, State(task.state))
    counts, missed = {KEPT: 0, ODD: 0, GONE: 0}, list[Cell]()
    cells = open_cells(conn, person, group_id)
    if cells and all(reading is None for _, _, reading in cells):
        sight.require_entry(conn, person, Action.REVIEW, cells[0][1])
    for row, found, reading in cells:
        outcome = GONE if reading is None else ODD if row.id in marked else KEPT
        if reading is not None and (was := plants.group_judged(conn, person, found.id, row.field, now, caught=outcome == ODD)) is not None:
            if was == plants.MISSED:
                missed.append(cell_of(conn, forms, row, found))
            outcome = ODD
        elif reading is not None and not says(reading, shown):
            outcome = GONE
        end_cell(conn, row, outcome, now)
        counts[outcome] += 1
        if outcome != GONE:
            record(conn, person.login, "group", found.id, unit=found.unit, field=row.field, outcome=outcome)
    end_task(conn, group_id, now)
    return GroupDone(counts[KEPT], counts[ODD], tuple(missed))


def leave_group(conn: Connection, person: Person, group_id: str, now: datetime) -> None:
    """Give a group back, undecided.

    Raises:
        NotAllowedError: the person does not review.
        StaleDecisionError: the group is done, or the person does not have it any longer.
    """
    access.require(person, Action.REVIEW)
    own_task(conn, person, group_id, now)
    conn.execute(update(group_cell).where(group_cell.c.task == group_id, group_cell.c.outcome.is_(None)).values(outcome=LAPSED, ended_at=now))
    end_task(conn, group_id, now)


def undo_group(conn: Connection, person: Person, now: datetime) -> int:
    """Take back the person's last group, as far as its entries are still undecided and nobody else has them; answers with the number of pieces.

    Raises:
        NotAllowedError: the person does not review.
    """
    access.require(person, Action.REVIEW)
    task, cell = group_task.c, group_cell.c
    said = select(cell.id).where(cell.task == task.id, cell.outcome.in_([KEPT, ODD])).exists()
    ended = select(task.id).where(task.login == person.login, task.ended_at.is_not(None), said).order_by(task.ended_at.desc(), task.id).limit(1)
    count = 0
    for row in conn.execute(select(group_cell).where(cell.task.in_(ended), cell.outcome.in_([KEPT, ODD])).order_by(cell.id)).all():
        found = entry(conn, row.entry)
        if not stands(row, found) or held_by_other(found, person, now) or not sees(conn, person, found):
            continue
        end_cell(conn, row, UNDONE, now)
        record(conn, person.login, "undo_group", found.id, unit=found.unit, field=row.field)
        count += 1
    return count


def _offer(conn: Connection, person: Person, pieces: Collection[Piece], now: datetime, minutes: int) -> None:
    group_id, sort = secrets.token_hex(8), next(iter(pieces)).sort
    said = {"form": sort.form, "version": sort.version, "column": sort.column, "value": sort.value, "state": sort.state.value}
    times = {"shown_at": now, "claimed_until": now + timedelta(minutes=minutes)}
    conn.execute(insert(group_task).values({"id": group_id, "login": person.login, **said, **times}))
    new = [
        {"task": group_id, "entry": one.entry.id, "revision": one.entry.revision, "field": one.spec.name, "page": one.page.id, "marked": False}
        for one in pieces
    ]
    insert_new(conn, group_cell, new)
    taken = {(row.entry, row.field) for row in conn.execute(select(group_cell.c.entry, group_cell.c.field).where(group_cell.c.task == group_id))}
    for one in pieces:
        if one.plant is not None and (one.entry.id, one.spec.name) in taken:
            plants.plant_in_group(conn, person, one.entry.id, one.spec.name, one.plant, now)


def _open_group(conn: Connection, forms: Forms, person: Person, now: datetime) -> Group | None:
    """The group that the person has open, without pieces that are not to be decided any longer; one of which nothing is left is ended."""
    task = group_task.c
    mine = select(group_task).where(task.login == person.login, task.ended_at.is_(None), task.claimed_until > now)
    row = conn.execute(mine.order_by(task.shown_at).limit(1)).one_or_none()
    if row is None:
        return None
    cells = [cell_of(conn, forms, one, found) for one, found, reading in open_cells(conn, person, row.id) if reading is not None]
    if not cells:
        leave_group(conn, person, row.id, now)
        return None
    form = form_of(forms, entry(conn, cells[0].entry))
    return Group(row.id, form.title, cells[0].spec, Answer(row.value, State(row.state)), tuple(cells))


def _lapse(conn: Connection, now: datetime) -> None:
    """Free what somebody has left alone."""
    left = list(conn.execute(select(group_task.c.id).where(group_task.c.ended_at.is_(None), group_task.c.claimed_until <= now)).scalars())
    if left:
        conn.execute(update(group_cell).where(group_cell.c.task.in_(left), group_cell.c.outcome.is_(None)).values(outcome=LAPSED, ended_at=now))
        conn.execute(update(group_task).where(group_task.c.id.in_(left)).values(ended_at=now))
