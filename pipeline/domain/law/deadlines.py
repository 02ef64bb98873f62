"""Legal deadlines: versioned rules in `data/law/deadlines.yaml`, each with its law and source.

A form names the rule that applies to it and the field with the day that the time runs from.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.yaml_loader import load_rules_file

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
    """Whether somebody here has to act in time; an unknown rule is one, to be safe."""
    return all(rule.is_duty for rule in load_deadline_rules() if rule.rule == name)
