"""The day on which a bank carries out a payment."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.export.payments.pain001 import ClosedDayRule, execution_day

BEFORE, AFTER = ClosedDayRule.BEFORE, ClosedDayRule.AFTER
TODAY = date(2021, 12, 13)


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("wanted", "before", "after"),
    [
        ("2021-12-17", "2021-12-17", "2021-12-17"),
        ("2021-12-18", "2021-12-17", "2021-12-20"),
        ("2021-12-24", "2021-12-23", "2021-12-27"),
        ("2021-12-31", "2021-12-30", "2022-01-03"),
        ("2022-01-06", "2022-01-05", "2022-01-07"),
        ("2022-04-15", "2022-04-14", "2022-04-19"),
        ("2022-06-24", "2022-06-23", "2022-06-27"),
        ("2022-12-26", "2022-12-23", "2022-12-27"),
    ],
    ids=[
        "friday",
        "saturday",
        "christmas eve",
        "new year's eve",
        "epiphany",
        "good friday",
        "midsummer's eve",
        "boxing day",
    ],
)
def test_a_day_on_which_banks_are_closed_is_moved_as_the_mapping_says(
    wanted: str, before: str, after: str
) -> None:
    assert execution_day(day(wanted), TODAY, BEFORE) == day(before)
    assert execution_day(day(wanted), TODAY, AFTER) == day(after)


@pytest.mark.parametrize(
    ("wanted", "today", "expected"),
    [
        (None, "2021-12-13", "2021-12-13"),
        (None, "2021-12-24", "2021-12-27"),
        ("2021-12-01", "2021-12-13", "2021-12-13"),
        ("2021-12-01", "2021-12-11", "2021-12-13"),
        ("2021-12-12", "2021-12-11", "2021-12-13"),
    ],
    ids=["no day", "no day on a holiday", "past", "past on a saturday", "nothing before it"],
)
def test_no_payment_is_in_the_past_or_before_the_first_banking_day(
    wanted: str | None, today: str, expected: str
) -> None:
    assert execution_day(day(wanted) if wanted else None, day(today), BEFORE) == day(expected)


def test_a_banks_own_closed_days_count_too() -> None:
    assert execution_day(day("2021-12-17"), TODAY, BEFORE, [day("2021-12-17")]) == day("2021-12-16")
    assert execution_day(None, TODAY, AFTER, [TODAY, day("2021-12-14")]) == day("2021-12-15")


def test_a_day_on_which_banks_close_early_is_a_banking_day() -> None:
    assert execution_day(day("2021-12-23"), TODAY, AFTER) == day("2021-12-23")
