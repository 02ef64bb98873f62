"""The group way of working: one person has a grid of alike pieces, marks the odd ones and confirms
the others.

What is confirmed here is no decision: the entry is decided where its critical fields are typed,
and takes these answers along with the name of who gave them (`decisions.save_answers`). What is
odd is typed there by somebody who is not shown what was read. No two people have the same piece.

Which pieces of paper make the next group: of the entries that come next in the queue, the sort
of routine field that there is most of.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pipeline.domain import permissions
from pipeline.domain.confidence import PREFILL_FROM
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.domain.review.sampling import is_drawn, keyed_fraction
from pipeline.domain.review.seeded_errors import SeededError, apply_seeded_error, make_seeded_error
from pipeline.domain.review.work_modes import (
    MAX_BATCH_SIZE,
    MIN_BATCH_SIZE,
    BatchKey,
    can_batch,
    is_routine,
    largest_batch,
)
from pipeline.domain.settings import QueueOrder
from pipeline.store.accounts import visibility
from pipeline.store.accounts.protected_identity import find_covered_areas
from pipeline.store.database.engines import insert_missing
from pipeline.store.database.sampling_key import sampling_key
from pipeline.store.entries.batch_answers import CELL_CONFIRMED, CELL_ODD, reading_matches
from pipeline.store.entries.entry import Entry, is_claimed_by_other, load_entry
from pipeline.store.entries.entry_view import entry_form, page_number_by_field
from pipeline.store.entries.queue import CLAIM_MINUTES, peek_queue
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page
from pipeline.store.quality import seeded_errors
from pipeline.store.review.batch_items import (
    BatchItem,
    BatchResult,
    ReviewBatch,
    build_batch_item,
    can_see_entry,
    end_batch,
    end_item,
    is_unchanged,
    list_open_items,
    load_own_batch,
    units_without_batch_review,
)
from pipeline.store.schema import paper
from pipeline.store.schema.review import IS_ITEM_LIVE, group_cell, group_task, plant

LOOKAHEAD_ENTRIES = 60
"""So many entries of the queue are looked through for pieces that are alike; theirs are the sheets
that come next.
"""
_reading_table = paper.reading


@dataclass(frozen=True, slots=True)
class BatchCandidate:
    """One field of one entry on its page, as it would be shown. `plant` is what is shown in the
    reading's place, if anything.
    """

    entry: Entry
    form: Form
    spec: FieldSpec
    page: Page
    batch_key: BatchKey
    seeded_error: SeededError | None


def choose_candidates(
    conn: Connection,
    forms: Forms,
    person: Person,
    now: datetime,
    share: float,
    order: QueueOrder,
    least: int,
) -> tuple[BatchCandidate, ...]:
    """The pieces of the next group, none where the queue has something else first. Nobody's class A
    or legal deadline waits for a group.
    """
    head = peek_queue(conn, person, now, 1, order)
    if not head or not _can_wait(head[0]):
        return ()
    off = units_without_batch_review(conn)
    entries = [
        found
        for found in takewhile(_can_wait, peek_queue(conn, person, now, LOOKAHEAD_ENTRIES, order))
        if found.state is EntryState.REVIEW
    ]
    pieces = list(
        _find_candidates(
            conn, forms, person, [found for found in entries if found.unit not in off], share
        )
    )
    sort = largest_batch((piece.batch_key for piece in pieces), least)
    alike = _filter_visible(
        conn, person, [piece for piece in pieces if piece.batch_key == sort][:MAX_BATCH_SIZE]
    )
    return tuple(alike) if len(alike) >= least else ()


def _can_wait(entry: Entry) -> bool:
    return entry.criticality != "A" and entry.due_at is None


def _find_candidates(
    conn: Connection, forms: Forms, person: Person, entries: list[Entry], share: float
) -> Iterable[BatchCandidate]:
    pages = _pages_by_sheet(conn, entries)
    readings = _confident_readings(conn, [page.id for own in pages.values() for page in own])
    ids = [found.id for found in entries]
    taken = {
        tuple(row)
        for row in conn.execute(
            select(group_cell.c.entry, group_cell.c.field).where(
                group_cell.c.entry.in_(ids), IS_ITEM_LIVE
            )
        )
    }
    own = {
        row.entry: row
        for row in conn.execute(
            select(plant).where(plant.c.entry.in_(ids), plant.c.login == person.login)
        )
    }
    key = sampling_key(conn)
    for found in entries:
        form = entry_form(forms, found)
        numbers = page_number_by_field(form)
        by_number = {
            page.page_no or 1: page
            for page in pages.get(found.sheet, ())
            if page.form == form.id and page.upright_sha256
        }
        told = [code for page in pages.get(found.sheet, ()) for code in page.problems]
        free: list[tuple[FieldSpec, Page, Reading]] = []
        for spec in asked_fields(form, found.row):
            page = by_number.get(numbers[spec.name])
            reading = readings.get((page.id, spec.name)) if page else None
            if (
                page
                and reading
                and (found.id, spec.name) not in taken
                and can_batch(form, spec, found.row)
                and is_routine(form, spec, reading, told)
            ):
                free.append((spec, page, reading))
        wrong = _choose_seeded_errors(
            own.get(found.id),
            key,
            found,
            {spec.name: (spec, reading) for spec, _, reading in free},
            share,
        )
        for spec, page, reading in free:
            shown = apply_seeded_error(wrong[spec.name], reading) if spec.name in wrong else reading
            yield BatchCandidate(
                found,
                form,
                spec,
                page,
                BatchKey.of(form, spec, shown.state, shown.value),
                wrong.get(spec.name),
            )


def _choose_seeded_errors(
    before: Row[Any] | None,
    key: str,
    entry: Entry,
    free: Mapping[str, tuple[FieldSpec, Reading]],
    share: float,
) -> dict[str, SeededError]:
    """What is planted in an entry for the person: what stands there already, else what the lots say
    that decide on sheets too; at most one.
    """
    if before is not None:
        return (
            {before.field: SeededError(before.value, State(before.state))}
            if before.outcome is None and before.field in free
            else {}
        )
    drawn = [name for name in free if is_drawn(key, share, "plant", entry.id, name)]
    for name in sorted(drawn, key=lambda name: keyed_fraction(key, "plant", entry.id, name)):
        spec, reading = free[name]
        if (new := make_seeded_error(spec, reading, f"{key} {entry.id} {name}")) is not None:
            return {name: new}
    return {}


def _pages_by_sheet(conn: Connection, entries: list[Entry]) -> dict[str, list[Page]]:
    pages: dict[str, list[Page]] = {}
    table = paper.page
    rows = conn.execute(
        select(table)
        .where(table.c.sheet.in_({found.sheet for found in entries}))
        .order_by(table.c.page_no, table.c.id)
    )
    for row in rows.mappings():
        pages.setdefault(row["sheet"], []).append(Page.from_row(row))
    return pages


def _confident_readings(conn: Connection, pages: list[str]) -> dict[tuple[str, str], Reading]:
    table = _reading_table.c
    query = select(table.page, table.field, table.value, table.p, table.state, table.reasons)
    sure = query.where(
        table.page.in_(pages),
        table.p >= PREFILL_FROM,
        table.state.in_([State.READ.value, State.EMPTY.value]),
    )
    return {
        (row.page, row.field): Reading(
            row.value, row.p, State(row.state), evidence=tuple(row.reasons or ())
        )
        for row in conn.execute(sure)
    }


def _filter_visible(
    conn: Connection, person: Person, pieces: list[BatchCandidate]
) -> list[BatchCandidate]:
    """Without those of clients whose identity is hidden from the person, who could not decide their
    entries either.
    """
    by_sheet: dict[str, tuple[Form, dict[str, Page]]] = {}
    for piece in pieces:
        by_sheet.setdefault(piece.entry.sheet, (piece.form, {}))[1][piece.page.id] = piece.page
    covered = {
        sheet: find_covered_areas(conn, person, form, list(pages.values()))
        for sheet, (form, pages) in by_sheet.items()
    }
    return [
        piece for piece in pieces if not covered[piece.entry.sheet].is_row_hidden(piece.entry.row)
    ]


OUTCOME_UNDONE, OUTCOME_GONE, OUTCOME_LAPSED = "undone", "gone", "lapsed"
"""Ends that free a piece: taken back; decided, changed or out of sight meanwhile; left alone."""


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
    """The group that the person has open, or a new one where enough pieces are alike; it is then
    the person's for `minutes`.

    Args:
        share: of the pieces, those that are drawn to be shown in the wrong group (`planting`).
        least: the fewest pieces of a group.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    _expire_batches(conn, now)
    found = _load_open_batch(conn, forms, person, now)
    if found is None and (
        pieces := choose_candidates(conn, forms, person, now, share, order, least)
    ):
        _create_batch(conn, person, pieces, now, minutes)
        found = _load_open_batch(conn, forms, person, now)
        if found is not None and len(found.items) < least:  # somebody was quicker with most of them
            release_batch(conn, person, found.id, now)
            return None
    if found is not None:
        conn.execute(
            update(group_task)
            .where(group_task.c.id == found.id)
            .values(claimed_until=now + timedelta(minutes=minutes))
        )
    return found


def save_marked_items(
    conn: Connection,
    person: Person,
    group_id: str,
    marked: Collection[int],
    now: datetime,
    minutes: int = CLAIM_MINUTES,
) -> None:
    """Keep which pieces are marked so far, so that a closed browser loses nothing.

    Raises:
        NotAllowedError: the person does not review.
        StaleDecisionError: the group is done, or the person does not have it any longer.
    """
    permissions.require_permission(person, Action.REVIEW)
    load_own_batch(conn, person, group_id, now)
    cell = group_cell.c
    conn.execute(
        update(group_cell)
        .where(cell.task == group_id, cell.outcome.is_(None))
        .values(marked=cell.id.in_(list(marked)))
    )
    conn.execute(
        update(group_task)
        .where(group_task.c.id == group_id)
        .values(claimed_until=now + timedelta(minutes=minutes))
    )


def confirm_batch(
    conn: Connection,
    forms: Forms,
    person: Person,
    group_id: str,
    marked: Collection[int],
    now: datetime,
) -> BatchResult:
    """Confirm all pieces of a group but the marked ones, which go back to their sheets. Pieces that
    the person may not see any longer are left out.

    Raises:
        NotAllowedError: the person does not review, or may not see any of it.
        StaleDecisionError: the group is done, or the person does not have it any longer.
    """
    permissions.require_permission(person, Action.REVIEW)
    task = load_own_batch(conn, person, group_id, now)
    shown = Answer(task.value, State(task.state))
    counts, missed = {CELL_CONFIRMED: 0, CELL_ODD: 0, OUTCOME_GONE: 0}, list[BatchItem]()
    cells = list_open_items(conn, person, group_id)
    if cells and all(reading is None for _, _, reading in cells):
        visibility.require_visible_entry(conn, person, Action.REVIEW, cells[0][1])
    for row, found, reading in cells:
        outcome = (
            OUTCOME_GONE if reading is None else CELL_ODD if row.id in marked else CELL_CONFIRMED
        )
        if (
            reading is not None
            and (
                was := seeded_errors.judge_batch_seeded_error(
                    conn, person, found.id, row.field, now, caught=outcome == CELL_ODD
                )
            )
            is not None
        ):
            if was == seeded_errors.OUTCOME_MISSED:
                missed.append(build_batch_item(conn, forms, row, found))
            outcome = CELL_ODD
        elif reading is not None and not reading_matches(reading, shown):
            outcome = OUTCOME_GONE
        end_item(conn, row, outcome, now)
        counts[outcome] += 1
        if outcome != OUTCOME_GONE:
            record(
                conn,
                person.login,
                "group",
                found.id,
                unit=found.unit,
                field=row.field,
                outcome=outcome,
            )
    end_batch(conn, group_id, now)
    return BatchResult(counts[CELL_CONFIRMED], counts[CELL_ODD], tuple(missed))


def release_batch(conn: Connection, person: Person, group_id: str, now: datetime) -> None:
    """Give a group back, undecided.

    Raises:
        NotAllowedError: the person does not review.
        StaleDecisionError: the group is done, or the person does not have it any longer.
    """
    permissions.require_permission(person, Action.REVIEW)
    load_own_batch(conn, person, group_id, now)
    conn.execute(
        update(group_cell)
        .where(group_cell.c.task == group_id, group_cell.c.outcome.is_(None))
        .values(outcome=OUTCOME_LAPSED, ended_at=now)
    )
    end_batch(conn, group_id, now)


def undo_last_batch(conn: Connection, person: Person, now: datetime) -> int:
    """Take back the person's last group, as far as its entries are still undecided and nobody else
    has them; answers with the number of pieces.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    task, cell = group_task.c, group_cell.c
    said = (
        select(cell.id)
        .where(cell.task == task.id, cell.outcome.in_([CELL_CONFIRMED, CELL_ODD]))
        .exists()
    )
    ended = (
        select(task.id)
        .where(task.login == person.login, task.ended_at.is_not(None), said)
        .order_by(task.ended_at.desc(), task.id)
        .limit(1)
    )
    count = 0
    for row in conn.execute(
        select(group_cell)
        .where(cell.task.in_(ended), cell.outcome.in_([CELL_CONFIRMED, CELL_ODD]))
        .order_by(cell.id)
    ).all():
        found = load_entry(conn, row.entry)
        if (
            not is_unchanged(row, found)
            or is_claimed_by_other(found, person, now)
            or not can_see_entry(conn, person, found)
        ):
            continue
        end_item(conn, row, OUTCOME_UNDONE, now)
        record(conn, person.login, "undo_group", found.id, unit=found.unit, field=row.field)
        count += 1
    return count


def _create_batch(
    conn: Connection,
    person: Person,
    pieces: Collection[BatchCandidate],
    now: datetime,
    minutes: int,
) -> None:
    group_id, sort = secrets.token_hex(8), next(iter(pieces)).batch_key
    said = {
        "form": sort.form,
        "version": sort.version,
        "column": sort.column,
        "value": sort.value,
        "state": sort.state.value,
    }
    times = {"shown_at": now, "claimed_until": now + timedelta(minutes=minutes)}
    conn.execute(
        insert(group_task).values({"id": group_id, "login": person.login, **said, **times})
    )
    new = [
        {
            "task": group_id,
            "entry": one.entry.id,
            "revision": one.entry.revision,
            "field": one.spec.name,
            "page": one.page.id,
            "marked": False,
        }
        for one in pieces
    ]
    insert_missing(conn, group_cell, new)
    taken = {
        (row.entry, row.field)
        for row in conn.execute(
            select(group_cell.c.entry, group_cell.c.field).where(group_cell.c.task == group_id)
        )
    }
    for one in pieces:
        if one.seeded_error is not None and (one.entry.id, one.spec.name) in taken:
            seeded_errors.add_batch_seeded_error(
                conn, person, one.entry.id, one.spec.name, one.seeded_error, now
            )


def _load_open_batch(
    conn: Connection, forms: Forms, person: Person, now: datetime
) -> ReviewBatch | None:
    """The group that the person has open, without pieces that are not to be decided any longer; one
    of which nothing is left is ended.
    """
    task = group_task.c
    mine = select(group_task).where(
        task.login == person.login, task.ended_at.is_(None), task.claimed_until > now
    )
    row = conn.execute(mine.order_by(task.shown_at).limit(1)).one_or_none()
    if row is None:
        return None
    cells = [
        build_batch_item(conn, forms, one, found)
        for one, found, reading in list_open_items(conn, person, row.id)
        if reading is not None
    ]
    if not cells:
        release_batch(conn, person, row.id, now)
        return None
    form = entry_form(forms, load_entry(conn, cells[0].entry))
    return ReviewBatch(
        row.id, form.title, cells[0].spec, Answer(row.value, State(row.state)), tuple(cells)
    )


def _expire_batches(conn: Connection, now: datetime) -> None:
    """Free what somebody has left alone."""
    left = list(
        conn.execute(
            select(group_task.c.id).where(
                group_task.c.ended_at.is_(None), group_task.c.claimed_until <= now
            )
        ).scalars()
    )
    if left:
        conn.execute(
            update(group_cell)
            .where(group_cell.c.task.in_(left), group_cell.c.outcome.is_(None))
            .values(outcome=OUTCOME_LAPSED, ended_at=now)
        )
        conn.execute(update(group_task).where(group_task.c.id.in_(left)).values(ended_at=now))
