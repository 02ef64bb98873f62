"""One field of a form: how it is filled in, what it holds, where it stands and what part it plays.

Lengths are millimetres from the top left of the page, or of the row in a table.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from pipeline.model import Box

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
BoxMm = tuple[float, float, float, float]


class Kind(StrEnum):
    """How a field is filled in, and so how it is read."""

    MARK = "mark"
    CHOICE = "choice"
    DIGITS = "digits"
    LETTERS = "letters"
    TEXT = "text"
    LINES = "lines"
    PRINTED = "printed"
    SIGNATURE = "signature"
    INITIALS = "initials"


class Format(StrEnum):
    """What a row of digit boxes or a handwritten line holds; only a line can hold the last four."""

    DATE = "date"
    TIME = "time"
    PERSONAL_NUMBER = "personnummer"
    NUMBER = "number"
    DOSE = "dose"
    BLOOD_PRESSURE = "blood_pressure"
    AMOUNT = "amount"
    PHONE = "phone"


ONLY_LINES = frozenset({Format.DOSE, Format.BLOOD_PRESSURE, Format.AMOUNT, Format.PHONE})
CELLS = {Format.DATE: 8, Format.TIME: 4, Format.PERSONAL_NUMBER: 12}


class Side(StrEnum):
    """Where a field's label is printed."""

    ABOVE = "above"
    LEFT = "left"
    RIGHT = "right"


class Meaning(StrEnum):
    """The part that a field plays in the record, whatever it is called on the form."""

    CLIENT_PID = "client_pid"
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


class Strict(BaseModel):
    """A part of a form; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Option(Strict):
    """One box of a choice."""

    value: Name
    label: str
    box: BoxMm


class FieldSpec(Strict):
    """One field of a form, or of one row of its table (then `box` is relative to the row's top left).

    `minimum` and `maximum` are limits; outside `plausible` (lowest and highest) a number is unusual. `less_than` names a field of the same
    entry whose number or time is not below this one's, `sum_of` the fields that a number is the sum of. `filled` says what a box filled solid
    means: a mark taken back, or, on answer sheets with bubbles, a mark.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\d\d\.[a-z][a-z0-9_]*)?$")]
    label: str
    label_at: Side | None = None
    kind: Kind
    box: BoxMm
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
    measure: str = ""
    lines: int | None = None
    filled: Literal["cancelled", "marked"] = "cancelled"
    options: tuple[Option, ...] = ()
    row: int | None = None

    @property
    def area(self) -> Box:
        """The field's rectangle, mm."""
        return Box(*self.box)

    @property
    def label_side(self) -> Side:
        """Where the label is printed; a form need say it only where it differs from the habit of the kind."""
        habit = {Kind.MARK: Side.RIGHT, Kind.PRINTED: Side.LEFT}
        return self.label_at or habit.get(self.kind, Side.ABOVE)

    @property
    def column(self) -> str:
        """The name without the row's prefix."""
        return self.name.rpartition(".")[2]

    @property
    def cell_count(self) -> int:
        """How many digit boxes stand side by side, all of the same width."""
        if self.cells:
            return self.cells
        return CELLS.get(self.format, 1) if self.format else 1

    @property
    def cell_boxes(self) -> tuple[Box, ...]:
        """Each digit box, mm: the field's rectangle divided evenly."""
        x, y, w, h = self.box
        pitch = w / self.cell_count
        return tuple(Box(x + i * pitch, y, pitch, h) for i in range(self.cell_count))

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind is Kind.DIGITS and self.format is None:
            raise ValueError(f"{self.name}: a digits field needs a format (date, time, personnummer or number)")
        if self.kind is Kind.LETTERS and not self.cells:
            raise ValueError(f"{self.name}: a letters field needs cells, how many boxes it has")
        if self.kind is Kind.DIGITS and self.format in ONLY_LINES:
            raise ValueError(f"{self.name}: {self.format} needs a handwritten line (kind text)")
        if self.kind is Kind.DIGITS and self.format is Format.NUMBER and not self.cells:
            raise ValueError(f"{self.name}: a number needs cells, how many boxes it has")
        if self.format is not Format.NUMBER and (self.plausible or self.sum_of):
            raise ValueError(f"{self.name}: plausible and sum_of belong to a number")
        if self.less_than and self.format not in (Format.NUMBER, Format.TIME):
            raise ValueError(f"{self.name}: less_than belongs to a number or a time")
        if (self.kind is Kind.CHOICE) != bool(self.options):
            raise ValueError(f"{self.name}: options belong to a choice, and a choice needs them")
        if (self.kind is Kind.LINES) != (self.lines is not None):
            raise ValueError(f"{self.name}: lines (a number) belongs to the kind lines, which needs it")
        if self.format and self.kind not in (Kind.DIGITS, Kind.TEXT):
            raise ValueError(f"{self.name}: a format belongs to digits or text")
        return self


def sibling_name(spec: FieldSpec, column: str) -> str:
    """The full name of another field of the same entry: in a table, of the same row."""
    prefix, dot, _ = spec.name.rpartition(".")
    return f"{prefix}{dot}{column}"
