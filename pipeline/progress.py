"""Figures for managers: how much is left, how fast it goes, and when it will be done. Counts only, and only of the person's units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.model import EntryState, Person
from pipeline.store.counts import confirmations, entry_groups, flow
from pipeline.store.pages import status

SWEDEN = ZoneInfo("Europe/Stockholm")
AGES = {"0-1": 1, "2-3": 3, "4-7": 7, "8-14": 14}
"""How long ago an entry was made: name → it is younger than this many days."""
OLDEST = "15-"
PACE_DAYS = 14
RATE_DAYS = 7


@dataclass(frozen=True, slots=True)
class EntryCount:
    """How many entries are alike. `age` is one of `AGES` or `OLDEST`."""

    state: EntryState
    unit: str
    form: str
    criticality: str
    age: str
    count: int


@dataclass(frozen=True, slots=True)
class Pace:
    """One day of work (YYYY-MM-DD, Swedish time). `per_person_hour` divides by the hours in which each person confirmed something."""

    day: str
    confirmed: int
    people: int
    per_person_hour: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left. `days_left` = open ÷ (out − in) at the rates of the last days; None if it does not shrink. `oldest_event` is a day."""

    open: int
    in_per_day: float
    out_per_day: float
    days_left: float | None
    oldest_event: str | None


def page_counts(conn: Connection, person: Person) -> dict[str, int]:
    """Pages of the person's units: in = done + waiting + failed.

    Raises:
        NotAllowedError: the person may not see figures. So do the others here.
    """
    require(person, Action.PROGRESS)
    return status(conn, person.units)


def entry_counts(conn: Connection, person: Person, now: datetime) -> list[EntryCount]:
    """Entries of the person's units by state, unit, form, class and age."""
    require(person, Action.PROGRESS)
    moments = {name: now - timedelta(days=days) for name, days in AGES.items()}
    groups = entry_groups(conn, person.units, moments, OLDEST)
    return [EntryCount(EntryState(state), unit, form, criticality, age, count) for state, unit, form, criticality, age, count in groups]


def pace(conn: Connection, person: Person, now: datetime) -> list[Pace]:
    """The last days on which something was confirmed, oldest first."""
    require(person, Action.PROGRESS)
    days: dict[str, list[tuple[str, int]]] = {}
    for at, by in confirmations(conn, person.units, now - timedelta(days=PACE_DAYS)):
        local = at.astimezone(SWEDEN)
        days.setdefault(local.date().isoformat(), []).append((by, local.hour))
    return [_pace(day, work) for day, work in sorted(days.items())]


def forecast(conn: Connection, person: Person, now: datetime) -> Forecast:
    """When everything will be done, if it goes on as in the last days."""
    require(person, Action.PROGRESS)
    waiting, made, ended, first, oldest = flow(conn, person.units, now - timedelta(days=RATE_DAYS))
    days = rate_days(first, now)
    return Forecast(waiting, made / days, ended / days, days_left(waiting, made / days, ended / days), oldest)


def rate_days(first: datetime | None, now: datetime) -> float:
    """The days that rates are taken over: the last `RATE_DAYS`, fewer if the work is younger, and never less than one."""
    age = (now - first) / timedelta(days=1) if first else 1.0
    return min(float(RATE_DAYS), max(1.0, age))


def days_left(waiting: int, in_per_day: float, out_per_day: float) -> float | None:
    """Open ÷ net rate, in days; None while as much comes in as is done."""
    if waiting == 0:
        return 0.0
    net = out_per_day - in_per_day
    return waiting / net if net > 0 else None


def _pace(day: str, work: list[tuple[str, int]]) -> Pace:
    return Pace(day, len(work), len({by for by, _ in work}), len(work) / len(set(work)))
