"""What the overview counts, one statement a question, of whole units: no names, no numbers, no text, and never who did it.

Moments are grouped by the hour in UTC, so that a day's work is a few rows and not one an entry; Swedish days begin on a whole hour.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, case, cast, distinct, exists, func, not_, or_, select

from pipeline.model import EntryState
from pipeline.review import LEAVE_NO_GAP
from pipeline.store import export_tables, page_states, tables
from pipeline.store.control_tables import look
from pipeline.store.counts import CONFIRMED, ENDED
from pipeline.store.page_states import count
from pipeline.store.pages import is_cut_short
from pipeline.store.version_tables import entry_version
from pipeline.template import Subject

_entry, _page, _item, _receipt = tables.entry, tables.page, export_tables.export_item, export_tables.receipt
_HOUR = 13
"""Characters of a moment up to its hour."""
_ON_THE_WAY = [state.value for state in EntryState if state not in {EntryState.RECEIPTED, EntryState.REJECTED}]
GAP = and_(_entry.c.state == EntryState.REJECTED.value, _entry.c.voided.is_(None), _entry.c.reason.not_in(sorted(LEAVE_NO_GAP)))
NOT_ENTERED = or_(and_(_entry.c.state.in_(_ON_THE_WAY), _entry.c.voided.is_(None)), GAP)
"""What the care system does not have yet, or has not said that it has; also paper put aside, such as illegible, that nobody has dealt with. Not
what is void and on its way to be withdrawn there: nothing of it is to be entered."""

_SAID_NOBODY = and_(_entry.c.subject == Subject.NONE.value, _entry.c.state.in_(CONFIRMED))
WHO = func.coalesce(_entry.c.client_pid, case((not_(_SAID_NOBODY), func.nullif(_entry.c.likely_pid, ""))))
"""Whom an entry is about or, until people have said that it is about nobody, whom the machine takes it to be about."""


@dataclass(frozen=True, slots=True)
class PageCount:
    """Pages of one unit and form; the form is empty where it is not known. `pages` = `done` + `waiting` + `failed`."""

    unit: str
    form: str
    pages: int
    done: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class UnitCount:
    """What of a unit is not in the care system: persons with paper of class A (whom the entry is taken to be about), and the oldest event."""

    unit: str
    persons_a: int
    entries: int
    oldest_event: str | None


@dataclass(frozen=True, slots=True)
class SilentRun:
    """An export run that some of a unit's entries have had no receipt of."""

    id: str
    target: str
    made_at: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class HourOfWork:
    """What one person did in one hour (UTC): entries on the screen, their fields, and seconds. `who` serves counting heads only."""

    hour: datetime
    who: str
    entries: int
    fields: int
    seconds: float


def page_groups(conn: Connection, units: Collection[str]) -> list[PageCount]:
    """Pages by unit and form. The three states are counted each by itself."""
    keys = (_page.c.unit, func.coalesce(_page.c.form, "").label("form"))
    grouped = select(*keys, page_states.done.label("done"), page_states.waiting.label("waiting"), page_states.failed.label("failed"))
    inner = grouped.where(_page.c.unit.in_(sorted(units))).subquery()
    found = (inner.c.unit, inner.c.form)
    counts = [count(inner.c[name]) for name in ("done", "waiting", "failed")]
    return [PageCount(*row) for row in conn.execute(select(*found, func.count(), *counts).group_by(*found).order_by(*found))]


def not_entered(conn: Connection, units: Collection[str]) -> list[UnitCount]:
    """By unit, what the care system does not have."""
    persons = func.count(distinct(case((_entry.c.criticality == "A", WHO))))
    query = select(_entry.c.unit, persons, func.count(), func.min(_entry.c.event_on)).group_by(_entry.c.unit).order_by(_entry.c.unit)
    return [UnitCount(*row) for row in conn.execute(query.where(_entry.c.unit.in_(sorted(units)), NOT_ENTERED))]


def due_counts(conn: Connection, units: Collection[str], limits: Mapping[str, tuple[datetime | None, datetime | None]]) -> dict[str, dict[str, int]]:
    """Entries with a legal deadline that are open, or put aside and not dealt with, by unit and by how long there is left: name → due from a moment
    until before another."""
    due = _entry.c.due_at
    conditions = [_within(due, *ends) for ends in limits.values()]
    query = select(_entry.c.unit, *map(count, conditions)).where(
        _entry.c.unit.in_(sorted(units)), or_(_entry.c.state.in_(tables.OPEN_STATES), GAP), due.is_not(None)
    )
    return {row[0]: dict(zip(limits, row[1:], strict=True)) for row in conn.execute(query.group_by(_entry.c.unit).order_by(_entry.c.unit))}


def second_checks(conn: Connection, units: Collection[str]) -> dict[str, tuple[int, int]]:
    """By class: how many entries are confirmed, and how many of them by two people. What is void is no longer confirmed, whoever made it so."""
    query = select(_entry.c.criticality, func.count(), func.count(_entry.c.second_by)).group_by(_entry.c.criticality).order_by(_entry.c.criticality)
    counted = query.where(_entry.c.unit.in_(sorted(units)), _entry.c.state.in_(CONFIRMED), _entry.c.voided.is_(None))
    return {row[0]: (row[1], row[2]) for row in conn.execute(counted)}


def silent_runs(conn: Connection, units: Collection[str]) -> list[SilentRun]:
    """Export runs with entries of these units that still stand as exported and that no receipt has come for, oldest first."""
    run = export_tables.export_run.c
    answered, after = and_(_receipt.c.entry == _item.c.entry, _receipt.c.revision == _item.c.revision), _item.alias()
    overtaken = exists().where(after.c.entry == _item.c.entry, after.c.revision > _item.c.revision)
    joined = export_tables.export_run.join(_item, _item.c.run == run.id).join(_entry, _entry.c.id == _item.c.entry).outerjoin(_receipt, answered)
    keys = (run.id, run.target, run.made_at)
    query = select(*keys, func.count()).select_from(joined).where(_entry.c.state == EntryState.EXPORTED.value, _receipt.c.entry.is_(None), ~overtaken)
    return [SilentRun(*row) for row in conn.execute(query.where(_entry.c.unit.in_(sorted(units))).group_by(*keys).order_by(run.made_at, run.id))]


def cut_stacks(conn: Connection, units: Collection[str], now: datetime) -> dict[str, int]:
    """How many stacks of each unit were not taken in to their end; units without any are left out."""
    batch = tables.batch
    joined = batch.outerjoin(_page, _page.c.batch == batch.c.id)
    cut = select(batch.c.unit, batch.c.id).select_from(joined).where(batch.c.unit.in_(sorted(units))).group_by(batch.c.unit, batch.c.id)
    found = cut.having(is_cut_short(now)).subquery()
    query = select(found.c.unit, func.count()).group_by(found.c.unit).order_by(found.c.unit)
    return {row[0]: row[1] for row in conn.execute(query)}


def hours_of_work(conn: Connection, units: Collection[str], since: datetime) -> list[HourOfWork]:
    """Time on the screen since a moment, by hour and person: first and second reviews."""
    hour = _hour(conn, look.c.at)
    inner = select(hour.label("hour"), look.c.login, look.c.fields, look.c.seconds).join(_entry, _entry.c.id == look.c.entry)
    work = inner.where(_entry.c.unit.in_(sorted(units)), look.c.at > since).subquery()
    keys = (work.c.hour, work.c.login)
    query = select(*keys, func.count(), func.sum(work.c.fields), func.sum(work.c.seconds)).group_by(*keys).order_by(*keys)
    return [HourOfWork(_moment(row[0]), row[1], row[2], int(row[3]), float(row[4])) for row in conn.execute(query)]


def made_by_hour(conn: Connection, units: Collection[str], since: datetime) -> dict[datetime, int]:
    """How many entries the reading made in each hour since a moment."""
    return _by_hour(conn, _entry.c.created_at, and_(_entry.c.unit.in_(sorted(units)), _entry.c.created_at > since))


def ended_by_hour(conn: Connection, units: Collection[str], since: datetime) -> dict[datetime, int]:
    """How many entries were confirmed or rejected in each hour since a moment. A correction, or making one void, ends nothing a second time."""
    version, touched = entry_version.c, func.coalesce(_entry.c.second_at, _entry.c.first_at) > since
    ended = (
        select(version.entry, func.min(version.at).label("at")).join(_entry, _entry.c.id == version.entry).where(version.state.in_(ENDED), touched)
    )
    once = ended.group_by(version.entry).subquery()
    lately = and_(once.c.entry == _entry.c.id, once.c.at > since)
    return _by_hour(conn, once.c.at, and_(lately, _entry.c.unit.in_(sorted(units)), _entry.c.state.in_(ENDED)))


def scanned_by_hour(conn: Connection, units: Collection[str], since: datetime) -> dict[datetime, int]:
    """How many pages came in in each hour since a moment."""
    return _by_hour(conn, _page.c.scanned_at, and_(_page.c.unit.in_(sorted(units)), _page.c.scanned_at > since))


def _by_hour(conn: Connection, moment: ColumnElement[Any], which: ColumnElement[bool]) -> dict[datetime, int]:
    hours = select(_hour(conn, moment).label("hour")).where(which).subquery()
    return {_moment(row[0]): row[1] for row in conn.execute(select(hours.c.hour, func.count()).group_by(hours.c.hour).order_by(hours.c.hour))}


def _hour(conn: Connection, moment: ColumnElement[Any]) -> ColumnElement[str]:
    in_utc = func.timezone("UTC", moment) if conn.dialect.name == "postgresql" else moment
    return func.substr(cast(in_utc, String), 1, _HOUR)


def _moment(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)


def _within(due: ColumnElement[datetime], first: datetime | None, before: datetime | None) -> ColumnElement[bool]:
    return and_(due.is_not(None), *([due >= first] if first else []), *([due < before] if before else []))
