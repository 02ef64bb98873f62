"""Draw fields on paper: one function per kind of field, listed in `FIELD_DRAWERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import (
    FieldAttributes,
    FieldSpec,
    Format,
    Kind,
    LabelSide,
    Meaning,
)
from pipeline.domain.model import Box
from pipeline.forms.drawing import (
    LEGIBLE_PT,
    Colour,
    PaperDocument,
    TextStyle,
    draw_fitted,
    fit_text,
    line_top,
)

# The styles of print: how large and how dark the texts around the fields of a form are.
#
# Every version keeps the style it was published with, so old paper stays what it was.

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
        hint_drop: From the top of a label to the top of its hint, so that both stand on one line.
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


PREFILLED_STYLE = TextStyle(11, Colour.BLACK)
_MARGIN_MM, _LEAST_MARGIN_MM = 1.0, 0.4
"""Beside a prefilled text, and beside one that has no room otherwise."""
LABEL_GAP_MM = 1.2
"""Between a label and its neighbour."""
MARK_GAP_MM = 0.9
"""Between a check box and its label."""
_GROUP_BOUNDARIES = {Format.DATE: (4, 6), Format.TIME: (2,), Format.PERSONAL_NUMBER: (4, 6, 8)}
"""The cells with a heavier line before them."""

FieldDrawer = Callable[[PaperDocument, FieldSpec, str, PrintStyle], None]


def draw_field(
    paper: PaperDocument,
    spec: FieldSpec,
    text: str = "",
    *,
    labelled: bool = True,
    style: PrintStyle = FIRST_STYLE,
) -> None:
    """Draw a field with its label; `text` is the prefilled text, if any."""
    FIELD_DRAWERS[spec.kind](paper, spec, text, style)
    if labelled and (text or not _is_invisible_when_empty(spec)):
        _draw_label(paper, spec, style)


def _is_invisible_when_empty(spec: FieldSpec) -> bool:
    """Whether it is a printed field, except the unit, which may also be written by hand."""
    return not spec.traits.filled_by_hand and spec.means is not Meaning.UNIT


def _draw_label(paper: PaperDocument, spec: FieldSpec, print_style: PrintStyle) -> None:
    # A heading is printed only above the first row of a table.
    if spec.label_side is LabelSide.NONE or (
        spec.label_side is LabelSide.HEADING and spec.row not in (None, 1)
    ):
        return
    x, y, w, h = spec.box
    style = label_style(spec, print_style)
    top = line_top(y + h / 2, style)
    if spec.label_side is LabelSide.RIGHT:
        paper.words(spec.label, (x + w + MARK_GAP_MM, top), style)
    elif spec.label_side is LabelSide.LEFT:
        paper.words_right(spec.label, (x - LABEL_GAP_MM, top), style)
    else:
        # The hint follows the label above the box, in smaller print.
        lifted = y - print_style.lift
        end = x + paper.words(spec.label, (x, lifted), style)
        paper.words(
            spec.hint or spec.measure,
            (end + LABEL_GAP_MM, lifted + print_style.hint_drop),
            print_style.hint,
        )


def label_style(spec: FieldSpec, style: PrintStyle) -> TextStyle:
    """Return the style of a field's label."""
    if spec.row is not None:
        return style.row_label
    return (
        style.option
        if spec.traits.is_check_box and spec.label_side is not LabelSide.ABOVE
        else style.label
    )


def _draw_mark(paper: PaperDocument, spec: FieldSpec, text: str, _style: PrintStyle) -> None:
    paper.area(spec.area, Colour.WHITE, Colour.FRAME, 0.35)
    # A tick that is known before the outage.
    if text:
        paper.cross(spec.area)


def _draw_choice(paper: PaperDocument, spec: FieldSpec, _text: str, style: PrintStyle) -> None:
    for option in spec.options:
        box = Box(*option.box)
        paper.area(box, Colour.WHITE, Colour.FRAME, 0.35)
        paper.words(
            option.label,
            (box.x + box.w + MARK_GAP_MM, line_top(box.y + box.h / 2, style.option)),
            style.option,
        )


def _draw_digits(paper: PaperDocument, spec: FieldSpec, text: str, _style: PrintStyle) -> None:
    cells = spec.cell_boxes
    paper.area(spec.area, Colour.WHITE)
    # Lines between the boxes, heavier between groups of digits.
    for index, cell in enumerate(cells[1:], start=1):
        is_boundary = index in _group_boundaries(spec)
        paper.rule(
            (cell.x, cell.y + 0.3),
            (cell.x, cell.y + cell.h - 0.3),
            Colour.FRAME if is_boundary else Colour.RULE,
            0.5 if is_boundary else 0.25,
        )
    x, y, w, h = spec.box
    paper.pen([(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)], Colour.FRAME, 0.3)
    # The decimal comma is before the first decimal's box.
    if spec.decimals:
        _draw_comma(paper, cells[-spec.decimals])
    # Prefilled digits, one per box, from the left.
    for cell, digit in zip(cells, text, strict=False):
        paper.words_centred(digit, cell, PREFILLED_STYLE)


def _group_boundaries(spec: FieldSpec) -> tuple[int, ...]:
    # The integer part and the decimals are the two groups of a decimal number.
    if spec.decimals:
        return (spec.cell_count - spec.decimals,)
    return _GROUP_BOUNDARIES.get(spec.format, ()) if spec.format else ()


def _draw_comma(paper: PaperDocument, cell: Box) -> None:
    """Draw a decimal comma below the boxes, clear of the digits."""
    x, y = cell.x, cell.y + cell.h
    paper.pen([(x, y - 0.2), (x + 0.05, y + 0.4), (x - 0.4, y + 1.1)], Colour.FRAME, 0.6)


def _draw_text(paper: PaperDocument, spec: FieldSpec, text: str, _style: PrintStyle) -> None:
    paper.area(spec.area, Colour.WHITE, Colour.FRAME, 0.3)
    if text:
        _draw_typeset(paper, spec.area, text)


def _draw_lines(paper: PaperDocument, spec: FieldSpec, _text: str, _style: PrintStyle) -> None:
    x, y, w, h = spec.box
    paper.area(spec.area, Colour.WHITE, Colour.FRAME, 0.3)
    # Writing lines at equal distances; the frame is the last one.
    for line in range(1, spec.lines or 1):
        below = y + h * line / (spec.lines or 1)
        paper.rule((x + 2, below), (x + w - 2, below), Colour.RULE, 0.25)


def _draw_printed(paper: PaperDocument, spec: FieldSpec, text: str, _style: PrintStyle) -> None:
    if text:
        _draw_typeset(paper, spec.area, text)
    # An empty unit has a line to write on.
    elif not _is_invisible_when_empty(spec):
        x, y, w, h = spec.box
        paper.rule((x, y + h), (x + w, y + h), Colour.FRAME, 0.3)


def _draw_typeset(paper: PaperDocument, box: Box, text: str) -> None:
    draw_fitted(paper, text, _find_room(paper, box, text), PREFILLED_STYLE)


def _find_room(paper: PaperDocument, box: Box, text: str) -> Box:
    """Return the part of a box in which a text is printed."""
    wide, narrow = (
        Box(box.x + margin, box.y, box.w - 2 * margin, box.h)
        for margin in (_LEAST_MARGIN_MM, _MARGIN_MM)
    )
    return narrow if _is_legible(paper, narrow, text) else wide


def _is_legible(paper: PaperDocument, box: Box, text: str) -> bool:
    style, _ = fit_text(paper, text, box, PREFILLED_STYLE)
    return style.size >= LEGIBLE_PT


def require_room(
    paper: PaperDocument, spec: FieldSpec, text: str, row: int, column: str, before: str = ""
) -> None:
    """Check that a text of a table has room in its field in a size that can be read.

    `before` is printed before it.

    Raises:
        UsageError: it has not; the message names row and column and how many characters have room.
    """

    def has_room(text: str) -> bool:
        return _is_legible(paper, _find_room(paper, spec.area, before + text), before + text)

    if spec.kind is not Kind.TEXT or has_room(text):
        return
    room = next(count for count in range(len(text) - 1, -1, -1) if has_room(text[:count]))
    raise UsageError("no_room_in_box", row=row, column=column, length=len(text), room=room)


def _draw_signature(paper: PaperDocument, spec: FieldSpec, _text: str, _style: PrintStyle) -> None:
    paper.area(spec.area, Colour.WHITE, Colour.FRAME, 0.3)


FIELD_DRAWERS: dict[Kind, FieldDrawer] = {
    Kind.MARK: _draw_mark,
    Kind.CHOICE: _draw_choice,
    Kind.DIGITS: _draw_digits,
    Kind.LETTERS: _draw_digits,
    Kind.TEXT: _draw_text,
    Kind.LINES: _draw_lines,
    Kind.PRINTED: _draw_printed,
    Kind.SIGNATURE: _draw_signature,
    Kind.INITIALS: _draw_signature,
}


@cache
def _typeface() -> PaperDocument:
    paper = PaperDocument("", date(2000, 1, 1))
    paper.add_page()
    return paper


def measure_text_width(text: str, style: TextStyle) -> float:
    """Return the width of one line of print, mm."""
    return _typeface().width_of(text, style) if text else 0.0


def measure_text_height(text: str, width: float, style: TextStyle) -> float:
    """Return the height of print with line breaks at `width`, mm."""
    return _typeface().height_of(text, width, style)


def measure_side_label_width(
    field: FieldAttributes, style: PrintStyle, *, in_table: bool = False
) -> float:
    """Return the width of a label left or right of its box, with its gap; else 0."""
    # Labels above the box take no width beside it.
    gap = {LabelSide.RIGHT: MARK_GAP_MM, LabelSide.LEFT: LABEL_GAP_MM}.get(field.label_side)
    if gap is None:
        return 0.0
    if in_table:
        text_style = style.row_label
    else:
        text_style = style.option if field.traits.is_check_box else style.label
    return gap + measure_text_width(field.label, text_style)
