"""The sentences of Läge: is anything lost, what waits and until when, which deadlines have passed.

They are what a manager reads first, on the screen and on paper, and hold in a crisis meeting: each
claims no more than the numbers say. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from babel.dates import format_date

from pipeline.reporting.forecast import Forecast
from pipeline.texts import Words

_LOCALES = {"sv": "sv_SE", "en": "en_GB"}


class Level(StrEnum):
    """How urgent the situation is."""

    CALM = "calm"
    """Nothing is missing, and no deadline has passed."""
    LOOK = "look"
    """Something has to be looked into."""
    HARM = "harm"
    """A deadline has passed or may have, or stored paper is damaged."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The numbers that the sentences are about.

    Attributes:
        scanned: pages that came in; `waiting` and `failed` are among them.
        open: entries that wait for a reviewer.
        missing_sheets: printed sheets that have not come back.
        interrupted: batches that were not imported to their end.
        lost_files: stored files that are missing or damaged; None before the first check.
        passed: legal deadlines that have passed; `uncertain` may have, `soon` end by tomorrow.
    """

    today: date
    scanned: int
    waiting: int
    failed: int
    open: int
    missing_sheets: int
    interrupted: int
    lost_files: int | None
    is_database_whole: bool
    forecast: Forecast
    passed: int
    uncertain: int
    soon: int
    changed_rows: int = 0

    @property
    def is_damaged(self) -> bool:
        """Whether the last check found the database or a file missing, damaged or changed."""
        return bool(self.lost_files or self.changed_rows) or not self.is_database_whole

    @property
    def level(self) -> Level:
        """How urgent it is."""
        if self.is_damaged or self.passed or self.uncertain:
            return Level.HARM
        if self.failed or self.interrupted or self.missing_sheets or self.soon:
            return Level.LOOK
        return Level.CALM


@dataclass(frozen=True, slots=True)
class SituationText:
    """The sentences in one language; one is empty where there is nothing to say."""

    whole: str
    work: str
    deadlines: str

    @property
    def all(self) -> str:
        """All sentences in one line."""
        return " ".join(filter(None, (self.whole, self.work, self.deadlines)))


def describe_situation(situation: Situation, language: str) -> SituationText:
    """Return the sentences about a situation."""
    say = Words(language)
    return SituationText(
        _whole_text(situation, say), _work_text(situation, say), _deadline_text(situation, say)
    )


def describe_range(situation: Situation, language: str) -> str:
    """Return when the work is done at the earliest and latest; empty without evidence."""
    forecast, say = situation.forecast, Words(language)
    if not situation.open or forecast.middle is None or forecast.optimistic is None:
        return ""
    first = _day_text(situation.today, forecast.optimistic, say)
    if forecast.pessimistic is None:
        return say("situation.range_open", first=first)
    if forecast.pessimistic == forecast.optimistic:
        return ""
    return say(
        "situation.range", first=first, last=_day_text(situation.today, forecast.pessimistic, say)
    )


def _whole_text(situation: Situation, say: Words) -> str:
    """Say whether anything is lost: damage first, then paper that is not in, else that all is."""
    if not situation.is_database_whole:
        return say("situation.database_damaged")
    if situation.changed_rows:
        return say("situation.rows_changed")
    if situation.lost_files:
        return say.count("situation.files_lost", situation.lost_files)
    problems = [
        say.count(name, count)
        for name, count in (
            ("situation.failed", situation.failed),
            ("situation.interrupted", situation.interrupted),
            ("situation.missing_sheets", situation.missing_sheets),
        )
        if count
    ]
    if not situation.scanned:
        return " ".join((say("situation.nothing_scanned"), *problems))
    if situation.failed or situation.interrupted:
        return " ".join(problems)
    # What came in is all there; sheets that have not come in yet are another matter.
    if problems:
        return " ".join((say("situation.nothing_scanned_lost"), *problems))
    return say(
        "situation.nothing_known_lost" if situation.lost_files is None else "situation.nothing_lost"
    )


def _work_text(situation: Situation, say: Words) -> str:
    """Say how many pages wait, and until when if that is known."""
    forecast, waiting = situation.forecast, situation.waiting
    if not situation.scanned:
        return ""
    if not waiting:
        return say("situation.nothing_waits")
    if not situation.open:
        return say.count("situation.unread", waiting)
    if not forecast.path:
        return say.count("situation.early", waiting)
    if forecast.middle is None:
        return say.count("situation.far", waiting)
    if forecast.middle <= 1:
        return say.count("situation.until_tomorrow", waiting)
    return say.count(
        "situation.until", waiting, day=_day_text(situation.today, forecast.middle, say)
    )


def _deadline_text(situation: Situation, say: Words) -> str:
    """Say how many deadlines have passed, may have passed, and end by tomorrow."""
    parts = [
        say.count(name, count)
        for name, count in (
            ("situation.passed", situation.passed),
            ("situation.uncertain", situation.uncertain),
            ("situation.soon", situation.soon),
        )
        if count
    ]
    return " ".join(parts)


def _day_text(today: date, days: int, say: Words) -> str:
    """Return a day as people say it, without the year: the horizon is four months."""
    if days <= 1:
        return say("situation.tomorrow" if days else "situation.today")
    return format_date(today + timedelta(days=days), "d MMMM", locale=_LOCALES[say.language])
