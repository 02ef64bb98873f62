"""The sheets of a drill and what is to be written on them, by official test persons only.

A drill sheet is marked on every page and has a form id that no form in use has: in the queue it
would be a page of an unknown form. Its serial is never registered, so no accounting knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning, StrictModel
from pipeline.domain.form.form import Form, FormId, Forms
from pipeline.domain.form.page import Text
from pipeline.domain.model import PageReading, Reading
from pipeline.domain.review.field_values import NUMBER_PATTERN
from pipeline.domain.review.rules import prefill_from
from pipeline.domain.settings import ROOT
from pipeline.forms.fiducials import format_serial, new_serial
from pipeline.preparation.outage_pack.pages import pack_text

DRILL_FILE = ROOT / "data" / "pack" / "drill.yaml"
DRILL_ID_PREFIX = "ovning-"
SHEETS = 10
_EXTRA_FIELDS = 3
"""Fields of a sheet that are written besides who, when and by whom."""
_AUTHOR_MEANINGS = (Meaning.AUTHOR_NAME, Meaning.AUTHOR_TITLE)
_LINE_MM = 4.0
"""Fields whose middles are nearer than this are on one line."""
_NOTE_MM = 60.0
"""Least width of a line in which a sentence is written."""
_NOTICE_AT_MM, _NOTICE_WIDTH_MM, _NOTICE_PT = (40.0, 22.2), 97.0, 12.0


class DrillPerson(StrictModel):
    """A test person, or an author with a title."""

    name: str
    pid: str = ""
    title: str = ""


class DrillContent(StrictModel):
    """The file of the drill; it documents its keys."""

    version: int
    source: str
    days: Annotated[int, Field(ge=1)]
    sheets: Annotated[tuple[FormId, ...], Field(min_length=SHEETS, max_length=SHEETS)]
    clients: Annotated[tuple[DrillPerson, ...], Field(min_length=SHEETS)]
    authors: Annotated[tuple[DrillPerson, ...], Field(min_length=1)]
    texts: Annotated[tuple[str, ...], Field(min_length=1)]


@cache
def load_content(path: Path = DRILL_FILE) -> DrillContent:
    """Load what the drill is made of."""
    return DrillContent.model_validate(yaml.safe_load(path.read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class DrillSheet:
    """A sheet with what is to be written on it, by name of field."""

    serial: str
    form: str
    version: int
    values: Mapping[str, str | bool]


def make_drill_sheets(forms: Forms, day: date) -> list[DrillSheet]:
    """Make ten sheets with new serials, for events of a day.

    Raises:
        UsageError: none of the forms of the drill is in use.
    """
    content = load_content()
    known = {form_id for form_id, _ in forms}
    chosen = [
        form
        for form_id in content.sheets
        if form_id in known and not (form := forms.latest(form_id)).printed_elsewhere
    ]
    if not chosen:
        raise UsageError("drill_without_forms")
    return [
        DrillSheet(new_serial(), form.id, form.version, _choose_values(form, number, day))
        for number, form in enumerate(islice(cycle(chosen), SHEETS))
    ]


def make_drill_form(form: Form) -> Form:
    """Return the form as a drill sheet has it: marked on every page, under an id of its own."""
    notice = Text(
        text=pack_text("pack_paper.drill.notice"),
        at=_NOTICE_AT_MM,
        width=_NOTICE_WIDTH_MM,
        size=_NOTICE_PT,
        bold=True,
    )
    pages = tuple(page.model_copy(update={"texts": (*page.texts, notice)}) for page in form.pages)
    title = f"{pack_text('pack_paper.drill.title')}: {form.title}"
    update = {"id": DRILL_ID_PREFIX + form.id, "title": title, "pages": pages}
    return form.model_copy(update=update)


def written_fields(form: Form) -> Iterator[FieldSpec]:
    """Yield the fields that may be written on, in the order of the paper; of a table the first row.

    Who wrote may be on a later page; of such a page only that is written.
    """
    for number, page in enumerate(form.pages, start=1):
        specs = [
            spec
            for spec in page.all_fields
            if spec.traits.filled_by_hand
            and spec.row in (None, 1)
            and (number == 1 or spec.means in _AUTHOR_MEANINGS)
        ]
        yield from sorted(specs, key=_reading_order)


def _reading_order(spec: FieldSpec) -> tuple[int, float]:
    """Return the line that a field is on, and its place there."""
    # Fields side by side have their middles alike; a block of lines begins where its top is.
    middle = spec.area.y + (4 if spec.lines else spec.area.h / 2)
    return round(middle / _LINE_MM), spec.area.x


def _choose_values(form: Form, number: int, day: date) -> dict[str, str | bool]:
    """Choose what is written on a sheet: who, when and by whom, and a few fields of its own."""
    content, values, kinds = load_content(), {}, set[Kind]()
    client = content.clients[number % len(content.clients)]
    author = content.authors[number % len(content.authors)]
    by_meaning = {
        Meaning.CLIENT_PID: client.pid,
        Meaning.CLIENT_NAME: client.name,
        Meaning.EVENT_DATE: day.isoformat(),
        Meaning.EVENT_TIME: f"{8 + number:02d}:{number * 5 % 60:02d}",
        Meaning.AUTHOR_NAME: author.name,
        Meaning.AUTHOR_TITLE: author.title,
    }
    fields = list(written_fields(form))
    # A note is written as one; in a line such as that of an allergy it would say nothing.
    if any(spec.kind is Kind.LINES for spec in fields):
        kinds.add(Kind.TEXT)
    most = len(kinds) + _EXTRA_FIELDS
    for spec in fields:
        if spec.means is not None:
            value: str | bool | None = by_meaning.get(spec.means)
        elif spec.kind in kinds or len(kinds) >= most:
            continue
        else:
            # One field of each kind is enough.
            value = _choose_value(spec, number)
            kinds |= {spec.kind} if value is not None else set()
        if value is not None:
            values[spec.name] = value
    return values


def _choose_value(spec: FieldSpec, number: int) -> str | bool | None:
    """Choose what is written in a field that says neither who nor when; None leaves it empty."""
    # Whether a sentence may be written in a field without saying anything of dose or allergy.
    match spec.kind:
        case Kind.MARK:
            return True
        case Kind.CHOICE:
            return spec.options[number % len(spec.options)].value
        case Kind.DIGITS if spec.format is Format.NUMBER:
            low, high = spec.plausible or (spec.minimum or 1, spec.maximum or 9)
            digits = 10 ** (spec.cell_count - spec.decimals) - 1
            return f"{min((low + high) / 2, digits):.{spec.decimals}f}"
        case Kind.TEXT | Kind.LINES if (
            spec.format is None and not spec.critical and spec.area.w >= _NOTE_MM
        ):
            texts = load_content().texts
            return texts[number % len(texts)]
        case _:
            return None


# Judge a drill: which sheets came back, and which fields were read as they were to be written.
#
# Nothing of the scan is kept but the counts and the labels of fields that differ.


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """Fields that the machine read right and for sure, left to a person, or read wrong for sure."""

    right: int = 0
    to_person: int = 0
    wrong: int = 0

    @property
    def total(self) -> int:
        """All fields that were to be written on sheets that came back."""
        return self.right + self.to_person + self.wrong


@dataclass(frozen=True, slots=True)
class SheetResult:
    """The result of one sheet; `wrong_labels` are the fields that were read for sure and differ."""

    title: str
    is_back: bool
    counts: FieldCounts
    wrong_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrillResult:
    """The result of a drill.

    `minutes` is what the people needed to write, if they have said so; `unknown_pages` are pages of
    the scan that belong to no sheet of the drill.
    """

    at: datetime
    sheets: tuple[SheetResult, ...]
    unknown_pages: int
    reading_seconds: int
    minutes: int | None = None
    remark: str = ""

    @property
    def sheets_back(self) -> int:
        """How many sheets came back."""
        return sum(sheet.is_back for sheet in self.sheets)

    @property
    def counts(self) -> FieldCounts:
        """The fields of all sheets."""
        all_counts = [sheet.counts for sheet in self.sheets]
        return FieldCounts(
            sum(one.right for one in all_counts),
            sum(one.to_person for one in all_counts),
            sum(one.wrong for one in all_counts),
        )


def judge_sheets(
    forms: Forms, sheets: Sequence[DrillSheet], pages: Iterable[PageReading]
) -> tuple[tuple[SheetResult, ...], int]:
    """Return the result of each sheet, and how many pages belong to none of them."""
    fields_by_serial: dict[str, dict[str, Reading]] = {}
    serials, unknown = {sheet.serial for sheet in sheets}, 0
    for page in pages:
        if page.code is None or page.code.serial not in serials:
            unknown += 1
            continue
        fields_by_serial.setdefault(page.code.serial, {}).update(page.fields)
    results = tuple(
        _judge_sheet(forms[sheet.form, sheet.version], sheet, fields_by_serial.get(sheet.serial))
        for sheet in sheets
    )
    return results, unknown


def _judge_sheet(
    form: Form, sheet: DrillSheet, readings: Mapping[str, Reading] | None
) -> SheetResult:
    title = f"{form.title}, {format_serial(sheet.serial)}"
    if readings is None:
        return SheetResult(title, is_back=False, counts=FieldCounts())
    right, to_person, wrong = 0, 0, []
    for name, value in sheet.values.items():
        spec, reading = form.by_name[name], readings.get(name)
        # What is read below the threshold of prefilling is keyed by a person.
        if reading is None or reading.value is None or reading.p < prefill_from(spec):
            to_person += 1
        elif is_same(spec, value, reading.value):
            right += 1
        else:
            wrong.append(spec.full_label)
    counts = FieldCounts(right, to_person, len(wrong))
    return SheetResult(title, is_back=True, counts=counts, wrong_labels=tuple(wrong))


def is_same(spec: FieldSpec, written: str | bool, read: str | bool) -> bool:
    """Whether a field was read as it was to be written, whatever its spelling of date or number."""
    if isinstance(written, bool) or isinstance(read, bool):
        return written == read
    if spec.traits.digits_only:
        if spec.format is Format.NUMBER:
            numbers = [text.replace(",", ".") for text in (written, read)]
            are_numbers = all(map(NUMBER_PATTERN.fullmatch, numbers))
            return are_numbers and len(set(map(Decimal, numbers))) == 1
        digits, read_digits = ("".join(c for c in text if c.isdigit()) for text in (written, read))
        return digits == read_digits
    return " ".join(written.casefold().split()) == " ".join(read.casefold().split())
