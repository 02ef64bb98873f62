"""When the pile will be gone: the last days drawn again and again (bootstrap), which gives a middle
and a range; pure.

A coming day is taken to be like one of the last days, with what came in and what was done on it
together: a day without staff, a weekend and a day with a full box are all among what may come.
Seeded, so that the same figures always give the same forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from pipeline.domain.dates import swedish_day

DRAWS = 400
HORIZON_DAYS = 120
"""Days: what lies further ahead is not foreseen."""
MIN_DAYS = 3
"""With fewer days of work behind, nothing is foreseen."""
FORECAST_PERCENTILES = (10, 50, 90)
"""Percentiles: optimistic, middle, pessimistic."""
_SEED = 2026
_ROUNDING_HOURS = 1e-9
"""Hours are added up with rounding errors."""


@dataclass(frozen=True, slots=True)
class WorkDay:
    """One day: entries that came in and that were done, and how many were open when it ended."""

    day: str
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
    """Days until nothing is open in the three cases; None: not within `HORIZON`. `path` is empty
    where nothing can be foreseen.
    """

    optimistic: int | None
    middle: int | None
    pessimistic: int | None
    path: tuple[ForecastDay, ...]


NO_FORECAST = Forecast(None, None, None, ())


def past_days(
    now: datetime, days: int, still_open: int, made: dict[datetime, int], ended: dict[datetime, int]
) -> tuple[WorkDay, ...]:
    """The last days with today, oldest first, from counts by hour; counted backwards from what is
    open now. Before the first paper: no days.
    """
    by_day = [(_sum_by_day(counts)) for counts in (made, ended)]
    today, found, left = swedish_day(now), [], still_open
    for back in range(days):
        day = (today - timedelta(days=back)).isoformat()
        found.append(WorkDay(day, by_day[0].get(day, 0), by_day[1].get(day, 0), max(left, 0)))
        left += by_day[1].get(day, 0) - by_day[0].get(day, 0)
    while found and not (found[-1].made or found[-1].ended or found[-1].open):
        found.pop()
    return tuple(reversed(found))


def forecast_open_entries(still_open: int, behind: Sequence[WorkDay]) -> Forecast:
    """What comes. Today is not among the days drawn from, since it is not over, unless there are no
    others.
    """
    if still_open == 0:
        return Forecast(0, 0, 0, ()) if behind else NO_FORECAST
    past = worked_days(behind)
    if not any(day.ended for day in past):
        return NO_FORECAST
    return simulate_forecast(still_open, [day.made - day.ended for day in past], behind[-1].day)


def simulate_forecast(left: float, change: Sequence[float], today: str) -> Forecast:
    """What comes when every coming day changes what is left as one of the days behind did. Fewer
    than `LEAST_DAYS` foresee nothing.
    """
    if len(change) < MIN_DAYS:
        return NO_FORECAST
    drawn = np.random.default_rng(_SEED).integers(0, len(change), (DRAWS, HORIZON_DAYS))
    paths = left + np.cumsum(np.array(change, np.float64)[drawn], axis=1)
    gone = paths <= _ROUNDING_HOURS
    first = np.where(gone.any(axis=1), gone.argmax(axis=1) + 1, HORIZON_DAYS + 1)
    ends = [int(np.ceil(np.percentile(first, share))) for share in FORECAST_PERCENTILES]
    paths[np.maximum.accumulate(gone, axis=1)] = 0
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
    """The days that are over, from the first on which somebody reviewed: before that there was
    paper, but no work to measure.
    """
    over = behind[:-1]
    first = next((place for place, day in enumerate(over) if day.ended), len(over))
    return over[first:]


def _sum_by_day(counts: dict[datetime, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for hour, count in counts.items():
        day = swedish_day(hour).isoformat()
        found[day] = found.get(day, 0) + count
    return found
