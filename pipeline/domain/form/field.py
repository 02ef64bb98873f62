"""A field of a form: its kind, format, place on the page and meaning in the record.

Lengths are millimetres from the top left of the page, or of the row in a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, LiteralString, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from pipeline.domain.model import Box

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
BoxMm = tuple[float, float, float, float]


class Kind(StrEnum):
    """How a field is filled in, and so how it is read; `KIND_TRAITS` describes each kind."""

    MARK = "mark"
    CHOICE = "choice"
    DIGITS = "digits"
    LETTERS = "letters"
    TEXT = "text"
    LINES = "lines"
    PRINTED = "printed"
    SIGNATURE = "signature"
    INITIALS = "initials"

    @property
    def traits(self) -> KindTraits:
        """The traits of every field of this kind."""
        return KIND_TRAITS[self]


class Format(StrEnum):
    """What a row of digit boxes or a handwritten line contains; the last four are for lines only.

    A code is digits as they are written, such as the number of an account: a leading zero counts.
    """

    DATE = "date"
    TIME = "time"
    PERSONAL_NUMBER = "personnummer"
    NUMBER = "number"
    CODE = "code"
    DOSE = "dose"
    BLOOD_PRESSURE = "blood_pressure"
    AMOUNT = "amount"
    PHONE = "phone"


LINE_ONLY_FORMATS = frozenset({Format.DOSE, Format.BLOOD_PRESSURE, Format.AMOUNT, Format.PHONE})
CELLS_BY_FORMAT = {Format.DATE: 8, Format.TIME: 4, Format.PERSONAL_NUMBER: 12}


class LabelSide(StrEnum):
    """Where a field's label is printed: at its box, once over a table's column, or not at all."""

    ABOVE = "above"
    LEFT = "left"
    RIGHT = "right"
    HEADING = "heading"
    NONE = "none"


class Editor(StrEnum):
    """The input on the screen that a reviewer answers a field with."""

    BUTTONS = "buttons"
    TEXT_LINE = "text_line"
    TEXT_AREA = "text_area"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTraits:
    """The traits of every field of one kind.

    Attributes:
        filled_by_hand: A person fills it in with a pen; otherwise the printer does, before the
            outage.
        has_check_boxes: It consists of boxes that are ticked.
        is_check_box: It is one box to tick: empty means no, and a tick may be cancelled.
        has_options: Several boxes, one of which is ticked; each has a label of its own.
        has_cells: One character is written in each of a row of boxes.
        digits_only: Every cell holds a digit.
        is_handwriting: It is read as handwritten words.
        is_multiline: It has room for several ruled lines of free text.
        is_signature: It is for a signature or initials.
        names_signer: The reading may propose a signer.
        is_boolean: Its value may be True or False: whether it is marked or signed.
        takes_format: A form may give it a `Format`.
        takes_printed_name: A client's name may be printed in it before the outage.
        judged_by_rules: Its reader applies rules that lower p where they find ambiguity, so that
            calibration must not raise it.
        can_be_batched: Similar fields of many sheets may be reviewed side by side.
        can_be_rekeyed: Two people who key the same field are expected to write the same.
        can_train: A confirmed value is exactly what its image shows, so that readers can be
            trained with it.
        stretches: Its box takes the rest of its row.
        label_side: Where its label is printed unless the form sets it.
        least_width_mm: Narrowest box that the layout makes, unless cells, boxes or options
            decide.
        image_height_mm: Height on paper of a field (or one line of it) of which only an image is
            known.
        editor: The input on the screen.
    """

    filled_by_hand: bool = True
    has_check_boxes: bool = False
    is_check_box: bool = False
    has_options: bool = False
    has_cells: bool = False
    digits_only: bool = False
    is_handwriting: bool = False
    is_multiline: bool = False
    is_signature: bool = False
    names_signer: bool = False
    is_boolean: bool = False
    takes_format: bool = False
    takes_printed_name: bool = False
    judged_by_rules: bool = False
    can_be_batched: bool = False
    can_be_rekeyed: bool = True
    can_train: bool = False
    stretches: bool = False
    label_side: LabelSide = LabelSide.ABOVE
    least_width_mm: float = 25.0
    image_height_mm: float = 8.0
    editor: Editor = Editor.TEXT_LINE


KIND_TRAITS: Mapping[Kind, KindTraits] = {
    Kind.MARK: KindTraits(
        has_check_boxes=True,
        is_check_box=True,
        is_boolean=True,
        can_be_batched=True,
        can_train=True,
        label_side=LabelSide.RIGHT,
        image_height_mm=5.0,
        editor=Editor.BUTTONS,
    ),
    Kind.CHOICE: KindTraits(
        has_check_boxes=True,
        has_options=True,
        judged_by_rules=True,
        can_be_batched=True,
        image_height_mm=5.0,
        editor=Editor.BUTTONS,
    ),
    Kind.DIGITS: KindTraits(
        has_cells=True, digits_only=True, takes_format=True, can_be_batched=True, can_train=True
    ),
    Kind.LETTERS: KindTraits(has_cells=True, can_train=True),
    Kind.TEXT: KindTraits(
        is_handwriting=True,
        takes_format=True,
        takes_printed_name=True,
        can_train=True,
        stretches=True,
        image_height_mm=9.0,
    ),
    Kind.LINES: KindTraits(
        is_handwriting=True,
        is_multiline=True,
        can_be_rekeyed=False,
        can_train=True,
        stretches=True,
        image_height_mm=9.0,
        editor=Editor.TEXT_AREA,
    ),
    Kind.PRINTED: KindTraits(
        filled_by_hand=False,
        takes_printed_name=True,
        stretches=True,
        label_side=LabelSide.LEFT,
        least_width_mm=30.0,
        image_height_mm=6.0,
    ),
    Kind.SIGNATURE: KindTraits(
        is_signature=True,
        is_boolean=True,
        judged_by_rules=True,
        stretches=True,
        least_width_mm=40.0,
        image_height_mm=15.0,
        editor=Editor.BUTTONS,
    ),
    Kind.INITIALS: KindTraits(
        is_signature=True,
        names_signer=True,
        is_boolean=True,
        judged_by_rules=True,
        can_be_rekeyed=False,
        least_width_mm=15.0,
        image_height_mm=10.0,
        editor=Editor.BUTTONS,
    ),
}
"""The traits of each kind.

A new kind is a row here, a drawing (`forms/field_drawing.py`), a reader
(`reading/field_readers.py`) and an input on the screen (`ui/screens/review/field_input.py`).
"""


class Meaning(StrEnum):
    """The meaning of a field in the record, whatever its label on the form is."""

    CLIENT_PID = "client_pid"
    CLIENT_CODE = "client_code"
    CLIENT_NAME = "client_name"
    CLIENT_PRINTED = "client_printed"
    CLIENT_ADDRESS = "client_address"
    UNIT = "unit"
    EVENT_DATE = "event_date"
    EVENT_TIME = "event_time"
    WRITTEN_DATE = "written_date"
    WRITTEN_TIME = "written_time"
    AUTHOR_NAME = "author_name"
    AUTHOR_TITLE = "author_title"
    AUTHOR_SIGNATURE = "author_signature"
    DOCUMENT_TITLE = "document_title"


class StrictModel(BaseModel):
    """A part of a form; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Option(StrictModel):
    """One box of a choice."""

    value: Name
    label: str
    box: BoxMm


class BoxCode(StrictModel):
    """A digit that is written in a box instead of initials, and its meaning."""

    value: Annotated[str, StringConstraints(pattern=r"^[0-9]$")]
    label: str


class FieldAttributes(StrictModel):
    """The attributes of a field that do not depend on its place.

    Attributes:
        group: What fields with the same label belong to, such as "Barn 2".
        minimum, maximum: Limits of a number.
        plausible: Lowest and highest usual number.
        less_than: A field of the same entry whose number or time is not below this one's.
        sum_of: The fields that a number is the sum of.
        planned_by: A field of the entry, such as an ordered time, that says whether this one is
            to be filled in. While that is empty, nothing is missing here.
        routine: Nobody acts on this check box alone, such as a heading of a note: a look is enough.
        filled: What a box filled solid means: a cancelled mark, or, on answer sheets with
            bubbles, a mark.
    """

    label: str
    group: str = ""
    label_at: LabelSide | None = None
    kind: Kind
    critical: bool = False
    required: bool = False
    means: Meaning | None = None
    hint: str = ""
    format: Format | None = None
    cells: int | None = None
    decimals: int = 0
    minimum: float | None = None
    maximum: float | None = None
    plausible: tuple[float, float] | None = None
    less_than: Name | None = None
    sum_of: tuple[Name, ...] = ()
    planned_by: Name | None = None
    routine: bool = False
    measure: str = ""
    filled: Literal["cancelled", "marked"] = "cancelled"

    @property
    def traits(self) -> KindTraits:
        """The traits of this field's kind."""
        return KIND_TRAITS[self.kind]

    @property
    def label_side(self) -> LabelSide:
        """Where the label is printed: as the form sets it, else as usual for the kind."""
        return self.label_at or self.traits.label_side

    @property
    def full_label(self) -> str:
        """The label with its group, for a person who does not see the paper."""
        return f"{self.group.strip()}: {self.label}" if self.group else self.label

    @property
    def cell_count(self) -> int:
        """The number of digit boxes side by side, all of the same width."""
        if self.cells:
            return self.cells
        return CELLS_BY_FORMAT.get(self.format, 1) if self.format else 1


class FieldSpec(FieldAttributes):
    """One field of a form, or of a row of its table.

    In a row `box` is relative to the row's top left. A box of a grid is for a `day` of the month,
    its label is the number; `day_label` is the word before it where the paper is not seen, `codes`
    are those that may be written in it.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\d\d\.[a-z][a-z0-9_]*)?$")]
    box: BoxMm
    lines: int | None = None
    options: tuple[Option, ...] = ()
    row: int | None = None
    day: int | None = None
    day_label: str = ""
    codes: tuple[BoxCode, ...] = ()

    @property
    def takes_code(self) -> bool:
        """Whether it is a box for initials or a code; in a row of a table it is for initials."""
        return self.traits.names_signer and bool(self.planned_by) and self.row is None

    @property
    def full_label(self) -> str:
        """The label with its group, for a person who does not see the paper."""
        label = super().full_label
        return f"{self.group}: {self.day_label} {self.label}" if self.day_label else label

    @property
    def area(self) -> Box:
        """The field's rectangle, mm."""
        return Box(*self.box)

    @property
    def outlines(self) -> tuple[Box, ...]:
        """The boxes that are printed, mm: those of a choice's options, else the field's own."""
        return tuple(Box(*option.box) for option in self.options) or (self.area,)

    @property
    def parts(self) -> tuple[Box, ...]:
        """The boxes, mm, that have a value each: those of digits and letters, else `outlines`."""
        return self.cell_boxes if self.traits.has_cells else self.outlines

    @property
    def column(self) -> str:
        """The name without the row's prefix."""
        return self.name.rpartition(".")[2]

    @property
    def cell_boxes(self) -> tuple[Box, ...]:
        """Each digit box, mm: the field's rectangle divided evenly."""
        x, y, w, h = self.box
        pitch = w / self.cell_count
        return tuple(Box(x + i * pitch, y, pitch, h) for i in range(self.cell_count))

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        check_kind(
            self.name, self, has_lines=self.lines is not None, has_options=bool(self.options)
        )
        return self


def check_kind(
    name: str, attributes: FieldAttributes, *, has_lines: bool, has_options: bool
) -> None:
    """Check that the attributes of a field fit together.

    Raises:
        PydanticCustomError: they do not; the error's type is the broken rule (the texts
            `form_problem.<type>` explain each).
    """
    format, traits = attributes.format, attributes.traits
    digits = traits.digits_only
    broken = {
        "needs_format": digits and format is None,
        "needs_cells": traits.has_cells and not digits and not attributes.cells,
        "only_on_line": digits and format in LINE_ONLY_FORMATS,
        "number_needs_cells": digits
        and format in (Format.NUMBER, Format.CODE)
        and not attributes.cells,
        "only_numbers": format is not Format.NUMBER
        and bool(attributes.plausible or attributes.sum_of),
        "only_comparable": bool(attributes.less_than)
        and format not in (Format.NUMBER, Format.TIME),
        "options_and_choice": traits.has_options != has_options,
        "lines_and_lines": traits.is_multiline != has_lines,
        "format_elsewhere": format is not None and not traits.takes_format,
    }
    for code in (code for code, is_broken in broken.items() if is_broken):
        raise PydanticCustomError(code, _KIND_RULES[code], {"field": name, "format": format or ""})


_KIND_RULES: dict[str, LiteralString] = {
    "needs_format": (
        "{field}: a digits field needs a format (date, time, personnummer, number or code)"
    ),
    "needs_cells": "{field}: a letters field needs cells, how many boxes it has",
    "only_on_line": "{field}: {format} needs a handwritten line (kind text)",
    "number_needs_cells": "{field}: a {format} needs cells, how many boxes it has",
    "only_numbers": "{field}: plausible and sum_of belong to a number",
    "only_comparable": "{field}: less_than belongs to a number or a time",
    "options_and_choice": "{field}: options belong to a choice, and a choice needs them",
    "lines_and_lines": "{field}: lines (a number) belongs to the kind lines, which needs it",
    "format_elsewhere": "{field}: a format belongs to digits or text",
}


def addend_names(spec: FieldSpec, specs: Sequence[FieldSpec]) -> tuple[str, ...]:
    """Return the names of the fields that a number is the sum of.

    They are of its own entry, or, for a number of the sheet that adds up a column, of all rows.
    """
    known_names = {other.name for other in specs}
    names: list[str] = []
    for column in spec.sum_of:
        column_names = (
            [other.name for other in specs if other.row is not None and other.column == column]
            if spec.row is None
            else []
        )
        is_column_sum = column not in known_names and column_names
        names += column_names if is_column_sum else [sibling_name(spec, column)]
    return tuple(names)


def sibling_name(spec: FieldSpec, column: str) -> str:
    """Return the full name of another field of the same entry: in a table, of the same row."""
    prefix, dot, _ = spec.name.rpartition(".")
    return f"{prefix}{dot}{column}"
