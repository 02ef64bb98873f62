"""The place of an entry in the queue: by risk first, then by day, and one client's notes together, in the order in which they happened.

Lane 0 holds what has a legal deadline, the nearest first; then come the classes A, B and C. Within a lane the days follow the setting `queue_order`.
A client's open entries share the first and the last of their days, so that they stand together, whichever way the days run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from pipeline.confidence import UNREVIEWED_VALUE_FROM
from pipeline.deadlines import due
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.model import EntryState, Reading, State, Value
from pipeline.store import tables
from pipeline.store.answers import Decided, decided
from pipeline.store.database import lock_keys
from pipeline.store.entries import LANES, Entry, entries_of
from pipeline.store.pulls import raise_pulled
from pipeline.swedish_time import swedish_day
from pipeline.template import Form

_entry = tables.entry
_DAY = slice(0, 10)


def note_places(conn: Connection, form: Form, sheet: str, readings: Mapping[str, Reading]) -> None:
    """Give the undecided entries of a sheet their place, from what the machine is sure of. What people have settled goes before.

    Raises:
        FormError: the form names a deadline that there is no rule for.
    """
    clients: set[tuple[str, str]] = set()
    for found in entries_of(conn, sheet):
        if found.state is EntryState.REVIEW:
            values = _place(form, found, readings) | due_when_decided(form, found, decided(conn, found.id))
            conn.execute(update(_entry).where(_entry.c.id == found.id).values(values))
            clients.add((found.unit, values["likely_pid"]))
    for unit, pid in sorted(clients):
        if pid:
            _keep_together(conn, unit, pid)
    raise_pulled(conn, sheet)


def due_when_decided(form: Form, found: Entry, answers: Mapping[str, Decided]) -> dict[str, datetime]:
    """When the entry is due by law, as column and value, if the form has a deadline and its day is settled."""
    spec = _deadline_field(form, found.row)
    one = answers.get(spec.name) if spec else None
    if form.deadline is None or one is None or not one.settled or not is_day(one.answer.value):
        return {}
    return {"due_at": due(form.deadline.rule, date.fromisoformat(str(one.answer.value)))}


def is_day(value: Value) -> bool:
    """Whether a value is a day, YYYY-MM-DD."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _place(form: Form, found: Entry, readings: Mapping[str, Reading]) -> dict[str, Any]:
    day, clock, pid = (_sure(form.meaning(means, found.row), readings) for means in (Meaning.EVENT_DATE, Meaning.EVENT_TIME, Meaning.CLIENT_PID))
    day = found.event_on or (day if is_day(day) else "")
    # A day that nobody has read is taken to be that on which the paper came in.
    happened = day or swedish_day(found.created_at).isoformat()
    likely = found.client_pid or pid
    values: dict[str, Any] = {"event_on": day or None, "likely_pid": likely, "happened": f"{happened} {clock}"[:16].strip()}
    values |= {"first_on": happened, "last_on": happened, "lane": LANES[found.criticality]}
    if form.deadline is not None:
        from_day = _sure(_deadline_field(form, found.row), readings)
        # If the day is not sure, the time may have run out already: then it is due at once.
        values |= {"lane": 0, "due_at": due(form.deadline.rule, date.fromisoformat(from_day)) if is_day(from_day) else found.created_at}
    return values


def _keep_together(conn: Connection, unit: str, pid: str) -> None:
    """Let a client's open entries of a unit share their first and last day."""
    lock_keys(conn, f"client {unit} {pid}")
    theirs = (_entry.c.likely_pid == pid, _entry.c.likely_pid != tables.NOBODY, _entry.c.unit == unit, _entry.c.state.in_(tables.OPEN_STATES))
    first, last = conn.execute(select(func.min(_entry.c.happened), func.max(_entry.c.happened)).where(*theirs)).one()
    days = {"first_on": first[_DAY], "last_on": last[_DAY]}
    other = or_(*(_entry.c[name] != value for name, value in days.items()))
    conn.execute(update(_entry).where(*theirs, other).values(days))


def _deadline_field(form: Form, row: int | None) -> FieldSpec | None:
    if form.deadline is None:
        return None
    own = [spec for spec in form.entry_fields(row) if spec.column == form.deadline.day]
    return max(own, key=lambda spec: spec.row is not None, default=None)


def _sure(spec: FieldSpec | None, readings: Mapping[str, Reading]) -> str:
    reading = readings.get(spec.name) if spec else None
    sure = reading is not None and reading.state is State.READ and reading.p >= UNREVIEWED_VALUE_FROM and isinstance(reading.value, str)
    return str(reading.value) if sure and reading else ""
