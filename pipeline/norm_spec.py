"""What a form says of itself if it is a calculation of financial aid by the national norm. Documented in `forms/README.md`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.field_spec import Name, Strict


class NormChildren(Strict):
    """The rows of children in a calculation by the national norm: fields `<prefix><number>_<name>`, by the part that each plays.

    `lunch` is ticked for a child who eats lunch free outside the home, `part` where the amount is for a part of the month.
    """

    prefix: Name
    count: Annotated[int, Field(ge=1, le=20)]
    age: Name
    lunch: Name
    part: Name
    amount: Name

    def fields(self) -> list[str]:
        """All their fields."""
        return [f"{self.prefix}{n}_{name}" for n in range(1, self.count + 1) for name in (self.age, self.lunch, self.part, self.amount)]


class Norm(Strict):
    """A form that is a calculation of financial aid: its fields by the part that each plays (`pipeline.national_norm`).

    `month` is YYYYMM. `household` is a choice with the options `single` and `couple`, `outcome` one with `surplus` and `deficit`. `departs` is
    ticked where the calculation departs from the national norm.
    """

    month: Name
    household: Name
    single: Name
    couple: Name
    persons: Name
    departs: Name
    adults: Name
    children: NormChildren
    shared: Name
    norm: Name
    costs: Name
    incomes: Name
    outcome: Name
    surplus: Name
    deficit: Name
    result: Name

    def fields(self) -> list[str]:
        """All fields that it names."""
        single = (self.month, self.household, self.persons, self.departs, self.adults, self.shared, self.norm, self.costs, self.incomes)
        return [*single, self.outcome, self.result, *self.children.fields()]
