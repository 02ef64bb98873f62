"""Legal duties of entries: which are open, and that a person says that one is met.

A duty lives from when the paper says so until a person says that it is met, whatever became of the
entry since. What is said is a row that is only added; it is taken back by another row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select, update

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.duties import (
    UNCERTAIN,
    DeadlineTimes,
    MetHow,
    deadline_field,
    open_duties,
)
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.accounts.people import names_by_login
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    OPEN_STATES,
    Entry,
    entry_form,
    load_entry,
    load_visible_entry,
)
from pipeline.store.entries.queue_order import (
    deadline_values,
    decided_due_time,
    find_met_rules,
    is_day,
)
from pipeline.store.entries.triage import sort_entry
from pipeline.store.event_log.events import record
from pipeline.store.exports.records import load_answers
from pipeline.store.schema import paper
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.review import met_duty
from pipeline.store.schema.tally import HAS_DUE, IS_NOBODYS

_entry_table = paper.entry
_PAPER_COLUMNS = tuple(
    _entry_table.c[name] for name in ("id", "serial", "form", "version", "unit", "row")
)
_IS_VALID = and_(
    _entry_table.c.state.in_([state.value for state in DECIDED_STATES]),
    _entry_table.c.voided.is_(None),
)


@dataclass(frozen=True, slots=True)
class MetAnswer:
    """How a duty was met, on which day, and by which entry if it was a later paper."""

    how: MetHow
    day: date
    paper: str | None = None


@dataclass(frozen=True, slots=True)
class LaterPaper:
    """An entry of the same person whose paper says on which day a duty was done."""

    entry_id: str
    serial: str
    form: str
    version: int
    day: date

    @property
    def answer(self) -> MetAnswer:
        """What a person says who agrees."""
        return MetAnswer(MetHow.PAPER, self.day, self.entry_id)


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty of an entry. `due_at` is None where the day that its time runs from is not certain.

    `proposal` is the paper of the same person that says the duty to be done.
    """

    entry_id: str
    rule: str
    serial: str
    form: str
    version: int
    unit: str
    due_at: datetime | None
    proposal: LaterPaper | None = None


@dataclass(frozen=True, slots=True)
class MetDuty:
    """That a person said a duty to be met; `by` is the person's name."""

    duty: Duty
    answer: MetAnswer
    by: str
    at: datetime


def list_duties(
    conn: Connection, forms: Forms, person: Person, entry_ids: Sequence[str] | None = None
) -> list[Duty]:
    """Return the open duties that the person may say to be met: uncertain ones, then the nearest.

    Args:
        entry_ids: the entries that are asked about, else all of them.

    Raises:
        NotAllowedError: the person may not say that duties are met.
    """
    require_permission(person, Action.DUTY)
    asked: ColumnElement[bool] = HAS_DUE
    if entry_ids is not None:
        asked = and_(asked, _entry_table.c.id.in_(entry_ids))
    query = select(*_PAPER_COLUMNS, _entry_table.c.deadlines).where(
        asked, ~IS_NOBODYS, visibility.visible_entries_condition(conn, person, Action.DUTY)
    )
    duties = [
        Duty(
            row.id,
            rule,
            row.serial or "",
            row.form,
            row.version,
            row.unit,
            None if time == UNCERTAIN else datetime.fromisoformat(time),
        )
        for row in conn.execute(query)
        for rule, time in open_duties(forms.get((row.form, row.version)), row.deadlines).items()
    ]
    return sorted(
        _with_proposals(conn, forms, person, duties),
        key=lambda duty: (
            duty.due_at is not None,
            duty.due_at.timestamp() if duty.due_at else 0,
            duty.unit,
            duty.entry_id,
        ),
    )


def _with_proposals(
    conn: Connection, forms: Forms, person: Person, duties: Sequence[Duty]
) -> list[Duty]:
    """Return the duties with the first decided paper of the same person that says each to be done.

    Its day is not before the event that the duty is from. A paper that says from which day the time
    runs is about that event alone: of three reports an assessment meets the one that it names.
    """
    table, ids = _entry_table.c, sorted({duty.entry_id for duty in duties})
    columns = (table.id, table.form, table.version, table.row, table.client_pid, table.event_on)
    heads = {
        row.id: row
        for part in chunk_ids(ids)
        for row in conn.execute(select(*columns).where(table.id.in_(part)))
    }
    answers = load_answers(conn, ids, {})
    pids = sorted({head.client_pid for head in heads.values() if head.client_pid})
    # What the papers of these clients say, by client and rule
    said: dict[tuple[str, str], list[tuple[LaterPaper, Mapping[str, date]]]] = defaultdict(list)
    for part in chunk_ids(pids):
        for pid, rule, later, since in _list_met_by_paper(conn, forms, person, part):
            said[pid, rule].append((later, since))

    def proposal(duty: Duty) -> LaterPaper | None:
        head = heads[duty.entry_id]
        form = forms.get((head.form, head.version))
        mine = _first_days(form, head.row, answers[duty.entry_id]) if form else {}
        return next(
            (
                later
                for later, since in said.get((head.client_pid, duty.rule), ())
                if later.entry_id != duty.entry_id
                and (head.event_on or "") <= later.day.isoformat()
                and all(since[rule] == mine[rule] for rule in since.keys() & mine.keys())
            ),
            None,
        )

    return [replace(duty, proposal=proposal(duty)) for duty in duties]


def _list_met_by_paper(
    conn: Connection, forms: Forms, person: Person, pids: Sequence[str]
) -> Iterator[tuple[str, str, LaterPaper, Mapping[str, date]]]:
    """Yield client, rule, paper and the first days it names for each duty that it says is done."""
    meeting = {
        key: [one for one in form.all_deadlines if one.met is not None]
        for key, form in forms.items()
    }
    names = sorted({form_id for (form_id, _), deadlines in meeting.items() if deadlines})
    query = select(*_PAPER_COLUMNS, _entry_table.c.client_pid).where(
        _entry_table.c.client_pid.in_(pids),
        _entry_table.c.form.in_(names),
        _IS_VALID,
        visibility.visible_entries_condition(conn, person, Action.DUTY),
    )
    rows = conn.execute(query.order_by(_entry_table.c.event_on, _entry_table.c.id)).all()
    answers = load_answers(conn, [row.id for row in rows], {})
    for row in rows:
        deadlines = meeting.get((row.form, row.version))
        if not deadlines:
            continue
        form, said = forms[row.form, row.version], answers[row.id]
        since = _first_days(form, row.row, said)
        for deadline in deadlines:
            day = _answered_day(form, row.row, str(deadline.met), said)
            # What is planned is not done
            if day is not None and day <= today_in_sweden():
                later = LaterPaper(row.id, row.serial or "", row.form, row.version, day)
                yield row.client_pid, deadline.rule, later, since


def _first_days(form: Form, row: int | None, answers: Mapping[str, Answer]) -> dict[str, date]:
    """Return the day that each time of an entry runs from, by rule, where the paper says it."""
    days = {
        deadline.rule: _answered_day(form, row, deadline.day, answers)
        for deadline in form.all_deadlines
        if deadline.after is None
    }
    return {rule: day for rule, day in days.items() if day is not None}


def _answered_day(
    form: Form, row: int | None, column: str, answers: Mapping[str, Answer]
) -> date | None:
    answer = answers.get(deadline_field(form, row, column).name)
    return date.fromisoformat(str(answer.value)) if answer and is_day(answer.value) else None


def find_paper_of_same_person(conn: Connection, person: Person, entry_id: str, serial: str) -> str:
    """Return the entry of another sheet of the same person, by the serial on the paper.

    Raises:
        NotAllowedError: the person may not do so with this entry.
        ReviewError: there is no such paper of the same person.
    """
    entry = load_visible_entry(conn, person, Action.DUTY, entry_id)
    table = _entry_table.c
    query = select(table.id).where(
        table.serial == serial,
        table.client_pid == entry.client_pid,
        table.id != entry_id,
        _IS_VALID,
        visibility.visible_entries_condition(conn, person, Action.DUTY),
    )
    found: str | None = conn.execute(query.order_by(table.id).limit(1)).scalar()
    if found is None:
        raise ReviewError("duty_other_paper")
    return found


def meet_duty(
    conn: Connection,
    forms: Forms,
    person: Person,
    duty: tuple[str, str],
    met: MetAnswer,
    now: datetime,
) -> None:
    """Note that a duty, an entry and a rule, is met.

    Raises:
        NotAllowedError: the person may not do so with this entry, or with the later paper.
        ReviewError: the duty is met already, the day is to come or before the event, or the paper
            is another person's.
    """
    entry_id, rule = duty
    lock_keys(conn, f"duty {entry_id}")
    entry = load_visible_entry(conn, person, Action.DUTY, entry_id)
    times = open_duties(entry_form(forms, entry), entry.deadlines)
    if rule not in times:
        raise ReviewError("duty_met_already")
    if met.day > swedish_day(now):
        raise ReviewError("duty_day_ahead")
    if entry.event_on and met.day.isoformat() < entry.event_on:
        raise ReviewError("duty_day_before")
    if (met.paper is not None) != (met.how is MetHow.PAPER):
        raise ReviewError("duty_other_paper")
    if met.paper is not None:
        later = load_entry(conn, met.paper)
        visibility.require_visible_entry(conn, person, Action.DUTY, later)
        if later.id == entry_id or not later.client_pid or later.client_pid != entry.client_pid:
            raise ReviewError("duty_other_paper")
    values = {
        "entry": entry_id,
        "rule": rule,
        "how": met.how.value,
        "day": met.day.isoformat(),
        "paper": met.paper,
        "due": times[rule],
    }
    conn.execute(insert(met_duty).values({**values, "is_met": True, "by": person.login, "at": now}))
    _refresh_deadlines(conn, forms, entry, entry.deadlines or {})
    record(
        conn, person.login, "meet_duty", entry_id, unit=entry.unit, rules=rule, kind=met.how.value
    )


def retract_met_duty(
    conn: Connection, forms: Forms, person: Person, duty: tuple[str, str], now: datetime
) -> None:
    """Take back that a duty, an entry and a rule, is met: it is open again.

    Raises:
        NotAllowedError: the person may not do so with this entry.
        ReviewError: it is taken back already.
    """
    entry_id, rule = duty
    lock_keys(conn, f"duty {entry_id}")
    entry = load_visible_entry(conn, person, Action.DUTY, entry_id)
    if rule not in find_met_rules(conn, entry_id):
        raise ReviewError("undone_already")
    table = met_duty.c
    columns = (table.entry, table.rule, table.how, table.day, table.paper, table.due)
    of_rule = select(*columns).where(table.entry == entry_id, table.rule == rule)
    row = conn.execute(of_rule.order_by(table.id.desc()).limit(1)).mappings().one()
    conn.execute(insert(met_duty).values({**row, "is_met": False, "by": person.login, "at": now}))
    _refresh_deadlines(conn, forms, entry, {**(entry.deadlines or {}), rule: row["due"]})
    record(conn, person.login, "retract_met_duty", entry_id, unit=entry.unit, rules=rule)


def reopen_duties(conn: Connection, person: Person, entry_id: str, now: datetime) -> None:
    """Take back what was met by a paper that does not hold any more, when either has changed.

    It was rejected or made void, or the two are not of the same person now.
    """
    table, later = met_duty.c, met_duty.alias().c
    is_changed = exists().where(
        later.entry == table.entry, later.rule == table.rule, later.id > table.id
    )
    query = select(table.entry, table.rule, table.how, table.day, table.paper, table.due).where(
        or_(table.paper == entry_id, and_(table.entry == entry_id, table.paper.is_not(None))),
        table.is_met,
        ~is_changed,
    )
    for row in conn.execute(query).mappings().all():
        entry, by = load_entry(conn, row["entry"]), load_entry(conn, row["paper"])
        is_valid = by.state in DECIDED_STATES and by.voided is None
        if is_valid and by.client_pid == entry.client_pid:
            continue
        values = {**row, "is_met": False, "by": person.login, "at": now}
        conn.execute(insert(met_duty).values(values))
        times = {**(entry.deadlines or {}), row["rule"]: row["due"]}
        columns = deadline_values(entry, times)
        conn.execute(update(_entry_table).where(_entry_table.c.id == entry.id).values(columns))
        record(conn, person.login, "retract_met_duty", entry.id, unit=entry.unit, rules=row["rule"])


def list_met_duties(
    conn: Connection, person: Person, entry_id: str | None = None, limit: int = 200
) -> list[MetDuty]:
    """Return the duties that people have said to be met, newest first.

    Args:
        entry_id: the entry that is asked about, else all that the person may see.

    Raises:
        NotAllowedError: the person may not say that duties are met.
    """
    require_permission(person, Action.DUTY)
    table, later = met_duty.c, met_duty.alias().c
    is_changed = exists().where(
        later.entry == table.entry, later.rule == table.rule, later.id > table.id
    )
    query = (
        select(*_PAPER_COLUMNS, *(c for c in met_duty.c if c.name != "id"))
        .join_from(met_duty, _entry_table, _entry_table.c.id == table.entry)
        .where(
            table.is_met,
            ~is_changed,
            visibility.visible_entries_condition(conn, person, Action.DUTY),
            *([table.entry == entry_id] if entry_id else []),
        )
        .order_by(table.id.desc())
        .limit(limit)
    )
    names = names_by_login(conn)
    return [
        MetDuty(
            Duty(
                row.entry,
                row.rule,
                row.serial or "",
                row.form,
                row.version,
                row.unit,
                None if row.due == UNCERTAIN else datetime.fromisoformat(row.due),
            ),
            MetAnswer(MetHow(row.how), date.fromisoformat(row.day), row.paper),
            names.get(row.by, row.by),
            row.at,
        )
        for row in conn.execute(query)
    ]


def _refresh_deadlines(conn: Connection, forms: Forms, entry: Entry, before: DeadlineTimes) -> None:
    """Compute the entry's open deadlines anew, and its place in the queue if it waits there."""
    form = entry_form(forms, entry)
    values = decided_due_time(conn, form, entry, decided_answers(conn, entry.id), before)
    if not values:  # the form names no deadlines any more: those that are stored stand
        met = find_met_rules(conn, entry.id)
        values = deadline_values(entry, {k: v for k, v in before.items() if k not in met})
    conn.execute(update(_entry_table).where(_entry_table.c.id == entry.id).values(values))
    if entry.state in OPEN_STATES:
        sort_entry(conn, forms, entry.id)
