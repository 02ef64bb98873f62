"""One row of fields, laid side by side: widths shared, labels given room, broken into more lines
where it is too wide. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.domain.form.field import FieldSpec, LabelSide, Option
from pipeline.forms.layout import measures
from pipeline.forms.layout.outline import OutlineField
from pipeline.forms.problems import FormProblem, LayoutError

FIELD_GAP = 5.0
"""Between two fields."""
MARK_GAP = 4.0
"""Between the label of a check box and the next."""
LINE_GAP, BARE_LINE_GAP, TABLE_LINE_GAP = 2.0, 2.4, 1.4
"""Between the lines of a row or of a section: where the lower one has labels above its boxes, where
it has none, and in a table.
"""


@dataclass(frozen=True, slots=True)
class RowSpace:
    """What a row is laid in: from `left` to `right`, its check boxes `mark` wide and high, a field
    that fills the page `fill` high.

    `once` labels are printed above the boxes, a table's only in its first row; `unprinted` is a
    label that is not printed, since a title says it. In `columns` of even width fields stand one
    below the other; without, each takes the width that it needs.
    """

    left: float
    right: float
    mark: float = measures.MARK_SIDE
    fill: float = 0
    once: bool = False
    in_table: bool = False
    unprinted: str = ""
    columns: int | None = None

    @property
    def width(self) -> float:
        """Width of the room."""
        return self.right - self.left

    @property
    def option_pitch(self) -> float:
        """From one line of options to the next."""
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
        if self.lines:
            self.height += (
                BARE_LINE_GAP
                if not other.has_labels
                else TABLE_LINE_GAP
                if self.in_table
                else LINE_GAP
            )
        else:
            self.has_labels = other.has_labels
        self.fields += [move_field(spec, 0, self.height) for spec in other.fields]
        self.height += other.height
        self.lines += other.lines


def place_row(row: Sequence[OutlineField], room: RowSpace) -> FieldBlock:
    """Lay a row of fields in a room.

    Raises:
        LayoutError: one field alone is wider than the room.
    """
    block = FieldBlock(in_table=room.in_table)
    if room.columns:
        return _place_columns(row, room, room.columns)
    marks = [one for one in row if one.traits.is_check_box]
    if len(marks) == len(row) and _line_width(row, room) > room.width:
        columns, pitch = _fit_columns([_slot_width(one, room) for one in row], room, row[0].name)
        for start in range(0, len(row), columns):
            block.add(_place_line(row[start : start + columns], room, pitch))
        return block
    for line in _break_row(row, room):
        block.add(_place_line(line, room))
    return block


def _place_columns(row: Sequence[OutlineField], room: RowSpace, columns: int) -> FieldBlock:
    """The row's fields in columns of even width, in as many lines as they need."""
    block, pitch = FieldBlock(), (room.width + FIELD_GAP) / columns
    for one in row:
        if _slot_width(one, room) > pitch - MARK_GAP / 2:
            raise LayoutError(
                FormProblem(
                    "row_too_wide", {"width": _slot_width(one, room), "room": pitch}, field=one.name
                )
            )
    for start in range(0, len(row), columns):
        block.add(_place_line(row[start : start + columns], room, pitch))
    return block


def move_field(spec: FieldSpec, dx: float, dy: float) -> FieldSpec:
    """The field elsewhere."""
    options = tuple(
        option.model_copy(update={"box": _shift_box(option.box, dx, dy)}) for option in spec.options
    )
    return spec.model_copy(update={"box": _shift_box(spec.box, dx, dy), "options": options})


def _shift_box(
    box: tuple[float, float, float, float], dx: float, dy: float
) -> tuple[float, float, float, float]:
    return (round(box[0] + dx, 2), round(box[1] + dy, 2), box[2], box[3])


def _round_to_tenths(*box: float) -> tuple[float, float, float, float]:
    """Lengths as a ruler shows them; never wider than asked for."""
    x, y, width, height = box
    return (round(x, 1), round(y, 2), int(width * 10 + 1e-6) / 10, round(height, 2))


def _break_row(row: Sequence[OutlineField], room: RowSpace) -> list[list[OutlineField]]:
    """The row in as many lines as it needs."""
    lines: list[list[OutlineField]] = []
    for one in row:
        if _slot_width(one, room) > room.width and not one.traits.has_options:
            raise LayoutError(
                FormProblem(
                    "row_too_wide",
                    {"width": _slot_width(one, room), "room": room.width},
                    field=one.name,
                )
            )
        if lines and _line_width([*lines[-1], one], room) <= room.width:
            lines[-1].append(one)
        else:
            lines.append([one])
    return lines


def _line_width(line: Sequence[OutlineField], room: RowSpace) -> float:
    return sum(
        _slot_width(one, room) + _gap_between(before, one)
        for before, one in zip((None, *line), line, strict=False)
    )


def _gap_between(before: OutlineField | None, one: OutlineField) -> float:
    if before is None:
        return 0
    return one.gap + (
        MARK_GAP if before.traits.is_check_box and one.traits.is_check_box else FIELD_GAP
    )


def _label_side(one: OutlineField, room: RowSpace) -> LabelSide:
    """Where the label goes: in a column with a heading, above also for a mark."""
    return LabelSide.ABOVE if room.once and one.label_at is None else one.label_side


def _slot_width(one: OutlineField, room: RowSpace) -> float:
    """Room that a field needs from left to right, at least."""
    box = measures.measure_box_width(one, mark=room.mark)
    if one.label == room.unprinted or _label_side(one, room) in (LabelSide.NONE, LabelSide.HEADING):
        return box
    return (
        max(box, measures.measure_label_width(one))
        if _label_side(one, room) is LabelSide.ABOVE
        else box + measures.measure_side_label_width(one, in_table=room.in_table)
    )


def _place_line(
    line: Sequence[OutlineField], room: RowSpace, pitch: float | None = None
) -> FieldBlock:
    """One line of fields; the handwritten ones share what is left."""
    tall = max(_field_height(one, room) for one in line)
    above = any(
        _label_side(one, room) is LabelSide.ABOVE and one.label != room.unprinted for one in line
    )
    top = measures.LABEL_ROOM if above else 0.0
    growing = [one for one in line if measures.is_stretching(one)]
    spare = (
        max(0.0, room.width - _line_width(line, room)) / len(growing)
        if growing and pitch is None
        else 0.0
    )
    x, specs, before = room.left, [], None
    for number, one in enumerate(line):
        x = room.left + number * pitch if pitch else x + _gap_between(before, one)
        slot = (
            room.right - x
            if pitch and one is line[-1] and measures.is_stretching(one)
            else _slot_width(one, room) + (spare if one in growing else 0)
        )
        specs.append(_place_field(one, x, top, slot, tall, room))
        x, before = x + slot, one
    return FieldBlock(top + tall, specs, 1, above)


def _field_height(one: OutlineField, room: RowSpace) -> float:
    if one.lines == "fill":
        return max(room.fill, measures.LINE_PITCH)
    if one.traits.has_options:
        lines = -(-len(one.options) // _arrange_options(one, room)[0])
        return room.mark + (lines - 1) * room.option_pitch
    return measures.measure_box_height(one, one.lines or 1, mark=room.mark)


def _place_field(
    one: OutlineField, x: float, top: float, slot: float, tall: float, room: RowSpace
) -> FieldSpec:
    high = _field_height(one, room)
    side = _label_side(one, room)
    width = slot if measures.is_stretching(one) else measures.measure_box_width(one, mark=room.mark)
    if side is LabelSide.LEFT:
        x += measures.measure_side_label_width(one, in_table=room.in_table)
    if side in (LabelSide.LEFT, LabelSide.RIGHT) and measures.is_stretching(one):
        width -= measures.measure_side_label_width(one, in_table=room.in_table)
    down = (
        (min(tall, measures.BOX_HEIGHT) - high) / 2
        if high < measures.BOX_HEIGHT and not one.traits.has_options
        else 0.0
    )
    told = one.model_dump(
        exclude={"width", "gap", "lines", "options", "columns"}, exclude_defaults=True
    ) | {
        "name": one.name,
        "label": one.label,
        "kind": one.kind,
    }
    if room.once and one.label_at is None:
        told["label_at"] = LabelSide.ABOVE if one.traits.is_check_box else None
    if one.traits.has_options:
        return _place_choice(one, told, x, top, max(high, min(tall, measures.BOX_HEIGHT)), room)
    lines = (
        {
            "lines": max(1, int(high / measures.LINE_PITCH + 1e-6))
            if one.lines == "fill"
            else one.lines
        }
        if one.lines
        else {}
    )
    return FieldSpec(**told, **lines, box=_round_to_tenths(x, top + down, width, high))


def _arrange_options(one: OutlineField, room: RowSpace) -> tuple[int, float | None]:
    """How many options stand side by side, and their distance where they stand in columns."""
    if one.columns:
        return one.columns, max(
            measures.measure_option_widths(one, room.mark)
        ) + measures.OPTION_GAP
    if measures.measure_box_width(one, mark=room.mark) <= room.width:
        return len(one.options), None
    return _fit_columns(measures.measure_option_widths(one, room.mark), room, one.name)


def _fit_columns(widths: Sequence[float], room: RowSpace, name: str) -> tuple[int, float]:
    """Columns of even width that hold the widest, and their distance."""
    columns = int((room.width + MARK_GAP) / (max(widths) + MARK_GAP))
    if columns < 1:
        raise LayoutError(
            FormProblem("row_too_wide", {"width": max(widths), "room": room.width}, field=name)
        )
    lines = -(-len(widths) // columns)
    columns = -(-len(widths) // lines)
    return columns, (room.width + MARK_GAP) / columns


def _place_choice(
    one: OutlineField, told: dict[str, object], x: float, top: float, high: float, room: RowSpace
) -> FieldSpec:
    """A choice with its boxes in the middle of the line's height."""
    columns, pitch = _arrange_options(one, room)
    first = (
        top + (min(high, measures.BOX_HEIGHT) - room.mark) / 2
        if high <= measures.BOX_HEIGHT
        else top
    )
    options, at = [], x
    for number, (option, width) in enumerate(
        zip(one.options, measures.measure_option_widths(one, room.mark), strict=True)
    ):
        line, column = divmod(number, columns)
        if pitch:
            at = x + column * pitch
        box = (round(at, 2), round(first + line * room.option_pitch, 2), room.mark, room.mark)
        options.append(Option(value=option.value, label=option.label, box=box))
        at += width + measures.OPTION_GAP
    right = max(
        option.box[0] + width
        for option, width in zip(
            options, measures.measure_option_widths(one, room.mark), strict=True
        )
    )
    return FieldSpec.model_validate(
        told
        | {
            "options": options,
            "box": (round(x, 2), round(top, 2), round(right - x, 2), round(high, 2)),
        }
    )
