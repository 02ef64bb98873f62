"""Places in the queue: levels of triage, deadlines, days, and what managers prioritize.

A lane is a level of triage (`triage`), 1 first; in each of them entries with a legal deadline come
first, the nearest before others. Then the days follow the setting `queue_order`. A client's open
entries share their first and last day, so that they are together whichever way the days run, in
the order in which they happened.

Managers prioritize a client, a unit, a day or an entry. This also holds for paper that arrives
later, until it is undone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from pipeline.domain.dates import swedish_day
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.confidence import UNREVIEWED_VALUE_FROM
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.law.duties import (
    DeadlineTimes,
    deadline_field,
    due_at,
    nearest_due,
    times_from_answers,
    times_from_readings,
)
from pipeline.domain.law.permissions import (
    Action,
    permitted_units,
    require_permission,
    require_permission_for,
)
from pipeline.domain.model import EntryState, Person, PriorityKind, Reading, State, Value
from pipeline.store.accounts import visibility
from pipeline.store.database.store import lock_keys
from pipeline.store.entries import triage
from pipeline.store.entries.answers import DecidedAnswer, decided_answers
from pipeline.store.entries.entry import Entry, list_sheet_entries, load_entry
from pipeline.store.event_log.events import record
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers.client_register import find_client, strip_pid_separators
from pipeline.store.schema import paper
from pipeline.store.schema.review import met_duty, pull

_RANK_FRONT, _RANK_NORMAL = 0, 1
"""Values of the column `rank`, which comes before the lane."""
_MAX_AUTHOR_KEY = 120
_DATE_PART = slice(0, 10)
"""YYYY-MM-DD of a moment as text."""

_entry_table = paper.entry


_override_condition = and_(
    pull.c.unit == _entry_table.c.unit,
    or_(
        pull.c.kind == PriorityKind.UNIT.value,
        and_(pull.c.kind == PriorityKind.CLIENT.value, pull.c.what == _entry_table.c.likely_pid),
        and_(pull.c.kind == PriorityKind.DAY.value, pull.c.what == _entry_table.c.event_on),
        and_(pull.c.kind == PriorityKind.ENTRY.value, pull.c.what == _entry_table.c.id),
    ),
)
"""Whether a row of `pull` is about an entry."""


@dataclass(frozen=True, slots=True)
class PriorityOverride:
    """An active priority.

    `key` is a personal number (12 characters), a day (YYYY-MM-DD) or an entry's id, and empty for a
    whole unit. `waiting` is how many open entries it brings to the front now.
    """

    id: str
    kind: PriorityKind
    key: str
    unit: str
    by: str
    at: datetime
    waiting: int


def prioritize(
    conn: Connection, person: Person, kind: PriorityKind, unit: str, key: str, now: datetime
) -> PriorityOverride:
    """Move entries of a unit to the front of the queue.

    Raises:
        NotAllowedError: the person may not do so in this unit.
        ReviewError: nothing is named, or this is prioritized already.
    """
    require_permission(person, Action.PULL, unit)
    if kind is PriorityKind.ENTRY:
        visibility.require_visible_entry(conn, person, Action.PULL, load_entry(conn, key))
    key = _normalize_key(conn, kind, key)
    if not key and kind is not PriorityKind.UNIT:
        raise ReviewError("nothing_to_prioritise")
    # Two managers must not prioritize the same at once
    lock_keys(conn, f"pull {unit}")
    if any((active.kind, active.key) == (kind, key) for active in _active_overrides(conn, (unit,))):
        raise ReviewError("prioritised_already")
    pull_id = secrets.token_hex(8)
    new = {"id": pull_id, "kind": kind.value, "what": key, "unit": unit}
    conn.execute(insert(pull).values(new | {"by": person.login, "at": now}))
    _update_rank(conn, _entry_table.c.unit == unit)
    record(conn, person.login, "pull_to_front", pull_id, unit=unit, kind=kind.value)
    return next(active for active in _active_overrides(conn, (unit,)) if active.id == pull_id)


def undo_priority(conn: Connection, person: Person, pull_id: str, now: datetime) -> None:
    """Undo a priority: its entries return to their usual place, unless another one holds.

    Raises:
        NotAllowedError: the person may not do so in this unit.
        ReviewError: there is no such priority, or it is undone already.
    """
    unit = conn.execute(select(pull.c.unit).where(pull.c.id == pull_id)).scalar_one_or_none()
    if unit is None:
        raise ReviewError("nothing_to_undo")
    require_permission_for(pull_id, person, Action.PULL, unit)
    lock_keys(conn, f"pull {unit}")
    # The first undo counts, so a row that is closed is not matched
    ended = (
        update(pull)
        .where(pull.c.id == pull_id, pull.c.undone_at.is_(None))
        .values(undone_by=person.login, undone_at=now)
    )
    if not conn.execute(ended).rowcount:
        raise ReviewError("undone_already")
    _update_rank(conn, _entry_table.c.unit == unit)
    record(conn, person.login, "undo_pull", pull_id, unit=unit)


def list_priorities(conn: Connection, person: Person) -> list[PriorityOverride]:
    """Return the active priorities in the person's units, newest first.

    The personal numbers of clients whose identity the person may not see are left out.

    Raises:
        NotAllowedError: the person may not prioritize.
    """
    require_permission(person, Action.PULL)
    priorities = _active_overrides(conn, sorted(permitted_units(person, Action.PULL)))
    hidden = find_hidden_pids(conn, person, [priority.key for priority in priorities])
    return [
        replace(priority, key="") if priority.key in hidden else priority for priority in priorities
    ]


def apply_priorities(conn: Connection, sheet: str) -> None:
    """Move the entries of an imported sheet to the front, if an active priority is about them."""
    _update_rank(conn, _entry_table.c.sheet == sheet)


def _normalize_key(conn: Connection, kind: PriorityKind, key: str) -> str:
    """Return the key as the queue stores it; a personal number may be written in any way."""
    if kind is PriorityKind.CLIENT:
        client = find_client(conn, key)
        return client.pid if client else strip_pid_separators(key)
    return "" if kind is PriorityKind.UNIT else key.strip()


def _active_overrides(
    conn: Connection, units: tuple[str, ...] | list[str]
) -> list[PriorityOverride]:
    """Return the active priorities of these units, newest first."""
    # Count the open entries that each of them is about
    waiting = (
        select(func.count())
        .select_from(_entry_table)
        .where(_override_condition, _entry_table.c.state.in_(paper.OPEN_STATES))
        .scalar_subquery()
    )
    columns = (pull.c.id, pull.c.kind, pull.c.what, pull.c.unit, pull.c.by, pull.c.at, waiting)
    query = (
        select(*columns)
        .where(pull.c.unit.in_(units), pull.c.undone_at.is_(None))
        .order_by(pull.c.at.desc(), pull.c.id)
    )
    return [PriorityOverride(row[0], PriorityKind(row[1]), *row[2:]) for row in conn.execute(query)]


def _update_rank(conn: Connection, condition: ColumnElement[bool]) -> None:
    """Set the rank of entries that meet the condition, where it differs."""
    # In front if any active priority is about the entry
    rank = case(
        (exists().where(pull.c.undone_at.is_(None), _override_condition), _RANK_FRONT),
        else_=_RANK_NORMAL,
    )
    conn.execute(
        update(_entry_table).where(condition, _entry_table.c.rank != rank).values(rank=rank)
    )


def set_queue_places(
    conn: Connection, form: Form, sheet: str, readings: Mapping[str, Reading]
) -> None:
    """Give a sheet's undecided entries their places, from settled answers or confident readings.

    Raises:
        FormError: the form names a deadline without a rule.
    """
    clients: set[tuple[str, str]] = set()
    for entry in list_sheet_entries(conn, sheet):
        if entry.state is EntryState.REVIEW:
            matcher = triage.unit_matcher(conn, entry.unit)
            values = _queue_place(form, entry, readings)
            values |= decided_due_time(
                conn, form, entry, decided_answers(conn, entry.id), values.get("deadlines")
            )
            values |= triage.triage_values(
                matcher, form, entry.row, readings, values.get("deadlines")
            )
            conn.execute(update(_entry_table).where(_entry_table.c.id == entry.id).values(values))
            clients.add((entry.unit, values["likely_pid"]))
    # A client's other entries move too, as they share their days
    for unit, pid in sorted(clients):
        if pid:
            _align_client_entries(conn, unit, pid)
    apply_priorities(conn, sheet)


def decided_due_time(
    conn: Connection,
    form: Form,
    entry: Entry,
    answers: Mapping[str, DecidedAnswer],
    before: DeadlineTimes | None = None,
) -> dict[str, Any]:
    """Return the columns of legal deadlines that follow from settled answers, if there are any.

    What a person has said to be met is left out (`store/review/duties.py`).

    Args:
        before: The deadlines as they were, if not as the entry has them.
    """
    if not form.all_deadlines:
        return {}
    days: dict[str, date | None] = {}
    for name, decided in answers.items():
        if decided.is_settled and is_day(decided.answer.value):
            days[name] = date.fromisoformat(str(decided.answer.value))
        elif decided.is_settled and decided.answer.state is State.EMPTY:
            days[name] = None
    met = find_met_rules(conn, entry.id) | _rules_without_duty(form, entry, answers)
    times = dict(before if before is not None else entry.deadlines or {})
    # Until two people agree on the first day, the earlier end is the safe one
    for deadline in form.all_deadlines:
        said = answers.get(deadline_field(form, entry.row, deadline.day).name)
        if said is None or said.is_settled or not is_day(said.answer.value):
            continue
        due = due_at(deadline.rule, date.fromisoformat(str(said.answer.value)), deadline.after)
        if due is not None and (stored := times.get(deadline.rule)):
            times[deadline.rule] = min(due, datetime.fromisoformat(stored)).isoformat()
    return deadline_values(entry, times_from_answers(form, entry.row, days, times, met))


def find_met_rules(conn: Connection, entry_id: str) -> set[str]:
    """Return the rules of an entry's duties that a person has said to be met."""
    rows = select(met_duty.c.rule, met_duty.c.is_met).where(met_duty.c.entry == entry_id)
    latest = {row.rule: row.is_met for row in conn.execute(rows.order_by(met_duty.c.id))}
    return {rule for rule, is_met in latest.items() if is_met}


def _rules_without_duty(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> set[str]:
    """Return the rules by which settled answers say that nothing has to be done."""
    settled = {name: each.answer.value for name, each in answers.items() if each.is_settled}
    return {
        deadline.rule
        for deadline in form.all_deadlines
        for column, value in deadline.unless.items()
        if settled.get(deadline_field(form, entry.row, column).name) == value
    }


def deadline_values(entry: Entry, times: DeadlineTimes) -> dict[str, Any]:
    """Return the columns of an entry's open deadlines."""
    due = nearest_due(times, entry.created_at)
    last_day = swedish_day(due).isoformat() if due else paper.NO_DEADLINE
    return {"deadlines": dict(times), "due_at": due, "due_on": last_day}


def is_day(value: Value) -> bool:
    """Return whether a value is a day, YYYY-MM-DD."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _queue_place(form: Form, entry: Entry, readings: Mapping[str, Reading]) -> dict[str, Any]:
    """Return the columns of an entry's place in the queue, as far as readings are confident."""
    day, clock, pid = (
        _confident_text(form.meaning(means, entry.row), readings)
        for means in (Meaning.EVENT_DATE, Meaning.EVENT_TIME, Meaning.CLIENT_PID)
    )
    day = entry.event_on or (day if is_day(day) else "")
    # Where no day was read, the day of import counts
    happened = day or swedish_day(entry.created_at).isoformat()
    likely = entry.client_pid or pid
    values: dict[str, Any] = {
        "event_on": day or None,
        "likely_pid": likely,
        "happened": f"{happened} {clock}"[:16].strip(),
        "first_on": happened,
        "last_on": happened,
        "due_on": paper.NO_DEADLINE,
        "author_key": _author_key(form, entry, readings),
    }
    if form.all_deadlines:
        # Without a confident day the deadline may have passed already, so it is due at once
        times = times_from_readings(form, entry.row, _read_days(form, entry.row, readings))
        values |= deadline_values(entry, times)
    return values


def _author_key(form: Form, entry: Entry, readings: Mapping[str, Reading]) -> str:
    """Return the author as read, in small letters: name, else initials, else nothing.

    It only groups the queue, so that an uncertain reading does no harm.
    """
    for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
        spec = form.meaning(means, entry.row)
        reading = readings.get(spec.name) if spec else None
        if reading and reading.state is State.READ and isinstance(reading.value, str):
            return " ".join(reading.value.split()).casefold()[:_MAX_AUTHOR_KEY]
    return ""


def _read_days(
    form: Form, row: int | None, readings: Mapping[str, Reading]
) -> dict[str, date | None]:
    """Return the days that deadlines run from, as far as readings are confident."""
    days: dict[str, date | None] = {}
    for deadline in form.all_deadlines:
        spec = deadline_field(form, row, deadline.day)
        reading = readings.get(spec.name)
        if is_day(text := _confident_text(spec, readings)):
            days[spec.name] = date.fromisoformat(text)
        elif reading and reading.state is State.EMPTY and reading.p >= UNREVIEWED_VALUE_FROM:
            days[spec.name] = None
    return days


def _align_client_entries(conn: Connection, unit: str, pid: str) -> None:
    """Let a client's open entries of a unit share their first and last day."""
    lock_keys(conn, f"client {unit} {pid}")
    # Open entries of the client; the second condition lets the partial index be used
    is_of_client = (
        _entry_table.c.likely_pid == pid,
        _entry_table.c.likely_pid != paper.NO_CLIENT,
        _entry_table.c.unit == unit,
        _entry_table.c.state.in_(paper.OPEN_STATES),
    )
    first, last = conn.execute(
        select(func.min(_entry_table.c.happened), func.max(_entry_table.c.happened)).where(
            *is_of_client
        )
    ).one()
    days = {"first_on": first[_DATE_PART], "last_on": last[_DATE_PART]}
    differs = or_(*(_entry_table.c[name] != value for name, value in days.items()))
    conn.execute(update(_entry_table).where(*is_of_client, differs).values(days))


def _confident_text(spec: FieldSpec | None, readings: Mapping[str, Reading]) -> str:
    """Return the text of a reading that needs no review to order the queue, else an empty one."""
    reading = readings.get(spec.name) if spec else None
    is_confident = (
        reading is not None
        and reading.state is State.READ
        and reading.p >= UNREVIEWED_VALUE_FROM
        and isinstance(reading.value, str)
    )
    return str(reading.value) if is_confident and reading else ""
