"""Days as people in Sweden count them. Moments are kept in UTC, by which the day is yesterday until one or two in the morning."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")
_PLANNED, _NEVER_PLANNED = 1, 10
"""Days so many years ahead are written as a matter of course; so many and more are on no form about care: they are birth dates."""


def swedish_day(moment: datetime) -> date:
    """The day on which it is in Sweden."""
    return moment.astimezone(SWEDEN).date()


def today() -> date:
    """Today's, whatever zone the machine is set to."""
    return datetime.now(SWEDEN).date()


def years_meant(two_figures: int) -> tuple[int, ...]:
    """The years that two figures on paper may stand for, the likelier first: this century's, unless it lies ahead, as no birth date does."""
    year = 2000 + two_figures
    ahead = year - today().year
    return (year,) if ahead <= _PLANNED else (year - 100,) if ahead > _NEVER_PLANNED else (year - 100, year)
