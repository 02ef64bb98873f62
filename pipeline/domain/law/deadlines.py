"""Legal deadlines: rules as data (`data/law/deadlines.yaml`), each with its law, its source and the
day from which it holds; pure.

A form names the rule that applies to it and the field with the day that the time runs from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.law.rules_file import load_rules_file

DEADLINES_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "deadlines.yaml"


class DeadlineRule(StrictModel):
    """One version of a rule: what has to be done within how many days of a decision, and which law
    says so.

    `say` is a line with `{day}` in it, by language.
    """

    rule: str
    version: Annotated[int, Field(ge=1)]
    what: str
    law: str
    source: str
    from_: Annotated[date, Field(alias="from")]
    within_days: Annotated[int, Field(ge=0)]
    say: Mapping[str, str] = {}


@cache
def load_deadline_rules(file: Path = DEADLINES_FILE) -> tuple[DeadlineRule, ...]:
    """All rules in all versions.

    Raises:
        FormError: the file is missing or says something that no rule has.
    """
    return load_rules_file(file, TypeAdapter(tuple[DeadlineRule, ...]))


def find_deadline_rule(
    name: str, day: date, known: Iterable[DeadlineRule] | None = None
) -> DeadlineRule:
    """The version of a rule that held on a day; before the first version, the first.

    Raises:
        FormError: there is no such rule.
    """
    versions = sorted(
        (rule for rule in (load_deadline_rules() if known is None else known) if rule.rule == name),
        key=lambda rule: rule.from_,
    )
    if not versions:
        raise FormError("no_deadline", name=name, file=DEADLINES_FILE.name)
    return next((rule for rule in reversed(versions) if rule.from_ <= day), versions[0])


def due_at(name: str, day: date) -> datetime:
    """The last minute of the last day, Swedish time, of what a decision of that day makes due; not
    after the last day that there is.

    Raises:
        FormError: there is no such rule.
    """
    last = day + min(timedelta(days=find_deadline_rule(name, day).within_days), date.max - day)
    return datetime.combine(last, time(23, 59), SWEDEN)
