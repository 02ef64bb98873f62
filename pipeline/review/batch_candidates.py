"""Choose the field images that make a reviewer's next batch.

Of the entries that come next in the queue, the kind of routine field with most images is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from sqlalchemy import Connection

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Depth, Form
from pipeline.domain.model import EntryState, Person, Reading, State, Value
from pipeline.domain.review.rules import asked_fields, is_routine
from pipeline.domain.review.seeded_errors import SeededError, apply_seeded_error
from pipeline.review.seeded_errors import draw_seeded_error
from pipeline.review.session import Review
from pipeline.store.database.sampling_key import sampling_key
from pipeline.store.entries.entry import (
    Entry,
    entry_form,
    is_part_of_page,
)
from pipeline.store.entries.entry_depth import find_depths
from pipeline.store.entries.queue import peek_queue
from pipeline.store.paper.pages import Page, list_pages_by_sheet
from pipeline.store.paper.protected_identity import find_covered_areas
from pipeline.store.review.batch_items import (
    ItemRow,
    confident_readings,
    fields_in_batches,
    seeded_errors_of_person,
    units_without_batch_review,
)

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 12, 40
"""For fewer images a change of mode is not worth it; more cannot be checked at a glance."""
LOOKAHEAD_ENTRIES = 60
"""How many entries of the queue are searched for similar field images.

They belong to the sheets that come next.
"""


class BatchKey(NamedTuple):
    """The common key of the images of a batch: a form's field, without its row, and its value."""

    form: str
    version: int
    column: str
    state: State
    value: Value

    @classmethod
    def of(cls, form: Form, spec: FieldSpec, state: State, value: Value) -> BatchKey:
        """Make the key of a field with this value; an empty field never has one."""
        shown = value if state is State.READ else None
        return cls(form.id, form.version, spec.column, state, shown)


@dataclass(frozen=True, slots=True)
class BatchCandidate:
    """One field of one entry on its page, as it would be shown.

    `seeded_error` is what is shown in place of the reading, if anything.
    """

    entry: Entry
    form: Form
    spec: FieldSpec
    page: Page
    batch_key: BatchKey
    seeded_error: SeededError | None


def choose_candidates(
    conn: Connection, review: Review, now: datetime, least: int
) -> tuple[BatchCandidate, ...]:
    """Return the field images of the next batch; none where the queue has something more urgent.

    Entries of class A and entries with a legal deadline never wait for a batch.
    """
    person, order = review.person, review.settings.queue_order
    head = peek_queue(conn, person, now, 1, order)
    if not head or not _can_wait(head[0]):
        return ()
    # Only undecided entries up to the first urgent one, of units that use batches.
    excluded_units = units_without_batch_review(conn)
    upcoming = takewhile(_can_wait, peek_queue(conn, person, now, LOOKAHEAD_ENTRIES, order))
    entries = [
        entry
        for entry in upcoming
        if entry.state is EntryState.REVIEW and entry.unit not in excluded_units
    ]
    candidates = list(_find_candidates(conn, review, entries))
    # The most frequent kind of field gives the batch; hidden clients are removed after the cut.
    batch_key = largest_batch((candidate.batch_key for candidate in candidates), least)
    similar = [candidate for candidate in candidates if candidate.batch_key == batch_key]
    visible = _filter_visible(conn, person, similar[:MAX_BATCH_SIZE])
    return tuple(visible) if len(visible) >= least else ()


def can_batch(form: Form, spec: FieldSpec, row: int | None) -> bool:
    """Whether a field belongs to one entry alone: the head of a table belongs to all its rows.

    Never in class A.
    """
    return spec.row == row and not form.printed_elsewhere and form.criticality != "A"


def largest_batch(keys: Iterable[BatchKey], min_size: int) -> BatchKey | None:
    """Return the most frequent key, the earliest of several; None if none has `min_size` items."""
    most_common = Counter(keys).most_common(1)
    return next((key for key, count in most_common if count >= min_size), None)


def _can_wait(entry: Entry) -> bool:
    return entry.criticality != "A" and not entry.deadlines


def _find_candidates(
    conn: Connection, review: Review, entries: list[Entry]
) -> Iterable[BatchCandidate]:
    """Yield every routine field of the entries that is in no batch yet, in queue order."""
    pages = list_pages_by_sheet(conn, sorted({entry.sheet for entry in entries}))
    page_ids = [page.id for sheet_pages in pages.values() for page in sheet_pages]
    readings = confident_readings(conn, page_ids)
    entry_ids = [entry.id for entry in entries]
    in_batch = fields_in_batches(conn, entry_ids)
    seeded_rows = seeded_errors_of_person(conn, review.person.login, entry_ids)
    key = sampling_key(conn)
    forms_by_entry = {entry.id: entry_form(review.forms, entry) for entry in entries}
    depths = find_depths(conn, forms_by_entry, entries)
    for entry in entries:
        # What is not typed as a whole, and parts of a page, are not judged by single fields.
        if depths[entry.id] is not Depth.FULL or is_part_of_page(entry):
            continue
        form = forms_by_entry[entry.id]
        # Fields that can be judged by their image alone.
        free = [
            (spec, page, reading)
            for spec, page, reading in _routine_fields(
                form, entry, pages.get(entry.sheet, []), readings
            )
            if (entry.id, spec.name) not in in_batch
        ]
        # At most one of them shows a wrong value on purpose.
        seeded = _choose_seeded_errors(
            seeded_rows.get(entry.id),
            key,
            entry,
            {spec.name: (spec, reading) for spec, _, reading in free},
            review.settings.plant_share,
        )
        for spec, page, reading in free:
            error = seeded.get(spec.name)
            shown = apply_seeded_error(error, reading) if error is not None else reading
            batch_key = BatchKey.of(form, spec, shown.state, shown.value)
            yield BatchCandidate(entry, form, spec, page, batch_key, error)


def _routine_fields(
    form: Form,
    entry: Entry,
    sheet_pages: list[Page],
    readings: Mapping[tuple[str, str], Reading],
) -> Iterable[tuple[FieldSpec, Page, Reading]]:
    """Yield the entry's routine fields that were read with high confidence on a registered page."""
    # Only pages that are registered to the form can be shown as field images.
    numbers = form.page_numbers
    page_by_number = {
        page.page_no or 1: page
        for page in sheet_pages
        if page.form == form.id and page.upright_sha256
    }
    problems = [code for page in sheet_pages for code in page.problems]
    for spec in asked_fields(form, entry.row):
        page = page_by_number.get(numbers[spec.name])
        reading = readings.get((page.id, spec.name)) if page else None
        # Read with high confidence, and nothing about it needs a look at the sheet.
        if (
            page
            and reading
            and can_batch(form, spec, entry.row)
            and is_routine(form, spec, reading, problems)
        ):
            yield spec, page, reading


def _choose_seeded_errors(
    earlier: ItemRow | None,
    key: str,
    entry: Entry,
    free: Mapping[str, tuple[FieldSpec, Reading]],
    share: float,
) -> dict[str, SeededError]:
    """Return the wrong value to show the person in an entry, by field; at most one.

    It is the one already there, else drawn with the key that draws them for whole sheets too.
    """
    # Shown before: again while it is not judged, and never a second one.
    if earlier is not None:
        return (
            {earlier.field: SeededError(earlier.value, State(earlier.state))}
            if earlier.outcome is None and earlier.field in free
            else {}
        )
    drawn = draw_seeded_error(key, share, entry.id, free.values())
    return dict([drawn]) if drawn else {}


def _filter_visible(
    conn: Connection, person: Person, candidates: list[BatchCandidate]
) -> list[BatchCandidate]:
    """Return the candidates without those of clients whose identity is hidden from the person.

    The person could not decide their entries either.
    """
    by_sheet: dict[str, tuple[Form, dict[str, Page]]] = {}
    for candidate in candidates:
        by_sheet.setdefault(candidate.entry.sheet, (candidate.form, {}))[1][candidate.page.id] = (
            candidate.page
        )
    covered = {
        sheet: find_covered_areas(conn, person, form, list(pages.values()))
        for sheet, (form, pages) in by_sheet.items()
    }
    return [
        candidate
        for candidate in candidates
        if not covered[candidate.entry.sheet].is_row_hidden(candidate.entry.row)
    ]
