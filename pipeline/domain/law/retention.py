"""How long a record has to be kept (bevarande och gallring), by `data/law/retention.yaml`.

Each rule has its law and source. The result is shown and goes into the archive's package; the
program never erases anything by it. Its day is the earliest possible: it counts from this record
as if it were the last in its file, which only the file itself can show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.identity_numbers import PidKind, normalize_pid
from pipeline.domain.law.rules_file import load_rules_file
from pipeline.texts import Topic

RETENTION_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "retention.yaml"
_COORDINATION_OFFSET = 60
"""What a coordination number adds to the day of birth."""
_TEXTS = Topic("retention", "sv")
"""The archive's package is in Swedish."""


class RetentionAction(StrEnum):
    """What the law prescribes for the time after the last note."""

    KEEP = "keep"
    ERASE = "erase"
    PLAN = "plan"


class Exemption(StrictModel):
    """A reason to keep a whole file permanently.

    The program recognizes it by `forms`; on other paper of the file, or without them, a person has
    to check.
    """

    what: str
    law: str
    forms: tuple[str, ...] = ()


class ResearchSample(StrictModel):
    """The files kept for research: days of the month of birth, counties, municipalities."""

    days: frozenset[int]
    counties: frozenset[str] = frozenset()
    municipalities: frozenset[str] = frozenset()


class RetentionRule(StrictModel):
    """One version of a rule."""

    rule: str
    version: Annotated[int, Field(ge=1)]
    from_: Annotated[date, Field(alias="from")]
    areas: frozenset[str]
    after: RetentionAction
    years: Annotated[int, Field(ge=1)] | None = None
    what: str
    law: str
    source: str
    exempt: tuple[Exemption, ...] = ()
    sample: ResearchSample | None = None


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """The facts of a record that decide its retention.

    `pid` is the client's number, empty if not known; `day` is that of the event. `last` is the day
    on which it was written down, if that was later: the years count from then.
    """

    area: str
    form: str
    pid: str
    day: date | None
    county: str
    municipality: str
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention of a record.

    `permanent_reason` is why it is kept permanently (`earliest` is None then); `manual_checks` are
    what a person has to check before it is erased.
    """

    rule: RetentionRule
    earliest: date | None
    permanent_reason: str
    manual_checks: tuple[str, ...]


@cache
def load_retention_rules(file: Path = RETENTION_FILE) -> tuple[RetentionRule, ...]:
    """Load all rules in all versions.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return load_rules_file(file, TypeAdapter(tuple[RetentionRule, ...]))


def classify_retention(
    facts: RetentionFacts, rules: Iterable[RetentionRule] | None = None
) -> Retention:
    """Return the retention of a record; without a rule for its area of law, by the plan.

    Raises:
        FormError: the rules cannot be used, or none is for plans.
    """
    rule = _find_rule(facts, tuple(load_retention_rules() if rules is None else rules))
    earliest = _add_years(facts.last or facts.day, rule.years)
    if rule.after is not RetentionAction.ERASE or rule.years is None:
        return Retention(rule, earliest, "", ())
    if reason := _permanent_reason(facts, rule):
        return Retention(rule, None, reason, ())
    checks = tuple(f"{exemption.what} ({exemption.law})" for exemption in rule.exempt)
    return Retention(rule, earliest, "", checks)


def retention_label(retention: Retention) -> str:
    """Return the name of a class: `SOL-5/1`; of what is kept for good `BEVARAS (SOL-5/1)`."""
    name = f"{retention.rule.rule}/{retention.rule.version}"
    return f"BEVARAS ({name})" if retention.permanent_reason else name


def is_erasable(label: str) -> bool:
    """Return whether a class, as `retention_label` names it, is known and not kept for good."""
    return label in {f"{rule.rule}/{rule.version}" for rule in load_retention_rules()}


def _find_rule(facts: RetentionFacts, rules: tuple[RetentionRule, ...]) -> RetentionRule:
    # An area of law without a rule follows the organisation's plan.
    versions = [rule for rule in rules if facts.area in rule.areas] or [
        rule for rule in rules if rule.after is RetentionAction.PLAN
    ]
    if not versions:
        raise FormError("no_rule_retention_area", file=RETENTION_FILE.name)
    # The version in force on the day; before the first version, the first.
    versions.sort(key=lambda rule: rule.from_)
    return next(
        (rule for rule in reversed(versions) if facts.day is None or rule.from_ <= facts.day),
        versions[0],
    )


def _permanent_reason(facts: RetentionFacts, rule: RetentionRule) -> str:
    """Return why a record is kept permanently, or "".

    Without a known day of birth it is kept: it may belong to the research sample.
    """
    for exemption in rule.exempt:
        if facts.form in exemption.forms:
            return f"{exemption.what} ({exemption.law})"
    sample = rule.sample
    if sample is None:
        return ""
    if facts.county in sample.counties or facts.municipality in sample.municipalities:
        return _TEXTS("kept_by_municipality")
    day = birth_day(facts.pid)
    if day is None:
        return _TEXTS("kept_birth_day_unknown")
    return _TEXTS("kept_by_birth_day", day=day) if day in sample.days else ""


def birth_day(pid: str) -> int | None:
    """Return the day of the month in a personal or coordination number, else None.

    Sometimes it is a day close to that of the birth. A wrong number gives None too.
    """
    number = normalize_pid(pid)
    if (
        not number.valid
        or number.kind not in (PidKind.PERSONAL, PidKind.COORDINATION)
        or len(number.value12) != 12
    ):
        return None
    day = int(number.value12[6:8])
    day -= _COORDINATION_OFFSET if number.kind is PidKind.COORDINATION else 0
    return day if 1 <= day <= 31 else None


def _add_years(day: date | None, years: int | None) -> date | None:
    """Return the same day so many years later; 29 February becomes 1 March."""
    if day is None or years is None:
        return None
    # A mistyped year must not lead past the last day that a date can hold.
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
