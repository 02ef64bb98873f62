"""Socialstyrelsen's monthly files on financial aid (ekonomiskt bistånd), in a ZIP archive.

A file has one month: tab-separated, CRLF, no header line. The month of a row is the one that the
aid is for, not that of the payment. Only the first 18 columns of the layout before 2017 are
public; the rest, and later years, come from the authority's own instruction, so the columns are a
mapping that is edited, `forms/<id>/export.ekonomiskt-bistand.yaml`. The file is the whole delivery
of a month: it has an amended row as it is now and no void one, and the month is delivered again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Area
from pipeline.domain.identity_numbers import PidKind, age_on, is_temporary_pid, normalize_pid
from pipeline.domain.record import Record, Run
from pipeline.export.authorities.supplement import SupplementRow, supplement_csv
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions, Item, StatisticsExporter
from pipeline.export.mapping import ExportMapping, StrictModel
from pipeline.export.record_text import MARK_WORDS, legible_text
from pipeline.export.zip_archive import zip_files
from pipeline.texts import Text

Origin = Literal[
    "month.year", "month.month", "client.pid", "client.sex", "client.age", "amount", "empty"
]
"""Origins of columns that are no fields: the month, the client's number, whole kronor, nothing."""
NO_MONTH = Text("export_reason.aid_no_month")
NOT_GRANTED = Text("export_reason.aid_not_granted")
NO_PID = Text("export_reason.aid_no_pid")
NO_CO_APPLICANT_PID = Text("export_reason.aid_co_applicant_pid")
NO_AMOUNT = Text("export_reason.aid_no_amount")
TOO_LONG = Text("export_reason.value_too_long")
_MONTH = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])")
_CELL_BREAKS = re.compile(r"[\t\r\n]+")


class AidColumn(StrictModel):
    """A column in its place: an `origin`, a form's `field` or a `constant`.

    `about` says whose value it is. `codes` translates values of the form into codes of the
    statistics; `width` is the number of characters that the layout allows.
    """

    number: Annotated[int, Field(ge=1)]
    name: str
    origin: Origin | None = None
    field: str = ""
    constant: str | None = None
    about: Literal["client", "other_person"] = "client"
    codes: Mapping[str, str] = Field(default={})
    width: int | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum((self.origin is not None, bool(self.field), self.constant is not None)) != 1:
            raise ValueError(f"the column {self.name} needs one of origin, field and constant")
        return self


class AidMapping(ExportMapping):
    """A form's entries as rows.

    `layout` says which year's layout the columns follow; it is shown with the target. `month` is
    a field with ÅÅÅÅMM, `outcome` the choice whose `granted` values mean that there is aid to
    report, `other_person` the number of a second applicant.
    """

    layout: str
    month: str
    amount: str
    outcome: str = ""
    granted: tuple[str, ...] = ()
    other_person: str = ""
    encoding: Literal["iso-8859-1", "utf-8"] = "iso-8859-1"
    columns: Annotated[tuple[AidColumn, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _numbered(self) -> Self:
        if [column.number for column in self.columns] != list(range(1, len(self.columns) + 1)):
            raise ValueError("the columns are numbered from 1 without gaps, in their order")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return (
            {self.month, self.amount, self.outcome, self.other_person}
            | {column.field for column in self.columns}
        ) - {""}


@dataclass(frozen=True, slots=True)
class AidDecision:
    """A decision as it is reported: month, whole kronor, and the numbers of the applicants."""

    year: str
    month: str
    amount: str
    pid: str
    co_applicant_pid: str

    @property
    def last_day(self) -> date:
        """The last day of the month, on which ages are computed."""
        first = date(int(self.year), int(self.month), 1)
        return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


class AidFileExporter(StatisticsExporter):
    """Decisions on financial aid to the monthly file."""

    media_type = "application/zip"
    suffix = ".zip"
    mapping = AidMapping
    area = Area.IFO
    is_by_event = False
    settled_reasons = frozenset({NOT_GRANTED.key})

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what the statistics miss: a known person, a month or an amount granted."""
        mapping = options.mapping(record.form, AidMapping)
        if is_temporary_pid(record.client.pid):
            return TEMPORARY_CLIENT
        if mapping.outcome and legible_text(record, mapping.outcome) not in mapping.granted:
            return NOT_GRANTED
        aid = _parse_aid_decision(record, mapping)
        if isinstance(aid, Text):
            return aid
        has_long_cell = any(
            column.width is not None and len(_format_cell(column, aid, record)) > column.width
            for column in mapping.columns
        )
        return TOO_LONG if has_long_cell else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build a file a month with a row an entry, in the items' order, without void ones.

        A month that is not whole has a list of what to add to the file.

        Raises:
            ExportError: an entry cannot be reported, or the forms of the run have different
            encodings.
        """
        encodings = {options.mapping(item.record.form, AidMapping).encoding for item in items}
        if len(encodings) > 1:
            raise ExportError("mapping_encodings_differ")
        # A month whose entries are all void has an empty file.
        by_month: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            by_month[self.month(item.record, options)].append(item)
        encoding = next(iter(encodings), "iso-8859-1")
        files = {}
        for month, month_items in sorted(by_month.items()):
            name = f"ekonomiskt-bistand-{month}"
            if month in options.whole_months:
                files[f"{name}.txt"] = _format_file(month_items, options, encoding)
            else:
                files[f"tillagg-{name}.csv"] = _format_supplement(month_items, options)
        return zip_files(files.items(), run.made_at)

    def month(self, record: Record, options: ExportOptions) -> str:
        """Return the month that the aid is for."""
        aid = _parse_aid_decision(record, options.mapping(record.form, AidMapping))
        return "" if isinstance(aid, Text) else f"{aid.year}-{aid.month}"

    def notice(self, options: ExportOptions) -> Text | None:
        """Return which layout the columns follow: only a part of it is public."""
        layouts = {
            mapping.layout
            for mapping in options.mappings.values()
            if isinstance(mapping, AidMapping)
        }
        return (
            Text("export_notice.layout", {"layout": " ".join(sorted(layouts))}) if layouts else None
        )


def _format_file(items: Sequence[Item], options: ExportOptions, encoding: str) -> bytes:
    """Return a month's file: tab-separated, CRLF, without void entries."""
    lines = [
        "\t".join(_format_cells(item.record, options))
        for item in items
        if item.record.voided is None
    ]
    return "".join(f"{line}\r\n" for line in lines).encode(encoding, "replace")


def _format_supplement(items: Sequence[Item], options: ExportOptions) -> bytes:
    """Return the list of a month's rows; the forms of a run have the same columns."""
    mapping = options.mapping(items[0].record.form, AidMapping)
    # A column that the decision says nothing for has nothing to add.
    known = [place for place, column in enumerate(mapping.columns) if column.origin != "empty"]
    cells = ((item, _format_cells(item.record, options)) for item in items)
    return supplement_csv(
        [mapping.columns[place].name for place in known],
        [SupplementRow(item, tuple(written[place] for place in known)) for item, written in cells],
    )


def _format_cells(record: Record, options: ExportOptions) -> list[str]:
    mapping = options.mapping(record.form, AidMapping)
    aid = _parse_aid_decision(record, mapping)
    if isinstance(aid, Text):
        raise ExportError("entry_not_reported", entry_id=record.entry_id)
    return [_format_cell(column, aid, record) for column in mapping.columns]


def _parse_aid_decision(record: Record, mapping: AidMapping) -> AidDecision | Text:
    """Return what is reported, or why nothing can be."""
    month = legible_text(record, mapping.month)
    if not _MONTH.fullmatch(month):
        return NO_MONTH
    if not _is_reportable_pid(record.client.pid):
        return NO_PID
    other = legible_text(record, mapping.other_person) if mapping.other_person else ""
    if mapping.other_person in record.illegible or (other and not _is_reportable_pid(other)):
        return NO_CO_APPLICANT_PID
    amount = _round_to_kronor(legible_text(record, mapping.amount))
    if not amount:
        return NO_AMOUNT
    return AidDecision(month[:4], month[4:], amount, record.client.pid, other)


def _is_reportable_pid(pid: str) -> bool:
    number = normalize_pid(pid)
    return (
        number.valid
        and number.kind in (PidKind.PERSONAL, PidKind.COORDINATION)
        and len(number.value12) == 12
    )


def _round_to_kronor(text: str) -> str:
    """Return whole kronor, half a krona rounded up; empty if it is no amount."""
    try:
        amount = Decimal(text.replace(",", "."))
        return (
            str(amount.quantize(Decimal(1), ROUND_HALF_UP))
            if amount.is_finite() and amount >= 0
            else ""
        )
    except InvalidOperation:
        return ""


def _format_cell(column: AidColumn, aid: AidDecision, record: Record) -> str:
    if column.constant is not None:
        text = column.constant
    elif column.field:
        value = record.fields.get(column.field)
        text = MARK_WORDS[value] if isinstance(value, bool) else legible_text(record, column.field)
    else:
        text = _origin_text(column, aid)
    return _CELL_BREAKS.sub(" ", column.codes.get(text, text))


def _origin_text(column: AidColumn, aid: AidDecision) -> str:
    pid = aid.co_applicant_pid if column.about == "other_person" else aid.pid
    # The second last digit of a personal number is odd for men: 1 man, 2 woman.
    if column.origin == "client.sex":
        return ("1" if int(pid[10]) % 2 else "2") if pid else ""
    if column.origin == "client.age":
        age = age_on(pid, aid.last_day) if pid else None
        return "" if age is None else str(age)
    values = {
        "month.year": aid.year,
        "month.month": aid.month,
        "client.pid": pid,
        "amount": aid.amount,
    }
    return values.get(column.origin or "", "")
