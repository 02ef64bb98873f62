"""What the law demands: deadlines (`data/law/deadlines.yaml`), and the paragraphs behind duties.

A form names the rule that applies to it and the field with the day that the time runs from.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from babel.dates import format_date
from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.dates import SWEDEN, swedish_day, today_in_sweden
from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Meaning, StrictModel
from pipeline.domain.form.form import Deadline, Form, LegalBasis
from pipeline.domain.form.rules import load_rules_file
from pipeline.texts import Words

DEADLINES_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "deadlines.yaml"


class DeadlineRule(StrictModel):
    """One version of a rule: a duty, within how many days or months, and by which law.

    `from_` is the day from which the version is in force. `say` is its text by language, with
    `{day}` in it. `is_duty` is false for a time in which others may act, such as that of an appeal.
    `has_time` is false for a version of a time in which the law set no last day.
    """

    rule: str
    version: Annotated[int, Field(ge=1)]
    what: str
    law: str
    source: str
    from_: Annotated[date, Field(alias="from")]
    within_days: Annotated[int, Field(ge=0)] | None = None
    within_months: Annotated[int, Field(ge=1)] | None = None
    say: Mapping[str, str] = {}
    is_duty: bool = True
    has_time: bool = True

    @property
    def most_days(self) -> int:
        """How many days the time is at most."""
        return 31 * self.within_months if self.within_months else self.within_days or 0

    def last_day(self, day: date) -> date:
        """Return the last day of the time that runs from a day.

        A month ends on the same day of the month, or on the last one of a shorter month.
        """
        # A mistyped year must not lead past the last day that a date can hold.
        if self.within_months is None:
            return day + min(timedelta(days=self.within_days or 0), date.max - day)
        years, month = divmod(day.month - 1 + self.within_months, 12)
        if day.year + years > date.max.year:
            return date.max
        year = day.year + years
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))

    @model_validator(mode="after")
    def _check_time(self) -> Self:
        times = [time for time in (self.within_days, self.within_months) if time is not None]
        if len(times) != self.has_time:
            raise ValueError(f"{self.rule} names either days or months")
        return self


@cache
def load_deadline_rules(file: Path = DEADLINES_FILE) -> tuple[DeadlineRule, ...]:
    """Load all rules in all versions.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return load_rules_file(file, TypeAdapter(tuple[DeadlineRule, ...]))


def find_deadline_rule(
    name: str, day: date, known: Iterable[DeadlineRule] | None = None
) -> DeadlineRule:
    """Return the version of a rule that was in force on a day; before the first, the first.

    Raises:
        FormError: there is no such rule.
    """
    versions = sorted(
        (rule for rule in (load_deadline_rules() if known is None else known) if rule.rule == name),
        key=lambda rule: (rule.from_, rule.version),
    )
    if not versions:
        raise FormError("no_deadline", name=name, file=DEADLINES_FILE.name)
    return next((rule for rule in reversed(versions) if rule.from_ <= day), versions[0])


def due_at(name: str, day: date, after: str | None = None) -> datetime | None:
    """Return the last minute of a deadline, Swedish time; None where the law set no last day.

    Args:
        name: the rule, in the version of that day.
        day: the day of the decision or event.
        after: the rule by whose last day the decision has to be made that the time runs from.

    Raises:
        FormError: there is no such rule.
    """
    rule = find_deadline_rule(name, day)
    if not rule.has_time:
        return None
    start = find_deadline_rule(after, day).last_day(day) if after else day
    return datetime.combine(rule.last_day(start), time(23, 59), SWEDEN)


def is_duty(name: str) -> bool:
    """Whether a person here has to act in time; an unknown rule is one, to be safe."""
    return all(rule.is_duty for rule in load_deadline_rules() if rule.rule == name)


# The legal deadlines of one entry that run: which have begun, and which nobody has met yet.
#
# They are kept as rule → last moment in ISO format, or `UNCERTAIN` where the day that the time runs
# from is not certain.

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
        elif spec.name in days and not (spec.required or spec.means is Meaning.EVENT_DATE):
            continue
        elif earlier is not None or spec.name in days:
            times[deadline.rule] = earlier or UNCERTAIN
    return times


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


# The paragraphs of law behind a duty, by the day: `data/law/paragraphs.yaml`.
#
# A form names a duty. What it prints is the law of its print day; what goes out with a record is
# the law of the record's own day.

PARAGRAPHS_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "paragraphs.yaml"


class ParagraphVersion(StrictModel):
    """The paragraph from a day on, and its source; `read` says whether its text has been read."""

    from_: Annotated[date, Field(alias="from")]
    ref: str
    source: str
    read: bool


class LawDuty(StrictModel):
    """A duty with its paragraphs, the oldest first."""

    rule: str
    what: str
    versions: Annotated[tuple[ParagraphVersion, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if any(older.from_ >= newer.from_ for older, newer in pairwise(self.versions)):
            raise ValueError(f"the versions of {self.rule} are not in the order of their days")
        return self


@cache
def load_law_duties(file: Path = PARAGRAPHS_FILE) -> Mapping[str, LawDuty]:
    """Load all duties by their id.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return {duty.rule: duty for duty in load_rules_file(file, TypeAdapter(tuple[LawDuty, ...]))}


def law_refs(form: Form, day: date) -> tuple[LegalBasis, ...]:
    """Return the law that a form is based on, as in force on a day, each paragraph once.

    Raises:
        FormError: the form names a duty that is not known.
    """
    duties = load_law_duties()
    by_ref: dict[str, LegalBasis] = {}
    for law in form.law:
        basis = _resolve(law, duties, day)
        by_ref.setdefault(basis.ref, basis)
    return tuple(by_ref.values())


def _resolve(law: LegalBasis, duties: Mapping[str, LawDuty], day: date) -> LegalBasis:
    if not law.rule:
        return law
    if law.rule not in duties:
        raise FormError("no_law_duty", name=law.rule, file=PARAGRAPHS_FILE.name)
    versions = duties[law.rule].versions
    # The version in force on the day; before the first, the first.
    version = next((each for each in reversed(versions) if each.from_ <= day), versions[0])
    return LegalBasis(ref=version.ref, source=version.source)
