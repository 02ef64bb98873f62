"""Which backups are kept: the last of each of some days and of some weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def choose_kept(made_at: Sequence[datetime], days: int, weeks: int) -> set[datetime]:
    """Return the moments of the backups that are kept; the newest always is.

    Days and weeks without a backup do not count: however long ago the last one was made, as many
    stay.

    Args:
        made_at: when each backup was made by the clock of its machine, the oldest first.
        days: of so many days the last backup is kept.
        weeks: of so many weeks (ISO 8601) the last backup is kept.
    """
    newest_first = made_at[::-1]
    last_of_day, last_of_week = dict[object, datetime](), dict[object, datetime]()
    for moment in newest_first:
        last_of_day.setdefault(moment.date(), moment)
        last_of_week.setdefault(moment.isocalendar()[:2], moment)
    return {
        *newest_first[:1],
        *list(last_of_day.values())[:days],
        *list(last_of_week.values())[:weeks],
    }
