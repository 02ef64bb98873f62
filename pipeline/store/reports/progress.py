"""What the overview counts, one statement a question, of whole units: no names, no numbers, no
text, and never who did it.

Moments are grouped by the hour in UTC, so that a day's work is a few rows and not one an entry;
Swedish days begin on a whole hour.

Open entries with a legal deadline, for whoever minds the queue. Counts only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    case,
    cast,
    distinct,
    exists,
    func,
    not_,
    null,
    or_,
    select,
    type_coerce,
)

from pipeline.domain.form.form import Subject
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.review.rules import GAPLESS_REASONS
from pipeline.store.accounts import visibility
from pipeline.store.database.clock import UtcDateTime
from pipeline.store.paper import pages as paper_pages
from pipeline.store.paper.pages import count_where, is_interrupted_condition
from pipeline.store.reports.entry_counts import CONFIRMED_STATES, ENDED_STATES
from pipeline.store.schema import exports, paper
from pipeline.store.schema.review import entry_version, look

_HOUR_LENGTH = 13
"""Characters of a moment up to its hour."""
_OPEN_STATE_VALUES = [
    state.value for state in EntryState if state not in {EntryState.RECEIPTED, EntryState.REJECTED}
]
_entry_table = paper.entry


_entries_table, _page_table, _item_table, _receipt_table = (
    paper.entry,
    paper.page,
    exports.export_item,
    exports.receipt,
)


IS_GAP = and_(
    _entries_table.c.state == EntryState.REJECTED.value,
    _entries_table.c.voided.is_(None),
    _entries_table.c.reason.not_in(sorted(GAPLESS_REASONS)),
)


IS_NOT_ENTERED = or_(
    and_(_entries_table.c.state.in_(_OPEN_STATE_VALUES), _entries_table.c.voided.is_(None)), IS_GAP
)
"""What the care system does not have yet, or has not said that it has; also paper put aside, such
as illegible, that nobody has dealt with. Not what is void and on its way to be withdrawn there:
nothing of it is to be entered.
"""


_IS_ABOUT_NOBODY = and_(
    _entries_table.c.subject == Subject.NONE.value, _entries_table.c.state.in_(CONFIRMED_STATES)
)


CLIENT_KEY = func.coalesce(
    _entries_table.c.client_pid,
    case((not_(_IS_ABOUT_NOBODY), func.nullif(_entries_table.c.likely_pid, ""))),
)
"""Whom an entry is about or, until people have said that it is about nobody, whom the machine takes
it to be about.
"""


@dataclass(frozen=True, slots=True)
class PageCount:
    """Pages of one unit and form; the form is empty where it is not known. `pages` = `done` +
    `waiting` + `failed`.
    """

    unit: str
    form: str
    pages: int
    done: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class UnitCount:
    """What of a unit is not in the care system: persons with paper of class A (whom the entry is
    taken to be about), and the oldest event.
    """

    unit: str
    persons_a: int
    entries: int
    oldest_event: str | None


@dataclass(frozen=True, slots=True)
class UnansweredRun:
    """An export run that some of a unit's entries have had no receipt of."""

    id: str
    target: str
    made_at: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class HourOfWork:
    """What one person did in one hour (UTC): entries on the screen, their fields, and seconds.
    `who` serves counting heads only.
    """

    hour: datetime
    person_key: str
    entries: int
    fields: int
    seconds: float


def count_pages_by_form(conn: Connection, units: Collection[str]) -> list[PageCount]:
    """Pages by unit and form. The three states are counted each by itself."""
    keys = (_page_table.c.unit, func.coalesce(_page_table.c.form, "").label("form"))
    grouped = select(
        *keys,
        paper_pages.is_done.label("done"),
        paper_pages.is_waiting.label("waiting"),
        paper_pages.is_failed.label("failed"),
    )
    inner = grouped.where(_page_table.c.unit.in_(sorted(units))).subquery()
    found = (inner.c.unit, inner.c.form)
    counts = [count_where(inner.c[name]) for name in ("done", "waiting", "failed")]
    return [
        PageCount(*row)
        for row in conn.execute(
            select(*found, func.count(), *counts).group_by(*found).order_by(*found)
        )
    ]


def count_not_entered(conn: Connection, units: Collection[str]) -> list[UnitCount]:
    """By unit, what the care system does not have."""
    persons = func.count(distinct(case((_entries_table.c.criticality == "A", CLIENT_KEY))))
    query = (
        select(_entries_table.c.unit, persons, func.count(), func.min(_entries_table.c.event_on))
        .group_by(_entries_table.c.unit)
        .order_by(_entries_table.c.unit)
    )
    return [
        UnitCount(*row)
        for row in conn.execute(
            query.where(_entries_table.c.unit.in_(sorted(units)), IS_NOT_ENTERED)
        )
    ]


def count_due_entries(
    conn: Connection,
    units: Collection[str],
    limits: Mapping[str, tuple[datetime | None, datetime | None]],
) -> dict[str, dict[str, int]]:
    """Entries with a legal deadline that are open, or put aside and not dealt with, by unit and by
    how long there is left: name → due from a moment until before another.
    """
    due = _entries_table.c.due_at
    conditions = [_is_within(due, *ends) for ends in limits.values()]
    query = select(_entries_table.c.unit, *map(count_where, conditions)).where(
        _entries_table.c.unit.in_(sorted(units)),
        or_(_entries_table.c.state.in_(paper.OPEN_STATES), IS_GAP),
        due.is_not(None),
    )
    return {
        row[0]: dict(zip(limits, row[1:], strict=True))
        for row in conn.execute(
            query.group_by(_entries_table.c.unit).order_by(_entries_table.c.unit)
        )
    }


def count_second_reviews(conn: Connection, units: Collection[str]) -> dict[str, tuple[int, int]]:
    """By class: how many entries are confirmed, and how many of them by two people. What is void is
    no longer confirmed, whoever made it so.
    """
    query = (
        select(_entries_table.c.criticality, func.count(), func.count(_entries_table.c.second_by))
        .group_by(_entries_table.c.criticality)
        .order_by(_entries_table.c.criticality)
    )
    counted = query.where(
        _entries_table.c.unit.in_(sorted(units)),
        _entries_table.c.state.in_(CONFIRMED_STATES),
        _entries_table.c.voided.is_(None),
    )
    return {row[0]: (row[1], row[2]) for row in conn.execute(counted)}


def list_unanswered_runs(conn: Connection, units: Collection[str]) -> list[UnansweredRun]:
    """Export runs with entries of these units that still stand as exported and that no receipt has
    come for, oldest first.
    """
    run = exports.export_run.c
    answered, after = (
        and_(
            _receipt_table.c.entry == _item_table.c.entry,
            _receipt_table.c.revision == _item_table.c.revision,
        ),
        _item_table.alias(),
    )
    overtaken = exists().where(
        after.c.entry == _item_table.c.entry, after.c.revision > _item_table.c.revision
    )
    joined = (
        exports.export_run.join(_item_table, _item_table.c.run == run.id)
        .join(_entries_table, _entries_table.c.id == _item_table.c.entry)
        .outerjoin(_receipt_table, answered)
    )
    keys = (run.id, run.target, run.made_at)
    query = (
        select(*keys, func.count())
        .select_from(joined)
        .where(
            _entries_table.c.state == EntryState.EXPORTED.value,
            _receipt_table.c.entry.is_(None),
            ~overtaken,
        )
    )
    return [
        UnansweredRun(*row)
        for row in conn.execute(
            query.where(_entries_table.c.unit.in_(sorted(units)))
            .group_by(*keys)
            .order_by(run.made_at, run.id)
        )
    ]


def count_interrupted_batches(
    conn: Connection, units: Collection[str], now: datetime
) -> dict[str, int]:
    """How many stacks of each unit were not taken in to their end; units without any are left out."""
    batch = paper.batch
    joined = batch.outerjoin(_page_table, _page_table.c.batch == batch.c.id)
    cut = (
        select(batch.c.unit, batch.c.id)
        .select_from(joined)
        .where(batch.c.unit.in_(sorted(units)))
        .group_by(batch.c.unit, batch.c.id)
    )
    found = cut.having(is_interrupted_condition(now)).subquery()
    query = select(found.c.unit, func.count()).group_by(found.c.unit).order_by(found.c.unit)
    return {row[0]: row[1] for row in conn.execute(query)}


def list_hours_of_work(
    conn: Connection, units: Collection[str], since: datetime
) -> list[HourOfWork]:
    """Time on the screen since a moment, by hour and person: first and second reviews."""
    hour = _hour_expression(conn, look.c.at)
    inner = select(hour.label("hour"), look.c.login, look.c.fields, look.c.seconds).join(
        _entries_table, _entries_table.c.id == look.c.entry
    )
    work = inner.where(_entries_table.c.unit.in_(sorted(units)), look.c.at > since).subquery()
    keys = (work.c.hour, work.c.login)
    query = (
        select(*keys, func.count(), func.sum(work.c.fields), func.sum(work.c.seconds))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        HourOfWork(_parse_hour(row[0]), row[1], row[2], int(row[3]), float(row[4]))
        for row in conn.execute(query)
    ]


def count_created_by_hour(
    conn: Connection, units: Collection[str], since: datetime
) -> dict[datetime, int]:
    """How many entries the reading made in each hour since a moment."""
    return _count_by_hour(
        conn,
        _entries_table.c.created_at,
        and_(_entries_table.c.unit.in_(sorted(units)), _entries_table.c.created_at > since),
    )


def count_ended_by_hour(
    conn: Connection, units: Collection[str], since: datetime
) -> dict[datetime, int]:
    """How many entries were confirmed or rejected in each hour since a moment. A correction, or
    making one void, ends nothing a second time.
    """
    version, touched = (
        entry_version.c,
        func.coalesce(_entries_table.c.second_at, _entries_table.c.first_at) > since,
    )
    ended = (
        select(version.entry, func.min(version.at).label("at"))
        .join(_entries_table, _entries_table.c.id == version.entry)
        .where(version.state.in_(ENDED_STATES), touched)
    )
    once = ended.group_by(version.entry).subquery()
    lately = and_(once.c.entry == _entries_table.c.id, once.c.at > since)
    return _count_by_hour(
        conn,
        once.c.at,
        and_(
            lately,
            _entries_table.c.unit.in_(sorted(units)),
            _entries_table.c.state.in_(ENDED_STATES),
        ),
    )


def count_scanned_by_hour(
    conn: Connection, units: Collection[str], since: datetime
) -> dict[datetime, int]:
    """How many pages came in in each hour since a moment."""
    return _count_by_hour(
        conn,
        _page_table.c.scanned_at,
        and_(_page_table.c.unit.in_(sorted(units)), _page_table.c.scanned_at > since),
    )


def _count_by_hour(
    conn: Connection, moment: ColumnElement[Any], condition: ColumnElement[bool]
) -> dict[datetime, int]:
    hours = select(_hour_expression(conn, moment).label("hour")).where(condition).subquery()
    return {
        _parse_hour(row[0]): row[1]
        for row in conn.execute(
            select(hours.c.hour, func.count()).group_by(hours.c.hour).order_by(hours.c.hour)
        )
    }


def _hour_expression(conn: Connection, moment: ColumnElement[Any]) -> ColumnElement[str]:
    in_utc = func.timezone("UTC", moment) if conn.dialect.name == "postgresql" else moment
    return func.substr(cast(in_utc, String), 1, _HOUR_LENGTH)


def _parse_hour(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)


def _is_within(
    due: ColumnElement[datetime], first: datetime | None, before: datetime | None
) -> ColumnElement[bool]:
    return and_(
        due.is_not(None), *([due >= first] if first else []), *([due < before] if before else [])
    )


@dataclass(frozen=True, slots=True)
class DeadlineCount:
    """Entries of one form and unit that are due at the same moment; `at` is None where the day that
    the time runs from is not sure.
    """

    due_at: datetime | None
    unit: str
    form: str
    version: int
    entries: int


def list_open_deadlines(conn: Connection, person: Person) -> list[DeadlineCount]:
    """What is due by law in the person's units and areas of law and not decided, or put aside and
    not dealt with; at once first, then the nearest.

    Raises:
        NotAllowedError: the person may not pull entries to the front.
    """
    require_permission(person, Action.PULL)
    due = _entry_table.c.due_at
    sure = case((due == _entry_table.c.created_at, null()), else_=due)
    at = type_coerce(sure, UtcDateTime).label("at")
    keys = (at, _entry_table.c.unit, _entry_table.c.form, _entry_table.c.version)
    query = select(*keys, func.count()).where(
        due.is_not(None),
        or_(_entry_table.c.state.in_(paper.OPEN_STATES), IS_GAP),
        visibility.visible_entries_condition(conn, person),
    )
    order = (at.is_not(None), at, _entry_table.c.unit, _entry_table.c.form)
    return [DeadlineCount(*row) for row in conn.execute(query.group_by(*keys).order_by(*order))]
