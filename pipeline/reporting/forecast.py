"""Forecast of when nothing is open any more, with a range: a bootstrap of the last days.

A coming day is taken to be like one of the last days, with what came in and what was done on it
together: a day without staff, a weekend and a day with a full box may all come again. Seeded, so
that the same numbers always give the same forecast. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from pipeline.domain.dates import swedish_day

DRAWS = 400
"""Simulated courses of events."""
HORIZON_DAYS = 120
"""How far ahead the forecast goes."""
MIN_DAYS = 3
"""With fewer days of work behind, there is no forecast."""
FORECAST_PERCENTILES = (10, 50, 90)
"""Percentiles: optimistic, middle, pessimistic."""
MAX_HOURS = 36
"""So many hours are shown one by one, before there are days to show."""
_SEED = 2026
_ROUNDING_HOURS = 1e-9
"""Less than this is nothing left: hours are added up with rounding errors."""


@dataclass(frozen=True, slots=True)
class WorkDay:
    """One day: entries that came in and that were done, and how many were open when it ended."""

    day: str
    made: int
    ended: int
    open: int


@dataclass(frozen=True, slots=True)
class WorkHour:
    """One hour (UTC): entries that came in and that were done, and how many were open after it."""

    hour: datetime
    made: int
    ended: int
    open: int


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """Open entries at the end of a coming day in the optimistic, middle and pessimistic case."""

    day: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Days until nothing is open in the three cases; None: not within `HORIZON_DAYS`.

    `path` is empty where there is no forecast.
    """

    optimistic: int | None
    middle: int | None
    pessimistic: int | None
    path: tuple[ForecastDay, ...]


NO_FORECAST = Forecast(None, None, None, ())


def past_days(
    now: datetime, days: int, still_open: int, made: dict[datetime, int], ended: dict[datetime, int]
) -> tuple[WorkDay, ...]:
    """Return the last days with today, oldest first; none from before the first paper.

    Args:
        made: entries that came in, by hour.
        ended: entries that were done, by hour.
    """
    made_by_day, ended_by_day = _sum_by_day(made), _sum_by_day(ended)
    today, work_days, open_at_end = swedish_day(now), [], still_open
    # Count backwards from what is open now.
    for back in range(days):
        day = (today - timedelta(days=back)).isoformat()
        made_count, ended_count = made_by_day.get(day, 0), ended_by_day.get(day, 0)
        work_days.append(WorkDay(day, made_count, ended_count, max(open_at_end, 0)))
        open_at_end += ended_count - made_count
    while work_days and not (work_days[-1].made or work_days[-1].ended or work_days[-1].open):
        work_days.pop()
    return tuple(reversed(work_days))


def past_hours(
    now: datetime, still_open: int, made: dict[datetime, int], ended: dict[datetime, int]
) -> tuple[WorkHour, ...]:
    """Return the hours from the first paper until now, at most `MAX_HOURS`, oldest first.

    Args:
        made: entries that came in, by hour (UTC).
        ended: entries that were done, by hour (UTC).
    """
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = min((*made, *ended), default=None)
    hours: list[WorkHour] = []
    open_at_end = still_open
    while first is not None and hour >= first and len(hours) < MAX_HOURS:
        made_count, ended_count = made.get(hour, 0), ended.get(hour, 0)
        hours.append(WorkHour(hour, made_count, ended_count, max(open_at_end, 0)))
        open_at_end += ended_count - made_count
        hour -= timedelta(hours=1)
    return tuple(reversed(hours))


def forecast_open_entries(still_open: int, behind: Sequence[WorkDay]) -> Forecast:
    """Return the forecast by number of entries, drawn from the days that are over."""
    if still_open == 0:
        return Forecast(0, 0, 0, ()) if behind else NO_FORECAST
    past = worked_days(behind)
    if not any(day.ended for day in past):
        return NO_FORECAST
    return simulate_forecast(still_open, [day.made - day.ended for day in past], behind[-1].day)


def simulate_forecast(left: float, change: Sequence[float], today: str) -> Forecast:
    """Return the forecast when each coming day changes what is left as one of the past days did.

    Args:
        left: entries or hours of work that are left.
        change: what each past day added; fewer than `MIN_DAYS` give no forecast.
    """
    if len(change) < MIN_DAYS:
        return NO_FORECAST
    # Each row of `paths` is a simulated course: what is left at the end of each coming day.
    drawn = np.random.default_rng(_SEED).integers(0, len(change), (DRAWS, HORIZON_DAYS))
    paths = left + np.cumsum(np.array(change, np.float64)[drawn], axis=1)
    # The day on which each course is done, beyond the horizon if it never is.
    is_done = paths <= _ROUNDING_HOURS
    done_day = np.where(is_done.any(axis=1), is_done.argmax(axis=1) + 1, HORIZON_DAYS + 1)
    ends = [int(np.ceil(np.percentile(done_day, share))) for share in FORECAST_PERCENTILES]
    # What comes in after that is not drawn: the course stays at zero.
    paths[np.maximum.accumulate(is_done, axis=1)] = 0
    shown = min(
        HORIZON_DAYS, max(ends[2], 1) if ends[2] <= HORIZON_DAYS else max(2 * len(change), 14)
    )
    levels = np.percentile(paths[:, :shown], FORECAST_PERCENTILES, axis=0)
    days = [(date.fromisoformat(today) + timedelta(days=n + 1)).isoformat() for n in range(shown)]
    best, middle, worst = (end if end <= HORIZON_DAYS else None for end in ends)
    return Forecast(
        best,
        middle,
        worst,
        tuple(
            ForecastDay(day, *(float(level[n]) for level in levels)) for n, day in enumerate(days)
        ),
    )


def worked_days(behind: Sequence[WorkDay]) -> Sequence[WorkDay]:
    """Return the days that are over, from the first with reviewed entries.

    Before that day there was paper, but no work to measure. The last day of `behind` is today.
    """
    over = behind[:-1]
    first = next((index for index, day in enumerate(over) if day.ended), len(over))
    return over[first:]


def _sum_by_day(counts: dict[datetime, int]) -> dict[str, int]:
    by_day: dict[str, int] = {}
    for hour, count in counts.items():
        day = swedish_day(hour).isoformat()
        by_day[day] = by_day.get(day, 0) + count
    return by_day
