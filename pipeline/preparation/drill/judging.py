"""Judge a drill: which sheets came back, and which fields were read as they were to be written.

Nothing of the scan is kept but the counts and the labels of fields that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pipeline.domain.form.confidence import prefill_from
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import PageReading, Reading
from pipeline.domain.review.field_values import NUMBER_PATTERN
from pipeline.forms.fiducials import format_serial
from pipeline.preparation.drill.sheets import DrillSheet


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
