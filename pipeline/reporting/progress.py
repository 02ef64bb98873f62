"""Läge: all figures of the overview, for the screen, the print and the file, which so say the same.
Counts only, of the person's units.

Figures for managers: how many entries are where, and how long they have been. Counts only, and
only of the person's units.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.reporting.data_quality import MIN_PEOPLE
from pipeline.reporting.forecast import (
    NO_FORECAST,
    Forecast,
    WorkDay,
    forecast_open_entries,
    past_days,
    simulate_forecast,
    worked_days,
)
from pipeline.store.reports import progress
from pipeline.store.reports.entry_counts import count_entry_groups, count_open_entries
from pipeline.store.reports.progress import HourOfWork, PageCount, UnansweredRun, UnitCount
from pipeline.store.reports.sheet_accounting import SheetBalance, count_sheets, list_accounted_units

AGE_LIMITS = {"0-1": 1, "2-3": 3, "4-7": 7, "8-14": 14}
"""How long ago an entry was made: name → it is younger than this many days."""
OLDEST_AGE = "15-"
DAYS_SHOWN = 14
"""The days behind that are shown, and that the forecast draws from."""
DUE_RANGES = {
    "over": (None, 0),
    "today": (0, 1),
    "tomorrow": (1, 2),
    "3": (2, 4),
    "7": (4, 8),
    "later": (8, None),
}
"""Time left → from and before how many days after today. "over" is before today; what was due
earlier today counts as today.
"""
MIN_VIEWS = 20
"""With fewer entries looked at, no time is said."""


@dataclass(frozen=True, slots=True)
class EntryCount:
    """How many entries are alike. `age` is one of `AGES` or `OLDEST`. What is `void` is dealt with,
    or waits only to be withdrawn.
    """

    state: EntryState
    is_void: bool
    unit: str
    form: str
    criticality: str
    age: str
    count: int


def count_entries(conn: Connection, person: Person, now: datetime) -> list[EntryCount]:
    """Entries of the person's units by state, whether they are void, unit, form, class and age.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require_permission(person, Action.PROGRESS)
    moments = {name: now - timedelta(days=days) for name, days in AGE_LIMITS.items()}
    groups = count_entry_groups(conn, person.units, moments, OLDEST_AGE)
    return [EntryCount(EntryState(group[0]), *group[1:]) for group in groups]


@dataclass(frozen=True, slots=True)
class WorkPace:
    """Measured work of the last days. Seconds are None where too little was measured, or of fewer
    than `LEAST_PEOPLE` people.

    `people` is the mean of those at work on a day of work, `hours_a_day` the hours that each of
    them had entries on the screen, `each` the same of every day of work (YYYY-MM-DD).
    """

    people: float
    hours_per_day: float
    seconds_per_field: float | None
    seconds_per_entry: float | None
    hours_left: float | None
    each: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """Everything that Läge shows. `scanned_a_day` is the mean of the days behind; `missing` counts
    printed sheets that may still come. `cut_stacks` are stacks by unit that were not taken in to
    their end.
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
        found = {
            name: sum(getattr(one, name) for one in self.pages)
            for name in ("done", "waiting", "failed")
        }
        return {"in": sum(one.pages for one in self.pages)} | found

    @property
    def missing(self) -> int:
        """Printed sheets that have neither come back nor been returned unused."""
        return sum(one.missing for one in self.sheets)

    @property
    def oldest_event(self) -> str | None:
        """The day of the oldest event that is not in the care system."""
        return min((one.oldest_event for one in self.units if one.oldest_event), default=None)

    def due_in(self, name: str) -> int:
        """Open entries of all units with this much time left, a key of `DUE`."""
        return sum(found[name] for found in self.due.values())


def make_progress_report(conn: Connection, person: Person, now: datetime) -> ProgressReport:
    """The figures of the person's units.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require_permission(person, Action.PROGRESS)
    units, since = person.units, now - timedelta(days=DAYS_SHOWN)
    still_open = count_open_entries(conn, units)
    made, ended = (
        count(conn, units, since)
        for count in (progress.count_created_by_hour, progress.count_ended_by_hour)
    )
    behind = past_days(now, DAYS_SHOWN, still_open, made, ended)
    scanned = progress.count_scanned_by_hour(conn, units, since)
    return ProgressReport(
        tuple(progress.count_pages_by_form(conn, units)),
        tuple(count_entries(conn, person, now)),
        still_open,
        behind,
        forecast_open_entries(still_open, behind),
        measure_pace(progress.list_hours_of_work(conn, units, since), still_open),
        sum(scanned.values()) / max(len(behind), 1),
        tuple(progress.count_not_entered(conn, units)),
        _count_due(conn, units, now),
        progress.count_second_reviews(conn, units),
        tuple(count_sheets(conn, list_accounted_units(person))),
        tuple(progress.list_unanswered_runs(conn, units)),
        progress.count_interrupted_batches(conn, units, now),
    )


def measure_pace(work: Collection[HourOfWork], still_open: int) -> WorkPace:
    """How fast it goes, from measured time on the screen."""
    days = {swedish_day(one.hour) for one in work}
    shifts = {(swedish_day(one.hour), one.person_key) for one in work}
    seconds = sum(one.seconds for one in work)
    entries, fields = sum(one.entries for one in work), sum(one.fields for one in work)
    people = len(shifts) / len(days) if days else 0.0
    hours = seconds / 3600 / len(shifts) if shifts else 0.0
    if entries < MIN_VIEWS or len({one.person_key for one in work}) < MIN_PEOPLE:
        return WorkPace(people, 0.0, None, None, None)
    left = still_open * seconds / entries / 3600
    return WorkPace(
        people,
        hours,
        seconds / fields if fields else None,
        seconds / entries,
        left,
        {day.isoformat(): _hours_each(work, day) for day in days},
    )


def forecast_with_people(progress: ProgressReport, people: int) -> Forecast | None:
    """Days until nothing is open when so many people work, each as long as one did on the days
    behind, and as much comes in; None where too little was measured. Days of rest are among
    those drawn from.
    """
    tempo = progress.pace
    if not progress.open or tempo.hours_left is None or tempo.seconds_per_entry is None:
        return None
    an_entry = tempo.seconds_per_entry / 3600
    change = [
        day.made * an_entry - people * tempo.each.get(day.day, 0.0)
        for day in worked_days(progress.past_days)
    ]
    ahead = (
        simulate_forecast(tempo.hours_left, change, progress.past_days[-1].day)
        if progress.past_days
        else NO_FORECAST
    )
    return ahead if ahead.path else None


def _hours_each(work: Collection[HourOfWork], day: date) -> float:
    """Hours on the screen of one of those who worked on a Swedish day."""
    of_day = [one for one in work if swedish_day(one.hour) == day]
    return sum(one.seconds for one in of_day) / 3600 / len({one.person_key for one in of_day})


def _count_due(
    conn: Connection, units: Collection[str], now: datetime
) -> dict[str, dict[str, int]]:
    midnight = datetime.combine(swedish_day(now), time(), SWEDEN)
    limits = {
        name: (_add_days(midnight, first), _add_days(midnight, before))
        for name, (first, before) in DUE_RANGES.items()
    }
    return progress.count_due_entries(conn, units, limits)


def _add_days(midnight: datetime, days: int | None) -> datetime | None:
    return None if days is None else midnight + timedelta(days=days)
