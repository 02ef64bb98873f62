"""Comparison of a mapping's columns with the header line of another system's own import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.errors import ExportError
from pipeline.export.mapping import TableMapping, load_mappings
from pipeline.export.runs import ExportContext
from pipeline.export.targets import find_target
from pipeline.files.csv_tables import csv_reader


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
