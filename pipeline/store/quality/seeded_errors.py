"""Seeded errors: wrong values shown to one person in one entry, judged when that person decides.

They are never stored as an answer, draft or reading, and the reading itself is not touched. While a
seeded error is open its entry cannot become a record (`exports.records`), and an entry that a
person decides with the wrong value still in it is not decided: the true reading is shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, select, update

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import parse_issues
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.seeded_errors import (
    SeededError,
    apply_seeded_error,
    is_undetected,
    make_seeded_error,
    restore_true_words,
)
from pipeline.store.accounts import visibility
from pipeline.store.accounts.visibility import is_by_same_person
from pipeline.store.database.engines import insert_missing
from pipeline.store.database.sampling_key import is_drawn, keyed_fraction, sampling_key
from pipeline.store.entries.answers import delete_answer_draft, save_answer_drafts
from pipeline.store.entries.entry import Entry, advance_entry, load_entry
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.schema.review import plant

OUTCOME_CAUGHT, OUTCOME_MISSED, OUTCOME_WITHDRAWN = "caught", "missed", "withdrawn"


def with_seeded_error(
    conn: Connection, person: Person, view: EntryView, share: float, now: datetime
) -> EntryView:
    """Return the view as it is shown to the person, perhaps with one wrong value.

    The value is in one of the fields that are shown filled in.

    Args:
        share: of such fields, those that are drawn for a seeded error; an entry has at most one,
            once for a person.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, view.entry)
    if view.entry.state is not EntryState.REVIEW:
        return view
    seeded_row = _find_seeded_error(conn, view.entry.id, person.login)
    # None so far: one may be drawn, and is stored before it is shown.
    if (
        seeded_row is None
        and share > 0
        and (chosen := _choose_field(conn, view, share)) is not None
    ):
        field, error = chosen
        _insert_seeded_error(conn, person, view.entry.id, field.spec.name, error, now)
        seeded_row = _find_seeded_error(conn, view.entry.id, person.login)
    if seeded_row is None or seeded_row.outcome is not None:
        return view
    return replace(
        view, fields=tuple(_show_seeded_value(field, seeded_row) for field in view.fields)
    )


def judge_seeded_error(
    conn: Connection,
    person: Person,
    entry: Entry,
    specs: Mapping[str, FieldSpec],
    readings: Mapping[str, Reading],
    answers: Mapping[str, Answer],
    now: datetime,
) -> bool:
    """Judge the person's seeded error; return whether the person has confirmed it.

    If so, the true reading is restored, the other answers are stored as drafts, and the entry stays
    with the person under a new revision, to be decided again.
    """
    row = _find_seeded_error(conn, entry.id, person.login)
    if row is None or row.outcome is not None:
        return False
    name, error = row.field, _seeded_error_from_row(row)
    # Missed: the answer still says the wrong value.
    is_missed = (
        name in answers
        and name in readings
        and is_undetected(specs[name], error, readings[name], answers[name])
    )
    _end_seeded_error(conn, row.id, OUTCOME_MISSED if is_missed else OUTCOME_CAUGHT, now)
    if not is_missed:
        return False
    advance_entry(conn, entry, claimed_by=person.login, claimed_until=entry.claimed_until)
    # Other changes in the same field are kept with the true words.
    restored = restore_true_words(error, readings[name], answers[name])
    drafts = {field: answer for field, answer in answers.items() if field != name} | (
        {name: restored} if restored else {}
    )
    # The wrong value must not come back from a draft.
    delete_answer_draft(conn, entry.id, person.login, name)
    save_answer_drafts(conn, entry.id, entry.revision + 1, person.login, drafts, now)
    return True


def fields_matching_seeded_errors(
    conn: Connection,
    person: Person,
    entry_id: str,
    specs: Mapping[str, FieldSpec],
    readings: Mapping[str, Reading],
    answers: Mapping[str, Answer],
) -> frozenset[str]:
    """Return fields whose answers equal a seeded error that was shown to this person before.

    The paper may say just that, but then another person has to see it too.
    """
    is_own = is_by_same_person(plant.c.login, person.login)
    # The judged seeded errors of this person in the entry.
    rows = conn.execute(
        select(plant).where(plant.c.entry == entry_id, is_own, plant.c.outcome.is_not(None))
    ).all()
    return frozenset(
        row.field
        for row in rows
        if row.field in answers
        and row.field in readings
        and is_undetected(
            specs[row.field], _seeded_error_from_row(row), readings[row.field], answers[row.field]
        )
    )


def last_missed_field(conn: Connection, person: Person, entry_id: str) -> str | None:
    """Return the field whose seeded error the person has just confirmed in this entry, or None.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, load_entry(conn, entry_id))
    row = _find_seeded_error(conn, entry_id, person.login)
    return str(row.field) if row is not None and row.outcome == OUTCOME_MISSED else None


def add_batch_seeded_error(
    conn: Connection, person: Person, entry_id: str, field: str, error: SeededError, now: datetime
) -> None:
    """Store what a batch shows in place of a reading; an earlier seeded error of the entry stays.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, load_entry(conn, entry_id))
    _insert_seeded_error(conn, person, entry_id, field, error, now)


def judge_batch_seeded_error(
    conn: Connection, person: Person, entry_id: str, field: str, now: datetime, *, caught: bool
) -> str | None:
    """End the person's seeded error in this field and return CAUGHT or MISSED.

    None where there is none. The field goes back to its sheet either way.
    """
    row = _find_seeded_error(conn, entry_id, person.login)
    if row is None or row.outcome is not None or row.field != field:
        return None
    _end_seeded_error(conn, row.id, OUTCOME_CAUGHT if caught else OUTCOME_MISSED, now)
    return OUTCOME_CAUGHT if caught else OUTCOME_MISSED


def withdraw_seeded_errors(
    conn: Connection, entry_id: str, login: str, fields: Mapping[str, object], now: datetime
) -> None:
    """Withdraw the seeded errors of other people: the entry is decided.

    Raises:
        StoreError: the person's own seeded error has not been judged (`judge_seeded_error`);
            nothing may be decided then.
    """
    is_open = plant.c.entry == entry_id, plant.c.outcome.is_(None)
    for row in conn.execute(select(plant).where(*is_open)).all():
        if row.login == login and row.field in fields:
            raise StoreError("seeded_error_not_judged")
        _end_seeded_error(conn, row.id, OUTCOME_WITHDRAWN, now)


def has_open_seeded_error(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an entry has an open seeded error: a condition for queries."""
    return exists().where(plant.c.entry == entry_id, plant.c.outcome.is_(None))


def _choose_field(
    conn: Connection, view: EntryView, share: float
) -> tuple[FieldView, SeededError] | None:
    """Return a drawn field with a plausible wrong value for it, or None."""
    key, entry_id = sampling_key(conn), view.entry.id
    flagged_fields = {issue.field for issue in parse_issues(view.problems)}
    # Only fields that are shown filled in and not flagged. No author has typed a seeded error.
    shown = [
        field
        for field in view.fields
        if field.is_open
        and not field.is_blind
        and not (field.reading and field.reading.is_typed)
        and field.draft is None
        and field.spec.name not in flagged_fields
    ]
    # The draw depends on the key alone: it is the same whenever it is made.
    drawn = [field for field in shown if is_drawn(key, share, "plant", entry_id, field.spec.name)]
    for field in sorted(
        drawn, key=lambda field: keyed_fraction(key, "plant", entry_id, field.spec.name)
    ):
        error = (
            make_seeded_error(field.spec, field.reading, f"{key} {entry_id} {field.spec.name}")
            if field.reading
            else None
        )
        if error is not None:
            return field, error
    return None


def _show_seeded_value(field: FieldView, row: Row[Any]) -> FieldView:
    """Return the field with the wrong value in its reading, if it is the seeded one."""
    if field.spec.name != row.field or field.reading is None or field.is_blind:
        return field
    return replace(field, reading=apply_seeded_error(_seeded_error_from_row(row), field.reading))


def _insert_seeded_error(
    conn: Connection, person: Person, entry_id: str, field: str, error: SeededError, now: datetime
) -> None:
    row = {
        "entry": entry_id,
        "login": person.login,
        "field": field,
        "value": error.value,
        "state": error.state.value,
        "start": error.start,
        "end": error.end,
        "shown_at": now,
    }
    insert_missing(conn, plant, [row])


def _find_seeded_error(conn: Connection, entry_id: str, login: str) -> Row[Any] | None:
    """Return the seeded error of the person in the entry; there is at most one."""
    return conn.execute(
        select(plant).where(plant.c.entry == entry_id, plant.c.login == login)
    ).one_or_none()


def _seeded_error_from_row(row: Row[Any]) -> SeededError:
    return SeededError(row.value, State(row.state), row.start, row.end)


def _end_seeded_error(conn: Connection, plant_id: int, outcome: str, now: datetime) -> None:
    conn.execute(update(plant).where(plant.c.id == plant_id).values(outcome=outcome, ended_at=now))
