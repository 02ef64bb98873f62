"""Kontrollskrivning: a confirmed field is typed again by somebody who has had nothing to do with it, without any value shown.

Where the two differ, a third person looks. If the confirmed value was wrong, the entry gets a new version with the reason; until then it is not
exported. A value is never changed without that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select, update

from pipeline import access, review
from pipeline.access import Action
from pipeline.errors import NotAllowedError
from pipeline.field_spec import FieldSpec
from pipeline.model import Person, Reading, State
from pipeline.review import Answer
from pipeline.store import sight, tables
from pipeline.store.answers import Decided, decided
from pipeline.store.control_tables import control
from pipeline.store.entries import DECIDED, Entry, entry, stale
from pipeline.store.entry_views import form_of, page_numbers
from pipeline.store.events import record
from pipeline.store.pages import Page
from pipeline.store.sheets import sheet_pages
from pipeline.template import Form, Forms

_entry = tables.entry
_DECIDED_STATES = [state.value for state in DECIDED]


class Outcome(StrEnum):
    """How a control ended, seen from the confirmed value. DIFFERS is not an end: a third person has to look."""

    AGREED = "agreed"
    RIGHT = "right"
    WRONG = "wrong"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class ControlTask:
    """One field to type or, with `sides`, to decide: the two values that differ, without saying whose they are."""

    id: int
    form: Form
    unit: str
    spec: FieldSpec
    page: Page
    page_no: int
    sides: tuple[Answer, ...]

    @property
    def third(self) -> bool:
        """Whether two people have differed."""
        return bool(self.sides)


_ANY_OPEN = select(control.c.id).where(control.c.outcome.is_(None)).limit(1)


def next_control(conn: Connection, forms: Forms, person: Person, now: datetime, minutes: int, besides: Collection[int] = ()) -> ControlTask | None:
    """The task that the person has open, or the next: first what two people differed on, then the oldest; none of `besides`.

    Raises:
        NotAllowedError: the person does not review.
    """
    access.require(person, Action.REVIEW)
    if conn.execute(_ANY_OPEN).first() is None:  # asked after every entry; looking for whom it suits is dearer
        return None
    others = control.c.id.not_in(sorted(besides))
    mine, free = and_(control.c.claimed_by == person.login, control.c.claimed_until > now, others), and_(_is_free(now), others)
    task_id = _take(conn, person, now, minutes, mine) or _take(conn, person, now, minutes, free)
    return _task(conn, forms, task_id) if task_id is not None else None


def type_control(conn: Connection, person: Person, task: ControlTask, answer: Answer, now: datetime) -> Outcome:
    """Keep what the person types, and compare.

    Raises:
        NotAllowedError: another unit, or the person has had to do with the field.
        StaleDecisionError: somebody else has it, or it has been typed.
        MissingAnswerError, InvalidAnswerError: nothing is said, or it does not fit the field.
    """
    row, found = held(conn, person, task.id, now)
    if row.typed_by is not None:
        raise stale()
    typed = review.checked(task.spec, answer)
    before, by = confirmed(conn, found, row.field)
    same = review.agree(task.spec, typed, Reading(before.answer.value, 1.0, before.answer.state))
    values = {"typed_by": person.login, "typed_at": now, "typed_value": typed.value, "typed_state": typed.state.value}
    values |= {"confirmed_by": by, "revision": found.revision, "claimed_by": None, "claimed_until": None}
    finish(conn, task.id, values | {"outcome": Outcome.AGREED.value if same else None})
    record(conn, person.login, "control", found.id, unit=found.unit)
    return Outcome.AGREED if same else Outcome.DIFFERS


def pass_control(conn: Connection, person: Person, task: ControlTask) -> None:
    """Leave a task for somebody else, or for later. It does not go away by that.

    Raises:
        NotAllowedError: the person does not review.
    """
    access.require(person, Action.REVIEW)
    own = update(control).where(control.c.id == task.id, control.c.claimed_by == person.login)
    conn.execute(own.values(claimed_by=None, claimed_until=None, passed=control.c.passed + 1))


def open_controls(conn: Connection, person: Person) -> tuple[int, int]:
    """How many fields of the person's units are still to be typed, and how many wait for a third person.

    Raises:
        NotAllowedError: the person sees no figures.
    """
    access.require(person, Action.PROGRESS)
    waits = select(control.c.typed_by.is_not(None), func.count()).join(_entry, _entry.c.id == control.c.entry)
    query = waits.where(_stands(), _entry.c.unit.in_(sorted(person.units))).group_by(control.c.typed_by.is_not(None))
    counted = {bool(row[0]): row[1] for row in conn.execute(query)}
    return counted.get(False, 0), counted.get(True, 0)


def has_open_difference(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an entry waits for a third person: a condition for queries."""
    return exists().where(control.c.entry == entry_id, control.c.typed_by.is_not(None), control.c.outcome.is_(None))


def held(conn: Connection, person: Person, task_id: int, now: datetime) -> tuple[Row[Any], Entry]:
    """The row of a task that the person has open, and its entry.

    Raises:
        NotAllowedError, StaleDecisionError: see `type_control`.
    """
    row = conn.execute(select(control).where(control.c.id == task_id)).one()
    found = entry(conn, row.entry)
    sight.require_entry(conn, person, Action.REVIEW, found)
    if conn.execute(select(control.c.id).where(control.c.id == task_id, _involved(person)).select_from(_joined())).first():
        raise NotAllowedError("you_answered_field_before", by=person.login, action=Action.REVIEW.value)
    if (
        row.outcome is not None
        or row.claimed_by != person.login
        or row.claimed_until <= now
        or found.state not in DECIDED
        or found.voided is not None
    ):
        raise stale()
    return row, found


def confirmed(conn: Connection, found: Entry, field: str) -> tuple[Decided, str]:
    """The value that is confirmed now, and who gave it."""
    table = tables.decision.c
    latest = select(table.by).where(table.entry == found.id, table.field == field).order_by(table.id.desc()).limit(1)
    return decided(conn, found.id)[field], str(conn.execute(latest).scalar_one())


def finish(conn: Connection, task_id: int, values: Mapping[str, Any]) -> None:
    """Move a task on, once."""
    if conn.execute(update(control).where(control.c.id == task_id, control.c.outcome.is_(None)).values(dict(values))).rowcount != 1:
        raise stale()


def _take(conn: Connection, person: Person, now: datetime, minutes: int, which: ColumnElement[bool]) -> int | None:
    free = or_(_is_free(now), control.c.claimed_by == person.login)
    wanted = and_(_stands(), sight.visible_entries(conn, person), which, free, ~_involved(person), ~_hidden(person))
    order = (control.c.typed_by.is_(None), control.c.passed, control.c.drawn_at, control.c.id)
    first = select(control.c.id).select_from(_joined()).where(wanted).order_by(*order).limit(1).with_for_update(skip_locked=True, of=control)
    until = {"claimed_by": person.login, "claimed_until": now + timedelta(minutes=minutes)}
    taken: int | None = conn.execute(
        update(control).where(control.c.id == first.scalar_subquery()).values(until).returning(control.c.id)
    ).scalar_one_or_none()
    return taken


def _task(conn: Connection, forms: Forms, task_id: int) -> ControlTask:
    row = conn.execute(select(control).where(control.c.id == task_id)).one()
    found = entry(conn, row.entry)
    form = form_of(forms, found)
    number = page_numbers(form)[row.field]
    page = next(page for page in sheet_pages(conn, found.sheet) if (page.page_no if page.form == form.id and page.page_no else 1) == number)
    sides: tuple[Answer, ...] = ()
    if row.typed_by is not None:
        before, _ = confirmed(conn, found, row.field)
        sides = (before.answer, Answer(row.typed_value, State(row.typed_state)))
    return ControlTask(task_id, form, found.unit, form.by_name[row.field], page, number, sides)


def _joined() -> Any:  # noqa: ANN401 - SQLAlchemy's join
    return control.join(_entry, _entry.c.id == control.c.entry)


def _stands() -> ColumnElement[bool]:
    """Open, of an entry that is confirmed now: one that is being decided anew is no measure of what was confirmed."""
    return and_(control.c.outcome.is_(None), _entry.c.state.in_(_DECIDED_STATES), _entry.c.voided.is_(None))


def _involved(person: Person) -> ColumnElement[bool]:
    """Whether the person has answered anything of the entry, typed the control, or answered the same ink with another row of the sheet."""
    other, answer = tables.entry.alias(), tables.decision
    same_ink = and_(other.c.sheet == _entry.c.sheet, answer.c.field == control.c.field)
    answered = (
        select(answer.c.id)
        .select_from(answer.join(other, other.c.id == answer.c.entry))
        .where(answer.c.by == person.login, or_(answer.c.entry == control.c.entry, same_ink))
        .correlate(control, _entry)
    )
    ended = or_(_entry.c.first_by == person.login, _entry.c.second_by == person.login)
    return or_(func.coalesce(ended, False), func.coalesce(control.c.typed_by == person.login, False), answered.exists())


def _hidden(person: Person) -> ColumnElement[bool]:
    """Whether the entry is about somebody whose identity is protected in another unit."""
    client = tables.client
    return exists().where(client.c.pid == _entry.c.client_pid, client.c.protected.is_(True), client.c.unit.not_in(sorted(person.units)))


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(control.c.claimed_until.is_(None), control.c.claimed_until <= now)
