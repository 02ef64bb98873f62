"""Metrics of the overview (Läge), the same for the screen, the print and the file.

They are counts, of the person's units only: how many entries are where, and for how long.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action, permitted_units, require_permission
from pipeline.registers.outages import ALL
from pipeline.reporting.data_quality import MIN_PEOPLE
from pipeline.reporting.forecast import (
    MIN_DAYS,
    Forecast,
    WorkDay,
    forecast_open_entries,
    past_days,
    simulate_forecast,
    worked_days,
)
from pipeline.store.registers.outages import list_outages
from pipeline.store.reports import progress
from pipeline.store.reports.entry_counts import count_entry_groups, count_open_entries
from pipeline.store.reports.progress import HourOfWork, PageCount, UnansweredRun, UnitCount
from pipeline.store.reports.sheet_accounting import SheetBalance, count_sheets, list_accounted_units

AGE_LIMITS = {"0-1": 1, "2-3": 3, "4-7": 7, "8-14": 14}
"""Age of an entry: name → it is younger than this many days."""
OLDEST_AGE = "15-"
"""The name of greater ages."""
DAYS_SHOWN = 14
"""The past days that are shown, and that the forecast draws from."""
DUE_RANGES = {
    "over": (None, 0),
    "today": (0, 1),
    "tomorrow": (1, 2),
    "3": (2, 4),
    "7": (4, 8),
    "later": (8, None),
}
"""Time left: name → from and before how many days after today.

"over" is before today; what was due earlier today counts as today.
"""
MIN_VIEWS = 20
"""With fewer viewed entries, no time is given."""


@dataclass(frozen=True, slots=True)
class EntryCount:
    """How many entries are alike. `age` is a key of `AGE_LIMITS` or `OLDEST_AGE`.

    A void entry is settled, or waits only to be withdrawn.
    """

    state: EntryState
    is_void: bool
    unit: str
    form: str
    criticality: str
    age: str
    count: int


def count_entries(conn: Connection, person: Person, now: datetime) -> list[EntryCount]:
    """Count the entries of the person's units by state, validity, unit, form, class and age.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    moments = {name: now - timedelta(days=days) for name, days in AGE_LIMITS.items()}
    groups = count_entry_groups(conn, permitted_units(person, Action.PROGRESS), moments, OLDEST_AGE)
    return [EntryCount(EntryState(group[0]), *group[1:]) for group in groups]


@dataclass(frozen=True, slots=True)
class WorkPace:
    """Measured work of the last days.

    Seconds are None where too little was measured, or of fewer than `MIN_PEOPLE` people. `people`
    is the mean number at work on a day of work, `hours_per_day` the hours that each of them had
    entries on the screen, `each` the same by day of work (YYYY-MM-DD).
    """

    people: float
    hours_per_day: float
    seconds_per_field: float | None
    seconds_per_entry: float | None
    hours_left: float | None
    each: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """Everything that Läge shows.

    `scanned_per_day` is the mean of the past days; `incomplete_batches` counts by unit the batches
    of pages that were not imported to their end.
    """

    pages: tuple[PageCount, ...]
    entries: tuple[EntryCount, ...]
    open: int
    past_days: tuple[WorkDay, ...]
    forecast: Forecast
    pace: WorkPace
    scanned_per_day: float
    units: tuple[UnitCount, ...]
    due: dict[str, dict[str, int]]
    second_checked: dict[str, tuple[int, int]]
    sheets: tuple[SheetBalance, ...]
    silent_runs: tuple[UnansweredRun, ...]
    incomplete_batches: Mapping[str, int]

    @property
    def counted(self) -> dict[str, int]:
        """Pages of all units: `in` = `done` + `waiting` + `failed`."""
        return {
            "in": sum(count.pages for count in self.pages),
            "done": sum(count.done for count in self.pages),
            "waiting": sum(count.waiting for count in self.pages),
            "failed": sum(count.failed for count in self.pages),
        }

    @property
    def missing(self) -> int:
        """Printed sheets in use that have neither come back nor been returned unused."""
        return sum(balance.missing for balance in self.sheets)

    @property
    def reserve(self) -> int:
        """Printed sheets of packs that have not been opened."""
        return sum(balance.reserve for balance in self.sheets)

    @property
    def oldest_event(self) -> str | None:
        """The day of the oldest event that is not in the care system."""
        days = (unit.oldest_event for unit in self.units if unit.oldest_event)
        return min(days, default=None)

    def due_in(self, name: str) -> int:
        """Count the deadlines of all units with this much time left, a key of `DUE_RANGES`."""
        return sum(counts[name] for counts in self.due.values())


def make_progress_report(conn: Connection, person: Person, now: datetime) -> ProgressReport:
    """Return the metrics of the person's units.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    units, since = permitted_units(person, Action.PROGRESS), now - timedelta(days=DAYS_SHOWN)
    still_open = count_open_entries(conn, units)
    behind = past_days(
        now,
        DAYS_SHOWN,
        still_open,
        made=progress.count_created_by_hour(conn, units, since),
        ended=progress.count_ended_by_hour(conn, units, since),
    )
    scanned = progress.count_scanned_by_hour(conn, units, since)
    return ProgressReport(
        pages=tuple(progress.count_pages_by_form(conn, units)),
        entries=tuple(count_entries(conn, person, now)),
        open=still_open,
        past_days=behind,
        forecast=forecast_open_entries(still_open, _typical_days(conn, units, behind)),
        pace=measure_pace(progress.list_hours_of_work(conn, units, since), still_open),
        scanned_per_day=sum(scanned.values()) / max(len(behind), 1),
        units=tuple(progress.count_not_entered(conn, units)),
        due=_count_due(conn, units, now),
        second_checked=progress.count_second_reviews(conn, units),
        sheets=tuple(count_sheets(conn, list_accounted_units(person, Action.PROGRESS))),
        silent_runs=tuple(progress.list_unanswered_runs(conn, units)),
        incomplete_batches=progress.count_interrupted_batches(conn, units, now),
    )


def _typical_days(
    conn: Connection, units: Collection[str], behind: tuple[WorkDay, ...]
) -> tuple[WorkDay, ...]:
    """Return the past days that coming ones may be like: those since all systems were back.

    During an outage more paper is written, and fewer people have time to enter it.
    """
    rows = [row for row in list_outages(conn) if row.unit in (*units, ALL)]
    if not rows or any(row.end is None for row in rows):
        return behind
    last = max(row.days[1] for row in rows).isoformat()
    since = tuple(day for day in behind if day.day > last)
    return since if len(since) >= MIN_DAYS else behind


def measure_pace(work: Collection[HourOfWork], still_open: int) -> WorkPace:
    """Return the pace of work, from measured time on the screen."""
    days = {swedish_day(hour.hour) for hour in work}
    shifts = {(swedish_day(hour.hour), hour.person_key) for hour in work}
    people_per_day = len(shifts) / len(days) if days else 0.0
    seconds = sum(hour.seconds for hour in work)
    entries, fields = sum(hour.entries for hour in work), sum(hour.fields for hour in work)
    # Times of few entries are uncertain; those of few people would be about a person.
    if entries < MIN_VIEWS or len({hour.person_key for hour in work}) < MIN_PEOPLE:
        return WorkPace(people_per_day, 0.0, None, None, None)
    return WorkPace(
        people=people_per_day,
        hours_per_day=seconds / 3600 / len(shifts) if shifts else 0.0,
        seconds_per_field=seconds / fields if fields else None,
        seconds_per_entry=seconds / entries,
        hours_left=still_open * seconds / entries / 3600,
        each={day.isoformat(): _hours_each(work, day) for day in days},
    )


def forecast_with_people(report: ProgressReport, people: int) -> Forecast | None:
    """Return the forecast with so many people at work; None where too little was measured.

    Each works as long as one person did on the past days, days of rest included, and as much comes
    in. It is computed in hours of work.
    """
    pace = report.pace
    if not report.open or pace.hours_left is None or pace.seconds_per_entry is None:
        return None
    hours_per_entry = pace.seconds_per_entry / 3600
    change = [
        day.made * hours_per_entry - people * pace.each.get(day.day, 0.0)
        for day in worked_days(report.past_days)
    ]
    if not report.past_days:
        return None
    forecast = simulate_forecast(pace.hours_left, change, report.past_days[-1].day)
    return forecast if forecast.path else None


def _hours_each(work: Collection[HourOfWork], day: date) -> float:
    """Return the mean hours on the screen of those who worked on a Swedish day."""
    of_day = [hour for hour in work if swedish_day(hour.hour) == day]
    people = {hour.person_key for hour in of_day}
    return sum(hour.seconds for hour in of_day) / 3600 / len(people)


def _count_due(
    conn: Connection, units: Collection[str], now: datetime
) -> dict[str, dict[str, int]]:
    midnight = datetime.combine(swedish_day(now), time(), SWEDEN)
    limits = {
        name: (_add_days(midnight, first), _add_days(midnight, before))
        for name, (first, before) in DUE_RANGES.items()
    }
    return progress.count_deadlines(conn, units, limits)


def _add_days(midnight: datetime, days: int | None) -> datetime | None:
    return None if days is None else midnight + timedelta(days=days)
