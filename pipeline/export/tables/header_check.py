"""Does a table fit another system? The header line of that system's own import, pasted by a person,
against the columns of a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.errors import ExportError
from pipeline.export.runs import ExportContext, find_target
from pipeline.export.tables.mapping import TableMapping, load_mappings
from pipeline.files.csv_tables import csv_reader


@dataclass(frozen=True, slots=True)
class HeaderCheck:
    """What a mapping's columns have against a header line: those that the line has and the file
    lacks, those that it does not know, and the order.
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
    """Each form's mapping for a target against the line.

    Raises:
        ExportError: there is no such target, it is no table, or the line holds no titles.
    """
    exporter = find_target(target)
    if exporter.mapping is not TableMapping:
        raise ExportError("target_no_table_columns", target=target)
    wanted = parse_header(line)
    mappings: Mapping[str, TableMapping] = load_mappings(
        context.settings.form_folders, target, TableMapping
    )
    return [
        _compare_header(form, [column.title for column in mapping.columns], wanted)
        for form, mapping in mappings.items()
    ]


def parse_header(line: str) -> list[str]:
    """The titles of a header line, by whichever of semicolon, tab and comma stands in it most.

    Raises:
        ExportError: there are none.
    """
    first = "\n".join(
        line.strip().lstrip("\ufeff").splitlines()[:2]
    )  # the titles may follow the line that says what parts them
    names = [name.strip() for name in next(csv_reader(first), [])]
    if not any(names):
        raise ExportError("header_line_empty")
    return names


def _compare_header(form: str, ours: list[str], wanted: list[str]) -> HeaderCheck:
    same = {name.casefold() for name in ours} & {name.casefold() for name in wanted}
    order = [
        [name.casefold() for name in names if name.casefold() in same] for names in (ours, wanted)
    ]
    return HeaderCheck(
        form,
        lacking=tuple(name for name in wanted if name.casefold() not in same),
        unknown=tuple(name for name in ours if name.casefold() not in same),
        in_order=order[0] == order[1],
    )
