"""Confirm a batch of similar field images; the odd ones are keyed on their sheets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import CELL_CONFIRMED, CELL_ODD, reading_matches
from pipeline.store.event_log.events import record
from pipeline.store.quality import seeded_errors
from pipeline.store.review.batch_review import (
    OUTCOME_GONE,
    BatchItem,
    BatchResult,
    build_batch_item,
    end_batch,
    end_item,
    list_open_items,
    load_own_batch,
    store_marks,
)


def confirm_batch(
    conn: Connection,
    forms: Forms,
    person: Person,
    group_id: str,
    marks: Mapping[int, bool],
    now: datetime,
) -> BatchResult:
    """Confirm all items of a batch but the marked ones, which go back to their sheets.

    `marks` are the last changes, as in `save_marked_items`. Items that the person can no longer see
    are left out.

    Raises:
        NotAllowedError: the person does not review, or can see none of the items.
        StaleDecisionError: the batch is done, or the person no longer has it.
    """
    permissions.require_permission(person, Action.REVIEW)
    batch = load_own_batch(conn, person, group_id, now)
    store_marks(conn, group_id, marks)
    shown = Answer(batch.value, State(batch.state))
    counts, missed = {CELL_CONFIRMED: 0, CELL_ODD: 0, OUTCOME_GONE: 0}, list[BatchItem]()
    items = list_open_items(conn, person, group_id)
    # If nothing is left that may be decided, say why.
    if items and all(reading is None for _, _, reading in items):
        visibility.require_visible_entry(conn, person, Action.REVIEW, items[0][1])
    for row, entry, reading in items:
        seeded_outcome = (
            seeded_errors.judge_batch_seeded_error(
                conn, person, entry.id, row.field, now, caught=row.marked
            )
            if reading is not None
            else None
        )
        if seeded_outcome == seeded_errors.OUTCOME_MISSED:
            missed.append(build_batch_item(conn, forms, row, entry))
        outcome = _item_outcome(reading, shown, odd=row.marked, seeded=seeded_outcome is not None)
        end_item(conn, row, outcome, now)
        counts[outcome] += 1
        if outcome != OUTCOME_GONE:
            record(
                conn,
                person.login,
                "group",
                entry.id,
                unit=entry.unit,
                field=row.field,
                outcome=outcome,
            )
    end_batch(conn, group_id, now)
    return BatchResult(counts[CELL_CONFIRMED], counts[CELL_ODD], tuple(missed))


def _item_outcome(reading: Reading | None, shown: Answer, *, odd: bool, seeded: bool) -> str:
    """Return how an item ends; one with a seeded error is keyed on its sheet either way."""
    if reading is None:
        return OUTCOME_GONE
    if seeded:
        return CELL_ODD
    # The page has been read again since, with another result.
    if not reading_matches(reading, shown):
        return OUTCOME_GONE
    return CELL_ODD if odd else CELL_CONFIRMED
