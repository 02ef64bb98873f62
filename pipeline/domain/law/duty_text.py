"""A legal duty in words: what has to be done until which day, and the time left."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.law.deadlines import find_deadline_rule
from pipeline.texts import Topic

_LOCALES = {"sv": "sv_SE", "en": "en_GB"}


def duty_text(rule: str, due_at: datetime | None, now: datetime, language: str) -> str:
    """Return a duty in words; `due_at` is None where the day its time runs from is not certain.

    Raises:
        FormError: there is no such rule.
    """
    if due_at is None:
        say = Topic("deadline", language)
        return f"{find_deadline_rule(rule, today_in_sweden()).what}: {say('at_once')}"
    last = swedish_day(due_at)
    found = find_deadline_rule(rule, last)
    day = format_date(last, "EEE d MMM y", _LOCALES[language])
    text = found.say.get(language, found.what).format(day=day)
    return f"{text} – {time_left_text(due_at, now, language)}"


def time_left_text(due_at: datetime, now: datetime, language: str) -> str:
    """Return how many days are left, or how long ago the last one was."""
    say, days = Topic("deadline", language), (swedish_day(due_at) - swedish_day(now)).days
    if days < 0:
        return say.count("ago", -days)
    return say.count("left", days) if days else say("today")
