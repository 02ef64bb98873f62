"""A grid of days on a page that is one entry: lines of fields with a box for each day of a month.

It is defined once and unfolded into one field per line and box, named `<prefix><line>_<field>`, the
boxes `<prefix><line>_<field><day>`. Lengths are millimetres.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.domain.form.field import BoxCode, FieldSpec, LabelSide, Name, StrictModel

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
