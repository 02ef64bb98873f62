"""Planted values: shown to one person in one entry, judged when that person decides, and never
stored as an answer, draft or reading.

The value that was read is never touched. While a plant is open its entry cannot become a record
(`records`), and an entry that a person decides with the planted value still in it is not
decided: the true reading is shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, insert, select, update

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import parse_issues
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.sampling import is_drawn, keyed_fraction
from pipeline.domain.review.seeded_errors import (
    SeededError,
    apply_seeded_error,
    is_undetected,
    make_seeded_error,
    restore_true_words,
)
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.database.sampling_key import sampling_key
from pipeline.store.entries.answers import save_answer_drafts
from pipeline.store.entries.entry import Entry, advance_entry, load_entry
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.schema import paper
from pipeline.store.schema.review import plant

OUTCOME_CAUGHT, OUTCOME_MISSED, OUTCOME_WITHDRAWN = "caught", "missed", "withdrawn"


def with_seeded_error(
    conn: Connection, person: Person, view: EntryView, share: float, now: datetime
) -> EntryView:
    """The view as it is shown to the person: perhaps with one wrong value among the fields that are
    shown filled in.

    Args:
        share: of such fields, those that are drawn for a plant; an entry has at most one, once
            for a person.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, view.entry)
    if view.entry.state is not EntryState.REVIEW:
        return view
    found = _find_seeded_error(conn, view.entry.id, person.login)
    if found is None and share > 0 and (chosen := _choose_field(conn, view, share)) is not None:
        field, new = chosen
        row = {
            "entry": view.entry.id,
            "login": person.login,
            "field": field.spec.name,
            "value": new.value,
            "state": new.state.value,
        }
        conn.execute(
            insert(plant).values({**row, "start": new.start, "end": new.end, "shown_at": now})
        )
        found = _find_seeded_error(conn, view.entry.id, person.login)
    if found is None or found.outcome is not None:
        return view
    return replace(view, fields=tuple(_show_seeded_value(field, found) for field in view.fields))


def judge_seeded_error(
    conn: Connection,
    person: Person,
    entry: Entry,
    specs: Mapping[str, FieldSpec],
    readings: Mapping[str, Reading],
    answers: Mapping[str, Answer],
    now: datetime,
) -> bool:
    """Whether the person has confirmed what was planted. Then the true reading is put back, the
    other answers are kept as drafts, and the entry stays with the person under a new revision,
    to be decided anew.
    """
    row = _find_seeded_error(conn, entry.id, person.login)
    if row is None or row.outcome is not None:
        return False
    name, one = row.field, _seeded_error_from_row(row)
    missed = (
        name in answers
        and name in readings
        and is_undetected(specs[name], one, readings[name], answers[name])
    )
    _end_seeded_error(conn, row.id, OUTCOME_MISSED if missed else OUTCOME_CAUGHT, now)
    if not missed:
        return False
    advance_entry(conn, entry, claimed_by=person.login, claimed_until=entry.claimed_until)
    restored = restore_true_words(one, readings[name], answers[name])
    kept = {field: answer for field, answer in answers.items() if field != name} | (
        {name: restored} if restored else {}
    )
    conn.execute(
        delete(paper.draft).where(
            paper.draft.c.entry == entry.id,
            paper.draft.c.login == person.login,
            paper.draft.c.field == name,
        )
    )
    save_answer_drafts(conn, entry.id, entry.revision + 1, person.login, kept, now)
    return True


def fields_matching_seeded_errors(
    conn: Connection,
    person: Person,
    entry_id: str,
    specs: Mapping[str, FieldSpec],
    readings: Mapping[str, Reading],
    answers: Mapping[str, Answer],
) -> frozenset[str]:
    """Fields whose answers say what was once planted there for this person. The paper may say just
    that; but then somebody else has to see it too.
    """
    own = plant.c.login == person.login
    rows = conn.execute(
        select(plant).where(plant.c.entry == entry_id, own, plant.c.outcome.is_not(None))
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
    """The field whose plant the person has just confirmed in this entry.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, load_entry(conn, entry_id))
    row = _find_seeded_error(conn, entry_id, person.login)
    return str(row.field) if row is not None and row.outcome == OUTCOME_MISSED else None


def add_batch_seeded_error(
    conn: Connection, person: Person, entry_id: str, field: str, new: SeededError, now: datetime
) -> None:
    """Note what a group shows in the place of a reading. What has been planted for the person in
    this entry before stays.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, load_entry(conn, entry_id))
    row = {
        "entry": entry_id,
        "login": person.login,
        "field": field,
        "value": new.value,
        "state": new.state.value,
    }
    insert_missing(conn, plant, [{**row, "start": new.start, "end": new.end, "shown_at": now}])


def judge_batch_seeded_error(
    conn: Connection, person: Person, entry_id: str, field: str, now: datetime, *, caught: bool
) -> str | None:
    """End what was planted in this place for the person: CAUGHT or MISSED; None where nothing was.
    Its field goes back to the sheet either way.
    """
    row = _find_seeded_error(conn, entry_id, person.login)
    if row is None or row.outcome is not None or row.field != field:
        return None
    _end_seeded_error(conn, row.id, OUTCOME_CAUGHT if caught else OUTCOME_MISSED, now)
    return OUTCOME_CAUGHT if caught else OUTCOME_MISSED


def withdraw_seeded_errors(
    conn: Connection, entry_id: str, login: str, fields: Mapping[str, object], now: datetime
) -> None:
    """The entry is decided: nothing that was planted for others counts any longer.

    Raises:
        StoreError: the person's own plant has not been judged (`judged`); nothing may be decided
        then.
    """
    for row in _open_seeded_errors(conn, entry_id):
        if row.login == login and row.field in fields:
            raise StoreError("planted_value_not_judged")
        _end_seeded_error(conn, row.id, OUTCOME_WITHDRAWN, now)


def has_open_seeded_error(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether something planted stands in an entry: a condition for queries."""
    return exists().where(plant.c.entry == entry_id, plant.c.outcome.is_(None))


def _choose_field(
    conn: Connection, view: EntryView, share: float
) -> tuple[FieldView, SeededError] | None:
    key, entry_id = sampling_key(conn), view.entry.id
    told = {issue.field for issue in parse_issues(view.problems)}
    shown = [
        field
        for field in view.fields
        if field.is_open
        and not field.is_blind
        and field.draft is None
        and field.spec.name not in told
    ]
    drawn = [field for field in shown if is_drawn(key, share, "plant", entry_id, field.spec.name)]
    for field in sorted(
        drawn, key=lambda field: keyed_fraction(key, "plant", entry_id, field.spec.name)
    ):
        new = (
            make_seeded_error(field.spec, field.reading, f"{key} {entry_id} {field.spec.name}")
            if field.reading
            else None
        )
        if new is not None:
            return field, new
    return None


def _show_seeded_value(field: FieldView, row: Row[Any]) -> FieldView:
    if field.spec.name != row.field or field.reading is None or field.is_blind:
        return field
    return replace(field, reading=apply_seeded_error(_seeded_error_from_row(row), field.reading))


def _find_seeded_error(conn: Connection, entry_id: str, login: str) -> Row[Any] | None:
    return conn.execute(
        select(plant).where(plant.c.entry == entry_id, plant.c.login == login)
    ).one_or_none()


def _open_seeded_errors(conn: Connection, entry_id: str) -> Iterator[Row[Any]]:
    yield from conn.execute(
        select(plant).where(plant.c.entry == entry_id, plant.c.outcome.is_(None))
    ).all()


def _seeded_error_from_row(row: Row[Any]) -> SeededError:
    return SeededError(row.value, State(row.state), row.start, row.end)


def _end_seeded_error(conn: Connection, plant_id: int, outcome: str, now: datetime) -> None:
    conn.execute(update(plant).where(plant.c.id == plant_id).values(outcome=outcome, ended_at=now))
