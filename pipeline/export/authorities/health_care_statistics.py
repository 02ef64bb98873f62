"""Socialstyrelsen's monthly files on municipal health care: KHSL1 (who has had care) and KHSL2
(which measures), HSLF-FS 2017:67.

No schema is published, so nothing but our own rules (`khsl_layout.py`) checks these files, and
the columns have to be compared with the specification that is in force. A file tells of a whole
month and replaces the one that was sent before. Its layout has no place for where an entry comes
from: that stands in `underlag.csv` in the same archive, which is for the office and is not sent.

The layout of Socialstyrelsen's files on municipal health care, `forms/khsl.yaml`, and what a
form tells them, `forms/<id>/export.khsl.yaml`.

Rules from HSLF-FS 2017:67 and Socialstyrelsen's words to those who report: cells are parted by
semicolons and a row does not end with one, except where the last field is an empty one that may
be left out; a KVÅ code has five characters, is not padded and does not end with 000, which is a
heading; only measures of licensed professions are reported (3 §).
"""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Area
from pipeline.domain.identity_numbers import PidKind, is_temporary_pid, pid_kind
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions, Item
from pipeline.export.record_text import amendment_text, field_value, late_entry_text, to_local_time
from pipeline.export.tables.mapping import (
    ExportMapping,
    Source,
    StrictModel,
    TableColumn,
    load_mapping,
)
from pipeline.export.tables.sources import column_text
from pipeline.files.csv_tables import write_csv
from pipeline.texts import Text

ProfessionCode = Annotated[str, StringConstraints(pattern=r"^XS9\d\d$")]
HEADER = (
    "Körning",
    "Löpnummer",
    "Post",
    "Version",
    "Månad",
    "Personnummer",
    "KHSL1",
    "KHSL2",
    "Lämnas inte",
    "Efterregistrering",
    "Rättelse",
    "Makulerad",
)
UNLICENSED = "Åtgärden lämnas inte: den som skrev har ingen legitimerad yrkestitel med kod (3 §)."


def _require_detailed_code(code: str) -> str:
    if code.endswith("000"):
        raise ValueError(
            f"the code {code} is a heading of KVÅ: give the most detailed level, which does not end with 000"
        )
    return code


KvaCode = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{3}$"), AfterValidator(_require_detailed_code)
]


class LayoutColumn(StrictModel):
    """One field of a row. `source` is a word of `sources.SOURCES`, or month, measure.code,
    measure.profession. `checked`: known to be right.
    """

    title: str
    source: Source | None = None
    constant: str | None = None
    checked: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError(f"the column {self.title} needs either source or constant")
        return self


class LayoutFile(StrictModel):
    """The columns of one file in their order, and whether the last one may be empty."""

    columns: Annotated[tuple[LayoutColumn, ...], Field(min_length=1)]
    last_may_be_empty: bool = False
    rows: Literal["person", "contact", "measure"]


class KhslLayout(ExportMapping):
    """Both files, as a regulation of a year has them. `professions` are the licensed ones, by title
    in small letters.
    """

    regulation: str
    year: Annotated[int, Field(ge=2000, le=2100)]
    khsl1: LayoutFile
    khsl2: LayoutFile
    professions: Mapping[str, ProfessionCode]

    def fields(self) -> set[str]:
        """No form's fields."""
        return set()

    @property
    def unchecked_columns(self) -> list[str]:
        """The columns that nobody has compared with the specification."""
        return [
            column.title
            for file in (self.khsl1, self.khsl2)
            for column in file.columns
            if not column.checked
        ]


class Measure(StrictModel):
    """A KVÅ code that an entry stands for; with `field`, only where the field holds `value` (a
    mark: ja).
    """

    code: KvaCode
    field: str = ""
    value: str = ""


class KhslMapping(ExportMapping):
    """What the entries of a form are to the register: a contact, and which measures."""

    contact: bool
    measures: tuple[Measure, ...] = ()

    def fields(self) -> set[str]:
        """The form's fields that the mapping takes."""
        return {measure.field for measure in self.measures if measure.field}


def load_layout(folder: Path) -> KhslLayout:
    """The layout beside the forms.

    Raises:
        ExportError: it is missing or wrong; the text names the place.
    """
    path = folder / "khsl.yaml"
    return _load_cached_layout(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _load_cached_layout(path: Path, changed: int) -> KhslLayout:
    """Asked for with every entry: kept as long as the file is the same."""
    del changed
    return load_mapping(path, KhslLayout)


@dataclass(frozen=True, slots=True)
class KhslRow:
    """What a row of a file is about: an entry, and in KHSL2 a measure with the code of the
    profession.
    """

    item: Item
    code: str = ""
    profession: str = ""


class KhslExporter:
    """Contacts and KVÅ measures by month, in the layout of `forms/khsl.yaml`."""

    title = Text("target.khsl")
    media_type = "application/zip"
    suffix = ".zip"
    mapping = KhslMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """The register is of health care, by personal or coordination number and month."""
        mapping = options.mapping(record.form, KhslMapping)
        if record.area != Area.HSL:
            return Text("export_reason.not_health_care")
        if record.event_at is None:
            return Text("export_reason.no_month_date")
        if is_temporary_pid(record.client.pid):
            return TEMPORARY_CLIENT
        if pid_kind(record.client.pid) not in (PidKind.PERSONAL, PidKind.COORDINATION):
            return Text("export_reason.no_pid_for_statistics")
        if not mapping.contact and not _measure_codes(record, mapping, options):
            return Text("export_reason.neither_contact_nor_measure")
        return None

    def month(self, record: Record, options: ExportOptions) -> str:
        """The month in which it happened."""
        del options
        return care_month(record) if record.event_at else ""

    def notice(self, options: ExportOptions) -> Text | None:
        """What the layout says of itself, as long as a column has not been checked."""
        layout = load_layout(options.settings.forms)
        return Text("export_notice.layout_unchecked") if layout.unchecked_columns else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """A ZIP archive: for each month KHSL1 and KHSL2, and the list of what they were made from.

        Raises:
            ExportError: the layout is wrong, or a cell would break its row.
        """
        layout = load_layout(options.settings.forms)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in _month_files(items, run, options, layout):
                entry = zipfile.ZipInfo(name, to_local_time(run.made_at).timetuple()[:6])
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
        return out.getvalue()


def _month_files(
    items: Sequence[Item], run: Run, options: ExportOptions, layout: KhslLayout
) -> Iterator[tuple[str, bytes]]:
    by_month: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_month[care_month(item.record)].append(item)
    for each, told in sorted(by_month.items()):
        standing = [item for item in told if item.record.voided is None]
        contacts = [
            KhslRow(item)
            for item in standing
            if options.mapping(item.record.form, KhslMapping).contact
        ]
        measures = [row for item in standing for row in _measure_rows(item, options, layout)]
        label = f"{each}-{layout.regulation.replace(' ', '-').replace(':', '-')}-utformning-{layout.year}.txt"
        yield f"KHSL1-{label}", format_file(layout.khsl1, contacts, run, options)
        yield f"KHSL2-{label}", format_file(layout.khsl2, measures, run, options)
    yield (
        "underlag.csv",
        write_csv(HEADER, [_source_list_line(item, run, options, layout) for item in items]),
    )


def format_file(
    file: LayoutFile, rows: Sequence[KhslRow], run: Run, options: ExportOptions
) -> bytes:
    """The file: cells parted by semicolons, no header, CRLF; where it is of persons, each row once.

    Raises:
        ExportError: a cell holds a semicolon or a line end, or the last one is empty and must
        not be.
    """
    lines = [";".join(_format_row(file, row, run, options)) for row in rows]
    if file.rows == "person":
        lines = list(dict.fromkeys(lines))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _format_row(file: LayoutFile, row: KhslRow, run: Run, options: ExportOptions) -> list[str]:
    own = {
        "month": care_month(row.item.record).replace("-", ""),
        "measure.code": row.code,
        "measure.profession": row.profession,
    }
    cells = []
    for column in file.columns:
        if column.source in own:
            cells.append(own[column.source])
        else:
            found = TableColumn(title=column.title, source=column.source, constant=column.constant)
            cells.append(column_text(found, row.item, run, options))
        if set(cells[-1]) & set(";\r\n"):
            raise ExportError("cell_column_holds_semicolon_line", title=column.title)
    if not cells[-1] and not file.last_may_be_empty:
        raise ExportError("last_column_empty_row_would", title=file.columns[-1].title)
    return cells


def care_month(record: Record) -> str:
    """`ÅÅÅÅ-MM`, the month in which care was given."""
    if record.event_at is None:
        raise ValueError("a record without a day is unfit and must not come here")
    return f"{to_local_time(record.event_at):%Y-%m}"


def _measure_codes(record: Record, mapping: KhslMapping, options: ExportOptions) -> list[str]:
    return [
        measure.code for measure in mapping.measures if _measure_applies(record, measure, options)
    ]


def _measure_applies(record: Record, measure: Measure, options: ExportOptions) -> bool:
    if not measure.field:
        return True
    value = field_value(record, measure.field, options.forms)
    return (
        {True: "ja", False: "nej"}[value] if isinstance(value, bool) else value
    ) == measure.value


def _measure_rows(item: Item, options: ExportOptions, layout: KhslLayout) -> list[KhslRow]:
    profession = layout.professions.get(item.record.author_title.strip().casefold(), "")
    codes = _measure_codes(item.record, options.mapping(item.record.form, KhslMapping), options)
    return [KhslRow(item, code, profession) for code in codes] if profession else []


def _source_list_line(
    item: Item, run: Run, options: ExportOptions, layout: KhslLayout
) -> list[str]:
    """A line of the list: what became of an entry, where it comes from, and what is corrected."""
    record, mapping = item.record, options.mapping(item.record.form, KhslMapping)
    standing = record.voided is None
    told = [row.code for row in _measure_rows(item, options, layout)] if standing else []
    left_out = (
        UNLICENSED if standing and not told and _measure_codes(record, mapping, options) else ""
    )
    contact = "ja" if mapping.contact and standing else "nej"
    start = [
        run.id,
        str(item.number),
        record.entry_id,
        str(record.revision),
        care_month(record),
        record.client.pid,
        contact,
        " ".join(told),
        left_out,
    ]
    return [
        *start,
        late_entry_text(record, options.settings),
        amendment_text(item),
        record.voided or "",
    ]
