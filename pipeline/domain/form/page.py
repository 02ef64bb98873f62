"""One page of a form: its fields, its table, its printed texts and sections.

Lengths are millimetres from the top left. A table is defined once and unfolded into one field per
row and column, named `<prefix>01.<field>`; nothing later in the pipeline knows about tables beyond
that name.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pipeline.domain.form.field import BoxMm, FieldSpec, Name, StrictModel
from pipeline.domain.form.grid import Grid

PAGE_WIDTH_MM = 210.0
PAGE_HEIGHT_MM = 297.0


class Table(StrictModel):
    """A table of equal rows. `x` and `top` place the first row; each row is `height` mm high."""

    prefix: Name
    count: Annotated[int, Field(ge=1, le=60)]
    x: float
    top: float
    width: float
    height: float
    fields: tuple[FieldSpec, ...]

    def unfold(self) -> list[FieldSpec]:
        """Return one field per row and column, with its place on the page."""
        return [self._placed(spec, row) for row in range(1, self.count + 1) for spec in self.fields]

    def _placed(self, spec: FieldSpec, row: int) -> FieldSpec:
        dx, dy = self.x, self.top + (row - 1) * self.height
        options = tuple(
            option.model_copy(update={"box": _shift_box(option.box, dx, dy)})
            for option in spec.options
        )
        return spec.model_copy(
            update={
                "name": f"{self.prefix}{row:02d}.{spec.name}",
                "box": _shift_box(spec.box, dx, dy),
                "options": options,
                "row": row,
            }
        )


def _shift_box(box: BoxMm, dx: float, dy: float) -> BoxMm:
    x, y, w, h = box
    return (round(x + dx, 3), round(y + dy, 3), w, h)


class Text(StrictModel):
    """A text printed on the form that belongs to no field.

    `at` is the top left of its first line, mm; `size` in points.
    """

    text: str
    at: tuple[float, float]
    width: float = 0
    size: float = 8
    bold: bool = False


class Section(StrictModel):
    """A titled area with a light background."""

    title: str
    box: BoxMm


class PageSpec(StrictModel):
    """One side of paper, `size` its width and height in mm.

    `blank` is an image or PDF of the blank page, edge to edge, if the page was printed elsewhere;
    in the file it is a name in the form's folder.
    """

    size: tuple[Annotated[float, Field(ge=50, le=450)], Annotated[float, Field(ge=50, le=450)]] = (
        PAGE_WIDTH_MM,
        PAGE_HEIGHT_MM,
    )
    blank: Path | None = None
    fields: tuple[FieldSpec, ...] = ()
    table: Table | None = None
    grids: tuple[Grid, ...] = ()
    sections: tuple[Section, ...] = ()
    texts: tuple[Text, ...] = ()

    @cached_property
    def all_fields(self) -> tuple[FieldSpec, ...]:
        """The page's fields in the order of the file, the table and the grids unfolded."""
        return (
            *self.fields,
            *(self.table.unfold() if self.table else ()),
            *(spec for grid in self.grids for spec in grid.unfold()),
        )

    @field_validator("blank")
    @classmethod
    def _check_blank_path(cls, blank: Path | None, info: ValidationInfo) -> Path | None:
        folder = (info.context or {}).get("folder")
        return blank if blank is None or folder is None else Path(folder, blank).resolve()

    @model_validator(mode="after")
    def _check_field_bounds(self) -> Self:
        for spec in self.all_fields:
            for box in (spec.box, *(o.box for o in spec.options)):
                if (
                    box[0] < 0
                    or box[1] < 0
                    or box[0] + box[2] > self.size[0]
                    or box[1] + box[3] > self.size[1]
                ):
                    raise PydanticCustomError(
                        "outside_page", "{field} lies outside the page", {"field": spec.name}
                    )
        if self.blank is None and self.size != (PAGE_WIDTH_MM, PAGE_HEIGHT_MM):
            raise PydanticCustomError(
                "not_a4",
                "a page of our own is A4; another size needs the blank of a form printed elsewhere",
            )
        return self
