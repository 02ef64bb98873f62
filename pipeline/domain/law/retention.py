"""How long a record has to be kept (bevarande och gallring), by `data/law/retention.yaml`.

Each rule has its law and source. The result is shown and goes into the archive's package; the
program never erases anything by it. A rule is for a kind of document, or else for an area of law.
Its day is the earliest possible: it counts from this record as if it were the last in its file,
which only the file itself can show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.dates import calendar_day
from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.identity_numbers import PidKind, normalize_pid
from pipeline.texts import Words

RETENTION_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "retention.yaml"
_LED_TO = "utredning"
"""The field in the rules of a concern that says whether an investigation was opened."""
_COORDINATION_OFFSET = 60
"""What a coordination number adds to the day of birth."""
_TEXTS = Words("sv")
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
    """One version of a rule.

    Attributes:
        kind: The kind of document that it is for; its `forms` are ids, or `id:field=value` for
            papers on which this was chosen (`id:field=`: nothing). A rule without a kind is for
            `areas` of law.
        opened_by: The papers that show that what it is for, an investigation of a child, was
            opened, as `forms`.
        year_end: The years count from the end of the calendar year.
        until_age: It is not erased before the client has this age.
        check: What a person has to look at before it is erased, besides the exemptions.
    """

    rule: str
    version: Annotated[int, Field(ge=1)]
    from_: Annotated[date, Field(alias="from")]
    areas: frozenset[str] = frozenset()
    kind: str = ""
    forms: tuple[str, ...] = ()
    opened_by: tuple[str, ...] = ()
    after: RetentionAction
    years: Annotated[int, Field(ge=1)] | None = None
    year_end: bool = False
    until_age: Annotated[int, Field(ge=1)] | None = None
    what: str
    law: str
    source: str
    exempt: tuple[Exemption, ...] = ()
    check: tuple[str, ...] = ()
    sample: ResearchSample | None = None

    @model_validator(mode="after")
    def _check_scope(self) -> Self:
        if bool(self.areas) == bool(self.kind) or bool(self.kind) != bool(self.forms):
            raise ValueError(f"{self.rule} is either for areas or for a kind with its forms")
        return self


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """The facts of a record that decide its retention.

    `values` are its confirmed values by field, `pid` is the client's number, empty if not known.
    `is_investigated` says that an investigation of the client, a child, was opened.
    `day` is that of the event, `last` that on which it was written down, if that was later: the
    years count from then.
    """

    area: str
    form: str
    pid: str
    day: date | None
    county: str
    municipality: str
    last: date | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    is_investigated: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention of a record.

    `permanent_reason` is why it is kept permanently (`earliest` is None then); `manual_checks` say
    in a sentence each what a person has to check before it is erased.
    """

    rule: RetentionRule
    earliest: date | None
    permanent_reason: str
    manual_checks: tuple[str, ...]


def shows_investigation(form: str, values: Mapping[str, object]) -> bool:
    """Whether a paper, filled in so, shows that the child's investigation was opened."""
    return any(_is_paper(rule.opened_by, form, values) for rule in load_retention_rules())


def investigation_forms() -> frozenset[str]:
    """Return the forms of the papers that may show that a child's investigation was opened."""
    return frozenset(
        paper.partition(":")[0] for rule in load_retention_rules() for paper in rule.opened_by
    )


def _is_paper(papers: Iterable[str], form: str, values: Mapping[str, object]) -> bool:
    for each in papers:
        form_id, _, choice = each.partition(":")
        name, _, value = choice.partition("=")
        if form_id == form and (not choice or (values.get(name) or "") == value):
            return True
    return False


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
    """Return the retention of a record; without a rule for it, by the plan.

    Raises:
        FormError: the rules cannot be used, or none is for plans.
    """
    known = tuple(load_retention_rules() if rules is None else rules)
    rule = _find_rule(facts, known)
    earliest = _earliest_day(facts, rule)
    if rule.after is not RetentionAction.ERASE or rule.years is None:
        return Retention(rule, earliest, "", tuple(map(_check_sentence, rule.check)))
    if reason := _permanent_reason(facts, rule):
        return Retention(rule, None, reason, ())
    return Retention(rule, earliest, "", _manual_checks(rule, earliest, known))


def retention_label(retention: Retention) -> str:
    """Return the name of a class: `SOL-5/1`; of what is kept for good `BEVARAS (SOL-5/1)`."""
    name = f"{retention.rule.rule}/{retention.rule.version}"
    return f"BEVARAS ({name})" if retention.permanent_reason else name


def is_erasable(label: str) -> bool:
    """Return whether a class, as `retention_label` names it, is known and not kept for good."""
    return label in {f"{rule.rule}/{rule.version}" for rule in load_retention_rules()}


def _find_rule(facts: RetentionFacts, rules: tuple[RetentionRule, ...]) -> RetentionRule:
    # The kind of document decides, once there is a rule for it, else the area of law; an area
    # without a rule follows the organisation's plan.
    # A concern itself does not say what it led to.
    led_to = {_LED_TO: "inleds"} if facts.is_investigated else {}
    values = {**led_to, **facts.values}
    of_kind = [
        rule
        for rule in rules
        if _is_paper(rule.forms, facts.form, values)
        and (facts.day is None or rule.from_ <= facts.day)
    ]
    versions = (
        of_kind
        or [rule for rule in rules if facts.area in rule.areas]
        or [rule for rule in rules if rule.areas and rule.after is RetentionAction.PLAN]
    )
    if not versions:
        raise FormError("no_retention_rule", file=RETENTION_FILE.name)
    # The version in force on the day; before the first version, the first.
    versions.sort(key=lambda rule: rule.from_)
    return next(
        (rule for rule in reversed(versions) if facts.day is None or rule.from_ <= facts.day),
        versions[0],
    )


def _earliest_day(facts: RetentionFacts, rule: RetentionRule) -> date | None:
    """Return the first day on which the law lets a record be erased."""
    start = facts.last or facts.day
    if start is not None and rule.year_end:
        # The year ends with its last day, and the last of the years too
        years = rule.years or 0
        return (
            date(start.year + years + 1, 1, 1) if start.year + years < date.max.year else date.max
        )
    earliest = _add_years(start, rule.years)
    if rule.until_age is None or earliest is None:
        return earliest
    of_age = _add_years(birth_date(facts.pid), rule.until_age)
    return max(earliest, of_age) if of_age else None


def _manual_checks(
    rule: RetentionRule, earliest: date | None, rules: Iterable[RetentionRule]
) -> tuple[str, ...]:
    """Return what keeps a record by this version, or by a later one in force when it is erased."""
    versions = [
        each
        for each in rules
        if each.rule == rule.rule
        and each.version >= rule.version
        and (each is rule or earliest is None or each.from_ <= earliest)
    ]
    by_what: dict[str, str] = {}
    for version in sorted(versions, key=lambda each: each.version):
        by_what |= {exemption.what: exemption.law for exemption in version.exempt}
    exempt = [_TEXTS("retention.exempt", what=what, law=law) for what, law in by_what.items()]
    later = dict.fromkeys(check for version in versions for check in version.check)
    return (*exempt, *map(_check_sentence, later))


def _check_sentence(check: str) -> str:
    return _TEXTS("retention.check", what=check)


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
        return _TEXTS("retention.kept_by_municipality")
    day = birth_day(facts.pid)
    if day is None:
        return _TEXTS("retention.kept_birth_day_unknown")
    return _TEXTS("retention.kept_by_birth_day", day=day) if day in sample.days else ""


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


def birth_date(pid: str) -> date | None:
    """Return the date in a personal or coordination number, else None."""
    day = birth_day(pid)
    value = normalize_pid(pid).value12
    return None if day is None else calendar_day(int(value[:4]), int(value[4:6]), day)


def _add_years(day: date | None, years: int | None) -> date | None:
    """Return the same day so many years later; 29 February becomes 1 March."""
    if day is None or years is None:
        return None
    # A mistyped year must not lead past the last day that a date can hold.
    if day.year + years > date.max.year:
        return date.max
    year = day.year + years
    return calendar_day(year, day.month, day.day) or date(year, 3, 1)
