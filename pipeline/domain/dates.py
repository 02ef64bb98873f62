"""Calendar days in Sweden.

Moments are stored in UTC, by which it is still yesterday until one or two in the morning.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")
_MAX_PLANNED_YEARS, _IMPLAUSIBLE_YEARS = 1, 10
"""Dates up to the first number of years ahead are common on forms.

From the second number of years on there are none, so that such a date is a birth date.
"""


def swedish_day(moment: datetime) -> date:
    """Return the day in Sweden of a moment."""
    return moment.astimezone(SWEDEN).date()


def today_in_sweden() -> date:
    """Return today in Sweden, whatever time zone the machine is set to."""
    return datetime.now(SWEDEN).date()


def candidate_years(two_digits: int) -> tuple[int, ...]:
    """Return the years that two digits on paper may mean, the likelier first.

    It is this century's, unless that is in the future, where no birth date is.
    """
    year = 2000 + two_digits
    years_ahead = year - today_in_sweden().year
    if years_ahead <= _MAX_PLANNED_YEARS:
        return (year,)
    if years_ahead > _IMPLAUSIBLE_YEARS:
        return (year - 100,)
    # In between the date may be a birth date or a planned one.
    return (year - 100, year)


def calendar_day(year: int, month: int, day: int) -> date | None:
    """Return a day, None where the calendar has none."""
    try:
        return date(year, month, day)
    except ValueError:
        return None
