"""Dates, times and numbers in each language's notation."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ui import i18n

AT = datetime(2021, 12, 17, 7, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "moment", "number", "percent"),
    [
        ("sv", "2021-12-17", "2021-12-17\xa008:15", "12\u00a0345,6", "0,14\u00a0%"),
        ("en", "17 Dec 2021", "17 Dec 2021\xa008:15", "12,345.6", "0.14%"),
    ],
)
def test_each_language_has_its_notation(
    monkeypatch: pytest.MonkeyPatch, language: str, day: str, moment: str, number: str, percent: str
) -> None:
    monkeypatch.setattr(i18n, "current_language", lambda: language)
    assert i18n.format_day(date(2021, 12, 17)) == i18n.format_day("2021-12-17") == day
    assert i18n.format_moment(AT) == moment
    assert i18n.format_moment(AT, seconds=True) == f"{moment}:09"
    assert i18n.format_number(12345.6, 1) == number
    assert i18n.format_percentage(0.0014, 2) == percent
    assert i18n.format_number(0) == "0"
