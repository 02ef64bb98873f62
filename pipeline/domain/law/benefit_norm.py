"""The national norm (riksnorm) of a year, and whether a calculation of financial aid
(normberäkning) follows it. Pure, but for reading the tables.

The tables are data, one file a year in `data/law/riksnorm`, each with its law and source. Which
fields of a form play which part, the form says.
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
    """The norm of children from one age to another, both included. `without_lunch` where it is less
    for who eats lunch free outside the home.
    """

    from_age: Annotated[int, Field(ge=0)]
    to_age: Annotated[int, Field(ge=0)]
    month: Kronor
    without_lunch: Kronor | None = None


class NormTable(StrictModel):
    """The norm of a year, whole kronor a month. `household` are the shared costs by number of
    persons, beginning with one.
    """

    year: int
    law: str
    source: str
    single: Kronor
    couple: Kronor
    children: Annotated[tuple[ChildNorm, ...], Field(min_length=1)]
    household: Annotated[tuple[Kronor, ...], Field(min_length=2)]

    def child(self, age: int, *, free_lunch: bool) -> int | None:
        """The norm of a child; None for an age that has none."""
        found = next((one for one in self.children if one.from_age <= age <= one.to_age), None)
        if found is None:
            return None
        return (
            found.without_lunch if free_lunch and found.without_lunch is not None else found.month
        )

    def shared(self, persons: int) -> int | None:
        """The shared costs of a household; each person beyond the last listed adds the last step.
        None for nobody.
        """
        if persons < 1:
            return None
        beyond = max(0, persons - len(self.household))
        return self.household[min(persons, len(self.household)) - 1] + beyond * (
            self.household[-1] - self.household[-2]
        )

    @model_validator(mode="after")
    def _check_age_ranges(self) -> Self:
        if any(one.to_age + 1 != other.from_age for one, other in pairwise(self.children)):
            raise ValueError("the ages of the children leave a gap or overlap")
        return self


@cache
def load_norm_tables(folder: Path = NORM_FOLDER) -> Mapping[int, NormTable]:
    """The tables that there are, by year.

    Raises:
        FormError: a file says something that no table has, or is named after another year.
    """
    found = {}
    for file in sorted(folder.glob("*.yaml")):
        table = load_rules_file(file, TypeAdapter(NormTable))
        if file.stem != str(table.year):
            raise FormError("holds_national_norm", file=file.name, year=table.year)
        found[table.year] = table
    return found


def check_norm(
    norm: NormFields, figures: AnswerNumbers, tables: Mapping[int, NormTable]
) -> list[ArithmeticFinding]:
    """What in a calculation differs from the norm of its year, and whether norm, costs and incomes
    come to the result.

    With departures from the norm (avsteg) only the result is checked, and so without a table of
    the year, which is then said.
    """
    return [*_check_amounts(norm, figures, tables), *_check_result(norm, figures)]


def _check_amounts(
    norm: NormFields, figures: AnswerNumbers, tables: Mapping[int, NormTable]
) -> Iterator[ArithmeticFinding]:
    month = figures.number(norm.month)
    if month is None or figures.marked(norm.departs):
        return
    year = int(month) // 100
    table = tables.get(year)
    if table is None:
        yield ArithmeticFinding("norm_year", norm.month, str(year))
        return
    household = figures.text(norm.household)
    if household in (norm.single, norm.couple):
        yield from _compare_amount(
            norm.adults, table.couple if household == norm.couple else table.single, figures
        )
    children = list(_expected_child_amounts(norm, figures, table))
    for field, right in children:
        yield from _compare_amount(field, right, figures)
    persons = figures.number(norm.persons)
    if persons is not None:
        yield from _compare_amount(norm.shared, table.shared(int(persons)), figures)
        least = len(children) + (2 if household == norm.couple else 1)
        if persons < least:
            yield ArithmeticFinding("norm_persons", norm.persons, str(least))


def _expected_child_amounts(
    norm: NormFields, figures: AnswerNumbers, table: NormTable
) -> Iterator[tuple[str, int | None]]:
    """The field of the amount of each child whose age is given, and what should stand there; None
    where only a part of the month is meant.
    """
    for number in range(1, norm.children.count + 1):
        prefix = f"{norm.children.prefix}{number}_"
        age = figures.number(prefix + norm.children.age)
        if age is not None:
            whole = not figures.marked(prefix + norm.children.part)
            right = (
                table.child(int(age), free_lunch=figures.marked(prefix + norm.children.lunch))
                if whole
                else None
            )
            yield prefix + norm.children.amount, right


def _compare_amount(
    field: str, right: int | None, figures: AnswerNumbers
) -> Iterator[ArithmeticFinding]:
    written = figures.number(field)
    if right is not None and written is not None and written != right:
        yield ArithmeticFinding("norm_amount", field, str(right))


def _check_result(norm: NormFields, figures: AnswerNumbers) -> Iterator[ArithmeticFinding]:
    """Norm and costs less incomes: what is left over is a surplus, what lacks a deficit."""
    parts = [
        figures.number(norm.norm),
        *(figures.addend(name) for name in (norm.costs, norm.incomes)),
    ]
    written, outcome = figures.number(norm.result), figures.text(norm.outcome)
    if written is None or any(part is None for part in parts):
        return
    known = [part for part in parts if part is not None]
    lacks = known[0] + known[1] - known[2]
    if written != abs(lacks):
        yield ArithmeticFinding("norm_result", norm.result, str(abs(lacks)))
    if (
        lacks != Decimal(0)
        and outcome in (norm.surplus, norm.deficit)
        and outcome != (norm.deficit if lacks > 0 else norm.surplus)
    ):
        yield ArithmeticFinding(
            "norm_deficit" if lacks > 0 else "norm_surplus", norm.outcome, str(abs(lacks))
        )
