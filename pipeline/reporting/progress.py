"""Metrics of the overview (Läge), the same for the screen, the print and the file.

They are counts, of the person's units only: how many entries are where, and for how long.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from pipeline.domain.dates import swedish_day
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.registers.outages import ALL
from pipeline.reporting.data_quality import MIN_PEOPLE
from pipeline.reporting.forecast import (
    MIN_DAYS,
    NO_FORECAST,
    Forecast,
    WorkDay,
    WorkHour,
    forecast_open_entries,
    past_days,
    past_hours,
    simulate_forecast,
    worked_days,
)
from pipeline.reporting.situation import Situation
from pipeline.store.event_log.verification import LogCheck, find_last_log_check
from pipeline.store.registers.planning import list_outages
from pipeline.store.reports import progress
from pipeline.store.reports.entry_counts import count_entries_left, count_entry_groups
from pipeline.store.reports.progress import (
    DeadlineCount,
    HourOfWork,
    PageCount,
    UnansweredRun,
    UnitCount,
)
from pipeline.store.reports.sheet_accounting import SheetBalance, count_sheets, list_accounted_units
from pipeline.store.reports.upkeep import StoreCheck, find_last_check
from pipeline.store.reports.work_load import count_unsigned_by_reviewer

AGE_LIMITS = {"0-1": 1, "2-3": 3, "4-7": 7, "8-14": 14}
"""Age of an entry: name → it is younger than this many days."""
OLDEST_AGE = "15-"
"""The name of greater ages."""
DAYS_SHOWN = 14
"""The past days that are shown, and that the forecast draws from."""
DUE_RANGES = {"today": 1, "tomorrow": 2, "3": 4, "7": 8}
"""Time left: name → before how many days after today, nearest first."""
DUE_NAMES = ("over", "uncertain", *DUE_RANGES, "later")
"""Names of times left: "over" has passed, "uncertain" may have, as its first day is not known."""
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


STEPS = ("review", "unsigned", "unexported", "unreceipted")
"""What entries that are not through wait for, in order."""
_STEPS = {
    EntryState.REVIEW: "review",
    EntryState.SECOND: "review",
    EntryState.CONFIRMED: "unexported",
    EntryState.SIGNED: "unexported",
    EntryState.EXPORTED: "unreceipted",
}


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a unit: pages that wait, and entries by what they wait for (`STEPS`)."""

    pages: int
    review: int
    unsigned: int
    unexported: int
    unreceipted: int

    @property
    def steps(self) -> dict[str, int]:
        """Entries by what they wait for, in the order of `STEPS`."""
        return {name: getattr(self, name) for name in STEPS}


@dataclass(frozen=True, slots=True)
class Overview:
    """What Läge shows at once.

    `left` counts what is not through by unit, state and whether it is void;
    `unsigned` counts by unit the confirmed entries that are not exported until they are signed;
    `incomplete_batches` counts by unit the batches of pages that were not imported to their end;
    `dangers` counts what may hurt somebody by the names of `DANGERS`;
    `early` is the forecast in hours of work where there are too few days, of `people` at a time;
    `check` is the last check of the whole store, `log_check` that of the log.
    """

    at: datetime
    pages: tuple[PageCount, ...]
    left: Mapping[tuple[str, EntryState, bool], int]
    unsigned: Mapping[str, int]
    open: int
    past_days: tuple[WorkDay, ...]
    past_hours: tuple[WorkHour, ...]
    forecast: Forecast
    deadlines: tuple[DeadlineCount, ...]
    sheets: tuple[SheetBalance, ...]
    incomplete_batches: Mapping[str, int]
    dangers: Mapping[str, int]
    early: Forecast
    people: int
    check: StoreCheck | None
    log_check: LogCheck

    @property
    def is_by_hour(self) -> bool:
        """Whether the work is shown by the hour: there are too few days for a forecast."""
        return len(self.past_days) < MIN_DAYS

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
    def due(self) -> dict[str, dict[str, int]]:
        """Legal deadlines by unit and time left, a name of `DUE_NAMES`."""
        counts: dict[str, dict[str, int]] = {}
        for one in sorted(self.deadlines, key=lambda each: each.unit):
            of_unit = counts.setdefault(one.unit, dict.fromkeys(DUE_NAMES, 0))
            of_unit[find_due_name(one.due_at, self.at)] += one.entries
        return counts

    def due_in(self, name: str) -> int:
        """Count the deadlines of all units with this much time left, a name of `DUE_NAMES`."""
        return sum(counts[name] for counts in self.due.values())

    @property
    def remaining(self) -> dict[str, Remaining]:
        """What is left of each unit, by its name."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for page in self.pages:
            counts[page.unit]["pages"] += page.waiting
        for (unit, state, is_void), entries in self.left.items():
            step = _STEPS.get(state)
            if step and not is_void:
                counts[unit][step] += entries
        # The other confirmed ones need no signature, and wait for export like the signed ones.
        for unit, unsigned in self.unsigned.items():
            counts[unit].update(unsigned=unsigned, unexported=-unsigned)
        return {
            unit: Remaining(*(of_unit[name] for name in ("pages", *STEPS)))
            for unit, of_unit in sorted(counts.items())
        }

    @property
    def situation(self) -> Situation:
        """The numbers that the sentence of Läge is about."""
        pages, check = self.counted, self.check
        return Situation(
            today=swedish_day(self.at),
            scanned=pages["in"],
            done=pages["done"],
            waiting=pages["waiting"],
            failed=pages["failed"],
            open=self.open,
            missing_sheets=sum(balance.missing for balance in self.sheets),
            interrupted=self.incomplete_batches,
            lost_files=None if check is None else check.missing + check.damaged,
            is_database_whole=check is None or not check.database_problem,
            forecast=self.forecast,
            early=self.early,
            people=self.people,
            dangers=self.dangers,
            passed=self.due_in("over"),
            uncertain=self.due_in("uncertain"),
            soon=self.due_in("today") + self.due_in("tomorrow"),
            changed_rows=0 if check is None else check.changed,
        )


@dataclass(frozen=True, slots=True)
class ProgressReport(Overview):
    """Everything that is known for Läge, for its details, its print and its file.

    `scanned_per_day` is the mean of the past days.
    """

    entries: tuple[EntryCount, ...]
    scanned_per_day: float
    pace: WorkPace
    units: tuple[UnitCount, ...]
    second_checked: dict[str, tuple[int, int]]
    silent_runs: tuple[UnansweredRun, ...]


def load_overview(conn: Connection, forms: Forms, person: Person, now: datetime) -> Overview:
    """Return what Läge shows at once of the person's units.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    units, since = permitted_units(person, Action.PROGRESS), now - timedelta(days=DAYS_SHOWN)
    left = count_entries_left(conn, units)
    still_open = sum(
        entries
        for (_, state, _), entries in left.items()
        if state in (EntryState.REVIEW, EntryState.SECOND)
    )
    made = progress.count_created_by_hour(conn, units, since)
    ended = progress.count_ended_by_hour(conn, units, since)
    unsigned = Counter[str]()
    for (unit, _), count in count_unsigned_by_reviewer(conn, forms, units).items():
        unsigned[unit] += count
    behind = past_days(now, DAYS_SHOWN, still_open, made=made, ended=ended)
    hours = past_hours(now, still_open, made, ended)
    forecast = forecast_open_entries(still_open, _typical_days(conn, units, behind))
    early, people = NO_FORECAST, 0
    if still_open and not forecast.path:
        early, people = forecast_hours(progress.list_hours_of_work(conn, units, since), hours)
    return Overview(
        at=now,
        pages=tuple(progress.count_pages_by_form(conn, units)),
        left=left,
        unsigned=unsigned,
        open=still_open,
        past_days=behind,
        past_hours=hours,
        forecast=forecast,
        deadlines=tuple(progress.list_open_deadlines(conn, person)),
        sheets=tuple(count_sheets(conn, list_accounted_units(person, Action.PROGRESS))),
        incomplete_batches=progress.count_interrupted_batches(conn, units, now),
        dangers=progress.count_dangers(conn, units),
        early=early,
        people=people,
        check=find_last_check(conn),
        log_check=find_last_log_check(conn),
    )


def make_progress_report(
    conn: Connection, forms: Forms, person: Person, now: datetime
) -> ProgressReport:
    """Return the metrics of the person's units.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    overview = load_overview(conn, forms, person, now)
    units, since = permitted_units(person, Action.PROGRESS), now - timedelta(days=DAYS_SHOWN)
    scanned = progress.count_scanned_by_hour(conn, units, since)
    return ProgressReport(
        scanned_per_day=sum(scanned.values()) / max(len(overview.past_days), 1),
        **{each.name: getattr(overview, each.name) for each in fields(Overview)},
        entries=tuple(count_entries(conn, person, now)),
        pace=measure_pace(progress.list_hours_of_work(conn, units, since), overview.open),
        units=tuple(progress.count_not_entered(conn, units)),
        second_checked=progress.count_second_reviews(conn, units),
        silent_runs=tuple(progress.list_unanswered_runs(conn, units)),
    )


def find_due_name(due_at: datetime | None, now: datetime) -> str:
    """Return the name of the time left until a moment; None is a day that is not certain."""
    if due_at is None:
        return "uncertain"
    if due_at < now:
        return "over"
    days = (swedish_day(due_at) - swedish_day(now)).days
    return next((name for name, before in DUE_RANGES.items() if days < before), "later")


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


def forecast_hours(work: Collection[HourOfWork], hours: Sequence[WorkHour]) -> tuple[Forecast, int]:
    """Return the forecast in hours of work, and how many people worked at a time.

    It is drawn from the whole hours in which something was done, as if nothing more came in, and
    says nothing about the work of a few: that would be about a person.
    """
    change = [-hour.ended for hour in hours[:-1] if hour.ended]
    people = Counter(one.hour for one in work)
    if len({one.person_key for one in work}) < MIN_PEOPLE or not change:
        return NO_FORECAST, 0
    # The steps of the forecast are hours here, and its days have no meaning.
    forecast = simulate_forecast(hours[-1].open, change, date.min.isoformat())
    return forecast, max(1, round(people.total() / len(people)))


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
