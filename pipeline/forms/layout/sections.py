"""Place one section of an outline: title, texts, rows, repeated rows or table. Lengths are mm."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.domain.form.field import FieldSpec, Format, LabelSide
from pipeline.domain.form.page import Days, Grid, Section, Table, Text
from pipeline.forms.drawing import Colour, TextStyle
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.field_drawing import PRINT_STYLES, measure_text_height, measure_text_width
from pipeline.forms.layout.measures import LABEL_ROOM, LINE_PITCH
from pipeline.forms.layout.outline import (
    GridBoxes,
    Outline,
    OutlineField,
    OutlineSection,
    PrintedText,
    RepeatedRows,
    StandardSection,
    standard_rows,
    standard_title,
)
from pipeline.forms.layout.rows import (
    BARE_LINE_GAP,
    DENSE_GAP,
    FIELD_GAP,
    LINE_GAP,
    FieldBlock,
    RowSpace,
    move_field,
    place_row,
)
from pipeline.forms.problems import FormProblem, LayoutError

INNER_EDGES = (15.0, 195.0)
"""Left and right end of the fields, within the light background."""
MIN_FILL_LINES = 4
"""Least number of lines of a field that fills the page."""
_TABLE_INNER_EDGES = (10.0, 183.0)
"""Left and right end of a table row's fields, from the left end of the table.

The number of the row is printed before them.
"""
_TABLE_MARK_SIDE = 4.6
_MAX_ROW_STRETCH = 2.5
"""Extra height of each row of a table that fills its page, if no further row fits."""
_TEXT_GAP = 1.2
_SECOND_STYLE_GAP = 22.0
"""Most room before a standard field from print style 2 on, so that a row stays one line."""
_GUTTER_GAP = 3.0
_DENSE_LINE_GAP, _GRID_LINE_GAP = 0.8, 0.5
"""Between the lines of rows that are close together, and of a grid."""
_DAY_GAP = 0.5
"""Between the boxes of two days."""
_GRID_GUTTER = 6.0
"""Room for the number of a grid's line, before its fields."""
_GUTTER_STYLE = TextStyle(8, Colour.LABEL, bold=True)


TITLE_ROOM, BOTTOM_PAD = 6.5, 2.0
"""Height of a section's title, and below its last row."""
_ROW_PAD, _ROW_FOOT = 1.0, 1.5
"""Above a table row, and below one with labels of its own."""


@dataclass(slots=True)
class PlacedSection:
    """A placed section, from `top` downwards."""

    title: str
    top: float
    use: StandardSection | None
    height: float = TITLE_ROOM
    fields: list[FieldSpec] = dataclasses.field(default_factory=list)
    texts: list[Text] = dataclasses.field(default_factory=list)
    table: Table | None = None
    grid: Grid | None = None
    is_started: bool = False

    @property
    def background(self) -> Section:
        """The light background with the title."""
        return Section(
            title=self.title,
            box=(CONTENT_BOX.x, round(self.top, 2), CONTENT_BOX.w, round(self.height, 2)),
        )

    @property
    def y(self) -> float:
        """The top of the next row."""
        return self.top + self.height

    def put(self, block: FieldBlock, gap: float | None = None) -> None:
        """Add a row of fields, `gap` mm below what is there."""
        # The usual gap depends on whether the block has labels above its boxes.
        self._gap(labelled=block.has_labels, gap=gap)
        self.fields += [move_field(spec, 0, self.y) for spec in block.fields]
        self.height += block.height

    def add_text(self, words: PrintedText) -> None:
        """Add a printed text."""
        width = INNER_EDGES[1] - INNER_EDGES[0]
        style = TextStyle(words.size, bold=words.bold)
        # No gap above the first part of a section.
        if self.is_started:
            self.height += _TEXT_GAP
        self.is_started = True
        self.texts.append(
            Text(
                text=words.text,
                at=(INNER_EDGES[0], round(self.y, 2)),
                width=width,
                size=words.size,
                bold=words.bold,
            )
        )
        self.height += measure_text_height(words.text, width, style) + _TEXT_GAP

    def _gap(self, *, labelled: bool, gap: float | None = None) -> None:
        if self.is_started:
            self.height += gap or (LINE_GAP if labelled else BARE_LINE_GAP)
        self.is_started = True


def fills_page(section: OutlineSection) -> bool:
    """Whether it takes the rest of its page."""
    has_filling_table = section.table is not None and section.table.count == "fill"
    return has_filling_table or any(field.lines == "fill" for field in section.fields)


def place_section(
    outline: Outline, section: OutlineSection, top: float, extra: float = 0
) -> PlacedSection:
    """Place a section; `extra` is the height that it may grow by if it fills its page.

    Raises:
        LayoutError: a row does not fit; its problem has the place in the section.
    """
    placed = PlacedSection(standard_title(section, outline.area), top, section.use)
    # Order within a section: text, standard rows, own rows or table.
    if section.text:
        placed.add_text(PrintedText(text=section.text))
    if section.use:
        space = RowSpace(*INNER_EDGES, style=PRINT_STYLES[outline.print_style])
        for row in standard_rows(section.use, outline.subject):
            fields = [_limit_gap(field, outline) for field in _mark_critical(outline, row)]
            placed.put(place_row(fields, space))
    if section.table:
        _place_table(outline, section, placed, extra)
    elif section.repeat:
        _place_repeated(outline, section.repeat, section, placed)
    elif section.grid:
        _place_grid(outline, section.grid, section, placed)
    else:
        _place_rows(outline, section, placed, extra)
    # The background ends below the last row.
    placed.height += BOTTOM_PAD
    return placed


def _limit_gap(field: OutlineField, outline: Outline) -> OutlineField:
    """Return a standard field with less room before it where labels are larger."""
    if outline.print_style == 1 or field.gap <= _SECOND_STYLE_GAP:
        return field
    return field.model_copy(update={"gap": _SECOND_STYLE_GAP})


def _place_rows(
    outline: Outline, section: OutlineSection, placed: PlacedSection, extra: float
) -> None:
    # Fields that fill the page share the extra height equally.
    growing = sum(field.lines == "fill" for field in section.fields)
    space = RowSpace(
        *INNER_EDGES,
        fill=MIN_FILL_LINES * LINE_PITCH + (extra / growing if growing else 0),
        unprinted=placed.title,
        columns=section.columns,
        style=PRINT_STYLES[outline.print_style],
    )
    for number, row in enumerate(section.rows):
        if isinstance(row, PrintedText):
            placed.add_text(row)
        else:
            placed.put(_place_row_at(outline, row, space, number))


def _place_row_at(
    outline: Outline, row: tuple[OutlineField, ...], space: RowSpace, number: int
) -> FieldBlock:
    """Place a row; an error has the row's number in the section."""
    try:
        return place_row(_mark_critical(outline, row), space)
    except LayoutError as error:
        raise LayoutError(error.problem.within(("rows", number))) from error


def _mark_critical(outline: Outline, row: tuple[OutlineField, ...]) -> list[OutlineField]:
    """Make all fields with a format critical in class A, except phone numbers.

    They are client, time and quantities.
    """
    # Only class A forms have critical fields by format.
    if outline.criticality != "A":
        return list(row)
    return [
        field.model_copy(update={"critical": True})
        if field.format and field.format is not Format.PHONE
        else field
        for field in row
    ]


def _fits_one_line(
    outline: Outline, rows: Sequence[tuple[OutlineField, ...]], space: RowSpace
) -> bool:
    """Whether there is one row of one line: then its labels are printed only once."""
    if len(rows) != 1:
        return False
    return _place_row_at(outline, rows[0], replace(space, once=True), 0).lines == 1


def _place_repeated(
    outline: Outline, repeat: RepeatedRows, section: OutlineSection, placed: PlacedSection
) -> None:
    """Place the rows of each repetition, with its number on the left."""
    # The gutter is as wide as the last number's label.
    gutter = measure_text_width(f"{repeat.label} {repeat.count}".strip(), _GUTTER_STYLE) + (
        DENSE_GAP if repeat.dense else _GUTTER_GAP
    )
    style = PRINT_STYLES[outline.print_style]
    space = RowSpace(
        INNER_EDGES[0] + gutter,
        INNER_EDGES[1],
        gap=DENSE_GAP if repeat.dense else FIELD_GAP,
        style=style,
    )
    rows = [row for row in section.rows if not isinstance(row, PrintedText)]
    # With one line per repetition, only the first has labels.
    once = _fits_one_line(outline, rows, space)
    for turn in range(1, repeat.count + 1):
        for number, row in enumerate(rows):
            turn_row = tuple(_repeat_field(field, repeat, turn, section) for field in row)
            block = _place_row_at(outline, turn_row, replace(space, once=once), number)
            gap = _DENSE_LINE_GAP if repeat.dense and turn > 1 else None
            placed.put(_drop_labels(block) if once and turn > 1 else block, gap)
            if number > 0:
                continue
            # The number is next to the first row, in the middle of a box 8 mm high.
            y = min(spec.box[1] for spec in placed.fields[-len(block.fields) :]) + 2.6
            placed.texts.append(
                Text(
                    text=f"{repeat.label} {turn}".strip(),
                    at=(INNER_EDGES[0], round(y, 2)),
                    width=gutter,
                    size=_GUTTER_STYLE.size,
                    bold=True,
                )
            )


def _repeat_field(
    field: OutlineField, repeat: RepeatedRows, turn: int, section: OutlineSection
) -> OutlineField:
    """Return a field of a repetition, with references to fields of the same repetition."""
    section_names = {other.name for other in section.fields}
    # Names are unique through the repetition's prefix.
    prefix = f"{repeat.prefix}{turn}_"
    update: dict[str, object] = {"name": prefix + field.name, "group": f"{repeat.label} {turn}"}
    # References within the repetition get the same prefix, others stay.
    if field.less_than in section_names:
        update["less_than"] = f"{prefix}{field.less_than}"
    if field.planned_by in section_names:
        update["planned_by"] = f"{prefix}{field.planned_by}"
    if field.sum_of:
        update["sum_of"] = tuple(
            prefix + name if name in section_names else name for name in field.sum_of
        )
    return field.model_copy(update=update)


def _place_grid(
    outline: Outline, grid: GridBoxes, section: OutlineSection, placed: PlacedSection
) -> None:
    """Place the lines of a grid: its row of fields, then a box for each day."""
    # The boxes are at the right edge; the fields before them share what is left.
    pitch = (grid.box.width or 0) + _DAY_GAP
    left, right = INNER_EDGES
    first_x = right - pitch * (grid.last - grid.first + 1) + _DAY_GAP
    rows = [row for row in section.rows if not isinstance(row, PrintedText)]
    style = PRINT_STYLES[outline.print_style]
    space = RowSpace(left + _GRID_GUTTER, first_x - DENSE_GAP, gap=DENSE_GAP, style=style)
    block = _place_row_at(outline, rows[0], space, 0)
    if len(rows) != 1 or block.lines != 1:
        raise LayoutError(FormProblem("grid_one_line", {}, ("grid",), section.title))
    if grid.codes:
        key = " · ".join(f"{code.value} = {code.label}" for code in grid.codes)
        placed.add_text(PrintedText(text=f"Koder: {key}", bold=True))
    # All relative to the first line, which lies below the labels.
    specs = [move_field(spec, -left, -LABEL_ROOM) for spec in block.fields]
    height = max(spec.box[1] + spec.box[3] for spec in specs)
    box = grid.box.model_dump(exclude={"width", "gap", "columns", "lines", "options"})
    placed.height += LABEL_ROOM + (LINE_GAP if placed.is_started else 0)
    placed.grid = Grid(
        prefix=grid.prefix,
        label=grid.label,
        count=grid.count,
        x=left,
        top=round(placed.y, 2),
        width=right - left,
        height=round(height + _GRID_LINE_GAP, 2),
        fields=tuple(specs),
        days=Days(
            first=grid.first,
            last=grid.last,
            pitch=pitch,
            codes=grid.codes,
            field=FieldSpec(**box, box=(round(first_x - left, 2), 0, grid.box.width or 0, height)),
        ),
    )
    placed.height += grid.count * placed.grid.height


def _drop_labels(block: FieldBlock) -> FieldBlock:
    """Return the same boxes without the labels above them."""
    # Boxes move up by the room of the labels.
    lifted = [
        move_field(
            spec.model_copy(update={"label_at": LabelSide.NONE})
            if spec.label_side is LabelSide.ABOVE
            else spec,
            0,
            -LABEL_ROOM,
        )
        for spec in block.fields
    ]
    return FieldBlock(block.height - LABEL_ROOM, lifted, block.lines, has_labels=False)


def _place_table(
    outline: Outline, section: OutlineSection, placed: PlacedSection, extra: float
) -> None:
    """Place the rows as the lines of one table row.

    If that is a single line, its labels are printed once, as headings.
    """
    table = section.table
    assert table
    rows = [row for row in section.rows if not isinstance(row, PrintedText)]
    style = PRINT_STYLES[outline.print_style]
    space = RowSpace(*_TABLE_INNER_EDGES, mark=_TABLE_MARK_SIDE, in_table=True, style=style)
    has_headings = _fits_one_line(outline, rows, space)
    # One table row.
    block = FieldBlock(in_table=True)
    for number, row in enumerate(rows):
        block.add(_place_row_at(outline, row, replace(space, once=has_headings), number))
    # Headings are above the table, so the first row's label room is moved out of the row.
    lift = LABEL_ROOM if has_headings and block.has_labels else 0.0
    specs = [_make_column(spec, heading=has_headings, dy=_ROW_PAD - lift) for spec in block.fields]
    foot = _ROW_PAD if has_headings else _ROW_FOOT
    # Height of one row: padding, boxes and foot.
    height = round(_ROW_PAD + block.height - lift + foot, 2)
    top = placed.y + (lift - _ROW_PAD if lift else -_ROW_PAD)
    # As many rows as fit, a little higher where room is left.
    count = table.count if table.count != "fill" else max(1, int((height + extra) / height + 1e-6))
    _check_height(section, placed, count, height)
    # The remaining height is shared by the rows, up to a limit; rounded down to 0.01 mm.
    if table.count == "fill":
        height = round(
            height + min(_MAX_ROW_STRETCH, (height + extra - count * height) / count) - 0.005, 2
        )
    placed.table = Table(
        prefix=table.prefix,
        count=count,
        x=CONTENT_BOX.x,
        top=round(top, 2),
        width=CONTENT_BOX.w,
        height=height,
        fields=tuple(specs),
    )
    placed.height = round(top - placed.top + count * height, 2)


def _make_column(spec: FieldSpec, *, heading: bool, dy: float) -> FieldSpec:
    placed = move_field(spec, 0, dy)
    return (
        placed.model_copy(update={"label_at": LabelSide.HEADING})
        if heading and placed.label_side is LabelSide.ABOVE
        else placed
    )


def _check_height(
    section: OutlineSection, placed: PlacedSection, count: int, height: float
) -> None:
    # Height left for the table on its page.
    room = CONTENT_BOX.h - placed.height - BOTTOM_PAD
    if count * height > room:
        values: dict[str, str | float] = {
            "count": count,
            "row": height,
            "height": count * height,
            "room": room,
            "most": int(room / height),
        }
        raise LayoutError(FormProblem("table_too_high", values, ("table",), section.title))
