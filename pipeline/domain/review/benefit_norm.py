"""Check a calculation of financial aid (normberäkning) against the national norm (riksnorm).

The norm tables are data, one file a year in `data/law/riksnorm`, each with its law and source. The
form defines which of its fields play which part (`NormFields`). Of a year without a table the
warning says that nothing was checked; amounts far from those of the nearest year are found.
Amounts that are those of another year are a question of their own (`NORM_OTHER_YEAR`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import NormFields
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import State
from pipeline.domain.review.rules import AnswerNumbers

NORM_FOLDER = Path(__file__).resolve().parents[3] / "data" / "law" / "riksnorm"

Kronor = Annotated[int, Field(ge=0)]
_LIMIT = Decimal("1.3")
"""How far an amount may be from the norm of the nearest year, as a factor up and down."""
_YEARLY_CHANGE = Decimal("1.03")
"""What that factor grows by for each year between: the norm rose by 2.4 % a year, 2014 to 2026."""


class ChildNorm(StrictModel):
    """The norm of children from one age to another, both included.

    `without_lunch` is the lower norm of a child who eats lunch free outside the home, if any;
    "unknown" where no source was at hand.
    """

    from_age: Annotated[int, Field(ge=0)]
    to_age: Annotated[int, Field(ge=0)]
    month: Kronor
    without_lunch: Kronor | Literal["unknown"] | None = None


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
        """Return the norm of a child; None for an age that has none, or where it is unknown."""
        norm = next((norm for norm in self.children if norm.from_age <= age <= norm.to_age), None)
        if norm is None:
            return None
        if free_lunch and norm.without_lunch is not None:
            return norm.without_lunch if isinstance(norm.without_lunch, int) else None
        return norm.month

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
            raise FormError("norm_file_of_other_year", file=file.name, year=table.year)
        tables[table.year] = table
    return tables


def check_norm(
    norm: NormFields, numbers: AnswerNumbers, tables: Mapping[int, NormTable]
) -> list[Issue]:
    """Find what differs from the norm of the year, and a result that is not that of its parts.

    With departures from the norm (avsteg) only the result is checked. Without a table of the year,
    or without a month, that is reported; without a table amounts far from the nearest year's are.
    """
    return [*_check_amounts(norm, numbers, tables), *_check_result(norm, numbers)]


def _check_amounts(
    norm: NormFields, numbers: AnswerNumbers, tables: Mapping[int, NormTable]
) -> Iterator[Issue]:
    if numbers.marked(norm.departs):
        return
    month = numbers.number(norm.month)
    if month is None:
        answer = numbers.answers.get(norm.month)
        if answer is not None and answer.state is not State.READ:
            yield Issue(IssueCode.NORM_MONTH, norm.month)
        return
    # The month is written YYYYMM.
    year = int(month) // 100
    household = _Household.of(norm, numbers)
    other = _find_other_year(norm, numbers, household, year, tables)
    if other is not None:
        yield Issue(
            IssueCode.NORM_OTHER_YEAR, norm.month, str(other), f"{year}-{int(month) % 100:02d}"
        )
    if year in tables:
        yield from _compare_with_year(norm, numbers, household, tables[year])
        return
    yield Issue(IssueCode.NORM_YEAR, norm.month, str(year))
    if tables:
        yield from _compare_with_nearest(norm, numbers, household, year, tables)


@dataclass(frozen=True, slots=True)
class _Household:
    """The adults and children of a calculation, and the number of persons as written."""

    adults: int
    children: int
    persons: int | None

    @classmethod
    def of(cls, norm: NormFields, numbers: AnswerNumbers) -> _Household:
        """Count a household; children are those whose age is written."""
        persons = numbers.number(norm.persons)
        return cls(
            2 if numbers.text(norm.household) == norm.couple else 1,
            sum(
                numbers.number(f"{norm.children.prefix}{number}_{norm.children.age}") is not None
                for number in range(1, norm.children.count + 1)
            ),
            None if persons is None else int(persons),
        )

    @property
    def members(self) -> int:
        """The persons of the calculation."""
        return self.adults + self.children

    @property
    def is_shared(self) -> bool:
        """Whether a single adult lives in a household with others (hushållsgemenskap)."""
        return self.adults == 1 and self.persons is not None and self.persons > self.members


def _compare_with_year(
    norm: NormFields, numbers: AnswerNumbers, household: _Household, table: NormTable
) -> Iterator[Issue]:
    """Compare each amount with the norm, and the persons with those that are listed."""
    for field, expected in _expected_amounts(norm, numbers, household, table):
        if expected is None:
            yield Issue(IssueCode.NORM_UNKNOWN, field)
        else:
            yield from _compare_amount(field, expected, numbers)
    if household.persons is None:
        return
    yield from _compare_shared_costs(norm, numbers, household, table)
    if household.persons < household.members:
        yield Issue(IssueCode.NORM_PERSONS, norm.persons, str(household.members))


def _find_other_year(
    norm: NormFields,
    numbers: AnswerNumbers,
    household: _Household,
    year: int,
    tables: Mapping[int, NormTable],
) -> int | None:
    """Return the nearest other year whose norm all written amounts are; None if they are not."""

    def fits(table: NormTable) -> bool:
        expected = _all_amounts(norm, numbers, household, table)
        pairs = [(numbers.number(field), amount) for field, amount in expected.items()]
        known = [written == amount for written, amount in pairs if written is not None]
        return bool(known) and all(known)

    if year in tables and fits(tables[year]):
        return None
    others = sorted(tables.keys() - {year}, key=lambda known: (abs(known - year), known))
    return next((other for other in others if fits(tables[other])), None)


def _all_amounts(
    norm: NormFields, numbers: AnswerNumbers, household: _Household, table: NormTable
) -> dict[str, int | None]:
    """Return the norm of each amount, also of costs that are not shared with others."""
    expected = dict(_expected_amounts(norm, numbers, household, table))
    shared = table.shared(household.persons or 0)
    if shared is not None and not household.is_shared:
        expected[norm.shared] = shared
    return expected


def _compare_with_nearest(
    norm: NormFields,
    numbers: AnswerNumbers,
    household: _Household,
    year: int,
    tables: Mapping[int, NormTable],
) -> Iterator[Issue]:
    """Find amounts that no year's norm can be, by wide limits around that of the nearest year."""
    nearest = min(tables, key=lambda known: (abs(known - year), known))
    factor = _LIMIT * _YEARLY_CHANGE ** min(abs(nearest - year), 100)
    expected = _all_amounts(norm, numbers, household, tables[nearest])
    for field, amount in expected.items():
        written = numbers.number(field)
        if (
            amount is not None
            and written is not None
            and not (amount / factor <= written <= amount * factor)
        ):
            yield Issue(IssueCode.NORM_FAR, field, str(amount))


def _expected_amounts(
    norm: NormFields, numbers: AnswerNumbers, household: _Household, table: NormTable
) -> Iterator[tuple[str, int | None]]:
    """Yield the amount fields of adults and of each child, with the norm; None if not known.

    A child of an age without a norm, or for whom only a part of the month is meant, is left out.
    """
    if numbers.text(norm.household) in (norm.single, norm.couple):
        yield norm.adults, table.couple if household.adults == 2 else table.single
    for number in range(1, norm.children.count + 1):
        prefix = f"{norm.children.prefix}{number}_"
        age = numbers.number(prefix + norm.children.age)
        if age is None or numbers.marked(prefix + norm.children.part):
            continue
        if table.child(int(age), free_lunch=False) is not None:
            free_lunch = numbers.marked(prefix + norm.children.lunch)
            yield prefix + norm.children.amount, table.child(int(age), free_lunch=free_lunch)


def _compare_shared_costs(
    norm: NormFields, numbers: AnswerNumbers, household: _Household, table: NormTable
) -> Iterator[Issue]:
    """Compare the shared costs with the norm.

    An adult who lives with others without being a couple gets a part of them: the costs of the
    household divided by its persons, for each person of the calculation.
    """
    total, persons = table.shared(household.persons or 0), household.persons
    if total is None or persons is None:
        return
    if not household.is_shared:
        yield from _compare_amount(norm.shared, total, numbers)
        return
    part = Decimal(total) * household.members / persons
    written = numbers.number(norm.shared)
    # Öre are rounded either way
    lowest, highest = (part.to_integral_value(mode) for mode in (ROUND_FLOOR, ROUND_CEILING))
    if written is not None and not lowest <= written <= highest:
        yield Issue(IssueCode.NORM_SHARE, norm.shared, str(highest))


def _compare_amount(field: str, expected: int, numbers: AnswerNumbers) -> Iterator[Issue]:
    written = numbers.number(field)
    if written is not None and written != expected:
        yield Issue(IssueCode.NORM_AMOUNT, field, str(expected))


def _check_result(norm: NormFields, numbers: AnswerNumbers) -> Iterator[Issue]:
    """Check norm + costs - incomes: the aid if positive (deficit), else a surplus."""
    total, result = numbers.number(norm.norm), numbers.number(norm.result)
    costs, incomes = numbers.addend(norm.costs), numbers.addend(norm.incomes)
    if total is None or costs is None or incomes is None or result is None:
        return
    deficit = total + costs - incomes
    if result != abs(deficit):
        yield Issue(IssueCode.NORM_RESULT, norm.result, str(abs(deficit)))
    # The choice deficit or surplus has to fit the sign.
    outcome = numbers.text(norm.outcome)
    if (
        deficit != Decimal(0)
        and outcome in (norm.surplus, norm.deficit)
        and outcome != (norm.deficit if deficit > 0 else norm.surplus)
    ):
        yield Issue(
            IssueCode.NORM_DEFICIT if deficit > 0 else IssueCode.NORM_SURPLUS,
            norm.outcome,
            str(abs(deficit)),
        )


# Check the part of the wages that is not counted as income in financial aid (jobbstimulans).
#
# Its percentage is data, `data/law/jobbstimulans.yaml`, each version with its law and source.

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


def check_wages(norm: NormFields, numbers: AnswerNumbers) -> Iterator[Issue]:
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
    # The month as it is written, YYYYMM.
    version = next(
        (
            each
            for each in load_work_incentives()
            if month and month >= Decimal(each.from_.year * 100 + each.from_.month)
        ),
        None,
    )
    if exempt and version:
        part = wages * version.percent / 100
        # Öre are rounded either way
        lowest, highest = (part.to_integral_value(mode) for mode in (ROUND_FLOOR, ROUND_CEILING))
        is_couple = numbers.text(norm.household) == norm.couple
        if exempt > highest or (exempt < lowest and not is_couple):
            yield Issue(IssueCode.NORM_EXEMPT, norm.wages.exempt, str(highest))
    if counted is not None and counted != wages - exempt:
        yield Issue(IssueCode.NORM_WAGES, norm.wages.counted, str(wages - exempt))
