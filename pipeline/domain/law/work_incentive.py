"""Check the part of the wages that is not counted as income in financial aid (jobbstimulans).

Its percentage is data, `data/law/jobbstimulans.yaml`, each version with its law and source.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import NormFields
from pipeline.domain.form.yaml_loader import load_rules_file
from pipeline.domain.review.sums import AnswerNumbers, ArithmeticFinding

WORK_INCENTIVE_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "jobbstimulans.yaml"


class WorkIncentive(StrictModel):
    """A version of the rule; `read` says whether the text of its paragraph has been read."""

    from_: Annotated[date, Field(alias="from")]
    percent: Annotated[int, Field(gt=0, lt=100)]
    law: str
    source: str
    read: bool


@cache
def load_work_incentives(file: Path = WORK_INCENTIVE_FILE) -> tuple[WorkIncentive, ...]:
    """Load all versions, the latest first.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    versions = load_rules_file(file, TypeAdapter(tuple[WorkIncentive, ...]))
    return tuple(sorted(versions, key=lambda version: version.from_, reverse=True))


def check_wages(norm: NormFields, numbers: AnswerNumbers) -> Iterator[ArithmeticFinding]:
    """Find a part that is not the law's, and counted wages that are not what is left.

    A form without these fields, and wages without a number, are not checked. Of a couple one may
    have no right to it: their part may be smaller.

    Raises:
        FormError: the versions of the rule cannot be used.
    """
    if norm.wages is None:
        return
    wages = numbers.number(norm.wages.all)
    exempt, counted = numbers.addend(norm.wages.exempt), numbers.number(norm.wages.counted)
    if wages is None or exempt is None:
        return
    month = numbers.number(norm.month)
    version = next(
        (each for each in load_work_incentives() if month and month >= _month_of(each.from_)), None
    )
    if exempt and version:
        part = wages * version.percent / 100
        # Öre are rounded either way
        lowest, highest = (part.to_integral_value(mode) for mode in (ROUND_FLOOR, ROUND_CEILING))
        is_couple = numbers.text(norm.household) == norm.couple
        if exempt > highest or (exempt < lowest and not is_couple):
            yield ArithmeticFinding("norm_exempt", norm.wages.exempt, str(highest))
    if counted is not None and counted != wages - exempt:
        yield ArithmeticFinding("norm_wages", norm.wages.counted, str(wages - exempt))


def _month_of(day: date) -> Decimal:
    """Return the month as it is written, YYYYMM."""
    return Decimal(day.year * 100 + day.month)
