"""The receipt file (kvittensfil): a CSV that comes with every run, to be filled in by the target system's people or made by the system.

Columns, in any order: `körning`, `löpnummer`, `post`, `status`, `text`. A line is found by its `post`, or by `körning` and `löpnummer`; where both
stand they must agree. `status` is godkänd or nekad (other words: see `STATUS`); an empty status means not answered yet. `text` says why it was
refused. Delimiter `;`, `,` or tab; UTF-8, UTF-16 or Windows-1252.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.csv_table import csv_reader, decoded, refuse_workbook
from pipeline.errors import ExportError
from pipeline.export.csv_file import write_table
from pipeline.plain_text import printable
from pipeline.store.exports import RunItem

HEADER = ("körning", "löpnummer", "post", "status", "text")
STATUS = {
    **dict.fromkeys(("godkänd", "godkand", "ok", "ja", "inskriven", "accepterad"), True),
    **dict.fromkeys(("nekad", "fel", "nej", "avvisad"), False),
}


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of the file. `accepted` None: not answered."""

    line: int
    run: str
    number: str
    entry_id: str
    accepted: bool | None
    text: str


def template(run_id: str, items: Sequence[RunItem]) -> bytes:
    """The file to fill in, with the answers there are already."""
    words = {None: "", True: "godkänd", False: "nekad"}
    return write_table(HEADER, [(run_id, str(item.number), item.entry_id, words[item.accepted], item.text) for item in items])


def read_lines(data: bytes) -> list[ReceiptLine]:
    """The lines of a receipt file.

    Raises:
        ExportError: it is no such table, or a status is unknown; the text names the lines.
        UsageError: it is a workbook.
    """
    refuse_workbook(data, "The receipt file")
    reader = csv_reader(printable(decoded(data)), strict=True)  # NUL and the like, which a database may refuse, stop no other line
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        lines = [(reader.line_num, _cells(names, cells)) for cells in reader]
    except csv.Error as error:
        raise ExportError("receipts_no_table") from error
    if "status" not in names or not ({"post"} <= set(names) or {"körning", "löpnummer"} <= set(names)):
        raise ExportError("receipts_lack_columns")
    if twice := [name for name in HEADER if names.count(name) > 1]:
        raise ExportError("receipts_column_twice", columns=", ".join(twice))
    if unknown := [number for number, row in lines if row["status"] and row["status"].lower() not in STATUS]:
        raise ExportError("receipts_status_unknown", lines=", ".join(map(str, unknown)))
    return [_line(number, row) for number, row in lines if any(row.values())]


def _cells(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """What a row says by column; nothing where it is too short."""
    return dict.fromkeys(names, "") | {name: cell.strip() for name, cell in zip(names, cells, strict=False)}


def _line(number: int, row: dict[str, str]) -> ReceiptLine:
    status = row["status"].lower()
    accepted = STATUS[status] if status else None
    return ReceiptLine(number, row.get("körning", ""), row.get("löpnummer", ""), row.get("post", ""), accepted, row.get("text", ""))
