"""The mapping file `forms/<id>/export.ekonomiskt-bistand.yaml`: decisions on financial aid as rows of a monthly statistics file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.export.mapping import ExportMapping, Strict

Origin = Literal["month.year", "month.month", "client.pid", "client.sex", "client.age", "amount", "empty"]
"""Where a column comes from that is no field: the month that the aid is for, the client's number and what it tells, whole kronor, nothing."""


class AidColumn(Strict):
    """A column in its place: an `origin`, a form's `field` or a `constant`. `about` is the `other_person`'s or the client's.

    `codes` turns what the form says into the code of the statistics; `width` is the number of characters that the layout allows.
    """

    number: Annotated[int, Field(ge=1)]
    name: str
    origin: Origin | None = None
    field: str = ""
    constant: str | None = None
    about: Literal["client", "other_person"] = "client"
    codes: Mapping[str, str] = Field(default={})
    width: int | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum((self.origin is not None, bool(self.field), self.constant is not None)) != 1:
            raise ValueError(f"the column {self.name} needs one of origin, field and constant")
        return self


class AidMapping(ExportMapping):
    """A form's entries as rows. `layout` says which year's layout the columns follow; it is shown with the target.

    `month` is a field with ÅÅÅÅMM, `outcome` the choice whose `granted` values mean that there is aid to report, `other_person` the number of a
    second applicant.
    """

    layout: str
    month: str
    amount: str
    outcome: str = ""
    granted: tuple[str, ...] = ()
    other_person: str = ""
    encoding: Literal["iso-8859-1", "utf-8"] = "iso-8859-1"
    columns: Annotated[tuple[AidColumn, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _numbered(self) -> Self:
        if [column.number for column in self.columns] != list(range(1, len(self.columns) + 1)):
            raise ValueError("the columns are numbered from 1 without gaps, in their order")
        return self

    def fields(self) -> set[str]:
        """The form's fields that the mapping takes."""
        return ({self.month, self.amount, self.outcome, self.other_person} | {column.field for column in self.columns}) - {""}
