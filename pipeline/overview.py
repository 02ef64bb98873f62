"""Läge: all figures of the overview, for the screen, the print and the file, which so say the same. Counts only, of the person's units."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.burn_down import NOTHING_FORESEEN, Day, Outlook, days_behind, foreseen, outlook, worked
from pipeline.measured_error import LEAST_PEOPLE
from pipeline.model import Person
from pipeline.progress import EntryCount, entry_counts
from pipeline.store import progress_counts
from pipeline.store.accounting import SheetCount, accounted_units, sheet_counts
from pipeline.store.counts import open_entries
from pipeline.store.progress_counts import HourOfWork, PageCount, SilentRun, UnitCount
from pipeline.swedish_time import SWEDEN, swedish_day

DAYS = 14
"""The days behind that are shown, and that the forecast draws from."""
DUE = {"over": (None, 0), "today": (0, 1), "tomorrow": (1, 2), "3": (2, 4), "7": (4, 8), "later": (8, None)}
"""Time left → from and before how many days after today. "over" is before today; what was due earlier today counts as today."""
LEAST_LOOKS = 20
"""With fewer entries looked at, no time is said."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """Measured work of the last days. Seconds are None where too little was measured, or of fewer than `LEAST_PEOPLE` people.

    `people` is the mean of those at work on a day of work, `hours_a_day` the hours that each of them had entries on the screen, `each` the same of
    every day of work (YYYY-MM-DD).
    """

    people: float
    hours_a_day: float
    seconds_a_field: float | None
    seconds_an_entry: float | None
    hours_left: float | None
    each: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that Läge shows. `scanned_a_day` is the mean of the days behind; `missing` counts printed sheets that may still come.
    `cut_stacks` are stacks by unit that were not taken in to their end."""

    pages: tuple[PageCount, ...]
    entries: tuple[EntryCount, ...]
    open: int
    behind: tuple[Day, ...]
    outlook: Outlook
    tempo: Tempo
    scanned_a_day: float
    units: tuple[UnitCount, ...]
    due: dict[str, dict[str, int]]
    second_checked: dict[str, tuple[int, int]]
    sheets: tuple[SheetCount, ...]
    silent_runs: tuple[SilentRun, ...]
    cut_stacks: Mapping[str, int]

    @property
    def counted(self) -> dict[str, int]:
        """Pages of all units: `in` = `done` + `waiting` + `failed`."""
        found = {name: sum(getattr(one, name) for one in self.pages) for name in ("done", "waiting", "failed")}
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


def overview(conn: Connection, person: Person, now: datetime) -> Overview:
    """The figures of the person's units.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require(person, Action.PROGRESS)
    units, since = person.units, now - timedelta(days=DAYS)
    still_open = open_entries(conn, units)
    made, ended = (count(conn, units, since) for count in (progress_counts.made_by_hour, progress_counts.ended_by_hour))
    behind = days_behind(now, DAYS, still_open, made, ended)
    scanned = progress_counts.scanned_by_hour(conn, units, since)
    return Overview(
        tuple(progress_counts.page_groups(conn, units)),
        tuple(entry_counts(conn, person, now)),
        still_open,
        behind,
        outlook(still_open, behind),
        tempo(progress_counts.hours_of_work(conn, units, since), still_open),
        sum(scanned.values()) / max(len(behind), 1),
        tuple(progress_counts.not_entered(conn, units)),
        _due(conn, units, now),
        progress_counts.second_checks(conn, units),
        tuple(sheet_counts(conn, accounted_units(person))),
        tuple(progress_counts.silent_runs(conn, units)),
        progress_counts.cut_stacks(conn, units, now),
    )


def tempo(work: Collection[HourOfWork], still_open: int) -> Tempo:
    """How fast it goes, from measured time on the screen."""
    days = {swedish_day(one.hour) for one in work}
    shifts = {(swedish_day(one.hour), one.who) for one in work}
    seconds = sum(one.seconds for one in work)
    entries, fields = sum(one.entries for one in work), sum(one.fields for one in work)
    people = len(shifts) / len(days) if days else 0.0
    hours = seconds / 3600 / len(shifts) if shifts else 0.0
    if entries < LEAST_LOOKS or len({one.who for one in work}) < LEAST_PEOPLE:
        return Tempo(people, 0.0, None, None, None)
    left = still_open * seconds / entries / 3600
    return Tempo(people, hours, seconds / fields if fields else None, seconds / entries, left, {day.isoformat(): _each(work, day) for day in days})


def days_with(found: Overview, people: int) -> Outlook | None:
    """Days until nothing is open when so many people work, each as long as one did on the days behind, and as much comes in; None where too little
    was measured. Days of rest are among those drawn from."""
    tempo = found.tempo
    if not found.open or tempo.hours_left is None or tempo.seconds_an_entry is None:
        return None
    an_entry = tempo.seconds_an_entry / 3600
    change = [day.made * an_entry - people * tempo.each.get(day.day, 0.0) for day in worked(found.behind)]
    ahead = foreseen(tempo.hours_left, change, found.behind[-1].day) if found.behind else NOTHING_FORESEEN
    return ahead if ahead.path else None


def _each(work: Collection[HourOfWork], day: date) -> float:
    """Hours on the screen of one of those who worked on a Swedish day."""
    of_day = [one for one in work if swedish_day(one.hour) == day]
    return sum(one.seconds for one in of_day) / 3600 / len({one.who for one in of_day})


def _due(conn: Connection, units: Collection[str], now: datetime) -> dict[str, dict[str, int]]:
    midnight = datetime.combine(swedish_day(now), time(), SWEDEN)
    limits = {name: (_after(midnight, first), _after(midnight, before)) for name, (first, before) in DUE.items()}
    return progress_counts.due_counts(conn, units, limits)


def _after(midnight: datetime, days: int | None) -> datetime | None:
    return None if days is None else midnight + timedelta(days=days)
