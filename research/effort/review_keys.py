"""Keys that a reviewer presses for the entries that wait, form by form.

Before: Enter goes from one field that needs a person to the next, and all is typed out. Now: the
last four digits of a number where they are enough, the day alone inside the outage, a time without
its leading zero, Alt+Shift+T for the empty fields that follow each other, and in a note the next
word in doubt and its alternatives. Both type what is keyed blind, and save.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from statistics import median

from sqlalchemy import Connection

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.confidence import LOW_CONFIDENCE_BELOW
from pipeline.domain.form.field import Format, Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.review.rules import Answer, is_routine
from pipeline.domain.settings import Settings
from pipeline.registers.outages import find_system, outage_days
from pipeline.review.client_question import complete_last_digits
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry_readings
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.registers.planning import list_outages
from pipeline.store.schema.clock import utc_now
from research.effort.operators import CHOOSE_WORD_KEYS, NEXT_WORD_KEYS
from research.simulation.people import FIND_WORD_KEYS, SAVE_KEYS, TAB_KEYS, count_keys

_MOST_ENTRIES = 100_000
_LAST_DIGITS, _EMPTY_REST_KEYS = 4, 3
"""Keys of the last four digits, and of Alt+Shift+T."""
_MOST_IN_SIGHT = 8
"""Assumption: fields whose ink is in sight at once, so that one press says they are empty."""


@dataclass(frozen=True, slots=True)
class EntryKeys:
    """The keys of one entry: `blind` for what is keyed blind alone, of `fields` that are asked."""

    form: str
    fields: int
    before: int
    now: int
    blind: int


@dataclass(frozen=True, slots=True)
class _EntryInReview:
    """An entry as its reviewer has it, with what the machine read, also where that is withheld.

    `outage` has its first and last day, if they are known.
    """

    conn: Connection
    person: Person
    view: EntryView
    readings: Mapping[str, Reading]
    outage: tuple[date, date] | None

    def answer(self, field: FieldView) -> Answer:
        """Return what the machine read, in place of what is written."""
        reading = self.readings.get(field.spec.name)
        return Answer(reading.value, reading.state) if reading else Answer(None, State.EMPTY)

    def typed_keys(self, field: FieldView) -> int:
        """Return the keys of the whole value."""
        return count_keys(field.spec, self.answer(field))

    def short_keys(self, field: FieldView) -> int:
        """Return the keys of the value in the shortest form that the bench takes."""
        spec, answer = field.spec, self.answer(field)
        value = str(answer.value or "")
        if spec.means is Meaning.CLIENT_PID and self._is_completed(value):
            return _LAST_DIGITS
        if spec.format is Format.TIME and answer.state is State.READ:
            return len(value.replace(":", "").removeprefix("0"))
        if spec.means in (Meaning.EVENT_DATE, Meaning.WRITTEN_DATE) and self._is_day(value):
            return len(str(int(value[-2:])))
        return self.typed_keys(field)

    def _is_completed(self, number: str) -> bool:
        names = (one for one in self.view.fields if one.spec.means is Meaning.CLIENT_NAME)
        name = next((str(self.answer(one).value or "") for one in names), "")
        last = number[-_LAST_DIGITS:]
        return complete_last_digits(self.conn, self.person, self.view, last, name) is not None

    def _is_day(self, value: str) -> bool:
        """Return whether a day of the outage is the only one with its number."""
        if self.outage is None or re.fullmatch(r"\d{4}-\d\d-\d\d", value) is None:
            return False
        first, last = self.outage
        days = [first + timedelta(n) for n in range((last - first).days + 2)]
        return [str(day) for day in days if f"{day:%d}" == value[-2:]] == [value]

    def is_empty(self, field: FieldView) -> bool:
        """Return whether Alt+Shift+T may say that the field is empty."""
        is_client = field.spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
        return self.answer(field).state is State.EMPTY and not is_client


def count_review_keys(
    conn: Connection, forms: Forms, person: Person, settings: Settings
) -> list[EntryKeys]:
    """Return the keys of each entry that waits for a first review by this person."""
    counted, outages = [], list_outages(conn)
    for entry in queue.peek_queue(conn, person, utc_now(), _MOST_ENTRIES):
        try:
            view = load_entry_view(conn, forms, person, entry.id)
        except NotAllowedError:
            continue
        if not view.is_second_review and not view.is_hidden:
            readings = load_entry_readings(conn, entry, view.pages)
            system = find_system(view.form.id, view.form.area.value)
            days = outage_days(outages, entry.unit, system)
            if days is None and settings.outage_start and settings.outage_end:
                days = settings.outage_start.date(), settings.outage_end.date()
            counted.append(_count_entry(_EntryInReview(conn, person, view, readings, days)))
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


def _count_entry(entry: _EntryInReview) -> EntryKeys:
    view = entry.view
    fields = [field for field in view.fields if field.is_open and not _is_folded(view, field)]
    needing = [field for field in fields if _needs_person(field)]
    notes = [field for field in needing if field.spec.traits.is_multiline and not field.is_blind]
    before = SAVE_KEYS + sum(
        TAB_KEYS + (entry.typed_keys(field) if field.is_blind else 0) for field in needing
    )
    # Empty fields that follow each other cost one press together.
    now = SAVE_KEYS
    for is_empty, group in groupby(needing, key=entry.is_empty):
        run = list(group)
        keys = [TAB_KEYS + (entry.short_keys(one) if one.is_blind else 0) for one in run]
        presses = _EMPTY_REST_KEYS * -(-len(run) // _MOST_IN_SIGHT)
        now += min(sum(keys), presses) if is_empty else sum(keys)
    return EntryKeys(
        view.form.id,
        len(fields),
        before + sum(_correction_keys(field.reading, is_offered=False) for field in notes),
        now + sum(_correction_keys(field.reading, is_offered=True) for field in notes),
        sum(
            entry.short_keys(field)
            for field in fields
            if field.is_blind and not entry.is_empty(field)
        ),
    )


def _correction_keys(reading: Reading | None, *, is_offered: bool) -> int:
    """Return the keys that correct the words in doubt of a note, as if all were wrong.

    Found and typed, or found by F8 and chosen where there are alternatives.
    """
    keys = 0
    for word in reading.words if reading else ():
        assert reading is not None
        if min(reading.characters[word.start : word.end], default=1.0) >= LOW_CONFIDENCE_BELOW:
            continue
        typed = word.end - word.start
        chosen = CHOOSE_WORD_KEYS if word.alternatives else typed + NEXT_WORD_KEYS
        keys += chosen if is_offered else typed + FIND_WORD_KEYS
    return keys + (NEXT_WORD_KEYS if keys and is_offered else 0)


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
