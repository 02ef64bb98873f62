"""One row of fields, laid side by side: widths shared, labels given room, broken into more lines where it is too wide. Lengths are mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline import form_measures as measures
from pipeline.field_spec import FieldSpec, Option, Side
from pipeline.form_faults import Fault, LayoutError
from pipeline.outline import OutlineField

GAP = 5.0
"""Between two fields."""
MARK_GAP = 4.0
"""Between the label of a check box and the next."""
LINE_GAP, BARE_LINE_GAP, TABLE_LINE_GAP = 2.0, 2.4, 1.4
"""Between the lines of a row or of a section: where the lower one has labels above its boxes, where it has none, and in a table."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a row is laid in: from `left` to `right`, its check boxes `mark` wide and high, a field that fills the page `fill` high.

    `once` labels are printed above the boxes, a table's only in its first row; `unprinted` is a label that is not printed, since a title says it.
    In `columns` of even width fields stand one below the other; without, each takes the width that it needs.
    """

    left: float
    right: float
    mark: float = measures.MARK
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
class Block:
    """Fields that belong together, from y = 0 downwards."""

    height: float = 0
    fields: list[FieldSpec] = field(default_factory=list)
    lines: int = 0
    labelled: bool = False
    in_table: bool = False

    def add(self, other: Block) -> None:
        """Put another block below."""
        if self.lines:
            self.height += BARE_LINE_GAP if not other.labelled else TABLE_LINE_GAP if self.in_table else LINE_GAP
        else:
            self.labelled = other.labelled
        self.fields += [moved(spec, 0, self.height) for spec in other.fields]
        self.height += other.height
        self.lines += other.lines


def place_row(row: Sequence[OutlineField], room: Room) -> Block:
    """Lay a row of fields in a room.

    Raises:
        LayoutError: one field alone is wider than the room.
    """
    block = Block(in_table=room.in_table)
    if room.columns:
        return _in_columns(row, room, room.columns)
    marks = [one for one in row if one.traits.is_check_box]
    if len(marks) == len(row) and _width(row, room) > room.width:
        columns, pitch = _grid([_slot(one, room) for one in row], room, row[0].name)
        for start in range(0, len(row), columns):
            block.add(_line(row[start : start + columns], room, pitch))
        return block
    for line in _broken(row, room):
        block.add(_line(line, room))
    return block


def _in_columns(row: Sequence[OutlineField], room: Room, columns: int) -> Block:
    """The row's fields in columns of even width, in as many lines as they need."""
    block, pitch = Block(), (room.width + GAP) / columns
    for one in row:
        if _slot(one, room) > pitch - MARK_GAP / 2:
            raise LayoutError(Fault("row_too_wide", {"width": _slot(one, room), "room": pitch}, field=one.name))
    for start in range(0, len(row), columns):
        block.add(_line(row[start : start + columns], room, pitch))
    return block


def moved(spec: FieldSpec, dx: float, dy: float) -> FieldSpec:
    """The field elsewhere."""
    options = tuple(option.model_copy(update={"box": _shifted(option.box, dx, dy)}) for option in spec.options)
    return spec.model_copy(update={"box": _shifted(spec.box, dx, dy), "options": options})


def _shifted(box: tuple[float, float, float, float], dx: float, dy: float) -> tuple[float, float, float, float]:
    return (round(box[0] + dx, 2), round(box[1] + dy, 2), box[2], box[3])


def _tenths(*box: float) -> tuple[float, float, float, float]:
    """Lengths as a ruler shows them; never wider than asked for."""
    x, y, width, height = box
    return (round(x, 1), round(y, 2), int(width * 10 + 1e-6) / 10, round(height, 2))


def _broken(row: Sequence[OutlineField], room: Room) -> list[list[OutlineField]]:
    """The row in as many lines as it needs."""
    lines: list[list[OutlineField]] = []
    for one in row:
        if _slot(one, room) > room.width and not one.traits.has_options:
            raise LayoutError(Fault("row_too_wide", {"width": _slot(one, room), "room": room.width}, field=one.name))
        if lines and _width([*lines[-1], one], room) <= room.width:
            lines[-1].append(one)
        else:
            lines.append([one])
    return lines


def _width(line: Sequence[OutlineField], room: Room) -> float:
    return sum(_slot(one, room) + _gap(before, one) for before, one in zip((None, *line), line, strict=False))


def _gap(before: OutlineField | None, one: OutlineField) -> float:
    if before is None:
        return 0
    return one.gap + (MARK_GAP if before.traits.is_check_box and one.traits.is_check_box else GAP)


def _side(one: OutlineField, room: Room) -> Side:
    """Where the label goes: in a column with a heading, above also for a mark."""
    return Side.ABOVE if room.once and one.label_at is None else one.label_side


def _slot(one: OutlineField, room: Room) -> float:
    """Room that a field needs from left to right, at least."""
    box = measures.box_width(one, mark=room.mark)
    if one.label == room.unprinted or _side(one, room) in (Side.NONE, Side.HEADING):
        return box
    return max(box, measures.label_width(one)) if _side(one, room) is Side.ABOVE else box + measures.beside(one, in_table=room.in_table)


def _line(line: Sequence[OutlineField], room: Room, pitch: float | None = None) -> Block:
    """One line of fields; the handwritten ones share what is left."""
    tall = max(_height(one, room) for one in line)
    above = any(_side(one, room) is Side.ABOVE and one.label != room.unprinted for one in line)
    top = measures.LABEL_ROOM if above else 0.0
    growing = [one for one in line if measures.stretches(one)]
    spare = max(0.0, room.width - _width(line, room)) / len(growing) if growing and pitch is None else 0.0
    x, specs, before = room.left, [], None
    for number, one in enumerate(line):
        x = room.left + number * pitch if pitch else x + _gap(before, one)
        slot = room.right - x if pitch and one is line[-1] and measures.stretches(one) else _slot(one, room) + (spare if one in growing else 0)
        specs.append(_placed(one, x, top, slot, tall, room))
        x, before = x + slot, one
    return Block(top + tall, specs, 1, above)


def _height(one: OutlineField, room: Room) -> float:
    if one.lines == "fill":
        return max(room.fill, measures.LINE)
    if one.traits.has_options:
        lines = -(-len(one.options) // _option_grid(one, room)[0])
        return room.mark + (lines - 1) * room.option_pitch
    return measures.box_height(one, one.lines or 1, mark=room.mark)


def _placed(one: OutlineField, x: float, top: float, slot: float, tall: float, room: Room) -> FieldSpec:
    high = _height(one, room)
    side = _side(one, room)
    width = slot if measures.stretches(one) else measures.box_width(one, mark=room.mark)
    if side is Side.LEFT:
        x += measures.beside(one, in_table=room.in_table)
    if side in (Side.LEFT, Side.RIGHT) and measures.stretches(one):
        width -= measures.beside(one, in_table=room.in_table)
    down = (min(tall, measures.BOX) - high) / 2 if high < measures.BOX and not one.traits.has_options else 0.0
    told = one.model_dump(exclude={"width", "gap", "lines", "options", "columns"}, exclude_defaults=True) | {
        "name": one.name,
        "label": one.label,
        "kind": one.kind,
    }
    if room.once and one.label_at is None:
        told["label_at"] = Side.ABOVE if one.traits.is_check_box else None
    if one.traits.has_options:
        return _choice(one, told, x, top, max(high, min(tall, measures.BOX)), room)
    lines = {"lines": max(1, int(high / measures.LINE + 1e-6)) if one.lines == "fill" else one.lines} if one.lines else {}
    return FieldSpec(**told, **lines, box=_tenths(x, top + down, width, high))


def _option_grid(one: OutlineField, room: Room) -> tuple[int, float | None]:
    """How many options stand side by side, and their distance where they stand in columns."""
    if one.columns:
        return one.columns, max(measures.option_widths(one, room.mark)) + measures.OPTION_GAP
    if measures.box_width(one, mark=room.mark) <= room.width:
        return len(one.options), None
    return _grid(measures.option_widths(one, room.mark), room, one.name)


def _grid(widths: Sequence[float], room: Room, name: str) -> tuple[int, float]:
    """Columns of even width that hold the widest, and their distance."""
    columns = int((room.width + MARK_GAP) / (max(widths) + MARK_GAP))
    if columns < 1:
        raise LayoutError(Fault("row_too_wide", {"width": max(widths), "room": room.width}, field=name))
    lines = -(-len(widths) // columns)
    columns = -(-len(widths) // lines)
    return columns, (room.width + MARK_GAP) / columns


def _choice(one: OutlineField, told: dict[str, object], x: float, top: float, high: float, room: Room) -> FieldSpec:
    """A choice with its boxes in the middle of the line's height."""
    columns, pitch = _option_grid(one, room)
    first = top + (min(high, measures.BOX) - room.mark) / 2 if high <= measures.BOX else top
    options, at = [], x
    for number, (option, width) in enumerate(zip(one.options, measures.option_widths(one, room.mark), strict=True)):
        line, column = divmod(number, columns)
        if pitch:
            at = x + column * pitch
        box = (round(at, 2), round(first + line * room.option_pitch, 2), room.mark, room.mark)
        options.append(Option(value=option.value, label=option.label, box=box))
        at += width + measures.OPTION_GAP
    right = max(option.box[0] + width for option, width in zip(options, measures.option_widths(one, room.mark), strict=True))
    return FieldSpec.model_validate(told | {"options": options, "box": (round(x, 2), round(top, 2), round(right - x, 2), round(high, 2))})
