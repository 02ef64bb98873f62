"""Receipts: what the target system says of the entries that it was given.

An accepted entry is done (kvitterad). A refused one goes back to review with the target's words
as its reason, and can be exported again once a person has confirmed it. A receipt for an export
that has been overtaken by a correction is kept, and changes nothing else.

The receipt file (kvittensfil): a CSV that comes with every run, to be filled in by the target
system's people or made by the system.

Columns, in any order: `körning`, `löpnummer`, `post`, `status`, `text`. A line is found by its
`post`, or by `körning` and `löpnummer`; where both stand they must agree. `status` is godkänd or
nekad (other words: see `STATUS`); an empty status means not answered yet. `text` says why it was
refused. Delimiter `;`, `,` or tab; UTF-8, UTF-16 or Windows-1252.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.export.runs import ExportContext, RunFile, require_run
from pipeline.files.csv_tables import csv_reader, decode_text, refuse_workbook, write_csv
from pipeline.files.text import make_printable
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log import events
from pipeline.store.exports import records
from pipeline.store.exports import run_items as exports_run_items
from pipeline.store.exports.run_items import Connection, Receipt, RunItem

HEADER = ("körning", "löpnummer", "post", "status", "text")
STATUS_WORDS = {
    **dict.fromkeys(("godkänd", "godkand", "ok", "ja", "inskriven", "accepterad"), True),
    **dict.fromkeys(("nekad", "fel", "nej", "avvisad"), False),
}
NO_REASON = "Mottagaren har inte angett något skäl."
_MAX_NAMED_ENTRIES = 20


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of the file. `accepted` None: not answered."""

    line: int
    run: str
    number: str
    entry_id: str
    accepted: bool | None
    text: str


def receipt_template_csv(run_id: str, items: Sequence[RunItem]) -> bytes:
    """The file to fill in, with the answers there are already."""
    words = {None: "", True: "godkänd", False: "nekad"}
    return write_csv(
        HEADER,
        [
            (run_id, str(item.number), item.entry_id, words[item.accepted], item.text)
            for item in items
        ],
    )


def parse_receipt_file(data: bytes) -> list[ReceiptLine]:
    """The lines of a receipt file.

    Raises:
        ExportError: it is no such table, or a status is unknown; the text names the lines.
        UsageError: it is a workbook.
    """
    refuse_workbook(data, "The receipt file")
    reader = csv_reader(
        make_printable(decode_text(data)), strict=True
    )  # NUL and the like, which a database may refuse, stop no other line
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        lines = [(reader.line_num, _cells_by_column(names, cells)) for cells in reader]
    except csv.Error as error:
        raise ExportError("receipts_no_table") from error
    if "status" not in names or not (
        {"post"} <= set(names) or {"körning", "löpnummer"} <= set(names)
    ):
        raise ExportError("receipts_lack_columns")
    if twice := [name for name in HEADER if names.count(name) > 1]:
        raise ExportError("receipts_column_twice", columns=", ".join(twice))
    if unknown := [
        number
        for number, row in lines
        if row["status"] and row["status"].lower() not in STATUS_WORDS
    ]:
        raise ExportError("receipts_status_unknown", lines=", ".join(map(str, unknown)))
    return [_parse_line(number, row) for number, row in lines if any(row.values())]


def _cells_by_column(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """What a row says by column; nothing where it is too short."""
    return dict.fromkeys(names, "") | {
        name: cell.strip() for name, cell in zip(names, cells, strict=False)
    }


def _parse_line(number: int, row: dict[str, str]) -> ReceiptLine:
    status = row["status"].lower()
    accepted = STATUS_WORDS[status] if status else None
    return ReceiptLine(
        number,
        row.get("körning", ""),
        row.get("löpnummer", ""),
        row.get("post", ""),
        accepted,
        row.get("text", ""),
    )


@dataclass(frozen=True, slots=True)
class ReceiptAnswer:
    """A tick in the list: whether the target took the entry, and what it said."""

    entry_id: str
    accepted: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """How many entries were settled. `already`: known before; `unanswered`: lines without a status;
    `hidden`: of what the person may not see.
    """

    accepted: int
    refused: int
    already_known: int
    unanswered: int
    hidden: int = 0


def open_run_items(context: ExportContext, person: Person, run_id: str) -> list[RunItem]:
    """The items of a run that the person may see, with the receipts there are. That it was looked
    at is written in the log.

    Raises:
        NotAllowedError: the person may not see any of them.
        ExportError: there is no such run.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        items = exports_run_items.list_visible_items(conn, person, run.id)
        events.record(
            conn,
            person.login,
            "view_export",
            run.id,
            unit=exports_run_items.run_unit(conn, run.id),
            entries=len(items),
        )
        return items


def fetch_receipt_template(context: ExportContext, person: Person, run_id: str) -> RunFile:
    """The receipt file of a run, to be filled in. That it was fetched is written in the log. Errors
    as `run_items`.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        items = exports_run_items.list_visible_items(conn, person, run.id)
        events.record(
            conn,
            person.login,
            "fetch_receipt_template",
            run.id,
            unit=exports_run_items.run_unit(conn, run.id),
            entries=len(items),
        )
    return RunFile(
        f"kvittens-{run.id}.csv", "text/csv", receipt_template_csv(run.id, items), "", len(items)
    )


def submit_receipts(
    context: ExportContext,
    person: Person,
    run_id: str,
    answers: Sequence[ReceiptAnswer],
    now: datetime,
) -> ReceiptResult:
    """Settle items of a run as ticked; all or none.

    Raises:
        NotAllowedError: the person may not receipt, or not in one of the units.
        ExportError: an entry is not in the run, or has another receipt already.
    """
    with context.store.begin() as conn:
        require_run(conn, person, run_id, Action.RECEIPT)
        items = {item.entry_id: item for item in exports_run_items.list_run_items(conn, run_id)}
        if strangers := [answer.entry_id for answer in answers if answer.entry_id not in items]:
            raise ExportError("not_run", run_id=run_id, value=_format_names(strangers))
        return settle_receipts(
            conn,
            person,
            [(run_id, Receipt(items[a.entry_id], a.accepted, a.text)) for a in answers],
            now,
        )


def apply_receipt_file(
    context: ExportContext, person: Person, data: bytes, now: datetime
) -> ReceiptResult:
    """Settle what a receipt file says, of one or many runs; all or none. Given again, it changes
    nothing.

    What it says of entries that have left the person's sight is left to those who see them, and
    counted.

    Raises:
        NotAllowedError: the person may not receipt, or may see none of the entries.
        ExportError: a line cannot be read, names no exported entry, or contradicts another
        receipt; the text names the lines.
    """
    with context.store.recording_denials():
        require_permission(person, Action.RECEIPT)
    lines = parse_receipt_file(data)
    with context.store.begin() as conn:
        runs = exports_run_items.list_entry_runs(
            conn, sorted({line.entry_id for line in lines if not line.run})
        )
        if unclear := [
            f"line {line.line}"
            for line in lines
            if not line.run and len(runs.get(line.entry_id, ())) > 1
        ]:
            raise ExportError("receipt_file_does_not_say", value=_format_names(unclear))
        found = sorted(_match_lines_to_items(conn, lines, runs), key=lambda each: each[0].line)
        if unknown := [f"line {line.line}" for line, item in found if item is None]:
            raise ExportError("receipt_file_names_entries_not", value=_format_names(unknown))
        given = [
            (place[0], Receipt(place[1], line.accepted, line.text))
            for line, place in found
            if place and line.accepted is not None
        ]
        own = _visible_receipts(conn, person, given)
        result = settle_receipts(conn, person, own, now)
    return ReceiptResult(
        result.accepted,
        result.refused,
        result.already_known,
        len(lines) - len(given),
        len(given) - len(own),
    )


def _visible_receipts(
    conn: Connection, person: Person, receipts: Sequence[tuple[str, Receipt]]
) -> Sequence[tuple[str, Receipt]]:
    """Those of entries that the person may see; all, which `settle` then refuses, if there is none."""
    seen = visibility.filter_visible_entries(
        conn, person, [receipt.item.entry_id for _, receipt in receipts]
    )
    return [each for each in receipts if each[1].item.entry_id in seen] or receipts


def _match_lines_to_items(
    conn: Connection, lines: Sequence[ReceiptLine], runs: Mapping[str, Sequence[str]]
) -> Iterator[tuple[ReceiptLine, tuple[str, RunItem] | None]]:
    """The run and item that each line means. A run is asked for once, however many lines name it.

    Args:
        runs: by entry, for lines that name none.
    """
    named: dict[str, list[ReceiptLine]] = {}
    for line in lines:
        named.setdefault(line.run or next(iter(runs.get(line.entry_id, ())), ""), []).append(line)
    for run, those in named.items():
        items = exports_run_items.list_run_items(conn, run)
        by_number, by_entry = (
            {str(item.number): item for item in items},
            {item.entry_id: item for item in items},
        )
        for line in those:
            item = (
                by_number.get(line.number)
                if line.run and line.number
                else by_entry.get(line.entry_id)
            )
            agrees = (
                item
                and line.entry_id in ("", item.entry_id)
                and line.number in ("", str(item.number))
            )
            yield line, (run, item) if item and agrees else None


def settle_receipts(
    conn: Connection, person: Person, receipts: Sequence[tuple[str, Receipt]], now: datetime
) -> ReceiptResult:
    """Write down receipts, each with its run; all or none. One that is known changes nothing.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
        ExportError: an entry has another receipt already.
    """
    require_permission(person, Action.RECEIPT)
    entry_ids = sorted({receipt.item.entry_id for _, receipt in receipts})
    for entry_id in sorted(
        set(entry_ids) - visibility.filter_visible_entries(conn, person, entry_ids)
    ):  # says why not
        visibility.require_visible_entry(conn, person, Action.RECEIPT, load_entry(conn, entry_id))
    fresh: dict[tuple[str, int], tuple[str, Receipt]] = {}
    contradictions = []
    for run_id, receipt in receipts:
        key = (receipt.item.entry_id, receipt.item.revision)
        said = fresh[key][1].accepted if key in fresh else receipt.item.accepted
        if said is None:
            fresh[key] = (run_id, receipt)
        elif said != receipt.accepted:
            contradictions.append(receipt.item.entry_id)
    if contradictions:
        raise ExportError("another_receipt", value=_format_names(contradictions))
    _write_receipts(
        conn,
        person,
        [(run_id, _add_default_reason(receipt)) for run_id, receipt in fresh.values()],
        now,
    )
    accepted = sum(receipt.accepted for _, receipt in fresh.values())
    return ReceiptResult(accepted, len(fresh) - accepted, len(receipts) - len(fresh), 0)


def _add_default_reason(receipt: Receipt) -> Receipt:
    return receipt if receipt.accepted or receipt.text else replace(receipt, text=NO_REASON)


def _write_receipts(
    conn: Connection, person: Person, receipts: Sequence[tuple[str, Receipt]], now: datetime
) -> None:
    exports_run_items.save_receipts(conn, receipts, person.login, now)
    for run_id, receipt in receipts:
        action, item = "receipted" if receipt.accepted else "refused", receipt.item
        events.record(
            conn,
            person.login,
            action,
            item.entry_id,
            unit=item.unit,
            run=run_id,
            revision=item.revision,
            current=item.is_current,
        )
    records.mark_accepted(
        conn,
        [
            (receipt.item.entry_id, receipt.item.revision)
            for _, receipt in receipts
            if receipt.accepted
        ],
    )
    for _, receipt in receipts:
        if not receipt.accepted:
            records.mark_refused(conn, receipt.item.entry_id, receipt.item.revision)


def _format_names(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MAX_NAMED_ENTRIES} more" if len(ids) > _MAX_NAMED_ENTRIES else ""
    return ", ".join(ids[:_MAX_NAMED_ENTRIES]) + more
