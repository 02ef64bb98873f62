"""Days as people in Sweden count them. Moments are kept in UTC, by which the day is yesterday until one or two in the morning."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")


def swedish_day(moment: datetime) -> date:
    """The day on which it is in Sweden."""
    return moment.astimezone(SWEDEN).date()


def today() -> date:
    """Today's, whatever zone the machine is set to."""
    return datetime.now(SWEDEN).date()
