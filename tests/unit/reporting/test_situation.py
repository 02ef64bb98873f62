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
    describe_situation,
)

_PATH = (ForecastDay("2026-12-01", 0, 1, 2),)
_SUM = "342 sidor in = 226 klara + 116 väntar + 0 misslyckade."
_SAFE = "Ingen lagfrist har passerat, och det som är läst om allergier och läkemedel är infört."
CALM = Situation(
    today=date(2026, 11, 30),
    scanned=342,
    done=226,
    waiting=116,
    failed=0,
    open=140,
    missing_sheets=0,
    interrupted={},
    lost_files=0,
    is_database_whole=True,
    forecast=Forecast(2, 3, 9, _PATH),
    early=NO_FORECAST,
    people=0,
    dangers={},
    passed=0,
    uncertain=0,
    soon=0,
)


def said(situation: Situation, language: str = "sv") -> str:
    return describe_situation(situation, language).all


def test_nothing_is_lost_what_is_dangerous_and_when_it_is_done_in_this_order() -> None:
    situation = replace(CALM, passed=6, dangers={"allergies": 1, "drugs": 12})
    assert said(situation) == (
        f"Inget är borta: {_SUM} 6 lagfrister har passerat. 1 post om allergi är inte införd. "
        "12 poster om läkemedel är inte införda. "
        "Klart omkring 3 december, i åtta fall av tio mellan 2 december och 9 december."
    )
    assert said(situation, "en") == (
        "Nothing is lost: 342 pages in = 226 done + 116 waiting + 0 failed. "
        "6 legal deadlines have passed. 1 entry about an allergy is not entered. "
        "12 entries about medication are not entered. "
        "Done around 3 December, eight times out of ten between 2 December and 9 December."
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scanned": 0, "waiting": 0, "open": 0}, ""),
        ({"waiting": 0, "open": 0}, "Inga sidor väntar."),
        ({"waiting": 1, "open": 0}, "1 sida väntar på att läsas av eller åtgärdas."),
        ({"forecast": NO_FORECAST}, "Det är för tidigt att säga när det är klart."),
        (
            {"forecast": NO_FORECAST, "early": Forecast(14, 17, 22, _PATH), "people": 4},
            "14–22 timmars arbete kvar med 4 personer i taget som hittills, "
            "om inget mer kommer in.",
        ),
        (
            {"forecast": NO_FORECAST, "early": Forecast(90, None, None, _PATH), "people": 3},
            "Minst 90 timmars arbete kvar med 3 personer i taget som hittills, kanske mycket mer.",
        ),
        (
            {"forecast": Forecast(None, None, None, _PATH)},
            "I den här takten blir det inte klart inom fyra månader.",
        ),
        ({"forecast": Forecast(1, 1, 1, _PATH)}, "Klart i morgon."),
        (
            {"forecast": Forecast(1, 1, 2, _PATH)},
            "Klart omkring i morgon, i åtta fall av tio mellan i morgon och 2 december.",
        ),
        (
            {"forecast": Forecast(30, 80, None, _PATH)},
            "Klart omkring 18 februari, tidigast 30 december; "
            "det kan också ta mer än fyra månader.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_day_is_named_only_where_there_is_evidence_and_with_its_range(
    change: dict[str, object], sentence: str
) -> None:
    assert describe_situation(replace(CALM, **change), "sv").done == sentence  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "sentence", "level"),
    [
        ({}, f"Inget är borta: {_SUM}", Level.CALM),
        ({"lost_files": None}, f"Inget är borta, så vitt vi vet: {_SUM}", Level.CALM),
        ({"scanned": 0}, "Inget papper har skannats än.", Level.CALM),
        (
            {"scanned": 0, "missing_sheets": 40},
            "Inget papper har skannats än. 40 utskrivna ark har inte kommit tillbaka.",
            Level.LOOK,
        ),
        (
            {"missing_sheets": 1},
            f"Inget är borta: {_SUM} 1 utskrivet ark har inte kommit tillbaka.",
            Level.LOOK,
        ),
        (
            {"scanned": 1, "done": 0, "waiting": 0, "failed": 1, "interrupted": {"Norr": 1}},
            "Inget är borta: 1 sida in = 0 klara + 0 väntar + 1 misslyckad. 1 bunt från Norr är "
            "inte uppladdad till slutet: ladda upp samma filer igen under Skanna.",
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
        ({}, _SAFE, Level.CALM),
        ({"scanned": 0}, "", Level.CALM),
        ({"passed": 1}, "1 lagfrist har passerat.", Level.HARM),
        (
            {"passed": 6, "uncertain": 2},
            "6 lagfrister har passerat. 2 lagfrister kan ha passerat.",
            Level.HARM,
        ),
        ({"uncertain": 1}, "1 lagfrist kan ha passerat.", Level.HARM),
        ({"soon": 2}, "2 lagfrister går ut i dag eller i morgon.", Level.LOOK),
        (
            {"dangers": {"acute": 1, "allergies": 0, "drugs": 0}},
            "1 post som skribenten kallar akut är inte införd.",
            Level.LOOK,
        ),
    ],
)
def test_what_may_be_dangerous_is_said_too(
    change: dict[str, object], sentence: str, level: Level
) -> None:
    situation = replace(CALM, **change)  # type: ignore[arg-type]
    assert describe_situation(situation, "sv").danger == sentence
    assert situation.level is level


def test_the_first_day_is_shown_by_the_hour() -> None:
    at = datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
    hour = at.replace(minute=0)
    made = {hour - timedelta(hours=2): 10, hour: 3}
    ended = {hour - timedelta(hours=1): 4}
    found = past_hours(at, 9, made, ended)
    assert [(one.made, one.ended, one.open) for one in found] == [(10, 0, 10), (0, 4, 6), (3, 0, 9)]
    assert past_hours(at, 0, {}, {}) == ()
    assert len(past_hours(at, 9, {hour - timedelta(days=9): 9}, {})) == MAX_HOURS
