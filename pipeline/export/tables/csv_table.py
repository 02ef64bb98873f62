"""Tables as CSV for Swedish administration: semicolon, UTF-8 with byte order mark, CRLF.

Decimals have a comma. A personal number is twelve digits; CSV cannot say that a cell is text, so
a spreadsheet has to import that column as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import Format
from pipeline.domain.identity_numbers import format_short_pid, is_temporary_pid
from pipeline.domain.record import Record, Run, Stamp
from pipeline.export.context import ExportContext
from pipeline.export.exporter import (
    TEMPORARY_CLIENT,
    Exporter,
    ExportOptions,
    Item,
    insert_withdrawals,
)
from pipeline.export.left_out import REST_SOURCE, unmapped_fields_text
from pipeline.export.mapping import FIELD_SOURCE_PREFIXES, TableColumn, TableMapping, load_mappings
from pipeline.export.record_text import (
    ILLEGIBLE_TEXT,
    MARK_WORDS,
    amendment_text,
    field_value,
    find_field_spec,
    find_signature,
    is_signature_missing,
    late_entry_text,
    to_local_time,
    with_decimal_comma,
)
from pipeline.export.targets import find_target
from pipeline.files.csv_tables import csv_reader, write_csv
from pipeline.texts import Text

# Where a table column's value may come from: the words of `source:` in a mapping file.

SourceGetter = Callable[[Item, Run, ExportOptions], str]


def column_text(column: TableColumn, item: Item, run: Run, options: ExportOptions) -> str:
    """Return what a column says about an entry, codes applied.

    Raises:
        ExportError: the source is unknown.
    """
    if column.constant is not None:
        return column.constant
    source = column.source or ""
    text = (
        _field_source_text(item.record, source, options)
        if source.startswith(FIELD_SOURCE_PREFIXES)
        else _find_source(source)(item, run, options)
    )
    return column.codes.get(text, text)


def _find_source(name: str) -> SourceGetter:
    try:
        return SOURCES[name]
    except KeyError as error:
        raise ExportError("no_source", name=name, sources=", ".join(SOURCES)) from error


def _field_source_text(record: Record, source: str, options: ExportOptions) -> str:
    """Return the value of `field.<name>`, or the person of `performer.<name>`."""
    prefix, _, name = source.partition(".")
    return (
        _field_data(record, name, options)
        if prefix == "field"
        else _performer_name(record, name, options)
    )


def _field_data(record: Record, name: str, options: ExportOptions) -> str:
    """Return the value as data: `ja`/`nej`, an option's value, a number without its measure."""
    if name in record.illegible:
        return ILLEGIBLE_TEXT
    value = field_value(record, name, options.forms)
    spec = find_field_spec(record, name, options.forms)
    if value is False and spec and spec.traits.is_signature:
        return MARK_WORDS[value] if is_signature_missing(record, spec) else ""
    if isinstance(value, bool):
        return MARK_WORDS[value]
    return with_decimal_comma(value or "") if spec and spec.format is Format.NUMBER else value or ""


def _performer_name(record: Record, name: str, options: ExportOptions) -> str:
    """Return who answers for a row by its initials; empty where there are no legible ones."""
    signature = find_signature(record, name, options.staff)
    return signature.performer if signature else ""


def _from_record(get: Callable[[Record], str]) -> SourceGetter:
    return lambda item, _run, _options: get(item.record)


def _format_date(moment: datetime | None) -> str:
    return f"{to_local_time(moment):%Y-%m-%d}" if moment else ""


def _format_clock(moment: datetime | None) -> str:
    return f"{to_local_time(moment):%H:%M}" if moment else ""


def _format_date_and_time(moment: datetime | None) -> str:
    return f"{_format_date(moment)} {_format_clock(moment)}".strip()


def _stamp_time(stamp: Stamp | None) -> str:
    return _format_date_and_time(stamp.at) if stamp else ""


def _stamp_person(stamp: Stamp | None) -> str:
    return stamp.by if stamp else ""


SOURCES: dict[str, SourceGetter] = {
    "client.pid": _from_record(lambda r: r.client.pid),
    "client.pid_short": lambda item, run, _options: format_short_pid(
        item.record.client.pid, to_local_time(run.made_at).date()
    ),
    "client.name": _from_record(lambda r: r.client.name),
    "event.date": _from_record(lambda r: _format_date(r.event_at)),
    "event.time": _from_record(
        lambda r: "" if "event_at" in r.clock_unknown else _format_clock(r.event_at)
    ),
    "written.date": _from_record(lambda r: _format_date(r.written_at)),
    "written.time": _from_record(
        lambda r: "" if "written_at" in r.clock_unknown else _format_clock(r.written_at)
    ),
    "author.name": _from_record(lambda r: r.author),
    "author.title": _from_record(lambda r: r.author_title),
    "scanned.at": _from_record(lambda r: _stamp_time(r.scanned)),
    "scanned.by": _from_record(lambda r: _stamp_person(r.scanned)),
    "read.at": _from_record(lambda r: _format_date_and_time(r.read_at)),
    "read.version": _from_record(lambda r: r.reader_version),
    "entered.at": _from_record(lambda r: _stamp_time(r.entered)),
    "entered.by": _from_record(lambda r: _stamp_person(r.entered)),
    "verified.at": _from_record(lambda r: _stamp_time(r.verified)),
    "verified.by": _from_record(lambda r: _stamp_person(r.verified)),
    "signed.at": _from_record(lambda r: _stamp_time(r.signed)),
    "signed.by": _from_record(lambda r: _stamp_person(r.signed)),
    "entry.id": _from_record(lambda r: r.entry_id),
    "entry.revision": _from_record(lambda r: str(r.revision)),
    "entry.serial": _from_record(lambda r: r.serial),
    "entry.row": _from_record(lambda r: "" if r.row is None else str(r.row)),
    "entry.place": _from_record(lambda r: r.place),
    "entry.unit": _from_record(lambda r: r.unit),
    "entry.form": _from_record(lambda r: r.title),
    "entry.area": _from_record(lambda r: r.area),
    "entry.voided": _from_record(lambda r: r.voided or ""),
    "run.id": lambda _item, run, _options: run.id,
    "run.number": lambda item, _run, _options: str(item.number),
    "run.at": lambda _item, run, _options: _format_date_and_time(run.made_at),
    "run.by": lambda _item, run, _options: run.made_by,
    "late.text": lambda item, _run, options: late_entry_text(item.record, options.settings),
    "amendment.text": lambda item, _run, _options: amendment_text(item),
    REST_SOURCE: lambda item, _run, options: unmapped_fields_text(item, options),
}


class CsvExporter(Exporter):
    """A table with the columns of the mapping files."""

    media_type = "text/csv"
    suffix = ".csv"
    mapping = TableMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return why a table cannot carry a record: its client is in no register."""
        del options
        return TEMPORARY_CLIENT if is_temporary_pid(record.client.pid) else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build a header and a row an entry.

        Raises:
            ExportError: the forms of the run have mappings with different columns.
        """
        mappings = {
            item.record.form: options.mapping(item.record.form, TableMapping) for item in items
        }
        # All forms of a run share one header.
        headers = {
            tuple(column.title for column in mapping.columns) for mapping in mappings.values()
        }
        if len(headers) > 1:
            raise ExportError("mapping_columns_differ", mappings=", ".join(sorted(mappings)))
        rows = [
            [
                column_text(column, item, run, options)
                for column in mappings[item.record.form].columns
            ]
            for item in insert_withdrawals(items)
        ]
        return write_csv(next(iter(headers), ()), rows)


# Comparison of a mapping's columns with the header line of another system's own import.


@dataclass(frozen=True, slots=True)
class HeaderCheck:
    """How a mapping's columns differ from a header line.

    `missing` are in the line and not in the file, `unknown` the other way round.
    """

    form: str
    lacking: tuple[str, ...]
    unknown: tuple[str, ...]
    in_order: bool

    @property
    def is_match(self) -> bool:
        """Whether the system will find its columns as it expects them."""
        return not self.lacking and not self.unknown and self.in_order


def check_header(context: ExportContext, target: str, line: str) -> list[HeaderCheck]:
    """Compare each form's mapping for a target with a header line.

    Raises:
        ExportError: there is no such target, it is no table, or the line holds no titles.
    """
    exporter = find_target(context.settings, target)
    if exporter.mapping is not TableMapping:
        raise ExportError("target_without_columns", target=target)
    wanted = parse_header(line)
    mappings: Mapping[str, TableMapping] = load_mappings(
        context.settings.form_folders, target, TableMapping
    )
    return [
        _compare_header(form, [column.title for column in mapping.columns], wanted)
        for form, mapping in mappings.items()
    ]


def parse_header(line: str) -> list[str]:
    """Return the titles of a header line, separated by semicolon, tab or comma.

    Raises:
        ExportError: there are none.
    """
    # The titles may follow a line that names the separator (`sep=;`).
    lines = "\n".join(line.strip().lstrip("\ufeff").splitlines()[:2])
    titles = [title.strip() for title in next(csv_reader(lines), [])]
    if not any(titles):
        raise ExportError("header_empty")
    return titles


def _compare_header(form: str, titles: list[str], wanted: list[str]) -> HeaderCheck:
    shared = {title.casefold() for title in titles} & {title.casefold() for title in wanted}
    file_order, wanted_order = (
        [title.casefold() for title in each if title.casefold() in shared]
        for each in (titles, wanted)
    )
    return HeaderCheck(
        form,
        lacking=tuple(title for title in wanted if title.casefold() not in shared),
        unknown=tuple(title for title in titles if title.casefold() not in shared),
        in_order=file_order == wanted_order,
    )
