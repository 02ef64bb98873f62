"""Rows of checked work: confirmed fields to be keyed again, and seeded errors that were shown.

Rekeying (kontrollskrivning): a confirmed field is keyed blind again by an uninvolved person. Where
the two differ, a third person adjudicates. If the confirmed value was wrong, the entry gets a new
version with the reason; until then it is not exported. A value is never changed without that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select, update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.seeded_errors import SeededError
from pipeline.store.accounts import visibility
from pipeline.store.accounts.visibility import is_by_same_person
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.answers import DecidedAnswer, decided_answers
from pipeline.store.entries.attached_pages import cut_pages
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    Entry,
    entry_form,
    load_entry,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.paper.pages import Page, list_sheet_pages
from pipeline.store.schema import paper, registers
from pipeline.store.schema.clock import LONGEST_CLAIM, has_lapsed, is_claimed
from pipeline.store.schema.review import control, plant

_entry_table = paper.entry
_DECIDED_STATE_VALUES = [state.value for state in DECIDED_STATES]
_ANY_OPEN_QUERY = select(control.c.id).where(control.c.outcome.is_(None)).limit(1)

RekeyingRow = Row[Any]
"""A row of the table of rekeying."""


class RekeyingOutcome(StrEnum):
    """How a rekeying ended for the confirmed value.

    DIFFERS is no end: a third person has to look.
    """

    AGREED = "agreed"
    RIGHT = "right"
    WRONG = "wrong"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class RekeyingTask:
    """One field to rekey or, with `differing_answers`, to adjudicate.

    The two values that differ are shown without saying whose they are.
    """

    id: int
    form: Form
    unit: str
    spec: FieldSpec
    page: Page
    page_no: int
    differing_answers: tuple[Answer, ...]

    @property
    def is_adjudication(self) -> bool:
        """Whether two people have differed."""
        return bool(self.differing_answers)


def claim_next_rekeying(
    conn: Connection,
    forms: Forms,
    person: Person,
    now: datetime,
    minutes: int,
    excluded: Collection[int] = (),
) -> RekeyingTask | None:
    """Return the task that the person has open, or the next; none of `excluded`.

    Adjudications come first, then the oldest task.

    Raises:
        NotAllowedError: the person does not review.
    """
    require_permission(person, Action.REVIEW)
    # A cheap test first: this runs after every entry, and the search for a fitting task is slow.
    if conn.execute(_ANY_OPEN_QUERY).first() is None:
        return None
    is_not_excluded = control.c.id.not_in(sorted(excluded))
    # The task that is open on the person's screen comes before a new one.
    mine, free = (
        and_(
            control.c.claimed_by == person.login,
            is_claimed(control.c.claimed_until, now),
            is_not_excluded,
        ),
        and_(_is_free_condition(now), is_not_excluded),
    )
    task_id = _claim_task(conn, person, now, minutes, mine) or _claim_task(
        conn, person, now, minutes, free
    )
    return _build_task(conn, forms, task_id) if task_id is not None else None


def skip_rekeying(conn: Connection, person: Person, task: RekeyingTask) -> None:
    """Leave a task for another person, or for later; it stays open.

    Raises:
        NotAllowedError: the person does not review.
    """
    require_permission(person, Action.REVIEW)
    # Only if the person still has the task; skipped tasks come later.
    own = update(control).where(control.c.id == task.id, control.c.claimed_by == person.login)
    conn.execute(own.values(claimed_by=None, claimed_until=None, passed=control.c.passed + 1))


def count_open_rekeying(conn: Connection, person: Person) -> tuple[int, int]:
    """Return how many fields of the person's units wait to be rekeyed and to be adjudicated.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    counts = select(control.c.typed_by.is_not(None), func.count()).join(
        _entry_table, _entry_table.c.id == control.c.entry
    )
    # Open tasks of these units, by whether the field has been rekeyed.
    query = counts.where(
        _is_open_condition(),
        _entry_table.c.unit.in_(sorted(permitted_units(person, Action.PROGRESS))),
    ).group_by(control.c.typed_by.is_not(None))
    counted = {bool(row[0]): row[1] for row in conn.execute(query)}
    return counted.get(False, 0), counted.get(True, 0)


def has_open_difference(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an entry waits for an adjudication: a condition for queries."""
    # Rekeyed, and without an outcome.
    return exists().where(
        control.c.entry == entry_id, control.c.typed_by.is_not(None), control.c.outcome.is_(None)
    )


def load_claimed_task(
    conn: Connection, person: Person, task_id: int, now: datetime
) -> tuple[RekeyingRow, Entry]:
    """Return the row of a task that the person has open, and its entry.

    Raises:
        NotAllowedError, StaleDecisionError: as `Rekeying.save_answer`.
    """
    row = conn.execute(select(control).where(control.c.id == task_id)).one()
    entry = load_visible_entry(conn, person, Action.REVIEW, row.entry)
    # The person may have been involved since the task was claimed.
    if conn.execute(
        select(control.c.id)
        .where(control.c.id == task_id, _is_involved_condition(person))
        .select_from(_rekeying_join())
    ).first():
        raise NotAllowedError(
            "field_answered_by_you",
            by=person.login,
            action=Action.REVIEW.value,
            unit=entry.unit,
            subject=entry.id,
        )
    if (
        row.outcome is not None
        or row.claimed_by != person.login
        or not now < row.claimed_until <= now + LONGEST_CLAIM
        or entry.state not in DECIDED_STATES
        or entry.voided is not None
    ):
        raise stale_decision_error()
    return row, entry


def confirmed_answer(conn: Connection, entry: Entry, field: str) -> tuple[DecidedAnswer, str]:
    """Return the value that is confirmed now, and the login of the person who gave it."""
    table = paper.decision.c
    # The last decision on the field.
    latest = (
        select(table.by)
        .where(table.entry == entry.id, table.field == field)
        .order_by(table.id.desc())
        .limit(1)
    )
    return decided_answers(conn, entry.id)[field], str(conn.execute(latest).scalar_one())


def finish_rekeying(conn: Connection, task_id: int, values: Mapping[str, Any]) -> None:
    """Set values of an open task.

    Raises:
        StaleDecisionError: it is not open any longer.
    """
    # The condition makes the second of two simultaneous answers fail.
    if (
        conn.execute(
            update(control)
            .where(control.c.id == task_id, control.c.outcome.is_(None))
            .values(dict(values))
        ).rowcount
        != 1
    ):
        raise stale_decision_error()


def _claim_task(
    conn: Connection, person: Person, now: datetime, minutes: int, condition: ColumnElement[bool]
) -> int | None:
    """Claim the first open task with the condition that suits the person; return its id or None."""
    free = or_(_is_free_condition(now), control.c.claimed_by == person.login)
    # Open, visible and unclaimed; not by this person, and not about a client hidden from the
    # person.
    is_suitable = and_(
        _is_open_condition(),
        visibility.visible_entries_condition(conn, person, Action.REVIEW),
        condition,
        free,
        ~_is_involved_condition(person),
        ~_is_hidden_condition(person),
    )
    order = (control.c.typed_by.is_(None), control.c.passed, control.c.drawn_at, control.c.id)
    # Adjudications first; rows that another transaction is claiming are skipped.
    next_task = (
        select(control.c.id)
        .select_from(_rekeying_join())
        .where(is_suitable)
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True, of=control)
    )
    claim = {"claimed_by": person.login, "claimed_until": now + timedelta(minutes=minutes)}
    task_id: int | None = conn.execute(
        update(control)
        .where(control.c.id == next_task.scalar_subquery())
        .values(claim)
        .returning(control.c.id)
    ).scalar_one_or_none()
    return task_id


def _build_task(conn: Connection, forms: Forms, task_id: int) -> RekeyingTask:
    """Return a task as it is shown."""
    row = conn.execute(select(control).where(control.c.id == task_id)).one()
    entry = load_entry(conn, row.entry)
    form = entry_form(forms, entry)
    number = form.page_numbers[row.field]
    # The page of the field; an unidentified page is page 1.
    page = next(
        page
        for page in cut_pages(conn, entry, tuple(list_sheet_pages(conn, entry.sheet)))
        if (page.page_no if page.form == form.id and page.page_no else 1) == number
    )
    differing_answers: tuple[Answer, ...] = ()
    if row.typed_by is not None:
        before, _ = confirmed_answer(conn, entry, row.field)
        differing_answers = (before.answer, Answer(row.typed_value, State(row.typed_state)))
    return RekeyingTask(
        task_id, form, entry.unit, form.by_name[row.field], page, number, differing_answers
    )


def _rekeying_join() -> Any:  # noqa: ANN401 - SQLAlchemy's join
    return control.join(_entry_table, _entry_table.c.id == control.c.entry)


def _is_open_condition() -> ColumnElement[bool]:
    """Whether a task is open and its entry is confirmed now.

    An entry that is being decided again says nothing about what was confirmed.
    """
    return and_(
        control.c.outcome.is_(None),
        _entry_table.c.state.in_(_DECIDED_STATE_VALUES),
        _entry_table.c.voided.is_(None),
    )


def _is_involved_condition(person: Person) -> ColumnElement[bool]:
    """Whether the person is involved with the field of a task.

    The person has answered anything of the entry, rekeyed the field, or answered the same ink with
    another row of the sheet.
    """
    other, answer = paper.entry.alias(), paper.decision
    is_same_ink = and_(other.c.sheet == _entry_table.c.sheet, answer.c.field == control.c.field)
    # Any decision of the person on the entry, or on the same field of the sheet.
    answered = (
        select(answer.c.id)
        .select_from(answer.join(other, other.c.id == answer.c.entry))
        .where(
            is_by_same_person(answer.c.by, person.login),
            or_(answer.c.entry == control.c.entry, is_same_ink),
        )
        .correlate(control, _entry_table)
    )
    is_reviewer = or_(
        is_by_same_person(_entry_table.c.first_by, person.login),
        is_by_same_person(_entry_table.c.second_by, person.login),
    )
    return or_(
        func.coalesce(is_reviewer, False),
        func.coalesce(is_by_same_person(control.c.typed_by, person.login), False),
        answered.exists(),
    )


def _is_hidden_condition(person: Person) -> ColumnElement[bool]:
    """Whether the entry is about a client whose identity is protected in another unit."""
    client = registers.client
    # A protected client of a unit that is not the person's.
    return exists().where(
        client.c.pid == _entry_table.c.client_pid,
        client.c.protected.is_(True),
        client.c.unit.not_in(sorted(permitted_units(person, Action.REVIEW))),
    )


def _is_free_condition(now: datetime) -> ColumnElement[bool]:
    """Whether no person has the task open."""
    return has_lapsed(control.c.claimed_until, now)


def add_rekeying_tasks(
    conn: Connection, entry_id: str, fields: Iterable[str], now: datetime
) -> None:
    """Add fields of an entry to be rekeyed; existing tasks stay as they are."""
    rows = [{"entry": entry_id, "field": name, "drawn_at": now, "passed": 0} for name in fields]
    insert_missing(conn, control, rows)


# Seeded errors: the wrong values that were shown, each to one person in one entry.

OUTCOME_CAUGHT, OUTCOME_MISSED, OUTCOME_WITHDRAWN = "caught", "missed", "withdrawn"


@dataclass(frozen=True, slots=True)
class ShownError:
    """A seeded error as it was shown; `outcome` is None while it is open."""

    id: int
    login: str
    field: str
    error: SeededError
    outcome: str | None


def add_seeded_error(
    conn: Connection, login: str, entry_id: str, chosen: tuple[str, SeededError], now: datetime
) -> None:
    """Store a seeded error of a field that is shown; an earlier one of the person stays."""
    field, error = chosen
    row = {
        "entry": entry_id,
        "login": login,
        "field": field,
        "value": error.value,
        "state": error.state.value,
        "start": error.start,
        "end": error.end,
        "shown_at": now,
    }
    insert_missing(conn, plant, [row])


def list_seeded_errors(conn: Connection, entry_id: str) -> list[ShownError]:
    """Return the seeded errors of an entry, of all persons."""
    query = select(plant).where(plant.c.entry == entry_id).order_by(plant.c.id)
    return [
        ShownError(
            row.id,
            row.login,
            row.field,
            SeededError(row.value, State(row.state), row.start, row.end),
            row.outcome,
        )
        for row in conn.execute(query)
    ]


def end_seeded_error(conn: Connection, error_id: int, outcome: str, now: datetime) -> None:
    """Store how a seeded error ended."""
    ended = update(plant).where(plant.c.id == error_id)
    conn.execute(ended.values(outcome=outcome, ended_at=now))


def has_open_seeded_error(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an entry has an open seeded error: a condition for queries."""
    return exists().where(plant.c.entry == entry_id, plant.c.outcome.is_(None))
