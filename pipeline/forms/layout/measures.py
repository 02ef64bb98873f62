"""Measure the room that a field needs on paper, mm: its box by its kind, its label by its text."""

from __future__ import annotations

from pipeline.domain.form.field import FieldSpec, LabelSide
from pipeline.domain.model import Box
from pipeline.forms.drawing import MM_PER_POINT, TextStyle, line_top
from pipeline.forms.field_drawing import (
    LABEL_GAP_MM,
    MARK_GAP_MM,
    PrintStyle,
    label_style,
    measure_text_width,
)
from pipeline.forms.layout.outline import OutlineField

CELL_WIDTH = 5.5
"""Width of a digit box."""
BOX_HEIGHT = 8.0
"""Height of a box that is written in."""
LINE_PITCH = 9.0
"""Distance of handwritten lines."""
MARK_SIDE = 5.0
OPTION_GAP = 4.0
"""Least gap between an option's label and the next option's box."""
OPTION_PITCH, TABLE_OPTION_PITCH = 7.5, 6.0
"""Distance of lines of options."""
PRINTED_HEIGHT = 6.0
LABEL_ROOM = 3.5
"""Height of a label above its box."""


def measure_label_width(field: OutlineField, style: PrintStyle) -> float:
    """Return the width of a label above its box, with its hint."""
    hint = field.hint or field.measure
    # The label, a gap and the hint in their own styles.
    return measure_text_width(field.label, style.label) + (
        LABEL_GAP_MM + measure_text_width(hint, style.hint) if hint else 0.0
    )


def measure_box_width(field: OutlineField, style: PrintStyle, *, mark: float = MARK_SIDE) -> float:
    """Return the least width of a field's box; of a choice with all its options side by side."""
    if field.width:
        return field.width
    if field.traits.has_cells:
        # Digit boxes have a fixed width each.
        return field.cell_count * CELL_WIDTH
    if field.traits.is_check_box:
        return mark
    # Columns of the widest option.
    if field.traits.has_options and field.columns:
        return max(measure_option_widths(field, style, mark)) * field.columns + OPTION_GAP * (
            field.columns - 1
        )
    # All options on one line.
    if field.traits.has_options:
        widths = measure_option_widths(field, style, mark)
        return sum(widths) + OPTION_GAP * (len(widths) - 1)
    return field.traits.least_width_mm


def is_stretching(field: OutlineField) -> bool:
    """Whether it shares the rest of its row."""
    return field.width is None and field.traits.stretches


def measure_option_widths(
    field: OutlineField, style: PrintStyle, mark: float = MARK_SIDE
) -> list[float]:
    """Return the width of each option: its box and its label."""
    return [
        mark + MARK_GAP_MM + measure_text_width(option.label, style.option)
        for option in field.options
    ]


def measure_box_height(field: OutlineField, lines: int, *, mark: float = MARK_SIDE) -> float:
    """Return the height of a field's box; of a choice with its options in one line."""
    # A line pitch for each line of writing.
    if field.traits.is_multiline:
        return LINE_PITCH * lines
    if field.traits.has_check_boxes:
        return mark
    return BOX_HEIGHT if field.traits.filled_by_hand else PRINTED_HEIGHT


def find_label_boxes(spec: FieldSpec, style: PrintStyle) -> list[Box]:
    """Return where the labels of a placed field and of its options are printed."""
    # The label of an option is right of its box.
    boxes = [_beside(Box(*option.box), option.label, style.option) for option in spec.options]
    text_style, side = label_style(spec, style), spec.label_side
    if side is LabelSide.RIGHT:
        return [*boxes, _beside(spec.area, spec.label, text_style)]
    if side is LabelSide.LEFT:
        label = _beside(spec.area, spec.label, text_style)
        left = spec.area.x - LABEL_GAP_MM - label.w
        return [*boxes, Box(left, label.y, label.w, label.h)]
    if side is LabelSide.NONE:
        return boxes
    # The label above has its hint behind it.
    width = measure_text_width(spec.label, text_style)
    if hint := spec.hint or spec.measure:
        width += LABEL_GAP_MM + measure_text_width(hint, style.hint)
    return [
        *boxes,
        Box(spec.area.x, spec.area.y - style.lift, width, _line_height(text_style)),
    ]


def _beside(box: Box, label: str, style: TextStyle) -> Box:
    """Return the place of a line of print right of a box, in the middle of its height."""
    return Box(
        box.x + box.w + MARK_GAP_MM,
        line_top(box.y + box.h / 2, style),
        measure_text_width(label, style),
        _line_height(style),
    )


def _line_height(style: TextStyle) -> float:
    """Return the height of a line down to the ends of letters such as g."""
    return style.size * MM_PER_POINT * 0.95
