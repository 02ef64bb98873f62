"""Tables as CSV for Swedish administration: semicolon, UTF-8 with byte order mark, CRLF.

Decimals have a comma. A personal number is twelve digits; CSV cannot say that a cell is text, so
a spreadsheet has to import that column as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.errors import ExportError
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import (
    TEMPORARY_CLIENT,
    Exporter,
    ExportOptions,
    Item,
    insert_withdrawals,
)
from pipeline.export.mapping import TableMapping, load_mappings
from pipeline.export.runs import ExportContext
from pipeline.export.tables.sources import column_text
from pipeline.export.targets import find_target
from pipeline.files.csv_tables import csv_reader, write_csv
from pipeline.texts import Text


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
