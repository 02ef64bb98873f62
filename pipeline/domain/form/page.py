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

from pipeline.domain.form.field import BoxCode, BoxMm, FieldSpec, LabelSide, Name, StrictModel

# A grid of days on a page that is one entry: lines of fields with a box for each day of a month.
#
# It is defined once and unfolded into one field per line and box, named `<prefix><line>_<field>`,
# the boxes `<prefix><line>_<field><day>`. Lengths are millimetres.

Day = Annotated[int, Field(ge=1, le=31)]
GridLines = Annotated[int, Field(ge=1, le=40)]


class Days(StrictModel):
    """The boxes of a line of a grid: `field` is that of the first day, `pitch` apart.

    `codes` are printed as a key.
    """

    first: Day
    last: Day
    pitch: float
    codes: tuple[BoxCode, ...] = ()
    field: FieldSpec


class Grid(StrictModel):
    """Equal lines, each with the same boxes; `x` and `top` place the first, `height` apart.

    `label` and the line's number are the group of its fields. Several grids of a form may have the
    same prefix: the days of a month on two sides of the paper.
    """

    prefix: Name
    label: str
    count: GridLines
    x: float
    top: float
    width: float
    height: float
    fields: tuple[FieldSpec, ...] = ()
    days: Days

    def unfold(self) -> list[FieldSpec]:
        """Return the fields of every line, with their places on the page."""
        return [
            self._place(spec, line)
            for line in range(1, self.count + 1)
            for spec in (*self.fields, *self._boxes())
        ]

    def _boxes(self) -> list[FieldSpec]:
        # One box a day, each with the day as its label.
        days, (x, y, w, h) = self.days, self.days.field.box
        return [
            days.field.model_copy(
                update={
                    "name": f"{days.field.name}{day}",
                    "label": str(day),
                    "day": day,
                    "day_label": days.field.label,
                    "codes": days.codes,
                    "box": (x + (day - days.first) * days.pitch, y, w, h),
                }
            )
            for day in range(days.first, days.last + 1)
        ]

    def _place(self, spec: FieldSpec, line: int) -> FieldSpec:
        x, y, w, h = spec.box
        box = (round(self.x + x, 3), round(self.top + (line - 1) * self.height + y, 3), w, h)
        prefix = f"{self.prefix}{line}_"
        return spec.model_copy(
            update={
                "name": f"{prefix}{spec.name}",
                "group": f"{self.label} {line}",
                "box": box,
                "planned_by": f"{prefix}{spec.planned_by}" if spec.planned_by else None,
                # Labels are printed once, above the first line.
                "label_at": LabelSide.ABOVE if line == 1 else LabelSide.NONE,
            }
        )


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
