"""One section of an outline, placed: its title, its printed words, its rows, repeated rows or
table. Lengths are mm.

Sections that are the same on every form: whom it is about, when it happened, when it was written
down, who wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.domain.form.field import FieldSpec, Format, Kind, LabelSide, Meaning
from pipeline.domain.form.form import Area, Subject
from pipeline.domain.form.page import Section, Table, Text
from pipeline.forms.drawing import Colour, TextStyle
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.layout.measures import (
    LABEL_ROOM,
    LINE_PITCH,
    measure_text_height,
    measure_text_width,
)
from pipeline.forms.layout.outline import (
    Outline,
    OutlineField,
    OutlineSection,
    PrintedText,
    RepeatedRows,
    StandardSection,
)
from pipeline.forms.layout.rows import (
    BARE_LINE_GAP,
    LINE_GAP,
    FieldBlock,
    RowSpace,
    move_field,
    place_row,
)
from pipeline.forms.problems import FormProblem, LayoutError

UNIT_FIELD = FieldSpec(
    name="enhet", label="Enhet", kind=Kind.PRINTED, means=Meaning.UNIT, box=(22.5, 28.5, 110, 6)
)
"""Above the first section of every form."""
REGISTERED_WIDTH = 86.0
"""Room for the name according to the register, at the right of the client section's title, mm."""
_WRITTEN_OFFSET = 33.0
"""When it was written stands at the right of when it happened, with so much more room between them,
mm.
"""
INNER_EDGES = (15.0, 195.0)
"""Left and right end of what is written on, within the light ground."""
MIN_FILL_LINES = 4
"""Lines that a field which fills the page has at least."""
_TABLE_INNER_EDGES = (10.0, 183.0)
"""Left and right end of a table row's fields, from the left end of the table: the number of the row
stands before them.
"""
_TABLE_MARK_SIDE = 4.6
_MAX_ROW_STRETCH = 2.5
"""What each row of a table that fills its page may get of the room that one more row would not fit
in.
"""
_TEXT_GAP = 1.2
_GUTTER_GAP = 3.0
_GUTTER_STYLE = TextStyle(8, Colour.LABEL, bold=True)


_DAY_HINT, _CLOCK_HINT = "ÅÅÅÅ-MM-DD", "TT.MM"


def standard_rows(
    use: StandardSection, area: Area, subject: Subject
) -> tuple[tuple[OutlineField, ...], ...]:
    """The rows of a standard section."""
    return _ROWS_BY_SECTION[use](area, subject)


def standard_title(section: OutlineSection, area: Area) -> str:
    """The section's own title, else the one that the standard section has in this area of law."""
    titles = {
        StandardSection.CLIENT_IF_ANY: "Patient" if area is Area.HSL else "Klient",
        StandardSection.CLIENT: "Patient" if area is Area.HSL else "Klient",
        StandardSection.EVENT: "Tid",
        StandardSection.WRITTEN: "Skrivet i efterhand",
        StandardSection.AUTHOR: "Den som har skrivit",
        StandardSection.AUTHOR_LATER: "Den som har skrivit",
    }
    return section.title or (titles[section.use] if section.use else "")


def registered_name_field(top: float, right: float) -> FieldSpec:
    """The client's name according to the register, beside the title of a section that begins at
    `top`, mm.
    """
    box = (right - REGISTERED_WIDTH - 0.7, round(top + 0.8, 2), REGISTERED_WIDTH, 5.0)
    return FieldSpec(
        name="registrerat_namn",
        label="Enligt klientregistret",
        kind=Kind.PRINTED,
        means=Meaning.CLIENT_PRINTED,
        box=box,
    )


def continuation_field(page_no: int, left: float, right: float) -> FieldSpec:
    """Who a further page is about, above its first section: every page names its client
    (Vårdhandboken).
    """
    label = "Klientens namn och personnummer"
    box = (left + 46, 28.0, right - left - 46, 8.0)
    return FieldSpec(
        name=f"klient_sida{page_no}",
        label=label,
        label_at="left",
        kind=Kind.TEXT,
        means=Meaning.CLIENT_PRINTED,
        box=box,
    )


def _client_rows(_area: Area, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return _client_name_rows(required=subject is Subject.CLIENT)


def _optional_client_rows(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    """Of something that may be about nobody in particular: whoever reviews has to say so."""
    return _client_name_rows(required=False)


def _client_name_rows(*, required: bool) -> tuple[tuple[OutlineField, ...], ...]:
    number = OutlineField(
        name="personnummer",
        label="Personnummer",
        hint="ÅÅÅÅMMDD-NNNN",
        kind=Kind.DIGITS,
        format=Format.PERSONAL_NUMBER,
        critical=True,
        required=required,
        means=Meaning.CLIENT_PID,
    )
    return (
        (
            number,
            OutlineField(
                name="namn",
                label="Förnamn och efternamn",
                kind=Kind.TEXT,
                means=Meaning.CLIENT_NAME,
            ),
        ),
    )


def _event_rows(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    happened = _date_field(
        "handelsedatum", "Datum då det hände", Meaning.EVENT_DATE, required=True, critical=True
    )
    at = _time_field("handelsetid", "Klockslag", Meaning.EVENT_TIME, critical=True)
    written, at_time = _written_fields()
    return ((happened, at, written.model_copy(update={"gap": _WRITTEN_OFFSET}), at_time),)


def _written_rows(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return (_written_fields(),)


def _written_fields() -> tuple[OutlineField, OutlineField]:
    return _date_field(
        "skrivet_datum", "Skrivet datum, om senare", Meaning.WRITTEN_DATE
    ), _time_field("skriven_tid", "Klockslag", Meaning.WRITTEN_TIME)


def _author_rows(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return (
        (
            OutlineField(
                name="skribent",
                label="Namn",
                kind=Kind.TEXT,
                required=True,
                means=Meaning.AUTHOR_NAME,
                width=71,
            ),
            OutlineField(
                name="yrkestitel",
                label="Yrkestitel",
                kind=Kind.TEXT,
                means=Meaning.AUTHOR_TITLE,
                width=40,
            ),
            OutlineField(
                name="underskrift",
                label="Underskrift",
                kind=Kind.SIGNATURE,
                required=True,
                means=Meaning.AUTHOR_SIGNATURE,
            ),
        ),
    )


def _late_author_rows(area: Area, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return (*_author_rows(area, subject), _written_fields())


_ROWS_BY_SECTION: Mapping[
    StandardSection, Callable[[Area, Subject], tuple[tuple[OutlineField, ...], ...]]
] = {
    StandardSection.CLIENT_IF_ANY: _optional_client_rows,
    StandardSection.CLIENT: _client_rows,
    StandardSection.EVENT: _event_rows,
    StandardSection.WRITTEN: _written_rows,
    StandardSection.AUTHOR: _author_rows,
    StandardSection.AUTHOR_LATER: _late_author_rows,
}


def _date_field(
    name: str, label: str, meaning: Meaning, *, required: bool = False, critical: bool = False
) -> OutlineField:
    kind, form = Kind.DIGITS, Format.DATE
    return OutlineField(
        name=name,
        label=label,
        hint=_DAY_HINT,
        kind=kind,
        format=form,
        critical=critical,
        required=required,
        means=meaning,
    )


def _time_field(name: str, label: str, meaning: Meaning, *, critical: bool = False) -> OutlineField:
    return OutlineField(
        name=name,
        label=label,
        hint=_CLOCK_HINT,
        kind=Kind.DIGITS,
        format=Format.TIME,
        critical=critical,
        means=meaning,
    )


TITLE_ROOM, BOTTOM_PAD = 6.5, 2.0


_ROW_PAD, _ROW_FOOT = 1.0, 1.5


@dataclass(slots=True)
class PlacedSection:
    """A section from `top` downwards."""

    title: str
    top: float
    use: StandardSection | None
    height: float = TITLE_ROOM
    fields: list[FieldSpec] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    table: Table | None = None
    is_started: bool = False

    @property
    def ground(self) -> Section:
        """The light ground with the title."""
        return Section(
            title=self.title,
            box=(CONTENT_BOX.x, round(self.top, 2), CONTENT_BOX.w, round(self.height, 2)),
        )

    @property
    def y(self) -> float:
        """Where the next row begins."""
        return self.top + self.height

    def put(self, block: FieldBlock) -> None:
        """Add a row of fields."""
        self._gap(labelled=block.has_labels)
        self.fields += [move_field(spec, 0, self.y) for spec in block.fields]
        self.height += block.height

    def add_text(self, words: PrintedText) -> None:
        """Add printed words."""
        width = INNER_EDGES[1] - INNER_EDGES[0]
        style = TextStyle(words.size, bold=words.bold)
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

    def _gap(self, *, labelled: bool) -> None:
        if self.is_started:
            self.height += LINE_GAP if labelled else BARE_LINE_GAP
        self.is_started = True


def fills_page(section: OutlineSection) -> bool:
    """Whether it takes what is left of its page."""
    return any(one.lines == "fill" for one in section.fields) or (
        section.table is not None and section.table.count == "fill"
    )


def place_section(
    outline: Outline, section: OutlineSection, top: float, extra: float = 0
) -> PlacedSection:
    """Place a section; `extra` is what it may grow by if it fills its page.

    Raises:
        LayoutError: a row does not fit; says where in the section.
    """
    placed = PlacedSection(standard_title(section, outline.area), top, section.use)
    if section.text:
        placed.add_text(PrintedText(text=section.text))
    if section.use:
        for row in standard_rows(section.use, outline.area, outline.subject):
            placed.put(place_row(_mark_critical(outline, row), RowSpace(*INNER_EDGES)))
    if section.table:
        _place_table(outline, section, placed, extra)
    elif section.repeat:
        _place_repeated(outline, section.repeat, section, placed)
    else:
        _place_rows(outline, section, placed, extra)
    placed.height += BOTTOM_PAD
    return placed


def _place_rows(
    outline: Outline, section: OutlineSection, placed: PlacedSection, extra: float
) -> None:
    growing = sum(one.lines == "fill" for one in section.fields)
    room = RowSpace(
        *INNER_EDGES,
        fill=MIN_FILL_LINES * LINE_PITCH + (extra / growing if growing else 0),
        unprinted=placed.title,
        columns=section.columns,
    )
    for number, row in enumerate(section.rows):
        if isinstance(row, PrintedText):
            placed.add_text(row)
        else:
            placed.put(_place_in_row(outline, row, room, number))


def _place_in_row(
    outline: Outline, row: tuple[OutlineField, ...], room: RowSpace, number: int
) -> FieldBlock:
    try:
        return place_row(_mark_critical(outline, row), room)
    except LayoutError as error:
        raise LayoutError(error.fault.within(("rows", number))) from error


def _mark_critical(outline: Outline, row: tuple[OutlineField, ...]) -> list[OutlineField]:
    """In class A who, when and how much are critical: all that has a format, but for the number of
    a telephone.
    """
    harms = outline.criticality == "A"
    return [
        one.model_copy(update={"critical": True})
        if harms and one.format and one.format is not Format.PHONE
        else one
        for one in row
    ]


def _place_repeated(
    outline: Outline, repeat: RepeatedRows, section: OutlineSection, placed: PlacedSection
) -> None:
    """The rows again and again, each time with its number at the left; labels above the boxes only
    the first time if each is one line.
    """
    gutter = measure_text_width(f"{repeat.label} {repeat.count}", _GUTTER_STYLE) + _GUTTER_GAP
    room = RowSpace(INNER_EDGES[0] + gutter, INNER_EDGES[1])
    rows = [row for row in section.rows if not isinstance(row, PrintedText)]
    once = (
        len(rows) == 1 and _place_in_row(outline, rows[0], replace(room, once=True), 0).lines == 1
    )
    for turn in range(1, repeat.count + 1):
        first = True
        for number, row in enumerate(rows):
            named = tuple(_repeat_field(one, repeat, turn, section) for one in row)
            block = _place_in_row(outline, named, replace(room, once=once), number)
            placed.put(_drop_labels(block) if once and turn > 1 else block)
            if first:
                y = min(spec.box[1] for spec in placed.fields[-len(block.fields) :]) + 2.6
                placed.texts.append(
                    Text(
                        text=f"{repeat.label} {turn}",
                        at=(INNER_EDGES[0], round(y, 2)),
                        width=gutter,
                        size=_GUTTER_STYLE.size,
                        bold=True,
                    )
                )
            first = False


def _repeat_field(
    one: OutlineField, repeat: RepeatedRows, turn: int, section: OutlineSection
) -> OutlineField:
    """A repeated field by its own name; what it is compared with is of the same turn."""
    own = {each.name for each in section.fields}
    prefix = f"{repeat.prefix}{turn}_"
    update: dict[str, object] = {"name": prefix + one.name, "group": f"{repeat.label} {turn}"}
    if one.less_than in own:
        update["less_than"] = f"{prefix}{one.less_than}"
    if one.sum_of:
        update["sum_of"] = tuple(prefix + name if name in own else name for name in one.sum_of)
    return one.model_copy(update=update)


def _drop_labels(block: FieldBlock) -> FieldBlock:
    """The same boxes, with the labels that stand above them in the first row left out."""
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
    """The rows as the lines of one table row. If that is a single line, its labels are printed
    once, as headings.
    """
    lines = section.table
    assert lines
    rows = [row for row in section.rows if not isinstance(row, PrintedText)]
    room = RowSpace(*_TABLE_INNER_EDGES, mark=_TABLE_MARK_SIDE, in_table=True)
    heading = (
        len(rows) == 1 and _place_in_row(outline, rows[0], replace(room, once=True), 0).lines == 1
    )
    block = FieldBlock(in_table=True)
    for number, row in enumerate(rows):
        block.add(_place_in_row(outline, row, replace(room, once=heading), number))
    lift = LABEL_ROOM if heading and block.has_labels else 0.0
    specs = [_make_column(spec, heading=heading, dy=_ROW_PAD - lift) for spec in block.fields]
    height = round(_ROW_PAD + block.height - lift + (_ROW_PAD if heading else _ROW_FOOT), 2)
    top = placed.y + (lift - _ROW_PAD if lift else -_ROW_PAD)
    count = lines.count if lines.count != "fill" else max(1, int((height + extra) / height + 1e-6))
    _check_height(section, placed, count, height)
    if lines.count == "fill":
        height = round(
            height + min(_MAX_ROW_STRETCH, (height + extra - count * height) / count) - 0.005, 2
        )
    placed.table = Table(
        prefix=lines.prefix,
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
