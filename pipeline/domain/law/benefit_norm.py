"""Check a calculation of financial aid (normberäkning) against the national norm (riksnorm).

The norm tables are data, one file a year in `data/law/riksnorm`, each with its law and source. The
form defines which of its fields play which part (`NormFields`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import NormFields
from pipeline.domain.law.rules_file import load_rules_file
from pipeline.domain.review.sums import AnswerNumbers, ArithmeticFinding

NORM_FOLDER = Path(__file__).resolve().parents[3] / "data" / "law" / "riksnorm"

Kronor = Annotated[int, Field(ge=0)]


class ChildNorm(StrictModel):
    """The norm of children from one age to another, both included.

    `without_lunch` is the lower norm of a child who eats lunch free outside the home, if any.
    """

    from_age: Annotated[int, Field(ge=0)]
    to_age: Annotated[int, Field(ge=0)]
    month: Kronor
    without_lunch: Kronor | None = None


class NormTable(StrictModel):
    """The norm of a year, whole kronor a month.

    `household` are the shared costs by number of persons, beginning with one.
    """

    year: int
    law: str
    source: str
    single: Kronor
    couple: Kronor
    children: Annotated[tuple[ChildNorm, ...], Field(min_length=1)]
    household: Annotated[tuple[Kronor, ...], Field(min_length=2)]

    def child(self, age: int, *, free_lunch: bool) -> int | None:
        """Return the norm of a child; None for an age that has none."""
        norm = next((norm for norm in self.children if norm.from_age <= age <= norm.to_age), None)
        if norm is None:
            return None
        return norm.without_lunch if free_lunch and norm.without_lunch is not None else norm.month

    def shared(self, persons: int) -> int | None:
        """Return the shared costs of a household; None for a household without persons.

        Each person beyond the last listed number adds the last step of the table.
        """
        if persons < 1:
            return None
        listed = min(persons, len(self.household))
        last_step = self.household[-1] - self.household[-2]
        return self.household[listed - 1] + (persons - listed) * last_step

    @model_validator(mode="after")
    def _check_age_ranges(self) -> Self:
        if any(younger.to_age + 1 != older.from_age for younger, older in pairwise(self.children)):
            raise ValueError("the ages of the children leave a gap or overlap")
        return self


@cache
def load_norm_tables(folder: Path = NORM_FOLDER) -> Mapping[int, NormTable]:
    """Load all norm tables, by year.

    Raises:
        FormError: a file does not match the schema, or is named after another year.
    """
    tables = {}
    for file in sorted(folder.glob("*.yaml")):
        table = load_rules_file(file, TypeAdapter(NormTable))
        if file.stem != str(table.year):
            raise FormError("holds_national_norm", file=file.name, year=table.year)
        tables[table.year] = table
    return tables


def check_norm(
    norm: NormFields, numbers: AnswerNumbers, tables: Mapping[int, NormTable]
) -> list[ArithmeticFinding]:
    """Find what differs from the norm of the year, and a result that is not that of its parts.

    With departures from the norm (avsteg) only the result is checked, and likewise without a table
    of the year, which is then reported.
    """
    return [*_check_amounts(norm, numbers, tables), *_check_result(norm, numbers)]


def _check_amounts(
    norm: NormFields, numbers: AnswerNumbers, tables: Mapping[int, NormTable]
) -> Iterator[ArithmeticFinding]:
    month = numbers.number(norm.month)
    if month is None or numbers.marked(norm.departs):
        return
    # The month is written YYYYMM.
    year = int(month) // 100
    table = tables.get(year)
    if table is None:
        yield ArithmeticFinding("norm_year", norm.month, str(year))
        return
    # The amounts of adults and of each child.
    household = numbers.text(norm.household)
    if household in (norm.single, norm.couple):
        yield from _compare_amount(
            norm.adults, table.couple if household == norm.couple else table.single, numbers
        )
    children = list(_expected_child_amounts(norm, numbers, table))
    for field, expected in children:
        yield from _compare_amount(field, expected, numbers)
    # The shared costs, and a number of persons that leaves room for all children.
    persons = numbers.number(norm.persons)
    if persons is not None:
        yield from _compare_amount(norm.shared, table.shared(int(persons)), numbers)
        minimum = len(children) + (2 if household == norm.couple else 1)
        if persons < minimum:
            yield ArithmeticFinding("norm_persons", norm.persons, str(minimum))


def _expected_child_amounts(
    norm: NormFields, numbers: AnswerNumbers, table: NormTable
) -> Iterator[tuple[str, int | None]]:
    """Yield the amount field of each child whose age is written, with the expected amount.

    The amount is None where only a part of the month is meant.
    """
    for number in range(1, norm.children.count + 1):
        prefix = f"{norm.children.prefix}{number}_"
        age = numbers.number(prefix + norm.children.age)
        if age is None:
            continue
        amount = table.child(int(age), free_lunch=numbers.marked(prefix + norm.children.lunch))
        is_part = numbers.marked(prefix + norm.children.part)
        yield prefix + norm.children.amount, None if is_part else amount


def _compare_amount(
    field: str, expected: int | None, numbers: AnswerNumbers
) -> Iterator[ArithmeticFinding]:
    written = numbers.number(field)
    if expected is not None and written is not None and written != expected:
        yield ArithmeticFinding("norm_amount", field, str(expected))


def _check_result(norm: NormFields, numbers: AnswerNumbers) -> Iterator[ArithmeticFinding]:
    """Check norm + costs - incomes: the aid if positive (deficit), else a surplus."""
    total, result = numbers.number(norm.norm), numbers.number(norm.result)
    costs, incomes = numbers.addend(norm.costs), numbers.addend(norm.incomes)
    if total is None or costs is None or incomes is None or result is None:
        return
    deficit = total + costs - incomes
    if result != abs(deficit):
        yield ArithmeticFinding("norm_result", norm.result, str(abs(deficit)))
    # The choice deficit or surplus has to fit the sign.
    outcome = numbers.text(norm.outcome)
    if (
        deficit != Decimal(0)
        and outcome in (norm.surplus, norm.deficit)
        and outcome != (norm.deficit if deficit > 0 else norm.surplus)
    ):
        yield ArithmeticFinding(
            "norm_deficit" if deficit > 0 else "norm_surplus", norm.outcome, str(abs(deficit))
        )
