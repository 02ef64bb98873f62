"""When the pile will be gone: the last days drawn again and again (bootstrap), which gives a middle and a range; pure.

A coming day is taken to be like one of the last days, with what came in and what was done on it together: a day without staff, a weekend and a
day with a full box are all among what may come. Seeded, so that the same figures always give the same forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from pipeline.swedish_time import swedish_day

DRAWS = 400
HORIZON = 120
"""Days: what lies further ahead is not foreseen."""
LEAST_DAYS = 3
"""With fewer days of work behind, nothing is foreseen."""
RANGE = (10, 50, 90)
"""Percentiles: optimistic, middle, pessimistic."""
_SEED = 2026
_NOTHING = 1e-9
"""Hours are added up with rounding errors."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day: entries that came in and that were done, and how many were open when it ended."""

    day: str
    made: int
    ended: int
    open: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """Open entries at the end of a coming day in the optimistic, middle and pessimistic case."""

    day: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """Days until nothing is open in the three cases; None: not within `HORIZON`. `path` is empty where nothing can be foreseen."""

    optimistic: int | None
    middle: int | None
    pessimistic: int | None
    path: tuple[Ahead, ...]


NOTHING_FORESEEN = Outlook(None, None, None, ())


def days_behind(now: datetime, days: int, still_open: int, made: dict[datetime, int], ended: dict[datetime, int]) -> tuple[Day, ...]:
    """The last days with today, oldest first, from counts by hour; counted backwards from what is open now. Before the first paper: no days."""
    by_day = [(_per_day(counts)) for counts in (made, ended)]
    today, found, left = swedish_day(now), [], still_open
    for back in range(days):
        day = (today - timedelta(days=back)).isoformat()
        found.append(Day(day, by_day[0].get(day, 0), by_day[1].get(day, 0), max(left, 0)))
        left += by_day[1].get(day, 0) - by_day[0].get(day, 0)
    while found and not (found[-1].made or found[-1].ended or found[-1].open):
        found.pop()
    return tuple(reversed(found))


def outlook(still_open: int, behind: Sequence[Day]) -> Outlook:
    """What comes. Today is not among the days drawn from, since it is not over, unless there are no others."""
    if still_open == 0:
        return Outlook(0, 0, 0, ()) if behind else NOTHING_FORESEEN
    past = worked(behind)
    if not any(day.ended for day in past):
        return NOTHING_FORESEEN
    return foreseen(still_open, [day.made - day.ended for day in past], behind[-1].day)


def foreseen(left: float, change: Sequence[float], today: str) -> Outlook:
    """What comes when every coming day changes what is left as one of the days behind did. Fewer than `LEAST_DAYS` foresee nothing."""
    if len(change) < LEAST_DAYS:
        return NOTHING_FORESEEN
    drawn = np.random.default_rng(_SEED).integers(0, len(change), (DRAWS, HORIZON))
    paths = left + np.cumsum(np.array(change, np.float64)[drawn], axis=1)
    gone = paths <= _NOTHING
    first = np.where(gone.any(axis=1), gone.argmax(axis=1) + 1, HORIZON + 1)
    ends = [int(np.ceil(np.percentile(first, share))) for share in RANGE]
    paths[np.maximum.accumulate(gone, axis=1)] = 0
    shown = min(HORIZON, max(ends[2], 1) if ends[2] <= HORIZON else max(2 * len(change), 14))
    levels = np.percentile(paths[:, :shown], RANGE, axis=0)
    days = [(date.fromisoformat(today) + timedelta(days=n + 1)).isoformat() for n in range(shown)]
    best, middle, worst = (end if end <= HORIZON else None for end in ends)
    return Outlook(best, middle, worst, tuple(Ahead(day, *(float(level[n]) for level in levels)) for n, day in enumerate(days)))


def worked(behind: Sequence[Day]) -> Sequence[Day]:
    """The days that are over, from the first on which somebody reviewed: before that there was paper, but no work to measure."""
    over = behind[:-1]
    first = next((place for place, day in enumerate(over) if day.ended), len(over))
    return over[first:]


def _per_day(counts: dict[datetime, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for hour, count in counts.items():
        day = swedish_day(hour).isoformat()
        found[day] = found.get(day, 0) + count
    return found
