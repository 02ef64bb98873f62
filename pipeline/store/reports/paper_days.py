"""Paper by unit and day: days without any paper, and days with less than was planned.

Counts only, no names. A sheet is of the day on which its events happened, once a person has
confirmed the day or it was read with high confidence (`entries.queue_order`). Paper about no
client, such as a staff schedule, fills no gap except in a unit of the administration (area ADM),
whose paper is of that kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, distinct, func, or_, select

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import INTERNAL_FORMS, Area, EntriesPer, Form, Forms, Subject
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.registers.outages import outage_days
from pipeline.registers.planned_visits import PlanKind
from pipeline.store.accounts import visibility
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.paper import pages
from pipeline.store.paper.pages import count_where
from pipeline.store.quality.checked_work import has_open_difference, has_open_seeded_error
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.planning import list_outages, planned_counts
from pipeline.store.reports.sheet_accounting import count_sheets
from pipeline.store.schema import paper, registers
from pipeline.store.schema.tally import IS_GAP, IS_LIVE_PAGE

_entry_table = paper.entry
_VISITS_IN_ROWS = frozenset({Area.SOL.value, Area.LSS.value})
"""Areas of law where a row of a visit list is a visit.

In others every entry counts against the planned visits.
"""
MAX_DAYS = 92
"""The most days that are shown together."""


class PaperStatus(StrEnum):
    """The paper of a day compared with the plan.

    SHORT has paper, but fewer entries than planned visits; IDLE has none, and none is expected.
    """

    NONE = "none"
    SHORT = "short"
    THERE = "there"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class DayCount:
    """The sheets and entries of a unit's day, and what was planned (None: not known).

    `visits` are those of the entries that are visits.
    """

    unit: str
    day: str
    sheets: int = 0
    entries: int = 0
    visits: int = 0
    planned_visits: int | None = None
    planned_shifts: int | None = None
    is_in_outage: bool = True

    @property
    def paper_status(self) -> PaperStatus:
        """The status of the day."""
        if not self.sheets:
            # No paper is expected on a day on which the unit had its systems.
            if not self.is_in_outage:
                return PaperStatus.IDLE
            # A day without paper is idle only if a plan says so.
            known = [
                count for count in (self.planned_visits, self.planned_shifts) if count is not None
            ]
            return PaperStatus.IDLE if known and not any(known) else PaperStatus.NONE
        return (
            PaperStatus.SHORT
            if self.planned_visits is not None and self.visits < self.planned_visits
            else PaperStatus.THERE
        )


@dataclass(frozen=True, slots=True)
class PaperDays:
    """Every day of every unit, from `first` to `last`.

    `undated` are sheets by unit whose day nobody has read yet: one of them may fill a gap.
    """

    first: str
    last: str
    counts: Mapping[tuple[str, str], DayCount]
    undated: Mapping[str, int]

    @property
    def units(self) -> tuple[str, ...]:
        """The units, by name."""
        return tuple(dict.fromkeys(unit for unit, _ in self.counts))

    @property
    def days(self) -> list[str]:
        """All days, YYYY-MM-DD."""
        first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]

    def without_paper(self, unit: str) -> list[str]:
        """Return the days without any paper on which the unit worked, as far as is known."""
        return [day for day in self.days if self.counts[unit, day].paper_status is PaperStatus.NONE]


@dataclass(frozen=True, slots=True)
class DaySheet:
    """A sheet with entries of a day, of which `waiting` wait for a person.

    `serial` is empty on paper without one.
    """

    serial: str
    form: str
    entries: int
    waiting: int


def load_paper_days(
    conn: Connection, forms: Forms, person: Person, first: date, last: date
) -> PaperDays:
    """Return the person's units, day by day, at most `MAX_DAYS` from the first.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    areas = {
        unit: area
        for unit, area in areas_by_unit(conn).items()
        if unit in permitted_units(person, Action.PROGRESS)
    }
    last = min(last, first + timedelta(days=MAX_DAYS - 1))
    paper_days = PaperDays(
        first.isoformat(), last.isoformat(), {}, _count_undated_sheets(conn, areas)
    )
    # What was planned, and what there is.
    plans = [planned_counts(conn, areas, kind) for kind in (PlanKind.VISITS, PlanKind.SHIFTS)]
    counted = _count_by_day(
        conn,
        areas,
        sorted({form.id for form in forms.values() if _lists_visits(form)}),
        paper_days.days,
    )
    counts, outages = {}, list_outages(conn)
    for unit in areas:
        period = outage_days(outages, unit)
        for day in paper_days.days:
            visits, shifts = (plan.get(unit, {}).get(day) for plan in plans)
            counts[unit, day] = DayCount(
                unit,
                day,
                *counted.get((unit, day), (0, 0, 0)),
                visits,
                shifts,
                is_in_outage=period is None
                or period[0].isoformat() <= day <= period[1].isoformat(),
            )
    return replace(paper_days, counts=counts)


def paper_date_range(conn: Connection, person: Person) -> tuple[date, date] | None:
    """Return the first and last day of the paper of the person's units; None if there is none.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    first, last = conn.execute(
        select(func.min(_entry_table.c.event_on), func.max(_entry_table.c.event_on)).where(
            *_unit_paper_conditions(permitted_units(person, Action.PROGRESS))
        )
    ).one()
    return (date.fromisoformat(first), date.fromisoformat(last)) if first else None


def outage_range(conn: Connection, person: Person) -> tuple[date, date] | None:
    """Return the first and last day of the outages of the person's units; None: none is kept.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    rows = list_outages(conn)
    found = [outage_days(rows, unit) for unit in permitted_units(person, Action.PROGRESS)]
    days = [day for period in found if period for day in period]
    return (min(days), max(days)) if days else None


def list_day_sheets(conn: Connection, person: Person, unit: str, day: str) -> list[DaySheet]:
    """Return the sheets of a unit's day, by form and serial.

    Raises:
        NotAllowedError: the person may not see metrics of this unit.
    """
    require_permission(person, Action.PROGRESS, unit)
    keys = (_entry_table.c.form, func.coalesce(_entry_table.c.serial, ""), _entry_table.c.sheet)
    waiting = count_where(_entry_table.c.state.in_(paper.OPEN_STATES))
    # The unit's entries of the day, by sheet.
    query = (
        select(*keys, func.count(), waiting)
        .where(*_unit_paper_conditions([unit]), _entry_table.c.event_on == day)
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        DaySheet(serial, form, entries, left)
        for form, serial, _, entries, left in conn.execute(query)
    ]


def _unit_paper_conditions(of_units: Collection[str]) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of entries that are paper of these units.

    They are neither rejected nor void, nor about the paper itself (cover sheets and the like).
    """
    administration = select(registers.unit.c.name).where(registers.unit.c.area == Area.ADM.value)
    # Paper about no client counts only in the administration.
    is_care_paper = or_(
        _entry_table.c.subject == Subject.CLIENT.value, _entry_table.c.unit.in_(administration)
    )
    return (
        _entry_table.c.unit.in_(sorted(of_units)),
        _entry_table.c.state != EntryState.REJECTED.value,
        _entry_table.c.voided.is_(None),
        _entry_table.c.form.not_in(sorted(INTERNAL_FORMS)),
        is_care_paper,
    )


def _count_by_day(
    conn: Connection, areas: Mapping[str, str], lists: Sequence[str], days: Sequence[str]
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return sheets, entries and visits by unit and day."""
    # What counts as a visit depends on the area of law.
    by_area: dict[str, list[str]] = defaultdict(list)
    for unit, area in areas.items():
        by_area[area].append(unit)
    # Without units there is no condition to join: a condition that never holds.
    visits = (
        or_(
            *(
                and_(_entry_table.c.unit.in_(area_units), _is_visit(area, lists))
                for area, area_units in by_area.items()
            )
        )
        if by_area
        else _entry_table.c.id.is_(None)
    )
    keys = (_entry_table.c.unit, _entry_table.c.event_on)
    # Dated paper of these units and days.
    query = select(
        *keys, func.count(distinct(_entry_table.c.sheet)), func.count(), count_where(visits)
    ).where(*_unit_paper_conditions(areas), _entry_table.c.event_on.in_(days))
    return {
        (row[0], row[1]): (row[2], row[3], row[4]) for row in conn.execute(query.group_by(*keys))
    }


def _lists_visits(form: Form) -> bool:
    """Return whether each row says which client was visited and when.

    The form's name does not matter: a municipality makes its own lists.
    """
    row_meanings = {spec.means for spec in form.fields if spec.row is not None}
    return form.entries is EntriesPer.ROW and row_meanings >= {
        Meaning.CLIENT_PID,
        Meaning.EVENT_TIME,
    }


def _is_visit(area: str, lists: Sequence[str]) -> ColumnElement[bool]:
    """Whether an entry is a visit in this area of law."""
    return (
        _entry_table.c.form.in_(lists)
        if area in _VISITS_IN_ROWS
        else _entry_table.c.id.is_not(None)
    )


def _count_undated_sheets(conn: Connection, of_units: Collection[str]) -> dict[str, int]:
    """Return by unit how many sheets have no known day."""
    # Paper of these units with an entry without a day.
    query = select(_entry_table.c.unit, func.count(distinct(_entry_table.c.sheet))).where(
        *_unit_paper_conditions(of_units), _entry_table.c.event_on.is_(None)
    )
    return {
        row[0]: row[1]
        for row in conn.execute(query.group_by(_entry_table.c.unit).order_by(_entry_table.c.unit))
    }


# Paper that waits and may belong to a month: what keeps statistics of the month from being whole.
#
# Counts only, no names. Paper whose month nobody knows is counted under `ANY_MONTH`: an entry
# without a day, a page that is not read, a sheet of an open pack that has not come back.

ANY_MONTH = ""
_MONTH_LENGTH = len("YYYY-MM")


@dataclass(frozen=True, slots=True)
class ReportingScope:
    """What a kind of statistics is about: the entries of these forms within an area of law."""

    forms: frozenset[str]
    area: str


def list_reporting_units(conn: Connection, scope: ReportingScope) -> list[str]:
    """Return the units of the area of law, and those that have entries of it, by name."""
    areas = areas_by_unit(conn)
    # Units with an entry on one of the forms
    query = select(_entry_table.c.unit).where(_entry_table.c.form.in_(sorted(scope.forms)))
    with_area = query.where(_is_in_area(areas, scope)).distinct()
    own = {unit for unit, area in areas.items() if area == scope.area}
    return sorted(own | set(conn.execute(with_area).scalars()))


def count_open_paper(
    conn: Connection, forms: Forms, scope: ReportingScope, units: Collection[str]
) -> Counter[str]:
    """Count by month (YYYY-MM) what waits to be reviewed, signed or resolved in these units."""
    waiting = Counter[str]()
    needs_signature = signature_rule(conn, forms)
    for row in conn.execute(_unsettled_entries(conn, scope, units)):
        if (
            row.state != EntryState.CONFIRMED
            or row.is_held
            or needs_signature(row.form, row.version, row.unit, row.area)
        ):
            waiting[(row.event_on or ANY_MONTH)[:_MONTH_LENGTH]] += 1
    waiting[ANY_MONTH] += _count_unread_pages(conn, units)
    waiting[ANY_MONTH] += sum(
        sheets.missing for sheets in count_sheets(conn, units) if sheets.form in scope.forms
    )
    return waiting


def count_hidden_entries(
    conn: Connection, person: Person, scope: ReportingScope, units: Collection[str]
) -> int:
    """Count the entries of these units that the person may not export."""
    is_visible = visibility.visible_entries_condition(conn, person, Action.EXPORT)
    query = select(func.count()).select_from(_entry_table)
    hidden: int = conn.execute(
        query.where(
            *_scope_conditions(conn, scope, units),
            _entry_table.c.voided.is_(None),
            _entry_table.c.state != EntryState.REJECTED.value,
            ~is_visible,
        )
    ).scalar_one()
    return hidden


def _unsettled_entries(
    conn: Connection, scope: ReportingScope, units: Collection[str]
) -> Select[Any]:
    """Return a query of what may wait: a confirmed entry does if it is to be signed or is held."""
    table = _entry_table.c
    is_held = or_(has_open_seeded_error(table.id), has_open_difference(table.id))
    may_wait = (EntryState.REVIEW.value, EntryState.SECOND.value, EntryState.CONFIRMED.value)
    columns = (table.state, table.form, table.version, table.unit, table.area, table.event_on)
    return select(*columns, is_held.label("is_held")).where(
        *_scope_conditions(conn, scope, units),
        table.voided.is_(None),
        or_(table.state.in_(may_wait), IS_GAP, and_(is_held, table.state != EntryState.REJECTED)),
    )


def _scope_conditions(
    conn: Connection, scope: ReportingScope, units: Collection[str]
) -> tuple[ColumnElement[bool], ...]:
    return (
        _entry_table.c.form.in_(sorted(scope.forms)),
        _entry_table.c.unit.in_(sorted(units)),
        _is_in_area(areas_by_unit(conn), scope),
    )


def _is_in_area(areas: Mapping[str, str], scope: ReportingScope) -> ColumnElement[bool]:
    """Whether an entry is of the area: by itself, else by its unit."""
    units = sorted(unit for unit, area in areas.items() if area == scope.area)
    return or_(
        _entry_table.c.area == scope.area,
        and_(_entry_table.c.area.is_(None), _entry_table.c.unit.in_(units)),
    )


def _count_unread_pages(conn: Connection, units: Collection[str]) -> int:
    """Return how many pages have no entry yet: unread, unreadable, or of no known form."""
    query = select(func.count()).select_from(paper.page)
    unread: int = conn.execute(
        query.where(paper.page.c.unit.in_(sorted(units)), IS_LIVE_PAGE, pages.has_no_entry)
    ).scalar_one()
    return unread
