"""Days as people in Sweden count them. Moments are kept in UTC, by which the day is yesterday until
one or two in the morning.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")
_MAX_PLANNED_YEARS, _IMPLAUSIBLE_YEARS = 1, 10
"""Days so many years ahead are written as a matter of course; so many and more are on no form about
care: they are birth dates.
"""


def swedish_day(moment: datetime) -> date:
    """The day on which it is in Sweden."""
    return moment.astimezone(SWEDEN).date()


def today_in_sweden() -> date:
    """Today's, whatever zone the machine is set to."""
    return datetime.now(SWEDEN).date()


def candidate_years(two_figures: int) -> tuple[int, ...]:
    """The years that two figures on paper may stand for, the likelier first: this century's, unless
    it lies ahead, as no birth date does.
    """
    year = 2000 + two_figures
    ahead = year - today_in_sweden().year
    return (
        (year,)
        if ahead <= _MAX_PLANNED_YEARS
        else (year - 100,)
        if ahead > _IMPLAUSIBLE_YEARS
        else (year - 100, year)
    )
