"""The three sentences of Läge: that nothing is lost, what is dangerous, and when it will be done.

They are what a manager reads first, on the screen and on paper, and hold in a crisis meeting: each
claims no more than the numbers say. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from babel.dates import format_date

from pipeline.reporting.forecast import Forecast
from pipeline.texts import Words, grouped

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
        scanned: pages that came in: `done` + `waiting` + `failed`.
        open: entries that wait for a reviewer.
        missing_sheets: printed sheets that have not come back.
        interrupted: batches that were not imported to their end, by unit.
        early: the forecast in hours of work of `people` at a time, where `forecast` is empty.
        dangers: entries that are not entered and may hurt somebody, by kind.
        lost_files: stored files that are missing or damaged; None before the first check.
        passed: legal deadlines that have passed; `uncertain` may have, `soon` end by tomorrow.
    """

    today: date
    scanned: int
    done: int
    waiting: int
    failed: int
    open: int
    missing_sheets: int
    interrupted: Mapping[str, int]
    lost_files: int | None
    is_database_whole: bool
    forecast: Forecast
    early: Forecast
    people: int
    dangers: Mapping[str, int]
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
        paper = self.failed or self.interrupted or self.missing_sheets
        if paper or self.soon or any(self.dangers.values()):
            return Level.LOOK
        return Level.CALM


@dataclass(frozen=True, slots=True)
class SituationText:
    """The three sentences in one language; one is empty where there is nothing to say."""

    whole: str
    danger: str
    done: str

    @property
    def all(self) -> str:
        """All sentences in one line."""
        return " ".join(filter(None, (self.whole, self.danger, self.done)))


def describe_situation(situation: Situation, language: str) -> SituationText:
    """Return the sentences about a situation."""
    say = Words(language)
    return SituationText(
        _whole_text(situation, say), _danger_text(situation, say), _done_text(situation, say)
    )


def _whole_text(situation: Situation, say: Words) -> str:
    """Say whether anything is lost: damage first, else where each page is, and what is not in."""
    if not situation.is_database_whole:
        return say("situation.database_damaged")
    if situation.changed_rows:
        return say("situation.rows_changed")
    if situation.lost_files:
        return say.count("situation.files_lost", situation.lost_files)
    sentences = [_pages_text(situation, say)]
    for unit, count in situation.interrupted.items():
        sentences.append(say.count("situation.interrupted", count, unit=unit))
    if situation.missing_sheets:
        sentences.append(say.count("situation.missing_sheets", situation.missing_sheets))
    return " ".join(sentences)


def _pages_text(situation: Situation, say: Words) -> str:
    """Say that nothing is lost by numbers that add up."""
    if not situation.scanned:
        return say("situation.nothing_scanned")
    is_checked = situation.lost_files is not None
    return say(
        "situation.nothing_lost" if is_checked else "situation.nothing_known_lost",
        scanned=say.count("situation.pages_in", situation.scanned),
        done=say.count("situation.pages_done", situation.done),
        waiting=say.count("situation.pages_waiting", situation.waiting),
        failed=say.count("situation.pages_failed", situation.failed),
    )


def _danger_text(situation: Situation, say: Words) -> str:
    """Say which deadlines have passed or end soon, and what that may hurt is not entered."""
    counts = {
        "situation.passed": situation.passed,
        "situation.uncertain": situation.uncertain,
        "situation.soon": situation.soon,
        **{f"situation.danger.{name}": count for name, count in situation.dangers.items()},
    }
    parts = [say.count(key, count) for key, count in counts.items() if count]
    if not parts and situation.scanned:
        return say("situation.no_danger")
    return " ".join(parts)


def _done_text(situation: Situation, say: Words) -> str:
    """Say when all is done and how certain that is, if there is evidence."""
    forecast = situation.forecast
    if not situation.scanned:
        return ""
    if not situation.waiting:
        return say("situation.nothing_waits")
    if not situation.open:
        return say.count("situation.unread", situation.waiting)
    if not forecast.path:
        return _hours_text(situation, say)
    if forecast.middle is None or forecast.optimistic is None:
        return say("situation.far")
    first, middle, last = (
        None if days is None else _day_text(situation.today, days, say)
        for days in (forecast.optimistic, forecast.middle, forecast.pessimistic)
    )
    if last is None:
        return say("situation.until_open", first=first, day=middle)
    if first == last:
        return say("situation.until", day=middle)
    return say("situation.until_range", day=middle, first=first, last=last)


def _hours_text(situation: Situation, say: Words) -> str:
    """Say how many hours of work are left, before there are days for a forecast."""
    early = situation.early
    if early.optimistic is None:
        return say("situation.early")
    values = {
        "people": say.count("situation.people", situation.people),
        "low": grouped(early.optimistic),
    }
    if early.pessimistic is None:
        return say("situation.hours_open", **values)
    return say("situation.hours", **values, high=grouped(early.pessimistic))


def _day_text(today: date, days: int, say: Words) -> str:
    """Return a day as people say it, without the year: the horizon is four months."""
    if days <= 1:
        return say("situation.tomorrow" if days else "situation.today")
    return format_date(today + timedelta(days=days), "d MMMM", locale=_LOCALES[say.language])
