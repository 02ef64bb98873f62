"""The styles of print: how large and how dark the texts around the fields of a form are.

Every version keeps the style it was published with, so old paper stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.forms.drawing import Colour, TextStyle

MIN_TEXT_SIZE, MIN_HINT_SIZE = 8.0, 7.5
"""Least size of what has to be read, and of a hint, from style 2 on, points."""


@dataclass(frozen=True, slots=True)
class PrintStyle:
    """The texts of a form.

    Attributes:
        label: A label above its box or left of it; `row_label` the same in a row of a table.
        hint: The hint after a label.
        option: The label of a check box.
        row_number: The number of a row of a table.
        lift: From the top of a label to the box below it, mm.
        hint_drop: From the top of a label to the top of its hint, so that both are on one line.
    """

    label: TextStyle
    row_label: TextStyle
    hint: TextStyle
    option: TextStyle
    row_number: TextStyle
    lift: float
    hint_drop: float

    @property
    def texts(self) -> tuple[TextStyle, ...]:
        """Those that have to be read."""
        return (self.label, self.row_label, self.option, self.row_number)


FIRST_STYLE = PrintStyle(
    label=TextStyle(7, Colour.LABEL),
    row_label=TextStyle(6.8, Colour.LABEL),
    hint=TextStyle(6.5, Colour.HINT),
    option=TextStyle(8.5, Colour.TEXT),
    row_number=TextStyle(9, Colour.HINT, bold=True),
    lift=3.1,
    hint_drop=0.1,
)
_SECOND_STYLE = PrintStyle(
    label=TextStyle(8, Colour.LABEL),
    row_label=TextStyle(8, Colour.LABEL),
    hint=TextStyle(7.5, Colour.NOTE),
    option=TextStyle(8.5, Colour.TEXT),
    row_number=TextStyle(9, Colour.NOTE, bold=True),
    lift=3.2,
    hint_drop=0.13,
)
PRINT_STYLES = {1: FIRST_STYLE, 2: _SECOND_STYLE}
"""By the `print_style` of a form."""
