"""Place a row of fields side by side, in several lines where it is too wide. Lengths are mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.form.field import BoxMm, FieldSpec, LabelSide, Option
from pipeline.forms.field_drawing import FIRST_STYLE, PrintStyle, measure_side_label_width
from pipeline.forms.layout import measures
from pipeline.forms.layout.outline import OutlineField
from pipeline.forms.problems import FormProblem, LayoutError

FIELD_GAP = 5.0
"""Between two fields."""
MARK_GAP = 4.0
"""Between the label of a check box and the next."""
DENSE_GAP = 1.5
"""Between two fields of rows that are close together."""
LINE_GAP, BARE_LINE_GAP, TABLE_LINE_GAP = 2.0, 2.4, 1.4
"""Between the lines of a row or of a section.

Where the lower line has labels above its boxes, where it has none, and in a table.
"""


@dataclass(frozen=True, slots=True)
class RowSpace:
    """The space that a row is placed in, from `left` to `right`.

    Attributes:
        mark: Width and height of a check box.
        fill: Height of a field that fills the page.
        once: Whether labels are printed above the boxes, and a table's only in its first row.
        unprinted: A label that is not printed, since it equals a title.
        columns: Fields are aligned in that number of columns of equal width; without, each has
            the width that it needs.
        gap: Between two fields.
        style: The style of print.
    """

    left: float
    right: float
    mark: float = measures.MARK_SIDE
    fill: float = 0
    once: bool = False
    in_table: bool = False
    unprinted: str = ""
    columns: int | None = None
    gap: float = FIELD_GAP
    style: PrintStyle = FIRST_STYLE

    @property
    def width(self) -> float:
        """Width of the space."""
        return self.right - self.left

    @property
    def option_pitch(self) -> float:
        """Distance of lines of options."""
        return measures.TABLE_OPTION_PITCH if self.in_table else measures.OPTION_PITCH


@dataclass(slots=True)
class FieldBlock:
    """Fields that belong together, from y = 0 downwards."""

    height: float = 0
    fields: list[FieldSpec] = field(default_factory=list)
    lines: int = 0
    has_labels: bool = False
    in_table: bool = False

    def add(self, other: FieldBlock) -> None:
        """Put another block below."""
        # The first line has no gap above it.
        if not self.lines:
            self.has_labels = other.has_labels
        elif not other.has_labels:
            self.height += BARE_LINE_GAP
        else:
            self.height += TABLE_LINE_GAP if self.in_table else LINE_GAP
        self.fields += [move_field(spec, 0, self.height) for spec in other.fields]
        self.height += other.height
        self.lines += other.lines


@dataclass(frozen=True, slots=True)
class _Slot:
    """The place of a field in its line; `line_height` is that of the highest field."""

    x: float
    top: float
    width: float
    line_height: float


def place_row(row: Sequence[OutlineField], space: RowSpace) -> FieldBlock:
    """Place a row of fields in a space.

    Raises:
        LayoutError: one field alone is wider than the space.
    """
    if space.columns:
        return _place_columns(row, space, space.columns)
    block = FieldBlock(in_table=space.in_table)
    # Check boxes that need several lines are aligned in columns.
    is_marks_only = all(outline_field.traits.is_check_box for outline_field in row)
    if is_marks_only and _line_width(row, space) > space.width:
        widths = [_slot_width(mark, space) for mark in row]
        columns, pitch = _fit_columns(widths, space, row[0].name)
        for start in range(0, len(row), columns):
            block.add(_place_line(row[start : start + columns], space, pitch))
        return block
    # Other rows are broken greedily and each line is placed by itself.
    for line in _break_row(row, space):
        block.add(_place_line(line, space))
    return block


def _place_columns(row: Sequence[OutlineField], space: RowSpace, columns: int) -> FieldBlock:
    """Place the fields in columns of equal width, in as many lines as they need."""
    block, pitch = FieldBlock(), (space.width + FIELD_GAP) / columns
    # Each field has to leave half a gap of its column free.
    for outline_field in row:
        if _slot_width(outline_field, space) > pitch - MARK_GAP / 2:
            raise _width_error(_slot_width(outline_field, space), pitch, outline_field.name)
    for start in range(0, len(row), columns):
        block.add(_place_line(row[start : start + columns], space, pitch))
    return block


def _width_error(width: float, room: float, name: str) -> LayoutError:
    return LayoutError(FormProblem("row_too_wide", {"width": width, "room": room}, field=name))


def move_field(spec: FieldSpec, dx: float, dy: float) -> FieldSpec:
    """Return the field moved by a distance."""
    options = tuple(
        option.model_copy(update={"box": _shift_box(option.box, dx, dy)}) for option in spec.options
    )
    return spec.model_copy(update={"box": _shift_box(spec.box, dx, dy), "options": options})


def _shift_box(box: BoxMm, dx: float, dy: float) -> BoxMm:
    return (round(box[0] + dx, 2), round(box[1] + dy, 2), box[2], box[3])


def _break_row(row: Sequence[OutlineField], space: RowSpace) -> list[list[OutlineField]]:
    """Break a row into as many lines as it needs."""
    lines: list[list[OutlineField]] = []
    for outline_field in row:
        # The options of a choice may be in several lines of their own.
        width = _slot_width(outline_field, space)
        if width > space.width and not outline_field.traits.has_options:
            raise _width_error(width, space.width, outline_field.name)
        # Greedy line breaking: add to the current line while it fits.
        if lines and _line_width([*lines[-1], outline_field], space) <= space.width:
            lines[-1].append(outline_field)
        else:
            lines.append([outline_field])
    return lines


def _line_width(line: Sequence[OutlineField], space: RowSpace) -> float:
    # Sum of the widths and of the gaps between neighbours.
    return sum(
        _slot_width(outline_field, space) + _gap_between(before, outline_field, space)
        for before, outline_field in zip((None, *line), line, strict=False)
    )


def _gap_between(before: OutlineField | None, after: OutlineField, space: RowSpace) -> float:
    if before is None:
        return 0
    # Neighbouring check boxes are closer than other fields.
    is_between_marks = before.traits.is_check_box and after.traits.is_check_box
    return after.gap + (min(MARK_GAP, space.gap) if is_between_marks else space.gap)


def _label_side(outline_field: OutlineField, space: RowSpace) -> LabelSide:
    """Return the side of the label; in a column with a heading above, also for a mark."""
    if space.once and outline_field.label_at is None:
        return LabelSide.ABOVE
    return outline_field.label_side


def _slot_width(outline_field: OutlineField, space: RowSpace) -> float:
    """Return the least width of a field with its label."""
    width = measures.measure_box_width(outline_field, space.style, mark=space.mark)
    side = _label_side(outline_field, space)
    if outline_field.label == space.unprinted or side in (LabelSide.NONE, LabelSide.HEADING):
        return width
    # The slot is as wide as the wider of box and label.
    if side is LabelSide.ABOVE:
        return max(width, measures.measure_label_width(outline_field, space.style))
    return width + _side_label_width(outline_field, space)


def _side_label_width(outline_field: OutlineField, space: RowSpace) -> float:
    return measure_side_label_width(outline_field, space.style, in_table=space.in_table)


def _place_line(
    line: Sequence[OutlineField], space: RowSpace, pitch: float | None = None
) -> FieldBlock:
    """Place one line of fields, in columns of a `pitch` or one after the other."""
    # The line is as high as its highest field.
    height = max(_field_height(outline_field, space) for outline_field in line)
    # Room for labels above the boxes if any field of the line has one there.
    has_labels = any(
        _label_side(outline_field, space) is LabelSide.ABOVE
        and outline_field.label != space.unprinted
        for outline_field in line
    )
    top = measures.LABEL_ROOM if has_labels else 0.0
    # Handwritten fields share the rest of the line.
    growing = [outline_field for outline_field in line if measures.is_stretching(outline_field)]
    spare = (
        max(0.0, space.width - _line_width(line, space)) / len(growing)
        if growing and pitch is None
        else 0.0
    )
    x, specs, before = space.left, [], None
    for number, outline_field in enumerate(line):
        x = space.left + number * pitch if pitch else x + _gap_between(before, outline_field, space)
        # The last field of a line in columns may stretch to the right edge.
        width = (
            space.right - x
            if pitch and outline_field is line[-1] and measures.is_stretching(outline_field)
            else _slot_width(outline_field, space) + (spare if outline_field in growing else 0)
        )
        specs.append(_place_field(outline_field, _Slot(x, top, width, height), space))
        x, before = x + width, outline_field
    return FieldBlock(top + height, specs, 1, has_labels)


def _field_height(outline_field: OutlineField, space: RowSpace) -> float:
    if outline_field.lines == "fill":
        return max(space.fill, measures.LINE_PITCH)
    if outline_field.traits.has_options:
        # Rounded up.
        columns = _arrange_options(outline_field, space)[0]
        lines = -(-len(outline_field.options) // columns)
        return space.mark + (lines - 1) * space.option_pitch
    return measures.measure_box_height(outline_field, outline_field.lines or 1, mark=space.mark)


def _place_field(outline_field: OutlineField, slot: _Slot, space: RowSpace) -> FieldSpec:
    height = _field_height(outline_field, space)
    side = _label_side(outline_field, space)
    x = slot.x
    width = (
        slot.width
        if measures.is_stretching(outline_field)
        else measures.measure_box_width(outline_field, space.style, mark=space.mark)
    )
    # A label at the side takes its room from the slot.
    if side is LabelSide.LEFT:
        x += _side_label_width(outline_field, space)
    if side in (LabelSide.LEFT, LabelSide.RIGHT) and measures.is_stretching(outline_field):
        width -= _side_label_width(outline_field, space)
    attributes = _field_attributes(outline_field, space)
    if outline_field.traits.has_options:
        choice_height = max(height, min(slot.line_height, measures.BOX_HEIGHT))
        return _place_choice(outline_field, attributes, (x, slot.top, choice_height), space)
    if outline_field.lines:
        # As many writing lines as fit in the height.
        attributes["lines"] = (
            max(1, int(height / measures.LINE_PITCH + 1e-6))
            if outline_field.lines == "fill"
            else outline_field.lines
        )
    # A low box is in the middle of the line.
    down = (
        (min(slot.line_height, measures.BOX_HEIGHT) - height) / 2
        if height < measures.BOX_HEIGHT
        else 0.0
    )
    # To lengths that a ruler shows, the width never up; the epsilon is for binary rounding.
    return FieldSpec(
        **attributes,
        box=(round(x, 1), round(slot.top + down, 2), int(width * 10 + 1e-6) / 10, round(height, 2)),
    )


def _field_attributes(outline_field: OutlineField, space: RowSpace) -> dict[str, Any]:
    """Return the attributes of a field that do not depend on its place."""
    attributes = outline_field.model_dump(
        exclude={"width", "gap", "lines", "options", "columns"}, exclude_defaults=True
    ) | {
        "name": outline_field.name,
        "label": outline_field.label,
        "kind": outline_field.kind,
    }
    # A mark without a side of its own has its label above, as a heading.
    if space.once and outline_field.label_at is None:
        attributes["label_at"] = LabelSide.ABOVE if outline_field.traits.is_check_box else None
    return attributes


def _arrange_options(outline_field: OutlineField, space: RowSpace) -> tuple[int, float | None]:
    """Return the number of options side by side, and their distance if they are in columns."""
    widths = measures.measure_option_widths(outline_field, space.style, space.mark)
    # A given number of columns: as wide as the widest option.
    if outline_field.columns:
        return outline_field.columns, max(widths) + measures.OPTION_GAP
    # All on one line if they fit.
    if measures.measure_box_width(outline_field, space.style, mark=space.mark) <= space.width:
        return len(outline_field.options), None
    return _fit_columns(widths, space, outline_field.name)


def _fit_columns(widths: Sequence[float], space: RowSpace, name: str) -> tuple[int, float]:
    """Return number and distance of columns of equal width that hold the widest."""
    # n columns have n − 1 gaps, so one gap is added to the width.
    columns = int((space.width + MARK_GAP) / (max(widths) + MARK_GAP))
    if columns < 1:
        raise _width_error(max(widths), space.width, name)
    # No more columns than the same number of lines needs.
    lines = -(-len(widths) // columns)
    columns = -(-len(widths) // lines)
    return columns, (space.width + MARK_GAP) / columns


def _place_choice(
    outline_field: OutlineField,
    attributes: dict[str, Any],
    place: tuple[float, float, float],
    space: RowSpace,
) -> FieldSpec:
    """Place a choice with its boxes in the middle of the line; `place` is x, top and height."""
    x, top, height = place
    columns, pitch = _arrange_options(outline_field, space)
    widths = measures.measure_option_widths(outline_field, space.style, space.mark)
    # Vertically centred in a single line, at the top of several.
    first_top = (
        top + (min(height, measures.BOX_HEIGHT) - space.mark) / 2
        if height <= measures.BOX_HEIGHT
        else top
    )
    # The options line by line, in columns or one after the other.
    options, left = [], x
    for number, (option, width) in enumerate(zip(outline_field.options, widths, strict=True)):
        line, column = divmod(number, columns)
        if pitch:
            left = x + column * pitch
        option_top = round(first_top + line * space.option_pitch, 2)
        box = (round(left, 2), option_top, space.mark, space.mark)
        options.append(Option(value=option.value, label=option.label, box=box))
        left += width + measures.OPTION_GAP
    # The box of the choice includes the labels.
    right = max(option.box[0] + width for option, width in zip(options, widths, strict=True))
    box = (round(x, 2), round(top, 2), round(right - x, 2), round(height, 2))
    return FieldSpec.model_validate(attributes | {"options": options, "box": box})
