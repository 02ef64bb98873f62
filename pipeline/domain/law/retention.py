"""How long a record has to be kept (bevarande och gallring): rules as data
(`data/law/retention.yaml`), each with its law and source; pure.

The answer is shown and travels with the archive's package. The program never erases anything by
it: the day is the earliest that there can be, counted from this record as if it were the last in
its file, which only the file itself can tell.
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

RETENTION_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "retention.yaml"
_COORDINATION_OFFSET = 60
"""What a coordination number adds to the day of birth."""


class RetentionAction(StrEnum):
    """What the law says of the time after the last note."""

    KEEP = "keep"
    ERASE = "erase"
    PLAN = "plan"


class Exemption(StrictModel):
    """What keeps a whole file for good. `forms` tell the program so; on any other paper of the
    file, or without them, a person has to look.
    """

    what: str
    law: str
    forms: tuple[str, ...] = ()


class ResearchSample(StrictModel):
    """Whom and where research keeps the files: days of the month of birth, counties,
    municipalities.
    """

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
    """What decides: the area of law, the form, whom it is about (empty: nobody known), the day of
    the event, and where.

    `last` is the day on which it was written down, if that was later: the years are counted from
    then.
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
    """The class of a record. `kept` says why it is kept for good, `earliest` is None then; `look`
    is what a person has to look at first.
    """

    rule: RetentionRule
    earliest: date | None
    permanent_reason: str
    manual_checks: tuple[str, ...]


@cache
def load_retention_rules(file: Path = RETENTION_FILE) -> tuple[RetentionRule, ...]:
    """All rules in all versions.

    Raises:
        FormError: the file is missing or says something that no rule has.
    """
    return load_rules_file(file, TypeAdapter(tuple[RetentionRule, ...]))


def classify_retention(
    about: RetentionFacts, known: Iterable[RetentionRule] | None = None
) -> Retention:
    """The class of a record. An area of law that no rule names is kept as the organisation's plan
    says.

    Raises:
        FormError: the rules cannot be used, or none is for plans.
    """
    rule = _find_rule(about, tuple(load_retention_rules() if known is None else known))
    if rule.after is not RetentionAction.ERASE or rule.years is None:
        return Retention(rule, _add_years(about.last or about.day, rule.years), "", ())
    if kept := _permanent_reason(about, rule):
        return Retention(rule, None, kept, ())
    look = tuple(f"{one.what} ({one.law})" for one in rule.exempt)
    return Retention(rule, _add_years(about.last or about.day, rule.years), "", look)


def _find_rule(about: RetentionFacts, known: tuple[RetentionRule, ...]) -> RetentionRule:
    versions = [rule for rule in known if about.area in rule.areas] or [
        rule for rule in known if rule.after is RetentionAction.PLAN
    ]
    if not versions:
        raise FormError("no_rule_retention_area", file=RETENTION_FILE.name)
    versions.sort(key=lambda rule: rule.from_)
    return next(
        (rule for rule in reversed(versions) if about.day is None or rule.from_ <= about.day),
        versions[0],
    )


def _permanent_reason(about: RetentionFacts, rule: RetentionRule) -> str:
    """Why it is kept for good. Where the day of birth is not known it is kept: nobody can say that
    the sample does not take it.
    """
    for one in rule.exempt:
        if about.form in one.forms:
            return f"{one.what} ({one.law})"
    sample = rule.sample
    if sample is None:
        return ""
    if about.county in sample.counties or about.municipality in sample.municipalities:
        return "forskningens urval: alla akter i kommunen"
    born = birth_day(about.pid)
    if born is None:
        return "födelsedag okänd: urvalet för forskning kan inte uteslutas"
    return f"forskningens urval: född den {born}" if born in sample.days else ""


def birth_day(pid: str) -> int | None:
    """The day of the month in a personal or coordination number; now and then it is a near-by day
    of the birth. None for any other number, and for a wrong one.
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
    """The same day so many years later; 29 February becomes 1 March. Not after the last day that
    there is: a year may be mistyped.
    """
    if day is None or years is None:
        return None
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
