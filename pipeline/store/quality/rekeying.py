"""Kontrollskrivning: a confirmed field is typed again by somebody who has had nothing to do with
it, without any value shown.

Where the two differ, a third person looks. If the confirmed value was wrong, the entry gets a
new version with the reason; until then it is not exported. A value is never changed without
that.

Which confirmed fields are typed again: drawn by lot when an entry is confirmed, the same however
often it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.permissions import Action
from pipeline.domain.review import rules
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.sampling import is_drawn
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.database.sampling_key import rekeying_share, sampling_key
from pipeline.store.entries.answers import DecidedAnswer, decided_answers
from pipeline.store.entries.entry import DECIDED_STATES, Entry, load_entry, stale_decision_error
from pipeline.store.entries.entry_view import entry_form, page_number_by_field
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page
from pipeline.store.paper.sheets import list_sheet_pages, missing_page_numbers
from pipeline.store.schema import paper
from pipeline.store.schema.review import control

_entry_table = paper.entry
_DECIDED_STATE_VALUES = [state.value for state in DECIDED_STATES]
_ANY_OPEN_QUERY = select(control.c.id).where(control.c.outcome.is_(None)).limit(1)


class RekeyingOutcome(StrEnum):
    """How a control ended, seen from the confirmed value. DIFFERS is not an end: a third person has
    to look.
    """

    AGREED = "agreed"
    RIGHT = "right"
    WRONG = "wrong"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class RekeyingTask:
    """One field to type or, with `sides`, to decide: the two values that differ, without saying
    whose they are.
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
    """The task that the person has open, or the next: first what two people differed on, then the
    oldest; none of `besides`.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    if (
        conn.execute(_ANY_OPEN_QUERY).first() is None
    ):  # asked after every entry; looking for whom it suits is dearer
        return None
    others = control.c.id.not_in(sorted(excluded))
    mine, free = (
        and_(control.c.claimed_by == person.login, control.c.claimed_until > now, others),
        and_(_is_free_condition(now), others),
    )
    task_id = _claim_task(conn, person, now, minutes, mine) or _claim_task(
        conn, person, now, minutes, free
    )
    return _build_task(conn, forms, task_id) if task_id is not None else None


def save_rekeyed_answer(
    conn: Connection, person: Person, task: RekeyingTask, answer: Answer, now: datetime
) -> RekeyingOutcome:
    """Keep what the person types, and compare.

    Raises:
        NotAllowedError: another unit, or the person has had to do with the field.
        StaleDecisionError: somebody else has it, or it has been typed.
        MissingAnswerError, InvalidAnswerError: nothing is said, or it does not fit the field.
    """
    row, found = load_claimed_task(conn, person, task.id, now)
    if row.typed_by is not None:
        raise stale_decision_error()
    typed = rules.normalize_answer(task.spec, answer)
    before, by = confirmed_answer(conn, found, row.field)
    same = rules.agrees_with_reading(
        task.spec, typed, Reading(before.answer.value, 1.0, before.answer.state)
    )
    values = {
        "typed_by": person.login,
        "typed_at": now,
        "typed_value": typed.value,
        "typed_state": typed.state.value,
    }
    values |= {
        "confirmed_by": by,
        "revision": found.revision,
        "claimed_by": None,
        "claimed_until": None,
    }
    finish_rekeying(
        conn, task.id, values | {"outcome": RekeyingOutcome.AGREED.value if same else None}
    )
    record(conn, person.login, "control", found.id, unit=found.unit)
    return RekeyingOutcome.AGREED if same else RekeyingOutcome.DIFFERS


def skip_rekeying(conn: Connection, person: Person, task: RekeyingTask) -> None:
    """Leave a task for somebody else, or for later. It does not go away by that.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    own = update(control).where(control.c.id == task.id, control.c.claimed_by == person.login)
    conn.execute(own.values(claimed_by=None, claimed_until=None, passed=control.c.passed + 1))


def count_open_rekeying(conn: Connection, person: Person) -> tuple[int, int]:
    """How many fields of the person's units are still to be typed, and how many wait for a third
    person.

    Raises:
        NotAllowedError: the person sees no figures.
    """
    permissions.require_permission(person, Action.PROGRESS)
    waits = select(control.c.typed_by.is_not(None), func.count()).join(
        _entry_table, _entry_table.c.id == control.c.entry
    )
    query = waits.where(
        _is_open_condition(), _entry_table.c.unit.in_(sorted(person.units))
    ).group_by(control.c.typed_by.is_not(None))
    counted = {bool(row[0]): row[1] for row in conn.execute(query)}
    return counted.get(False, 0), counted.get(True, 0)


def has_open_difference(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an entry waits for a third person: a condition for queries."""
    return exists().where(
        control.c.entry == entry_id, control.c.typed_by.is_not(None), control.c.outcome.is_(None)
    )


def load_claimed_task(
    conn: Connection, person: Person, task_id: int, now: datetime
) -> tuple[Row[Any], Entry]:
    """The row of a task that the person has open, and its entry.

    Raises:
        NotAllowedError, StaleDecisionError: see `type_control`.
    """
    row = conn.execute(select(control).where(control.c.id == task_id)).one()
    found = load_entry(conn, row.entry)
    visibility.require_visible_entry(conn, person, Action.REVIEW, found)
    if conn.execute(
        select(control.c.id)
        .where(control.c.id == task_id, _is_involved_condition(person))
        .select_from(_rekeying_join())
    ).first():
        raise NotAllowedError(
            "you_answered_field_before", by=person.login, action=Action.REVIEW.value
        )
    if (
        row.outcome is not None
        or row.claimed_by != person.login
        or row.claimed_until <= now
        or found.state not in DECIDED_STATES
        or found.voided is not None
    ):
        raise stale_decision_error()
    return row, found


def confirmed_answer(conn: Connection, entry: Entry, field: str) -> tuple[DecidedAnswer, str]:
    """The value that is confirmed now, and who gave it."""
    table = paper.decision.c
    latest = (
        select(table.by)
        .where(table.entry == entry.id, table.field == field)
        .order_by(table.id.desc())
        .limit(1)
    )
    return decided_answers(conn, entry.id)[field], str(conn.execute(latest).scalar_one())


def finish_rekeying(conn: Connection, task_id: int, values: Mapping[str, Any]) -> None:
    """Move a task on, once."""
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
    free = or_(_is_free_condition(now), control.c.claimed_by == person.login)
    wanted = and_(
        _is_open_condition(),
        visibility.visible_entries_condition(conn, person),
        condition,
        free,
        ~_is_involved_condition(person),
        ~_is_hidden_condition(person),
    )
    order = (control.c.typed_by.is_(None), control.c.passed, control.c.drawn_at, control.c.id)
    first = (
        select(control.c.id)
        .select_from(_rekeying_join())
        .where(wanted)
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True, of=control)
    )
    until = {"claimed_by": person.login, "claimed_until": now + timedelta(minutes=minutes)}
    taken: int | None = conn.execute(
        update(control)
        .where(control.c.id == first.scalar_subquery())
        .values(until)
        .returning(control.c.id)
    ).scalar_one_or_none()
    return taken


def _build_task(conn: Connection, forms: Forms, task_id: int) -> RekeyingTask:
    row = conn.execute(select(control).where(control.c.id == task_id)).one()
    found = load_entry(conn, row.entry)
    form = entry_form(forms, found)
    number = page_number_by_field(form)[row.field]
    page = next(
        page
        for page in list_sheet_pages(conn, found.sheet)
        if (page.page_no if page.form == form.id and page.page_no else 1) == number
    )
    sides: tuple[Answer, ...] = ()
    if row.typed_by is not None:
        before, _ = confirmed_answer(conn, found, row.field)
        sides = (before.answer, Answer(row.typed_value, State(row.typed_state)))
    return RekeyingTask(task_id, form, found.unit, form.by_name[row.field], page, number, sides)


def _rekeying_join() -> Any:  # noqa: ANN401 - SQLAlchemy's join
    return control.join(_entry_table, _entry_table.c.id == control.c.entry)


def _is_open_condition() -> ColumnElement[bool]:
    """Open, of an entry that is confirmed now: one that is being decided anew is no measure of what
    was confirmed.
    """
    return and_(
        control.c.outcome.is_(None),
        _entry_table.c.state.in_(_DECIDED_STATE_VALUES),
        _entry_table.c.voided.is_(None),
    )


def _is_involved_condition(person: Person) -> ColumnElement[bool]:
    """Whether the person has answered anything of the entry, typed the control, or answered the
    same ink with another row of the sheet.
    """
    other, answer = paper.entry.alias(), paper.decision
    same_ink = and_(other.c.sheet == _entry_table.c.sheet, answer.c.field == control.c.field)
    answered = (
        select(answer.c.id)
        .select_from(answer.join(other, other.c.id == answer.c.entry))
        .where(answer.c.by == person.login, or_(answer.c.entry == control.c.entry, same_ink))
        .correlate(control, _entry_table)
    )
    ended = or_(_entry_table.c.first_by == person.login, _entry_table.c.second_by == person.login)
    return or_(
        func.coalesce(ended, False),
        func.coalesce(control.c.typed_by == person.login, False),
        answered.exists(),
    )


def _is_hidden_condition(person: Person) -> ColumnElement[bool]:
    """Whether the entry is about somebody whose identity is protected in another unit."""
    client = paper.client
    return exists().where(
        client.c.pid == _entry_table.c.client_pid,
        client.c.protected.is_(True),
        client.c.unit.not_in(sorted(person.units)),
    )


def _is_free_condition(now: datetime) -> ColumnElement[bool]:
    return or_(control.c.claimed_until.is_(None), control.c.claimed_until <= now)


def can_be_rekeyed(spec: FieldSpec) -> bool:
    """Whether a field can be drawn at all.

    Not free text, in which two people never set the same commas, nor initials, of which the
    machine only says that they are there.
    """
    return spec.traits.can_be_rekeyed


def sample_for_rekeying(conn: Connection, form: Form, entry: Entry, now: datetime) -> None:
    """Put the drawn fields of an entry on the list of what is typed again. A field that is there
    already stays as it is.
    """
    share = rekeying_share(conn)
    if not share:
        return
    key, answers = sampling_key(conn), decided_answers(conn, entry.id)
    fields = [
        spec.name
        for spec in rules.asked_fields(form, entry.row)
        if can_be_rekeyed(spec) and spec.name in answers
    ]
    fields = [
        name for name in fields if not is_temporary_pid(str(answers[name].answer.value))
    ]  # it stands on no paper
    numbers, missing = (
        page_number_by_field(form),
        missing_page_numbers(list_sheet_pages(conn, entry.sheet)),
    )  # nobody can type what has no picture
    drawn = [
        name
        for name in fields
        if numbers[name] not in missing and is_drawn(key, share, "control", entry.id, name)
    ]
    insert_missing(
        conn,
        control,
        [{"entry": entry.id, "field": name, "drawn_at": now, "passed": 0} for name in drawn],
    )
