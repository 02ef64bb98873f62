"""Batch review: a reviewer marks the odd ones of similar field images and confirms the others.

What is confirmed here is no decision: the entry is decided where its critical fields are keyed,
and uses these answers with the name of their reviewer (`decisions.decide_entry`). What is odd is
keyed there by a reviewer who is not shown the reading. No two people get the same field image.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.review import seeded_errors
from pipeline.review.batch_candidates import MIN_BATCH_SIZE, BatchCandidate, choose_candidates
from pipeline.review.session import Review
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import CELL_CONFIRMED, CELL_ODD, reading_matches
from pipeline.store.entries.entry import (
    Entry,
    EntryWork,
    entry_form,
    is_claimed_by_other,
    load_entry,
)
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page
from pipeline.store.quality.checked_work import OUTCOME_MISSED
from pipeline.store.review.batch_items import (
    OUTCOME_GONE,
    OUTCOME_UNDONE,
    ItemRow,
    add_batch,
    end_batch,
    end_item,
    expire_batches,
    extend_batch,
    find_open_batch,
    free_items,
    is_unchanged,
    list_earlier_items,
    list_last_results,
    list_open_items,
    load_own_batch,
    store_marks,
)

MIN_BATCH_VIEW_TIME = timedelta(seconds=1)
"""A batch that has been on the screen for less than this has not been looked at."""


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


class BatchReview(Review):
    """The review of batches, between entries."""

    def claim(
        self,
        log_view: Callable[[Connection, ReviewBatch], None],
        least: int = MIN_BATCH_SIZE,
    ) -> ReviewBatch | None:
        """Return the batch that the person has open, or a new one of at least `least` items.

        None if there are fewer similar items. A new one may show seeded errors.

        Raises:
            NotAllowedError: the person does not review.
        """
        person, now, settings = self.person, self.clock(), self.settings
        with self.store.begin() as conn:
            require_permission(person, Action.REVIEW)
            # Free what others left, then go on with the open batch.
            expire_batches(conn, now)
            batch = self._load_open_batch(conn, now)
            if batch is None and (candidates := choose_candidates(conn, self, now, least)):
                self._create_batch(conn, candidates, now)
                batch = self._load_open_batch(conn, now)
                # Other reviewers may have claimed most of the items in the meantime.
                if batch is not None and len(batch.items) < least:
                    self._release(conn, batch.id, now)
                    return None
            if batch is not None:
                log_view(conn, batch)
                # The time runs from the last look.
                extend_batch(conn, batch.id, now + timedelta(minutes=settings.claim_minutes))
            return batch

    def mark(self, batch_id: str, marks: Mapping[int, bool]) -> None:
        """Store which items were marked or unmarked, so that a closed browser loses nothing.

        Items that are not in `marks` stay as they are: another window of the person may have marked
        them.

        Raises:
            NotAllowedError: the person does not review.
            StaleDecisionError: the batch is done, or the person no longer has it.
        """
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            require_permission(person, Action.REVIEW)
            load_own_batch(conn, person, batch_id, now)
            store_marks(conn, batch_id, marks)
            extend_batch(conn, batch_id, now + timedelta(minutes=self.settings.claim_minutes))

    def confirm(
        self, batch_id: str, marks: Mapping[int, bool], shown_at: datetime | None
    ) -> BatchResult | None:
        """Confirm all items of a batch but the marked ones, which go back to their sheets.

        `marks` are the last changes, as in `mark`. Items that the person can no longer see are left
        out. None if the batch has not been on the screen for long.

        Raises:
            NotAllowedError: the person does not review, or can see none of the items.
            StaleDecisionError: the batch is done, or the person no longer has it.
        """
        if not self.has_been_seen(shown_at, MIN_BATCH_VIEW_TIME):
            return None
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            require_permission(person, Action.REVIEW)
            batch = load_own_batch(conn, person, batch_id, now)
            store_marks(conn, batch_id, marks)
            shown = Answer(batch.value, State(batch.state))
            counts, missed = {CELL_CONFIRMED: 0, CELL_ODD: 0, OUTCOME_GONE: 0}, list[BatchItem]()
            items = list_open_items(conn, person, batch_id)
            # If nothing is left that may be decided, say why.
            if items and all(reading is None for _, _, reading in items):
                visibility.require_visible_entry(conn, person, Action.REVIEW, items[0][1])
            for row, entry, reading in items:
                seeded_outcome = None
                if reading is not None:
                    work = EntryWork(conn, person, entry_form(self.forms, entry), entry, now)
                    seeded_outcome = seeded_errors.judge_marked(
                        work, (row.field,), is_odd=row.marked
                    )
                if seeded_outcome == OUTCOME_MISSED:
                    missed.append(_build_batch_item(conn, self.forms, row, entry))
                outcome = _item_outcome(
                    reading, shown, odd=row.marked, seeded=seeded_outcome is not None
                )
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
            end_batch(conn, batch_id, now)
            return BatchResult(counts[CELL_CONFIRMED], counts[CELL_ODD], tuple(missed))

    def release(self, batch_id: str) -> None:
        """Give a batch back, undecided; what was marked in it stays marked.

        Raises:
            NotAllowedError: the person does not review.
            StaleDecisionError: the batch is done, or the person no longer has it.
        """
        with self.store.begin() as conn:
            require_permission(self.person, Action.REVIEW)
            self._release(conn, batch_id, self.clock())

    def undo(self) -> int:
        """Take back the person's last batch and return the number of items; the marks are kept.

        Left out are items whose entries are decided by now or claimed by another person.

        Raises:
            NotAllowedError: the person does not review.
        """
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            require_permission(person, Action.REVIEW)
            count = 0
            for row in list_last_results(conn, person.login):
                entry = load_entry(conn, row.entry)
                if (
                    not is_unchanged(row, entry)
                    or is_claimed_by_other(entry, person, now)
                    or not visibility.filter_visible_entries(
                        conn, person, Action.REVIEW, [entry.id]
                    )
                ):
                    continue
                end_item(conn, row, OUTCOME_UNDONE, now)
                record(conn, person.login, "undo_group", entry.id, unit=entry.unit, field=row.field)
                count += 1
            return count

    def _release(self, conn: Connection, batch_id: str, now: datetime) -> None:
        load_own_batch(conn, self.person, batch_id, now)
        free_items(conn, [batch_id], now)
        end_batch(conn, batch_id, now)

    def _create_batch(
        self, conn: Connection, candidates: Collection[BatchCandidate], now: datetime
    ) -> None:
        """Store a batch of these candidates for the person, with its seeded errors."""
        batch_id, batch_key = secrets.token_hex(8), next(iter(candidates)).batch_key
        batch = {
            "id": batch_id,
            "login": self.person.login,
            "form": batch_key.form,
            "version": batch_key.version,
            "column": batch_key.column,
            "value": batch_key.value,
            "state": batch_key.state.value,
            "shown_at": now,
            "claimed_until": now + timedelta(minutes=self.settings.claim_minutes),
        }
        marked = _find_marked_fields(conn, candidates)
        items = [
            {
                "entry": candidate.entry.id,
                "revision": candidate.entry.revision,
                "field": candidate.spec.name,
                "page": candidate.page.id,
                "marked": (candidate.entry.id, candidate.spec.name) in marked,
            }
            for candidate in candidates
        ]
        # Only the items that this batch got show a seeded error.
        inserted = add_batch(conn, batch, items)
        for candidate in candidates:
            entry_id, field = candidate.entry.id, candidate.spec.name
            if candidate.seeded_error is not None and (entry_id, field) in inserted:
                chosen = (field, candidate.seeded_error)
                seeded_errors.add_batch_seeded_error(conn, self.person, entry_id, chosen, now)

    def _load_open_batch(self, conn: Connection, now: datetime) -> ReviewBatch | None:
        """Return the person's open batch without items that can no longer be decided.

        A batch of which nothing is left is ended.
        """
        row = find_open_batch(conn, self.person.login, now)
        if row is None:
            return None
        items = [
            _build_batch_item(conn, self.forms, item_row, entry)
            for item_row, entry, reading in list_open_items(conn, self.person, row.id)
            if reading is not None
        ]
        if not items:
            self._release(conn, row.id, now)
            return None
        form = entry_form(self.forms, load_entry(conn, items[0].entry))
        return ReviewBatch(
            row.id, form.title, items[0].spec, Answer(row.value, State(row.state)), tuple(items)
        )


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


def _find_marked_fields(
    conn: Connection, candidates: Collection[BatchCandidate]
) -> set[tuple[str, str]]:
    """Return entry and field of the candidates that were marked when they were shown last.

    They were shown with the same value, in a batch that was taken back or never confirmed.
    """
    batch_key = next(iter(candidates)).batch_key
    shown = Answer(batch_key.value, batch_key.state)
    rows = list_earlier_items(conn, {candidate.entry.id for candidate in candidates})
    last = {(row.entry, row.field): row for row in rows}
    revisions = {candidate.entry.id: candidate.entry.revision for candidate in candidates}
    return {
        key
        for key, row in last.items()
        if row.marked
        and row.revision == revisions[row.entry]
        and Answer(row.value, State(row.state)) == shown
    }


def _build_batch_item(conn: Connection, forms: Forms, row: ItemRow, entry: Entry) -> BatchItem:
    """Return an item as it is shown."""
    form, page = entry_form(forms, entry), load_page(conn, row.page)
    spec = form.by_name[row.field]
    return BatchItem(row.id, entry.id, spec, page, page.page_no or 1, row.marked)
