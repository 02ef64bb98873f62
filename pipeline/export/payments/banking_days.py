"""Swedish banking days: when a bank can carry out a payment.

Banks are closed on Saturdays, Sundays and public holidays, and on Midsummer's, Christmas and New
Year's Eve, by the calendar of the library `holidays`. A bank that is closed on other days too has
them in the setting `payment_closed_days`. Days on which banks close early are banking days.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum

from holidays import DE_FACTO, PUBLIC, HolidayBase, country_holidays


class ClosedDayRule(StrEnum):
    """Which banking day takes the place of a day on which the bank is closed."""

    BEFORE = "before"
    AFTER = "after"


def execution_day(
    wanted: date | None, today: date, rule: ClosedDayRule, closed_days: Collection[date] = ()
) -> date:
    """Return the banking day on which a payment is carried out, never before `today`.

    Args:
        wanted: the day of payment on the paper; None or a day that has passed: as soon as possible.
        closed_days: further days on which the bank is closed.
    """
    calendar = _banking_calendar(closed_days)
    earliest = _nearest_banking_day(calendar, today, 1)
    if wanted is None or wanted <= earliest:
        return earliest
    step = -1 if rule is ClosedDayRule.BEFORE else 1
    return max(_nearest_banking_day(calendar, wanted, step), earliest)


def _banking_calendar(closed_days: Collection[date]) -> HolidayBase:
    calendar = country_holidays("SE", categories=(PUBLIC, DE_FACTO))
    calendar.update(*closed_days)
    return calendar


def _nearest_banking_day(calendar: HolidayBase, day: date, step: int) -> date:
    """Return the day itself, else the next (`step` 1) or the last (-1) banking day."""
    return day if calendar.is_working_day(day) else calendar.get_nth_working_day(day, step)
