"""The sentences of Läge in every case, and no more than the numbers say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.reporting.forecast import (
    MAX_HOURS,
    NO_FORECAST,
    Forecast,
    ForecastDay,
    past_hours,
)
from pipeline.reporting.situation import (
    Level,
    Situation,
    describe_range,
    describe_situation,
)

_PATH = (ForecastDay("2026-12-01", 0, 1, 2),)
CALM = Situation(
    today=date(2026, 11, 30),
    scanned=342,
    waiting=116,
    failed=0,
    open=140,
    missing_sheets=0,
    interrupted=0,
    lost_files=0,
    is_database_whole=True,
    forecast=Forecast(2, 3, 9, _PATH),
    passed=0,
    uncertain=0,
    soon=0,
)


def said(situation: Situation, language: str = "sv") -> str:
    return describe_situation(situation, language).all


def test_what_waits_and_until_when_and_what_has_passed_is_said_in_three_sentences() -> None:
    situation = replace(CALM, passed=6)
    assert said(situation) == (
        "Inget är borta. 116 sidor väntar, klart omkring 3 december. 6 lagfrister har passerat."
    )
    assert said(situation, "en") == (
        "Nothing is lost. 116 pages are waiting, done around 3 December. "
        "6 legal deadlines have passed."
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scanned": 0, "waiting": 0, "open": 0}, ""),
        ({"waiting": 0, "open": 0}, "Inga sidor väntar."),
        ({"waiting": 1, "open": 0}, "1 sida väntar på att läsas av eller åtgärdas."),
        (
            {"waiting": 2, "forecast": NO_FORECAST},
            "2 sidor väntar. Det är för tidigt att säga när de är klara.",
        ),
        (
            {"forecast": Forecast(None, None, None, _PATH)},
            "116 sidor väntar. I den här takten blir de inte klara inom fyra månader.",
        ),
        ({"forecast": Forecast(1, 1, 2, _PATH)}, "116 sidor väntar, troligen klart i morgon."),
        ({"waiting": 1}, "1 sida väntar, klart omkring 3 december."),
        ({"waiting": 1200}, "1\u00a0200 sidor väntar, klart omkring 3 december."),
        (
            {"forecast": Forecast(20, 40, 60, _PATH)},
            "116 sidor väntar, klart omkring 9 januari.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_day_is_named_only_where_there_is_evidence(
    change: dict[str, object], sentence: str
) -> None:
    assert describe_situation(replace(CALM, **change), "sv").work == sentence  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "sentence", "level"),
    [
        ({}, "Inget är borta.", Level.CALM),
        ({"lost_files": None}, "Inget är borta, så vitt vi vet.", Level.CALM),
        (
            {"scanned": 0, "missing_sheets": 0},
            "Inget papper har skannats än.",
            Level.CALM,
        ),
        (
            {"scanned": 0, "missing_sheets": 40},
            "Inget papper har skannats än. 40 utlämnade ark har inte kommit tillbaka.",
            Level.LOOK,
        ),
        (
            {"missing_sheets": 1},
            "Inget som har skannats är borta. 1 utlämnat ark har inte kommit tillbaka.",
            Level.LOOK,
        ),
        (
            {"failed": 3, "interrupted": 1},
            "3 sidor gick inte att läsa och behöver åtgärdas. "
            "1 bunt är inte uppladdad till slutet.",
            Level.LOOK,
        ),
        (
            {"lost_files": 2, "failed": 3},
            "2 sparade filer är borta eller skadade. "
            "Den som sköter driften behöver återställa dem ur en kopia.",
            Level.HARM,
        ),
        (
            {"is_database_whole": False},
            "Databasen är skadad. Den som sköter driften behöver återställa den ur en kopia.",
            Level.HARM,
        ),
    ],
)
def test_nothing_is_called_safe_that_is_not(
    change: dict[str, object], sentence: str, level: Level
) -> None:
    situation = replace(CALM, **change)  # type: ignore[arg-type]
    assert describe_situation(situation, "sv").whole == sentence
    assert situation.level is level
    assert ("Inget är borta" in sentence) <= (not situation.is_damaged)


@pytest.mark.parametrize(
    ("change", "sentence", "level"),
    [
        ({"passed": 1}, "1 lagfrist har passerat.", Level.HARM),
        (
            {"passed": 6, "uncertain": 2},
            "6 lagfrister har passerat. 2 lagfrister kan ha passerat.",
            Level.HARM,
        ),
        ({"uncertain": 1}, "1 lagfrist kan ha passerat.", Level.HARM),
        ({"soon": 2}, "2 lagfrister går ut i dag eller i morgon.", Level.LOOK),
    ],
)
def test_deadlines_that_may_have_passed_are_said_too(
    change: dict[str, object], sentence: str, level: Level
) -> None:
    situation = replace(CALM, **change)  # type: ignore[arg-type]
    assert describe_situation(situation, "sv").deadlines == sentence
    assert situation.level is level


@pytest.mark.parametrize(
    ("forecast", "sentence"),
    [
        (NO_FORECAST, ""),
        (Forecast(None, None, None, _PATH), ""),
        (Forecast(3, 3, 3, _PATH), ""),
        (
            Forecast(2, 3, 9, _PATH),
            "I åtta fall av tio klart mellan 2 december och 9 december, "
            "om det går som de senaste två veckorna.",
        ),
        (
            Forecast(30, 80, None, _PATH),
            "Tidigast klart 30 december; det kan också ta mer än fyra månader.",
        ),
    ],
)
def test_the_range_is_said_in_days_of_the_calendar(forecast: Forecast, sentence: str) -> None:
    assert describe_range(replace(CALM, forecast=forecast), "sv") == sentence
    assert describe_range(replace(CALM, forecast=forecast, open=0), "sv") == ""


def test_the_first_day_is_shown_by_the_hour() -> None:
    at = datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
    hour = at.replace(minute=0)
    made = {hour - timedelta(hours=2): 10, hour: 3}
    ended = {hour - timedelta(hours=1): 4}
    found = past_hours(at, 9, made, ended)
    assert [(one.made, one.ended, one.open) for one in found] == [(10, 0, 10), (0, 4, 6), (3, 0, 9)]
    assert past_hours(at, 0, {}, {}) == ()
    assert len(past_hours(at, 9, {hour - timedelta(days=9): 9}, {})) == MAX_HOURS
