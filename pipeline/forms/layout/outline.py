"""The outline of a form (`forms/<id>/outline.yaml`): sections and rows of fields without places.

It is documented in `forms/README.md`. A person writes an outline; `place_outline` places it on A4.
Lengths are millimetres.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import (
    BoxCode,
    FieldAttributes,
    FieldSpec,
    Format,
    Kind,
    Meaning,
    Name,
    StrictModel,
    check_kind,
)
from pipeline.domain.form.form import Area, EntriesPer, FormHead, Subject
from pipeline.domain.form.page import Day, GridLines
from pipeline.domain.form.rules import FormLoader

Fill = Literal["fill"]


class OutlineOption(StrictModel):
    """One box of a choice."""

    value: Name
    label: str


class OutlineField(FieldAttributes):
    """A field of a row.

    Attributes:
        width: mm; a handwritten field without it shares the rest of its row.
        gap: Extra room before it, mm.
        columns: The number of a choice's options side by side, if not as many as fit.
    """

    name: Name
    width: Annotated[float, Field(gt=0)] | None = None
    gap: Annotated[float, Field(ge=0)] = 0
    lines: Annotated[int, Field(ge=1, le=40)] | Fill | None = None
    options: tuple[OutlineOption, ...] = ()
    columns: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        check_kind(
            self.name, self, has_lines=self.lines is not None, has_options=bool(self.options)
        )
        return self


class PrintedText(StrictModel):
    """A text that is only printed."""

    text: str
    bold: bool = False
    size: Annotated[float, Field(ge=6, le=14)] = 8


class RepeatedRows(StrictModel):
    """Rows that are repeated on a sheet that is one entry.

    `label` is printed with a number on the left of each repetition. With `dense` the fields are
    close together, as in a table.
    """

    prefix: Name
    count: Annotated[int, Field(ge=1, le=20)]
    label: str
    dense: bool = False


class TableRows(StrictModel):
    """Rows of a table, each an entry; `fill` for as many as the page holds."""

    prefix: Name
    count: Annotated[int, Field(ge=1, le=60)] | Fill


class GridBoxes(StrictModel):
    """Lines of one row of fields and a box for each day from `first` to `last`.

    `label` and the line's number name a line in review; `box` is the field of each day, as wide as
    its `width`; `codes` are printed above as a key.
    """

    prefix: Name
    label: str
    count: GridLines
    first: Day
    last: Day
    codes: tuple[BoxCode, ...] = ()
    box: OutlineField

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.first > self.last or self.box.width is None:
            raise PydanticCustomError("grid_days", "a grid needs days in order and a box's width")
        return self


class StandardSection(StrEnum):
    """Sections that are the same on every form."""

    CLIENT = "client"
    CLIENT_IF_ANY = "client_if_any"
    EVENT = "event"
    WRITTEN = "written"
    AUTHOR = "author"
    AUTHOR_LATER = "author_later"


CLIENT_SECTIONS = frozenset({StandardSection.CLIENT, StandardSection.CLIENT_IF_ANY})


def _row_tag(value: object) -> str:
    # Discriminator of the union: a mapping is printed text, a sequence is a row of fields.
    return "words" if isinstance(value, dict | PrintedText) else "fields"


Row = Annotated[
    Annotated[tuple[OutlineField, ...], Field(min_length=1), Tag("fields")]
    | Annotated[PrintedText, Tag("words")],
    Discriminator(_row_tag),
]


class OutlineSection(StrictModel):
    """A titled section, or a page break.

    A standard section (`use`) may have rows of its own after the standard ones. With `columns` the
    fields of its rows are aligned in that number of columns of equal width.
    """

    title: str = ""
    use: StandardSection | None = None
    rows: tuple[Row, ...] = ()
    text: str = ""
    columns: Annotated[int, Field(ge=2, le=12)] | None = None
    repeat: RepeatedRows | None = None
    table: TableRows | None = None
    grid: GridBoxes | None = None
    page: Literal["next"] | None = None

    @property
    def fields(self) -> tuple[OutlineField, ...]:
        """Every field of its rows."""
        return tuple(
            field for row in self.rows if not isinstance(row, PrintedText) for field in row
        )

    @model_validator(mode="after")
    def _check_section_type(self) -> Self:
        # A page break has no other key.
        if self.page is not None:
            if self.model_fields_set != {"page"}:
                raise PydanticCustomError("page_alone", "a page break stands alone")
            return self
        if sum(kind is not None for kind in (self.repeat, self.table, self.grid)) > 1:
            raise PydanticCustomError("repeat_or_table", "a section has either repeat or table")
        if not self.use and not self.title:
            raise PydanticCustomError("section_title", "a section needs a title")
        if not self.use and not self.rows and not self.text and not self.grid:
            raise PydanticCustomError(
                "section_rows", "the section {title} has no rows", {"title": self.title}
            )
        if self.table and any(isinstance(row, PrintedText) for row in self.rows):
            raise PydanticCustomError("words_in_table", "a table row holds only fields, no text")
        return self


class Outline(FormHead):
    """A form as a person writes it: its content in order, without places.

    `continuation` is the label of the line for the client on each further page, if not the usual
    one.
    """

    continuation: str = ""
    sections: Annotated[tuple[OutlineSection, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_table_present(self) -> Self:
        tables = sum(section.table is not None for section in self.sections)
        if tables > 1:
            # `entries: row` and a table imply each other.
            raise PydanticCustomError("one_table", "a form has at most one table")
        if (tables == 1) != (self.entries is EntriesPer.ROW):
            raise PydanticCustomError(
                "row_needs_table",
                "entries per row need a table, and a table makes each row an entry",
            )
        return self


def load_outline(path: Path) -> Outline:
    """Load one `outline.yaml`.

    Raises:
        FormError: the file is missing, is not YAML, or breaks a rule; `efterskrift forms check`
            explains each with its line.
    """
    # Validated by the model; errors are listed with their path in the file.
    try:
        return Outline.model_validate(yaml.load(path.read_text("utf-8"), Loader=FormLoader))
    except OSError as error:
        raise FormError("outline_unreadable", path=path, reason=error.strerror) from error
    except yaml.YAMLError as error:
        raise FormError("form_not_yaml", path=path, reason=error) from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise FormError("outline_has_errors", path=path, places="; ".join(places)) from error


# The standard sections of every form: client, time of the event and of writing, author.

UNIT_FIELD = FieldSpec(
    name="enhet", label="Enhet", kind=Kind.PRINTED, means=Meaning.UNIT, box=(22.5, 28.5, 110, 6)
)
"""The field above the first section of every form."""
REGISTERED_WIDTH = 86.0
"""Width of the registered name, on the right of the client section's title, mm."""
_WRITTEN_OFFSET = 33.0
"""Extra room between the time of the event and that of writing on its right, mm."""
_DAY_HINT, _CLOCK_HINT = "ÅÅÅÅ-MM-DD", "TT.MM"


def standard_rows(use: StandardSection, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    """Return the rows of a standard section."""
    rows = {
        # A form that may be about no client: the reviewer has to confirm that.
        StandardSection.CLIENT_IF_ANY: _client_name_rows(required=False),
        StandardSection.CLIENT: _client_name_rows(required=subject is Subject.CLIENT),
        StandardSection.EVENT: _event_rows(),
        StandardSection.WRITTEN: (_written_fields(),),
        StandardSection.AUTHOR: _author_rows(),
        StandardSection.AUTHOR_LATER: (*_author_rows(), _written_fields()),
    }
    return rows[use]


def standard_title(section: OutlineSection, area: Area) -> str:
    """Return the section's own title, else that of the standard section in this area of law."""
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
    """Return the field of the registered name, next to the title of a section at `top`, mm."""
    # Right-aligned, 0.7 mm clear of the edge and 0.8 mm below the section's top.
    box = (right - REGISTERED_WIDTH - 0.7, round(top + 0.8, 2), REGISTERED_WIDTH, 5.0)
    return FieldSpec(
        name="registrerat_namn",
        label="Enligt klientregistret",
        kind=Kind.PRINTED,
        means=Meaning.CLIENT_PRINTED,
        box=box,
    )


def continuation_label(area: Area) -> str:
    """Return the label of the line for the client on further pages."""
    return f"{'Patientens' if area is Area.HSL else 'Klientens'} namn och personnummer"


def continuation_field(page_no: int, label: str, left: float, right: float) -> FieldSpec:
    """Return the field of the client above the first section of a further page.

    Every page names its client (Vårdhandboken).
    """
    # 46 mm for the label on the left.
    box = (left + 46, 28.0, right - left - 46, 8.0)
    return FieldSpec(
        name=f"klient_sida{page_no}",
        label=label,
        label_at="left",
        kind=Kind.TEXT,
        means=Meaning.CLIENT_PRINTED,
        box=box,
    )


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


def _event_rows() -> tuple[tuple[OutlineField, ...], ...]:
    event_date = _date_field(
        "handelsedatum", "Datum då det hände", Meaning.EVENT_DATE, required=True, critical=True
    )
    event_time = _time_field("handelsetid", "Klockslag", Meaning.EVENT_TIME, critical=True)
    # Event and writing share a row, apart by an offset.
    written_date, written_time = _written_fields()
    written_date = written_date.model_copy(update={"gap": _WRITTEN_OFFSET})
    return ((event_date, event_time, written_date, written_time),)


def _written_fields() -> tuple[OutlineField, OutlineField]:
    return _date_field(
        "skrivet_datum", "Skrivet datum, om senare", Meaning.WRITTEN_DATE
    ), _time_field("skriven_tid", "Klockslag", Meaning.WRITTEN_TIME)


def _author_rows() -> tuple[tuple[OutlineField, ...], ...]:
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


def _date_field(
    name: str, label: str, meaning: Meaning, *, required: bool = False, critical: bool = False
) -> OutlineField:
    return OutlineField(
        name=name,
        label=label,
        hint=_DAY_HINT,
        kind=Kind.DIGITS,
        format=Format.DATE,
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
