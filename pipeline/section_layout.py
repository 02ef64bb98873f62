"""One section of an outline, placed: its title, its printed words, its rows, repeated rows or table. Lengths are mm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pipeline.drawing import Colour, Style
from pipeline.fiducials import CONTENT
from pipeline.field_spec import FieldSpec, Format, Side
from pipeline.form_faults import Fault, LayoutError
from pipeline.form_measures import LABEL_ROOM, LINE, words_height, words_width
from pipeline.outline import Outline, OutlineField, OutlineSection, Repeat, Standard, Words
from pipeline.page_spec import Section, Table, Text
from pipeline.row_layout import BARE_LINE_GAP, LINE_GAP, Block, Room, moved, place_row
from pipeline.standard_sections import standard_rows, standard_title

INNER = (15.0, 195.0)
"""Left and right end of what is written on, within the light ground."""
TITLE_ROOM, BOTTOM_PAD = 6.5, 2.0
LEAST_LINES = 4
"""Lines that a field which fills the page has at least."""
_TABLE_INNER = (10.0, 183.0)
"""Left and right end of a table row's fields, from the left end of the table: the number of the row stands before them."""
_TABLE_MARK = 4.6
_ROW_PAD, _ROW_FOOT = 1.0, 1.5
_MOST_AIR = 2.5
"""What each row of a table that fills its page may get of the room that one more row would not fit in."""
_WORDS_GAP = 1.2
_GUTTER_GAP = 3.0
_GUTTER = Style(8, Colour.LABEL, bold=True)


@dataclass(slots=True)
class PlacedSection:
    """A section from `top` downwards."""

    title: str
    top: float
    use: Standard | None
    height: float = TITLE_ROOM
    fields: list[FieldSpec] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    table: Table | None = None
    begun: bool = False

    @property
    def ground(self) -> Section:
        """The light ground with the title."""
        return Section(title=self.title, box=(CONTENT.x, round(self.top, 2), CONTENT.w, round(self.height, 2)))

    @property
    def y(self) -> float:
        """Where the next row begins."""
        return self.top + self.height

    def put(self, block: Block) -> None:
        """Add a row of fields."""
        self._gap(labelled=block.labelled)
        self.fields += [moved(spec, 0, self.y) for spec in block.fields]
        self.height += block.height

    def say(self, words: Words) -> None:
        """Add printed words."""
        width = INNER[1] - INNER[0]
        style = Style(words.size, bold=words.bold)
        if self.begun:
            self.height += _WORDS_GAP
        self.begun = True
        self.texts.append(Text(text=words.text, at=(INNER[0], round(self.y, 2)), width=width, size=words.size, bold=words.bold))
        self.height += words_height(words.text, width, style) + _WORDS_GAP

    def _gap(self, *, labelled: bool) -> None:
        if self.begun:
            self.height += LINE_GAP if labelled else BARE_LINE_GAP
        self.begun = True


def fills(section: OutlineSection) -> bool:
    """Whether it takes what is left of its page."""
    return any(one.lines == "fill" for one in section.fields) or (section.table is not None and section.table.count == "fill")


def place_section(outline: Outline, section: OutlineSection, top: float, extra: float = 0) -> PlacedSection:
    """Place a section; `extra` is what it may grow by if it fills its page.

    Raises:
        LayoutError: a row does not fit; says where in the section.
    """
    placed = PlacedSection(standard_title(section, outline.area), top, section.use)
    if section.text:
        placed.say(Words(text=section.text))
    if section.use:
        for row in standard_rows(section.use, outline.area, outline.subject):
            placed.put(place_row(_told(outline, row), Room(*INNER)))
    if section.table:
        _table(outline, section, placed, extra)
    elif section.repeat:
        _repeated(outline, section.repeat, section, placed)
    else:
        _rows(outline, section, placed, extra)
    placed.height += BOTTOM_PAD
    return placed


def _rows(outline: Outline, section: OutlineSection, placed: PlacedSection, extra: float) -> None:
    growing = sum(one.lines == "fill" for one in section.fields)
    room = Room(*INNER, fill=LEAST_LINES * LINE + (extra / growing if growing else 0), unprinted=placed.title, columns=section.columns)
    for number, row in enumerate(section.rows):
        if isinstance(row, Words):
            placed.say(row)
        else:
            placed.put(_in_row(outline, row, room, number))


def _in_row(outline: Outline, row: tuple[OutlineField, ...], room: Room, number: int) -> Block:
    try:
        return place_row(_told(outline, row), room)
    except LayoutError as error:
        raise LayoutError(error.fault.within(("rows", number))) from error


def _told(outline: Outline, row: tuple[OutlineField, ...]) -> list[OutlineField]:
    """In class A who, when and how much are critical: all that has a format, but for the number of a telephone."""
    harms = outline.criticality == "A"
    return [one.model_copy(update={"critical": True}) if harms and one.format and one.format is not Format.PHONE else one for one in row]


def _repeated(outline: Outline, repeat: Repeat, section: OutlineSection, placed: PlacedSection) -> None:
    """The rows again and again, each time with its number at the left; labels above the boxes only the first time if each is one line."""
    gutter = words_width(f"{repeat.label} {repeat.count}", _GUTTER) + _GUTTER_GAP
    room = Room(INNER[0] + gutter, INNER[1])
    rows = [row for row in section.rows if not isinstance(row, Words)]
    once = len(rows) == 1 and _in_row(outline, rows[0], replace(room, once=True), 0).lines == 1
    for turn in range(1, repeat.count + 1):
        first = True
        for number, row in enumerate(rows):
            named = tuple(_turned(one, repeat, turn, section) for one in row)
            block = _in_row(outline, named, replace(room, once=once), number)
            placed.put(_without_labels(block) if once and turn > 1 else block)
            if first:
                y = min(spec.box[1] for spec in placed.fields[-len(block.fields) :]) + 2.6
                placed.texts.append(Text(text=f"{repeat.label} {turn}", at=(INNER[0], round(y, 2)), width=gutter, size=_GUTTER.size, bold=True))
            first = False


def _turned(one: OutlineField, repeat: Repeat, turn: int, section: OutlineSection) -> OutlineField:
    """A repeated field by its own name; what it is compared with is of the same turn."""
    own = {each.name for each in section.fields}
    prefix = f"{repeat.prefix}{turn}_"
    update: dict[str, object] = {"name": prefix + one.name, "group": f"{repeat.label} {turn}"}
    if one.less_than in own:
        update["less_than"] = f"{prefix}{one.less_than}"
    if one.sum_of:
        update["sum_of"] = tuple(prefix + name if name in own else name for name in one.sum_of)
    return one.model_copy(update=update)


def _without_labels(block: Block) -> Block:
    """The same boxes, with the labels that stand above them in the first row left out."""
    lifted = [
        moved(spec.model_copy(update={"label_at": Side.NONE}) if spec.label_side is Side.ABOVE else spec, 0, -LABEL_ROOM) for spec in block.fields
    ]
    return Block(block.height - LABEL_ROOM, lifted, block.lines, labelled=False)


def _table(outline: Outline, section: OutlineSection, placed: PlacedSection, extra: float) -> None:
    """The rows as the lines of one table row. If that is a single line, its labels are printed once, as headings."""
    lines = section.table
    assert lines
    rows = [row for row in section.rows if not isinstance(row, Words)]
    room = Room(*_TABLE_INNER, mark=_TABLE_MARK, in_table=True)
    heading = len(rows) == 1 and _in_row(outline, rows[0], replace(room, once=True), 0).lines == 1
    block = Block(in_table=True)
    for number, row in enumerate(rows):
        block.add(_in_row(outline, row, replace(room, once=heading), number))
    lift = LABEL_ROOM if heading and block.labelled else 0.0
    specs = [_as_column(spec, heading=heading, dy=_ROW_PAD - lift) for spec in block.fields]
    height = round(_ROW_PAD + block.height - lift + (_ROW_PAD if heading else _ROW_FOOT), 2)
    top = placed.y + (lift - _ROW_PAD if lift else -_ROW_PAD)
    count = lines.count if lines.count != "fill" else max(1, int((height + extra) / height + 1e-6))
    _check_height(section, placed, count, height)
    if lines.count == "fill":
        height = round(height + min(_MOST_AIR, (height + extra - count * height) / count) - 0.005, 2)
    placed.table = Table(prefix=lines.prefix, count=count, x=CONTENT.x, top=round(top, 2), width=CONTENT.w, height=height, fields=tuple(specs))
    placed.height = round(top - placed.top + count * height, 2)


def _as_column(spec: FieldSpec, *, heading: bool, dy: float) -> FieldSpec:
    placed = moved(spec, 0, dy)
    return placed.model_copy(update={"label_at": Side.HEADING}) if heading and placed.label_side is Side.ABOVE else placed


def _check_height(section: OutlineSection, placed: PlacedSection, count: int, height: float) -> None:
    room = CONTENT.h - placed.height - BOTTOM_PAD
    if count * height > room:
        values: dict[str, str | float] = {"count": count, "row": height, "height": count * height, "room": room, "most": int(room / height)}
        raise LayoutError(Fault("table_too_high", values, ("table",), section.title))
