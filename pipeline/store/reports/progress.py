"""Counts for the overview, one statement a question, of whole units.

They contain no names, numbers or texts, and never who did the work. Moments are grouped by the hour
in UTC, so that a day's work is a few rows and not one per entry; Swedish days begin on a whole
hour.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection
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
    or_,
    select,
)

from pipeline.domain.law.duties import UNCERTAIN, is_duty
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.store.entries.entry import CLIENT_KEY, CONFIRMED_STATES
from pipeline.store.exports.run_items import RECEIPT_JOIN, ROUTE_NAME, is_current_item
from pipeline.store.exports.runs import IS_DELIVERED, Finding
from pipeline.store.paper.intake.stacks import is_interrupted_condition
from pipeline.store.paper.tallies import list_entry_tallies, list_page_tallies
from pipeline.store.reports.entry_counts import ENDED_STATES
from pipeline.store.schema import exports, paper
from pipeline.store.schema.review import look
from pipeline.store.schema.tally import (
    DONE,
    FAILED,
    HAS_DUE,
    IS_COMING,
    IS_GAP,
    IS_LIVE_PAGE,
    IS_NOBODYS,
    IS_UNRECEIPTED,
    WAITING,
    WAS_ENDED,
)

_entry_table, _page_table = paper.entry, paper.page
_item_table, _receipt_table = exports.export_item, exports.receipt
_HOUR_LENGTH = 13
"""Number of characters of a moment up to its hour."""
_OPEN_STATE_VALUES = [
    state.value for state in EntryState if state not in {EntryState.RECEIPTED, EntryState.REJECTED}
]
IS_NOT_ENTERED = and_(
    IS_UNRECEIPTED,
    or_(
        and_(_entry_table.c.state.in_(_OPEN_STATE_VALUES), _entry_table.c.voided.is_(None)), IS_GAP
    ),
)
"""What the care system does not have, or has not confirmed, and rejected paper that leaves a gap.

Void entries that are to be withdrawn in the care system are not among them.
"""
DANGERS = {
    "acute": ("akut",),
    "allergies": ("allergi",),
    "drugs": ("dos", "lakemedel", "lakemedel-ord"),
}
"""Dangers by name, with the rules of triage that find them (`data/triage.yaml`)."""
# An entry is receipted once every system that has it has said so.
_IS_UNANSWERED = and_(
    IS_UNRECEIPTED,
    _entry_table.c.state.in_(
        [state.value for state in (EntryState.CONFIRMED, EntryState.SIGNED, EntryState.EXPORTED)]
    ),
    _receipt_table.c.entry.is_(None),
)


@dataclass(frozen=True, slots=True)
class PageCount:
    """Pages of one unit and form; the form is empty where it is not known.

    `pages` = `done` + `waiting` + `failed`.
    """

    unit: str
    form: str
    pages: int
    done: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class UnitCount:
    """What of a unit is not in the care system.

    `persons_a` are the probable clients with paper of class A; `oldest_event` is a day.
    """

    unit: str
    persons_a: int
    entries: int
    oldest_event: str | None


@dataclass(frozen=True, slots=True)
class UnansweredRun:
    """An export run for which some of a unit's entries have no receipt."""

    id: str
    target: str
    made_at: datetime
    entries: int
    route: str = ""


@dataclass(frozen=True, slots=True)
class UnprovenEntries:
    """How many entries of a route were sent and not receipted, and when the oldest was sent."""

    route: str
    entries: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class HourOfWork:
    """One person's work in one hour (UTC): entries on the screen, their fields, and seconds.

    `person_key` only serves to count persons.
    """

    hour: datetime
    person_key: str
    entries: int
    fields: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DeadlineCount:
    """Entries of one form and unit whose deadline by one rule ends at the same moment.

    `due_at` is None where the day that the time runs from is not certain. `rule` is empty where it
    is not known, as of entries of earlier versions; it is that of the form then.
    """

    due_at: datetime | None
    rule: str
    unit: str
    form: str
    version: int
    entries: int


def count_pages_by_form(conn: Connection, units: Collection[str]) -> list[PageCount]:
    """Count pages by unit and form; what is neither done nor failed is waiting."""
    groups = (_page_table.c.unit, _page_table.c.form, _page_table.c.standing)
    live = (
        select(*groups, func.count())
        .where(_page_table.c.unit.in_(sorted(units)), IS_LIVE_PAGE)
        .group_by(*groups)
    )
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for unit, form, standing, pages in conn.execute(live):
        counts[unit, form or ""][standing] += pages
    for one in list_page_tallies(conn, units):
        counts[one.unit, one.form][DONE] += one.pages
    return [
        PageCount(unit, form, of.total(), of[DONE], of[WAITING], of[FAILED])
        for (unit, form), of in sorted(counts.items())
        if of.total()
    ]


def count_not_entered(conn: Connection, units: Collection[str]) -> list[UnitCount]:
    """Count by unit what the care system does not have."""
    # Different clients with an entry of class A.
    persons = func.count(distinct(case((_entry_table.c.criticality == "A", CLIENT_KEY))))
    query = (
        select(_entry_table.c.unit, persons, func.count(), func.min(_entry_table.c.event_on))
        .group_by(_entry_table.c.unit)
        .order_by(_entry_table.c.unit)
    )
    return [
        UnitCount(*row)
        for row in conn.execute(query.where(_entry_table.c.unit.in_(sorted(units)), IS_NOT_ENTERED))
    ]


def count_dangers(conn: Connection, units: Collection[str]) -> dict[str, int]:
    """Count what the care system does not have and may hurt somebody, by the name of the danger.

    An entry counts for the first rule of triage that fits it, so that none counts twice; one with
    a legal deadline is among the deadlines.
    """
    query = select(*map(count_danger, DANGERS)).where(
        _entry_table.c.unit.in_(sorted(units)), IS_NOT_ENTERED
    )
    return dict(zip(DANGERS, conn.execute(query).one(), strict=True))


def count_danger(name: str) -> ColumnElement[int]:
    """Return the number of entries with a danger, for a query."""
    return func.count(case((_entry_table.c.triage.in_(DANGERS[name]), 1)))


def list_open_deadlines(conn: Connection, person: Person) -> list[DeadlineCount]:
    """Return the legal deadlines of the person's units: uncertain ones, then the nearest.

    An entry is counted once for each duty that nobody has said to be met, whatever its state.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    # Entries of one form and day often have the same deadlines: the database counts them.
    keys = (
        cast(_entry_table.c.deadlines, String).label("deadlines"),
        *(_entry_table.c[name] for name in ("unit", "form", "version")),
    )
    inner = select(*keys).where(
        HAS_DUE,
        ~IS_NOBODYS,
        _entry_table.c.unit.in_(sorted(permitted_units(person, Action.PROGRESS))),
    )
    groups = list(inner.subquery().c)
    columns: list[ColumnElement[Any]] = [*groups, func.count()]
    counts: Counter[tuple[str, str, str, str, int]] = Counter()
    for row in conn.execute(select(*columns).group_by(*groups)):
        deadlines, unit, form, version, entries = row
        for rule, time in (json.loads(deadlines or "{}") or {}).items():
            counts[time, rule, unit, form, version] += entries
    found = [
        DeadlineCount(
            None if time == UNCERTAIN else datetime.fromisoformat(time),
            rule,
            unit,
            form,
            version,
            entries,
        )
        for (time, rule, unit, form, version), entries in counts.items()
        # The time of an appeal is nobody's duty here.
        if is_duty(rule)
    ]
    return sorted(
        found,
        key=lambda one: (
            one.due_at is not None,
            one.due_at.timestamp() if one.due_at else 0,
            one.unit,
            one.form,
            one.rule,
        ),
    )


def count_second_reviews(conn: Connection, units: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return by class how many entries are confirmed, and how many of them by two people.

    Void entries are no longer confirmed.
    """
    query = (
        select(_entry_table.c.criticality, func.count(), func.count(_entry_table.c.second_by))
        .group_by(_entry_table.c.criticality)
        .order_by(_entry_table.c.criticality)
    )
    # Confirmed and valid entries of these units.
    counted = query.where(
        _entry_table.c.unit.in_(sorted(units)),
        _entry_table.c.state.in_(CONFIRMED_STATES),
        _entry_table.c.voided.is_(None),
        IS_UNRECEIPTED,
    )
    confirmed, twice = Counter[str](), Counter[str]()
    for criticality, entries, second in conn.execute(counted):
        confirmed[criticality] += entries
        twice[criticality] += second
    for one in list_entry_tallies(conn, units):
        if not one.is_void:
            confirmed[one.criticality] += one.entries
            twice[one.criticality] += one.is_second * one.entries
    return {name: (count, twice[name]) for name, count in sorted(confirmed.items()) if count}


def list_unanswered_runs(conn: Connection, units: Collection[str]) -> list[UnansweredRun]:
    """Return export runs with exported entries of these units without a receipt, oldest first."""
    return _list_runs(conn, units, _IS_UNANSWERED)


def _list_runs(
    conn: Connection, units: Collection[str], is_counted: ColumnElement[bool]
) -> list[UnansweredRun]:
    """Return the runs with current items of these units that meet a condition, oldest first."""
    run = exports.export_run.c
    joined = (
        exports.export_run.join(_item_table, _item_table.c.run == run.id)
        .join(_entry_table, _entry_table.c.id == _item_table.c.entry)
        .outerjoin(_receipt_table, RECEIPT_JOIN)
    )
    # Entries by their latest export in a route
    keys = (run.id, run.target, run.made_at, ROUTE_NAME.label("route"))
    query = (
        select(*keys[:3], func.count(), keys[3])
        .select_from(joined)
        .where(is_current_item(), is_counted)
    )
    return [
        UnansweredRun(*row)
        for row in conn.execute(
            query.where(_entry_table.c.unit.in_(sorted(units)))
            .group_by(run.id, run.target, run.made_at, run.route)
            .order_by(run.made_at, run.id)
        )
    ]


def count_unproven(
    conn: Connection, units: Collection[str], before: datetime
) -> list[UnprovenEntries]:
    """Count by route the entries of these units that were sent before a moment, without a proof.

    These have no receipt, or were looked for since and not found as they were sent: an answer alone
    says that they were taken. A file that nobody fetched is not sent. The routes with the most come
    first.
    """
    proof, latest = exports.export_proof.c, exports.export_proof.alias()
    is_of_item = (
        latest.c.run == _item_table.c.run,
        latest.c.entry == _item_table.c.entry,
        latest.c.revision == _item_table.c.revision,
    )
    newest = select(func.max(latest.c.id)).where(*is_of_item).correlate(_item_table)
    is_not_found = exists().where(
        proof.id == newest.scalar_subquery(), proof.found != Finding.SAME.value
    )
    # Few were looked for and not found: these are asked for, not all that have a receipt.
    was_missed = _item_table.c.entry.in_(
        select(latest.c.entry).where(latest.c.found != Finding.SAME.value)
    )
    by_route: dict[str, list[UnansweredRun]] = defaultdict(list)
    for is_unproven in (_IS_UNANSWERED, and_(_receipt_table.c.accepted, was_missed, is_not_found)):
        for run in _list_runs(conn, units, and_(is_unproven, IS_DELIVERED)):
            if run.made_at <= before:
                by_route[run.route].append(run)
    counted = (
        UnprovenEntries(route, sum(run.entries for run in runs), min(run.made_at for run in runs))
        for route, runs in by_route.items()
    )
    return sorted(counted, key=lambda each: (-each.entries, each.route))


def count_interrupted_batches(
    conn: Connection, units: Collection[str], now: datetime
) -> dict[str, int]:
    """Return how many batches of each unit were interrupted; units without any are left out."""
    batch = paper.batch
    joined = batch.outerjoin(_page_table, _page_table.c.batch == batch.c.id)
    # Batches of these units with their pages, for the condition on the latest page.
    batches = (
        select(batch.c.unit, batch.c.id)
        .select_from(joined)
        .where(batch.c.unit.in_(sorted(units)), IS_COMING)
        .group_by(batch.c.unit, batch.c.id)
    )
    interrupted = batches.having(is_interrupted_condition(now)).subquery()
    query = (
        select(interrupted.c.unit, func.count())
        .group_by(interrupted.c.unit)
        .order_by(interrupted.c.unit)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def list_hours_of_work(
    conn: Connection, units: Collection[str], since: datetime
) -> list[HourOfWork]:
    """Return the time on the screen since a moment, by hour and person.

    First and second reviews count alike.
    """
    hour = _hour_expression(conn, look.c.at)
    # The hour is computed in a subquery, so that it can be grouped by on both databases.
    inner = select(hour.label("hour"), look.c.login, look.c.fields, look.c.seconds).join(
        _entry_table, _entry_table.c.id == look.c.entry
    )
    work = inner.where(_entry_table.c.unit.in_(sorted(units)), look.c.at > since).subquery()
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
    """Return how many entries the reading made in each hour since a moment."""
    return _count_by_hour(
        conn,
        _entry_table.c.created_at,
        and_(_entry_table.c.unit.in_(sorted(units)), _entry_table.c.created_at > since),
    )


def count_ended_by_hour(
    conn: Connection, units: Collection[str], since: datetime
) -> dict[datetime, int]:
    """Return how many entries were confirmed or rejected in each hour since a moment.

    A correction, or voiding an entry, does not end it a second time.
    """
    ended_at, state = _entry_table.c.ended_at, _entry_table.c.state
    return _count_by_hour(
        conn,
        ended_at,
        and_(
            WAS_ENDED,
            ended_at > since,
            _entry_table.c.unit.in_(sorted(units)),
            # Of entries that are still confirmed or rejected.
            state.in_(ENDED_STATES),
        ),
    )


def count_scanned_by_hour(
    conn: Connection, units: Collection[str], since: datetime
) -> dict[datetime, int]:
    """Return how many pages came in each hour since a moment."""
    return _count_by_hour(
        conn,
        _page_table.c.scanned_at,
        and_(_page_table.c.unit.in_(sorted(units)), _page_table.c.scanned_at > since),
    )


def _count_by_hour(
    conn: Connection, moment: ColumnElement[Any], condition: ColumnElement[bool]
) -> dict[datetime, int]:
    """Return how many rows with the condition fall into each hour."""
    # The hour of each row with the condition, then counted.
    hours = select(_hour_expression(conn, moment).label("hour")).where(condition).subquery()
    return {
        _parse_hour(row[0]): row[1]
        for row in conn.execute(
            select(hours.c.hour, func.count()).group_by(hours.c.hour).order_by(hours.c.hour)
        )
    }


def _hour_expression(conn: Connection, moment: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the hour of a moment in UTC as text, such as "2026-01-31 09"."""
    in_utc = func.timezone("UTC", moment) if conn.dialect.name == "postgresql" else moment
    return func.substr(cast(in_utc, String), 1, _HOUR_LENGTH)


def _parse_hour(hour: str) -> datetime:
    """Return the moment of an hour as text."""
    return datetime.fromisoformat(hour).replace(tzinfo=UTC)
