"""Keys that a reviewer presses for the entries that wait, form by form.

Before: Tab through every field that is shown. Now: Enter goes from one field that needs a person to
the next. Both type what is keyed blind, and save.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from sqlalchemy import Connection

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.confidence import LOW_CONFIDENCE_BELOW
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.review.rules import Answer, is_routine
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry_readings
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.schema.clock import utc_now
from research.simulation.people import SAVE_KEYS, TAB_KEYS, count_keys

_MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class EntryKeys:
    """The keys of one entry: `blind` for what is keyed blind alone, of `fields` that are asked."""

    form: str
    fields: int
    before: int
    now: int
    blind: int


def count_review_keys(conn: Connection, forms: Forms, person: Person) -> list[EntryKeys]:
    """Return the keys of each entry that waits for a first review by this person."""
    counted = []
    for entry in queue.peek_queue(conn, person, utc_now(), _MOST_ENTRIES):
        try:
            view = load_entry_view(conn, forms, person, entry.id)
        except NotAllowedError:
            continue
        if not view.is_second_review and not view.is_hidden:
            readings = load_entry_readings(conn, entry, view.pages)
            counted.append(_count_entry(view, readings))
    return counted


def format_review_keys(counted: list[EntryKeys]) -> str:
    """Return a row for each form, and one for all: medians over its entries."""
    by_form: dict[str, list[EntryKeys]] = defaultdict(list)
    for one in counted:
        by_form[one.form].append(one)
    lines = [
        "| form | entries | fields | keys before | keys now | blind alone |",
        "|---|--:|--:|--:|--:|--:|",
        *(_row(form, entries) for form, entries in sorted(by_form.items())),
        _row("**all**", counted),
    ]
    return "\n".join(lines)


def _count_entry(view: EntryView, readings: Mapping[str, Reading]) -> EntryKeys:
    fields = [field for field in view.fields if field.is_open and not _is_folded(view, field)]
    blind = sum(_typed_keys(field, readings) for field in fields if field.is_blind)
    needing = [field for field in fields if _needs_person(field)]
    return EntryKeys(
        view.form.id,
        len(fields),
        blind + len(fields) * TAB_KEYS + SAVE_KEYS,
        blind + len(needing) * TAB_KEYS + SAVE_KEYS,
        blind,
    )


def _typed_keys(field: FieldView, readings: Mapping[str, Reading]) -> int:
    """Return the keys of what the machine read, in place of what is written."""
    reading = readings.get(field.spec.name)
    answer = Answer(reading.value, reading.state) if reading else Answer(None, State.EMPTY)
    return count_keys(field.spec, answer)


def _needs_person(field: FieldView) -> bool:
    """Return whether Enter stops at the field, as `needs_person` of the workbench."""
    if field.is_blind:
        return True
    if field.draft is not None:
        return False
    reading = field.reading
    if reading is None or (reading.state is State.EMPTY and not reading.is_seen_empty):
        return True
    return min((reading.p, *reading.characters)) < LOW_CONFIDENCE_BELOW


def _is_folded(view: EntryView, field: FieldView) -> bool:
    if field.is_blind or field.is_hidden:
        return False
    return field.is_batch_confirmed or (
        field.draft is None and is_routine(view.form, field.spec, field.reading, view.problems)
    )


def _row(form: str, entries: list[EntryKeys]) -> str:
    figures = (
        f"{median(getattr(one, name) for one in entries):.0f}"
        for name in ("fields", "before", "now", "blind")
    )
    return f"| {form} | {len(entries)} | {' | '.join(figures)} |" if entries else ""
