"""The place of an entry in the queue: by risk first, then by day, and one client's notes together,
in the order in which they happened.

Lane 0 holds what has a legal deadline, the nearest first; then come the classes A, B and C.
Within a lane the days follow the setting `queue_order`. A client's open entries share the first
and the last of their days, so that they stand together, whichever way the days run.

What a manager pulls to the front of the queue: a client, a unit or a day. It holds for paper
that comes later too, until it is undone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
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

from pipeline.domain import permissions
from pipeline.domain.confidence import UNREVIEWED_VALUE_FROM
from pipeline.domain.dates import swedish_day
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.law.deadlines import due_at
from pipeline.domain.model import EntryState, Person, Reading, State, Value
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.accounts.protected_identity import find_hidden_pids
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.answers import DecidedAnswer, decided_answers
from pipeline.store.entries.entry import LANE_BY_CRITICALITY, Entry, list_sheet_entries, load_entry
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import find_client, strip_pid_separators
from pipeline.store.schema import paper
from pipeline.store.schema.review import pull

_entries_table = paper.entry
_entry_table = paper.entry
_DATE_PART = slice(0, 10)


_RANK_FRONT, _RANK_NORMAL = 0, 1


class PriorityKind(StrEnum):
    """What is pulled."""

    CLIENT = "client"
    UNIT = "unit"
    DAY = "day"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class PriorityOverride:
    """One pull that holds. `what` is a personal number (12 characters), a day (YYYY-MM-DD) or an
    entry's id, and empty for a whole unit.

    `waiting` is how many open entries it brings to the front now.
    """

    id: str
    kind: PriorityKind
    key: str
    unit: str
    by: str
    at: datetime
    waiting: int


def prioritize(
    conn: Connection, person: Person, kind: PriorityKind, unit: str, what: str, now: datetime
) -> PriorityOverride:
    """Let entries of a unit be reviewed before all others.

    Raises:
        NotAllowedError: the person may not do so in this unit.
        ReviewError: nothing is named, or this is pulled already.
    """
    permissions.require_permission(person, Action.PULL, unit)
    if kind is PriorityKind.ENTRY:
        visibility.require_visible_entry(conn, person, Action.PULL, load_entry(conn, what))
    what = _normalize_key(conn, kind, what)
    if not what and kind is not PriorityKind.UNIT:
        raise ReviewError("nothing_named_could_pulled_front")
    lock_keys(conn, f"pull {unit}")
    if any((held.kind, held.key) == (kind, what) for held in _active_overrides(conn, (unit,))):
        raise ReviewError("front_already")
    new = {
        "id": secrets.token_hex(8),
        "kind": kind.value,
        "what": what,
        "unit": unit,
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(pull).values(new))
    _update_rank(conn, _entries_table.c.unit == unit)
    record(conn, person.login, "pull_to_front", str(new["id"]), unit=unit, kind=kind.value)
    return next(held for held in _active_overrides(conn, (unit,)) if held.id == new["id"])


def undo_priority(conn: Connection, person: Person, pull_id: str, now: datetime) -> None:
    """Let what was pulled go back to its usual place, unless another pull holds it.

    Raises:
        NotAllowedError: the person may not do so in this unit.
        ReviewError: there is no such pull, or it is undone already.
    """
    unit = conn.execute(select(pull.c.unit).where(pull.c.id == pull_id)).scalar_one_or_none()
    if unit is None:
        raise ReviewError("nothing_undo")
    permissions.require_permission(person, Action.PULL, unit)
    lock_keys(conn, f"pull {unit}")
    ended = (
        update(pull)
        .where(pull.c.id == pull_id, pull.c.undone_at.is_(None))
        .values(undone_by=person.login, undone_at=now)
    )
    if not conn.execute(ended).rowcount:
        raise ReviewError("undone_already")
    _update_rank(conn, _entries_table.c.unit == unit)
    record(conn, person.login, "undo_pull", pull_id, unit=unit)


def list_priorities(conn: Connection, person: Person) -> list[PriorityOverride]:
    """What is at the front in the person's units, newest first; without the numbers of clients
    whose identity the person may not see.

    Raises:
        NotAllowedError: the person may not pull.
    """
    permissions.require_permission(person, Action.PULL)
    held = _active_overrides(conn, sorted(person.units))
    hidden = find_hidden_pids(conn, person, [one.key for one in held])
    return [replace(one, key="") if one.key in hidden else one for one in held]


def apply_priorities(conn: Connection, sheet: str) -> None:
    """Bring the entries of a sheet that has come to the front, if a pull that holds is about them."""
    _update_rank(conn, _entries_table.c.sheet == sheet)


def _normalize_key(conn: Connection, kind: PriorityKind, what: str) -> str:
    """What is meant, as the queue knows it; a client by any way to write the number."""
    if kind is PriorityKind.CLIENT:
        known = find_client(conn, what)
        return known.pid if known else strip_pid_separators(what)
    return "" if kind is PriorityKind.UNIT else what.strip()


def _active_overrides(
    conn: Connection, units: tuple[str, ...] | list[str]
) -> list[PriorityOverride]:
    waiting = (
        select(func.count())
        .select_from(_entries_table)
        .where(_override_condition, _entries_table.c.state.in_(paper.OPEN_STATES))
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
    rank = case(
        (exists().where(pull.c.undone_at.is_(None), _override_condition), _RANK_FRONT),
        else_=_RANK_NORMAL,
    )
    conn.execute(
        update(_entries_table).where(condition, _entries_table.c.rank != rank).values(rank=rank)
    )


_override_condition = and_(
    pull.c.unit == _entries_table.c.unit,
    or_(
        pull.c.kind == PriorityKind.UNIT.value,
        and_(pull.c.kind == PriorityKind.CLIENT.value, pull.c.what == _entries_table.c.likely_pid),
        and_(pull.c.kind == PriorityKind.DAY.value, pull.c.what == _entries_table.c.event_on),
        and_(pull.c.kind == PriorityKind.ENTRY.value, pull.c.what == _entries_table.c.id),
    ),
)
"""Whether a pull is about an entry."""


def set_queue_places(
    conn: Connection, form: Form, sheet: str, readings: Mapping[str, Reading]
) -> None:
    """Give the undecided entries of a sheet their place, from what the machine is sure of. What
    people have settled goes before.

    Raises:
        FormError: the form names a deadline that there is no rule for.
    """
    clients: set[tuple[str, str]] = set()
    for found in list_sheet_entries(conn, sheet):
        if found.state is EntryState.REVIEW:
            values = _queue_place(form, found, readings) | decided_due_time(
                form, found, decided_answers(conn, found.id)
            )
            conn.execute(update(_entry_table).where(_entry_table.c.id == found.id).values(values))
            clients.add((found.unit, values["likely_pid"]))
    for unit, pid in sorted(clients):
        if pid:
            _align_client_entries(conn, unit, pid)
    apply_priorities(conn, sheet)


def decided_due_time(
    form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]
) -> dict[str, datetime]:
    """When the entry is due by law, as column and value, if the form has a deadline and its day is
    settled.
    """
    spec = _deadline_field(form, entry.row)
    one = answers.get(spec.name) if spec else None
    if form.deadline is None or one is None or not one.is_settled or not is_day(one.answer.value):
        return {}
    return {"due_at": due_at(form.deadline.rule, date.fromisoformat(str(one.answer.value)))}


def is_day(value: Value) -> bool:
    """Whether a value is a day, YYYY-MM-DD."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _queue_place(form: Form, entry: Entry, readings: Mapping[str, Reading]) -> dict[str, Any]:
    day, clock, pid = (
        _confident_text(form.meaning(means, entry.row), readings)
        for means in (Meaning.EVENT_DATE, Meaning.EVENT_TIME, Meaning.CLIENT_PID)
    )
    day = entry.event_on or (day if is_day(day) else "")
    # A day that nobody has read is taken to be that on which the paper came in.
    happened = day or swedish_day(entry.created_at).isoformat()
    likely = entry.client_pid or pid
    values: dict[str, Any] = {
        "event_on": day or None,
        "likely_pid": likely,
        "happened": f"{happened} {clock}"[:16].strip(),
    }
    values |= {
        "first_on": happened,
        "last_on": happened,
        "lane": LANE_BY_CRITICALITY[entry.criticality],
    }
    if form.deadline is not None:
        from_day = _confident_text(_deadline_field(form, entry.row), readings)
        # If the day is not sure, the time may have run out already: then it is due at once.
        values |= {
            "lane": 0,
            "due_at": due_at(form.deadline.rule, date.fromisoformat(from_day))
            if is_day(from_day)
            else entry.created_at,
        }
    return values


def _align_client_entries(conn: Connection, unit: str, pid: str) -> None:
    """Let a client's open entries of a unit share their first and last day."""
    lock_keys(conn, f"client {unit} {pid}")
    theirs = (
        _entry_table.c.likely_pid == pid,
        _entry_table.c.likely_pid != paper.NO_CLIENT,
        _entry_table.c.unit == unit,
        _entry_table.c.state.in_(paper.OPEN_STATES),
    )
    first, last = conn.execute(
        select(func.min(_entry_table.c.happened), func.max(_entry_table.c.happened)).where(*theirs)
    ).one()
    days = {"first_on": first[_DATE_PART], "last_on": last[_DATE_PART]}
    other = or_(*(_entry_table.c[name] != value for name, value in days.items()))
    conn.execute(update(_entry_table).where(*theirs, other).values(days))


def _deadline_field(form: Form, row: int | None) -> FieldSpec | None:
    if form.deadline is None:
        return None
    own = [spec for spec in form.entry_fields(row) if spec.column == form.deadline.day]
    return max(own, key=lambda spec: spec.row is not None, default=None)


def _confident_text(spec: FieldSpec | None, readings: Mapping[str, Reading]) -> str:
    reading = readings.get(spec.name) if spec else None
    sure = (
        reading is not None
        and reading.state is State.READ
        and reading.p >= UNREVIEWED_VALUE_FROM
        and isinstance(reading.value, str)
    )
    return str(reading.value) if sure and reading else ""
