"""The legal deadlines of one entry that run: which have begun, and which nobody has met yet.

They are kept as rule → last moment in ISO format, or `UNCERTAIN` where the day that the time runs
from is not certain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from enum import StrEnum

from babel.dates import format_date

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Deadline, Form
from pipeline.domain.law.deadlines import due_at, find_deadline_rule, is_duty
from pipeline.texts import Words

UNCERTAIN = ""
"""The time of a deadline whose first day is not certain: it may have passed already."""
ANY_RULE = ""
"""The key of an older entry's only deadline, whose rule was not stored."""
DeadlineTimes = Mapping[str, str]
KnownDays = Mapping[str, date | None]
"""Days by field, None of a field that is empty; a field that is not certain is absent."""


class MetHow(StrEnum):
    """How a person says that a duty was met."""

    TARGET = "target"
    """In the system where the case is kept."""
    COURT = "court"
    """What has to be in court is there."""
    PAPER = "paper"
    """By a later paper of the same person."""
    SPOKEN = "spoken"
    """By telephone, letter or visit."""
    NOT_DUE = "not_due"
    """There was no such duty: nobody asked for it, or the paper is not valid."""


def deadline_field(form: Form, row: int | None, column: str) -> FieldSpec:
    """Return a field that a deadline names; one of the row comes before one of the sheet."""
    fields = [spec for spec in form.entry_fields(row) if spec.column == column]
    return max(fields, key=lambda spec: spec.row is not None)


def times_from_readings(form: Form, row: int | None, days: KnownDays) -> dict[str, str]:
    """Return the deadlines of an entry that nobody has answered yet; none counts as met.

    Raises:
        FormError: the form names a deadline without a rule.
    """
    # Until its day is certain, each may run
    may_run = {deadline.rule: UNCERTAIN for deadline in form.all_deadlines}
    return _follow_days(form, row, days, may_run)


def times_from_answers(
    form: Form,
    row: int | None,
    days: KnownDays,
    before: DeadlineTimes,
    met: Collection[str] = (),
) -> dict[str, str]:
    """Return the deadlines after these settled answers; those that are met are left out.

    Args:
        before: The deadlines as they were; they hold where no answer is settled.
        met: The rules that a person has said to be met.

    Raises:
        FormError: the form names a deadline without a rule.
    """
    times = _follow_days(form, row, days, before)
    return {
        deadline.rule: times[deadline.rule]
        for deadline in form.all_deadlines
        if deadline.rule in times
        and deadline.rule not in met
        and not _is_met(form, row, deadline, days)
    }


def _is_met(form: Form, row: int | None, deadline: Deadline, days: KnownDays) -> bool:
    """Whether the duty has been done, as far as the days are known.

    A day to come is only planned, and one before the event is of something else, or misread.
    """
    if deadline.met is None:
        return False
    spec = deadline_field(form, row, deadline.met)
    day, since = days.get(spec.name), [deadline_field(form, row, deadline.day)]
    if event := form.meaning(Meaning.EVENT_DATE, row):
        since.append(event)
    earliest = [days.get(each.name) for each in since if each.name != spec.name]
    first = min((each for each in earliest if each is not None), default=date.min)
    return day is not None and first <= day <= today_in_sweden()


def open_duties(form: Form | None, times: DeadlineTimes | None) -> dict[str, str]:
    """Return the stored times of duties; an older entry's is that of its form's first deadline."""
    first = next((deadline.rule for deadline in form.all_deadlines), ANY_RULE) if form else ANY_RULE
    return {rule or first: time for rule, time in (times or {}).items() if is_duty(rule or first)}


def nearest_due(times: DeadlineTimes, now: datetime) -> datetime | None:
    """Return when the nearest duty ends; `now` for one that is uncertain, None for none."""
    return min(
        (
            now if time == UNCERTAIN else datetime.fromisoformat(time)
            for rule, time in times.items()
            if is_duty(rule)
        ),
        default=None,
    )


def _follow_days(
    form: Form, row: int | None, days: KnownDays, before: DeadlineTimes
) -> dict[str, str]:
    """Start each deadline whose day is known, and stop one that begins only later, if at all."""
    times: dict[str, str] = {}
    for deadline in form.all_deadlines:
        earlier = before.get(deadline.rule, before.get(ANY_RULE))
        spec = deadline_field(form, row, deadline.day)
        first_day = days.get(spec.name)
        if first_day is not None:
            if due := due_at(deadline.rule, first_day, deadline.after):
                times[deadline.rule] = due.isoformat()
        elif spec.name in days and not _has_begun(spec):
            continue
        elif earlier is not None or spec.name in days:
            times[deadline.rule] = earlier or UNCERTAIN
    return times


def _has_begun(spec: FieldSpec) -> bool:
    """Whether the time runs even where the field is empty: its day is that of the event itself."""
    return spec.required or spec.means is Meaning.EVENT_DATE


# A legal duty in words: what has to be done until which day, and the time left.

_LOCALES = {"sv": "sv_SE", "en": "en_GB"}


def duty_text(rule: str, due_at: datetime | None, now: datetime, language: str) -> str:
    """Return a duty in words; `due_at` is None where the day its time runs from is not certain.

    Raises:
        FormError: there is no such rule.
    """
    if due_at is None:
        say = Words(language)
        return f"{find_deadline_rule(rule, today_in_sweden()).what}: {say('deadline.at_once')}"
    last = swedish_day(due_at)
    found = find_deadline_rule(rule, last)
    day = format_date(last, "EEE d MMM y", _LOCALES[language])
    text = found.say.get(language, found.what).format(day=day)
    return f"{text} – {time_left_text(due_at, now, language)}"


def time_left_text(due_at: datetime, now: datetime, language: str) -> str:
    """Return how many days are left, or how long ago the last one was."""
    say, days = Words(language), (swedish_day(due_at) - swedish_day(now)).days
    if days < 0:
        return say.count("deadline.ago", -days)
    return say.count("deadline.left", days) if days else say("deadline.today")
