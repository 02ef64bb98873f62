"""Keys that a reviewer presses for the entries that wait, form by form.

Before: Tab through every field that is shown, in each row of a list by itself. Now: Enter goes from
one field that needs a person to the next, a key says that the rest in sight is empty, and rows are
confirmed together. Both type what is keyed blind, and save; the head of a list once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from statistics import median

from sqlalchemy import Connection

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.confidence import LOW_CONFIDENCE_BELOW
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import EntriesPer, Forms
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.review.rules import Answer, is_routine
from pipeline.review.rows import list_rows
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry_readings
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.schema.clock import utc_now
from research.simulation.people import SAVE_KEYS, TAB_KEYS, count_keys

_MOST_ENTRIES = 100_000
_EMPTY_IN_SIGHT = 10
"""So many empty fields are in sight at once on a laptop: Alt+Shift+T says so of all of them."""


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
    together: dict[str, dict[str, int]] = {}
    for entry in queue.peek_queue(conn, person, utc_now(), _MOST_ENTRIES):
        try:
            view = load_entry_view(conn, forms, person, entry.id)
        except NotAllowedError:
            continue
        if not view.is_second_review and not view.is_hidden:
            readings = load_entry_readings(conn, entry, view.pages)
            is_first = entry.sheet not in together
            if is_first:
                together[entry.sheet] = _count_rows(conn, forms, person, entry.sheet)
            alone = _count_entry(view, readings, is_head_asked=is_first)
            counted.append(replace(alone, now=together[entry.sheet].get(entry.id, alone.now)))
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


def _count_entry(
    view: EntryView, readings: Mapping[str, Reading], *, is_head_asked: bool
) -> EntryKeys:
    fields = [field for field in view.fields if field.is_open and not _is_folded(view, field)]
    asked = [
        field
        for field in fields
        if is_head_asked or view.form.entries is not EntriesPer.ROW or field.spec.row is not None
    ]
    blind = sum(_typed_keys(field, readings) for field in asked if field.is_blind)
    return EntryKeys(
        view.form.id,
        len(fields),
        blind + len(fields) * TAB_KEYS + SAVE_KEYS,
        _asking_keys([field for field in asked if _needs_person(field)], readings) + SAVE_KEYS,
        blind,
    )


def _asking_keys(fields: Sequence[FieldView], readings: Mapping[str, Reading]) -> int:
    """Return the keys of the fields that ask, one for all empty ones that are in sight at once."""
    keys = 0
    for is_empty, run in groupby(fields, lambda field: _is_seen_empty(field, readings)):
        listed = list(run)
        if is_empty:
            keys += ceil(len(listed) / _EMPTY_IN_SIGHT) * TAB_KEYS
        else:
            keys += sum(_typed_keys(each, readings) * each.is_blind + TAB_KEYS for each in listed)
    return keys


def _is_seen_empty(field: FieldView, readings: Mapping[str, Reading]) -> bool:
    reading = readings.get(field.spec.name)
    return field.spec.means is not Meaning.CLIENT_PID and (
        reading is None or reading.state is State.EMPTY
    )


def _count_rows(conn: Connection, forms: Forms, person: Person, sheet: str) -> dict[str, int]:
    """Return the keys of each row of a sheet that is confirmed with others, by entry."""
    rows = [row for row in list_rows(conn, forms, person, sheet, utc_now()) if not row.looks_blank]
    ready = [row for row in rows if row.can_be_confirmed or row.can_be_typed]
    keys: dict[str, int] = {}
    for row in ready if len(ready) > 1 else ():
        readings = load_entry_readings(conn, row.entry, row.view.pages)
        asked = [
            field
            for field in row.view.fields
            if field.spec.name in row.deviations and (field.spec.row is not None or not keys)
        ]
        typed = sum(_typed_keys(field, readings) + TAB_KEYS for field in asked)
        keys[row.entry.id] = typed + (0 if keys else SAVE_KEYS)
    return keys


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
