"""Choose the field images that make a reviewer's next batch.

Of the entries that come next in the queue, the kind of routine field with most images is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Depth, Form, Forms
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.rules import (
    MAX_BATCH_SIZE,
    BatchKey,
    asked_fields,
    can_batch,
    is_routine,
    largest_batch,
)
from pipeline.domain.review.seeded_errors import SeededError, apply_seeded_error
from pipeline.domain.settings import QueueOrder
from pipeline.review.seeded_errors import draw_seeded_error
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

LOOKAHEAD_ENTRIES = 60
"""How many entries of the queue are searched for similar field images.

They belong to the sheets that come next.
"""


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
    conn: Connection,
    forms: Forms,
    person: Person,
    now: datetime,
    share: float,
    order: QueueOrder,
    least: int,
) -> tuple[BatchCandidate, ...]:
    """Return the field images of the next batch; none where the queue has something more urgent.

    Entries of class A and entries with a legal deadline never wait for a batch.
    """
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
    candidates = list(_find_candidates(conn, forms, person, entries, share))
    # The most frequent kind of field gives the batch; hidden clients are removed after the cut.
    batch_key = largest_batch((candidate.batch_key for candidate in candidates), least)
    similar = [candidate for candidate in candidates if candidate.batch_key == batch_key]
    visible = _filter_visible(conn, person, similar[:MAX_BATCH_SIZE])
    return tuple(visible) if len(visible) >= least else ()


def _can_wait(entry: Entry) -> bool:
    return entry.criticality != "A" and not entry.deadlines


def _find_candidates(
    conn: Connection, forms: Forms, person: Person, entries: list[Entry], share: float
) -> Iterable[BatchCandidate]:
    """Yield every routine field of the entries that is in no batch yet, in queue order."""
    pages = list_pages_by_sheet(conn, sorted({entry.sheet for entry in entries}))
    page_ids = [page.id for sheet_pages in pages.values() for page in sheet_pages]
    readings = confident_readings(conn, page_ids)
    entry_ids = [entry.id for entry in entries]
    in_batch = fields_in_batches(conn, entry_ids)
    seeded_rows = seeded_errors_of_person(conn, person.login, entry_ids)
    key = sampling_key(conn)
    forms_by_entry = {entry.id: entry_form(forms, entry) for entry in entries}
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
            share,
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
