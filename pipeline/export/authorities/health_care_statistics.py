"""Socialstyrelsen's monthly files on municipal health care, HSLF-FS 2017:67.

KHSL1 says who has had care, KHSL2 which measures. The layout is `forms/khsl.yaml`, what a form
reports `forms/<id>/export.khsl.yaml`. No schema is published: only the rules here check the files,
and the columns have to be compared with the specification in force. A file reports a whole month
and replaces the one sent before. Where an entry comes from is in `underlag.csv` of the same
archive, which is for internal use and is not sent.

Rules from HSLF-FS 2017:67 and Socialstyrelsen's guidance to those who report: cells are separated
by semicolons and a row does not end with one, except where the last field is an empty one that
may be left out; a KVÅ code has five characters, is not padded and does not end with 000, which is
a heading; only measures of licensed professions are reported, and none that another care provider
than the municipality has taken (3 §).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Area
from pipeline.domain.identity_numbers import PidKind, is_temporary_pid, pid_kind
from pipeline.domain.record import Record, Run
from pipeline.export.authorities.supplement import SupplementRow, supplement_csv
from pipeline.export.exporter import (
    DATA_LANGUAGE,
    TEMPORARY_CLIENT,
    ExportOptions,
    Item,
    StatisticsExporter,
)
from pipeline.export.mapping import (
    ExportMapping,
    KvaCode,
    StrictModel,
    TableColumn,
    find_measure_codes,
    load_mapping,
)
from pipeline.export.record_text import (
    MARK_WORDS,
    amendment_text,
    field_value,
    known_time,
    late_entry_text,
    to_local_time,
)
from pipeline.export.tables.csv_table import column_text
from pipeline.export.zip_archive import zip_files
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
"""Columns of `underlag.csv`."""
UNLICENSED = Text("statistics_text.unlicensed")
TITLES_DIFFER = Text("statistics_text.titles_differ")
OTHER_PROVIDER = Text("statistics_text.other_provider")
NO_CODE = Text("statistics_text.no_code")
"""Why no measure of an entry, or not all, is reported."""
NOT_HEALTH_CARE = Text("export_reason.not_health_care")
NEITHER = Text("export_reason.neither_contact_nor_measure")
_LICENSED_PREFIX = re.compile(r"^leg(\.|itimerad)\s*")
"""What may stand before a licensed title: leg. sjuksköterska."""


class LayoutColumn(TableColumn):
    """One field of a row.

    `source` is a word of `csv_table.SOURCES`, or month, measure.code, measure.profession.
    `checked`: compared with the specification.
    """

    checked: bool = False


class LayoutFile(StrictModel):
    """The columns of one file in their order, and whether the last one may be empty."""

    columns: Annotated[tuple[LayoutColumn, ...], Field(min_length=1)]
    last_may_be_empty: bool = False
    rows: Literal["person", "contact", "measure"]


class KhslLayout(ExportMapping):
    """Both files, as a regulation of a year has them.

    `professions` are the licensed ones that the register takes, by title in lower case;
    `other_professions` those that it has a code for and does not take. `professions_source` says
    where the two lists are from.
    """

    regulation: str
    year: Annotated[int, Field(ge=2000, le=2100)]
    khsl1: LayoutFile
    khsl2: LayoutFile
    professions: Mapping[str, ProfessionCode]
    professions_source: str = ""
    other_professions: Mapping[str, ProfessionCode] = Field(default={})

    @model_validator(mode="after")
    def _lists_differ(self) -> Self:
        if both := set(self.professions.values()) & set(self.other_professions.values()):
            raise ValueError(f"{sorted(both)[0]} is in both lists of professions")
        return self

    def fields(self) -> set[str]:
        """Return no fields: the layout is of no form."""
        return set()

    @property
    def unchecked_columns(self) -> list[str]:
        """The columns that have not been compared with the specification."""
        return [
            column.title
            for file in (self.khsl1, self.khsl2)
            for column in file.columns
            if not column.checked
        ]


class Measure(StrictModel):
    """A KVÅ code of an entry; with `field`, only where the field holds `value` (a mark: ja).

    Without `code`, the field holds the codes themselves, as they were written on the paper.
    """

    code: KvaCode | None = None
    field: str = ""
    value: str = ""

    @model_validator(mode="after")
    def _has_code(self) -> Self:
        if self.code is None and (not self.field or self.value):
            raise ValueError("a measure needs a code, or a field alone in which codes are written")
        return self


class KhslMapping(ExportMapping):
    """What a form's entries are to the register: a contact, and which measures."""

    contact: bool
    measures: tuple[Measure, ...] = ()

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return {measure.field for measure in self.measures if measure.field}


def load_layout(folder: Path) -> KhslLayout:
    """Read the layout in the folder of the forms.

    Raises:
        ExportError: it is missing or wrong; the text names the place.
    """
    path = folder / "khsl.yaml"
    return _load_cached_layout(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _load_cached_layout(path: Path, changed: int) -> KhslLayout:
    """Every entry needs the layout, so it is cached as long as the file is the same."""
    del changed
    return load_mapping(path, KhslLayout)


@dataclass(frozen=True, slots=True)
class KhslRow:
    """A row of a file: an entry, and in KHSL2 a measure with the code of the profession.

    `is_empty`: the entry made a row of an earlier list and makes none now.
    """

    item: Item
    code: str = ""
    profession: str = ""
    is_empty: bool = False


class KhslExporter(StatisticsExporter):
    """Contacts and KVÅ measures by month, in the layout of `forms/khsl.yaml`."""

    media_type = "application/zip"
    suffix = ".zip"
    mapping = KhslMapping
    area = Area.HSL
    is_by_event = True
    settled_reasons = frozenset({NOT_HEALTH_CARE.key, NEITHER.key})

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what the register misses: health care, a month, or a national number."""
        mapping = options.mapping(record.form, KhslMapping)
        if record.area != Area.HSL:
            return NOT_HEALTH_CARE
        if record.event_at is None:
            return Text("export_reason.no_month_date")
        if is_temporary_pid(record.client.pid):
            return TEMPORARY_CLIENT
        if pid_kind(record.client.pid) not in (PidKind.PERSONAL, PidKind.COORDINATION):
            return Text("export_reason.no_pid_for_statistics")
        if not mapping.contact and not _measure_codes(record, mapping, options):
            return NEITHER
        return None

    def month(self, record: Record, options: ExportOptions) -> str:
        """Return the month in which it happened."""
        del options
        return care_month(record) if record.event_at else ""

    def notice(self, options: ExportOptions) -> Text | None:
        """Return what the layout says of itself, as long as a column has not been checked."""
        layout = load_layout(options.settings.forms)
        about = Text("export_notice.layout", {"layout": layout.about})
        return about if layout.unchecked_columns else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build a ZIP archive: KHSL1 and KHSL2 a month, and the list of their entries.

        A month that is not whole has lists of what to add to these files.

        Raises:
            ExportError: the layout is wrong, or a cell would break its row.
        """
        layout = load_layout(options.settings.forms)
        return zip_files(_month_files(items, run, options, layout), run.made_at)


def _month_files(
    items: Sequence[Item], run: Run, options: ExportOptions, layout: KhslLayout
) -> Iterator[tuple[str, bytes]]:
    by_month: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_month[care_month(item.record)].append(item)
    regulation = layout.regulation.replace(" ", "-").replace(":", "-")
    for month, month_items in sorted(by_month.items()):
        contacts, measures = _month_rows(month_items, options, layout)
        label = f"{month}-{regulation}-utformning-{layout.year}"
        for name, file, rows in (
            ("KHSL1", layout.khsl1, contacts),
            ("KHSL2", layout.khsl2, measures),
        ):
            if month in options.whole_months:
                yield f"{name}-{label}.txt", format_file(file, rows, run, options)
            else:
                yield f"tillagg-{name}-{label}.csv", _format_supplement(file, rows, run, options)
    yield (
        "underlag.csv",
        write_csv(HEADER, [_source_list_line(item, run, options, layout) for item in items]),
    )


def _month_rows(
    items: Sequence[Item], options: ExportOptions, layout: KhslLayout
) -> tuple[list[KhslRow], list[KhslRow]]:
    """Return the rows of both files, also those that void entries made."""
    contacts = [
        KhslRow(item) for item in items if options.mapping(item.record.form, KhslMapping).contact
    ]
    measures = []
    for item in items:
        rows = _measure_rows(item, options, layout)
        # A corrected entry that makes no row any more has to be taken out of an earlier list.
        measures += rows or ([KhslRow(item, is_empty=True)] if item.amends else [])
    return contacts, measures


def _format_supplement(
    file: LayoutFile, rows: Sequence[KhslRow], run: Run, options: ExportOptions
) -> bytes:
    # A field that the layout only keeps free has nothing to add.
    known = [place for place, column in enumerate(file.columns) if column.constant != ""]

    def cells(row: KhslRow) -> tuple[str, ...]:
        written = () if row.is_empty else _format_row(file, row, run, options)
        return tuple(written[place] for place in known) if written else ()

    return supplement_csv(
        [file.columns[place].title for place in known],
        [SupplementRow(row.item, cells(row)) for row in rows],
        once_a_person=file.rows == "person",
    )


def format_file(
    file: LayoutFile, rows: Sequence[KhslRow], run: Run, options: ExportOptions
) -> bytes:
    """Return a file: cells separated by semicolons, no header, CRLF; of persons each row once.

    Raises:
        ExportError: a cell holds a semicolon or a line end, or the last one is empty and must
        not be.
    """
    # The file holds the whole month as it is now: what is void is not in it.
    lines = [
        ";".join(_format_row(file, row, run, options))
        for row in rows
        if row.item.record.voided is None and not row.is_empty
    ]
    if file.rows == "person":
        lines = list(dict.fromkeys(lines))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _format_row(file: LayoutFile, row: KhslRow, run: Run, options: ExportOptions) -> list[str]:
    layout_sources = {
        "month": care_month(row.item.record).replace("-", ""),
        "measure.code": row.code,
        "measure.profession": row.profession,
    }
    cells = []
    for column in file.columns:
        if column.source in layout_sources:
            cells.append(layout_sources[column.source])
        else:
            cells.append(column_text(column, row.item, run, options))
        # Cells are not quoted: a separator within one would break the row.
        if set(cells[-1]) & set(";\r\n"):
            raise ExportError("semicolon_in_cell", title=column.title)
    if not cells[-1] and not file.last_may_be_empty:
        raise ExportError("last_column_empty", title=file.columns[-1].title)
    return cells


def care_month(record: Record) -> str:
    """Return the month in which care was given, `ÅÅÅÅ-MM`."""
    return f"{to_local_time(known_time(record.event_at)):%Y-%m}"


def _measure_codes(record: Record, mapping: KhslMapping, options: ExportOptions) -> list[str]:
    codes: list[str] = []
    for measure in mapping.measures:
        if measure.code is None:
            codes += find_measure_codes(_written(record, measure.field))
        elif _measure_applies(record, measure, options):
            codes.append(measure.code)
    return list(dict.fromkeys(codes))


def _written(record: Record, name: str) -> str:
    return str(record.fields.get(name) or "")


def _has_words_for_code(record: Record, mapping: KhslMapping) -> bool:
    """Return whether something else than codes is written where the codes of measures are."""
    return any(
        measure.code is None
        and (
            measure.field in record.illegible
            or ((text := _written(record, measure.field)) and not find_measure_codes(text))
        )
        for measure in mapping.measures
    )


def _measure_applies(record: Record, measure: Measure, options: ExportOptions) -> bool:
    if not measure.field:
        return True
    value = field_value(record, measure.field, options.forms)
    return (MARK_WORDS[value] if isinstance(value, bool) else value) == measure.value


def _measure_rows(item: Item, options: ExportOptions, layout: KhslLayout) -> list[KhslRow]:
    profession = find_profession(item.record, layout)
    if isinstance(profession, Text):
        return []
    codes = _measure_codes(item.record, options.mapping(item.record.form, KhslMapping), options)
    return [KhslRow(item, code, profession) for code in codes]


def find_profession(record: Record, layout: KhslLayout) -> str | Text:
    """Return the code of the author's profession, or why the author's measures are not reported.

    The title is the paper's, else the staff list's. Where both give one they have to agree: the
    profession is that of a licence, which nobody has twice by mistake.
    """
    if record.provider is not None:
        return OTHER_PROVIDER
    titles = [title for title in (record.author_title, record.author_role) if title.strip()]
    codes = {
        layout.professions.get(_LICENSED_PREFIX.sub("", title.strip().casefold()), "")
        for title in titles
    }
    if len(codes) > 1:
        return TITLES_DIFFER
    return "".join(codes) or UNLICENSED


def _source_list_line(
    item: Item, run: Run, options: ExportOptions, layout: KhslLayout
) -> list[str]:
    """Return how an entry is reported, where it comes from and what it corrects, a cell each."""
    record, mapping = item.record, options.mapping(item.record.form, KhslMapping)
    is_valid = record.voided is None
    codes = [row.code for row in _measure_rows(item, options, layout)] if is_valid else []
    profession = find_profession(record, layout)
    has_measures = is_valid and bool(_measure_codes(record, mapping, options))
    left_out = profession if has_measures and isinstance(profession, Text) else None
    if left_out is None and is_valid and _has_words_for_code(record, mapping):
        left_out = NO_CODE
    return [
        run.id,
        str(item.number),
        record.entry_id,
        str(record.revision),
        care_month(record),
        record.client.pid,
        MARK_WORDS[mapping.contact and is_valid],
        " ".join(codes),
        left_out.in_language(DATA_LANGUAGE) if left_out else "",
        late_entry_text(record, options.settings),
        amendment_text(item),
        record.voided or "",
    ]
