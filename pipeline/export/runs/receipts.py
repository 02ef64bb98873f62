"""Receipts: what the target system answers about the entries that it was given.

An accepted entry is done (kvitterad). A refused one goes back to review with the target's words
as its reason, and can be exported again once a person has confirmed it. A receipt for an export
that a correction has superseded is saved, and changes nothing else.

A receipt file (kvittensfil) comes with every run, to be filled in by the target system's staff or
made by the system. It is CSV or xlsx with the columns `körning`, `löpnummer`, `post`, `status`,
`text` in any order. A line is found by its `post`, or by `körning` and `löpnummer`; where both are
given they must agree. `status` is godkänd or nekad (other words: `STATUS_WORDS`); an empty status
means not answered yet. `text` says why it was refused. Delimiter of CSV: `;`, `,` or tab; UTF-8,
UTF-16 or Windows-1252.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.export.context import ExportContext
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.runs.files import RunFile, require_run
from pipeline.files.csv_tables import write_csv
from pipeline.files.sandbox_process import NoTableError, read_foreign_table
from pipeline.files.text import make_printable
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries, run_items, runs
from pipeline.store.exports.run_items import Connection, Receipt, RunItem
from pipeline.texts import Text

HEADER = ("körning", "löpnummer", "post", "status", "text")
STATUS_WORDS = {
    **dict.fromkeys(("godkänd", "godkand", "ok", "ja", "inskriven", "accepterad"), True),
    **dict.fromkeys(("nekad", "fel", "nej", "avvisad"), False),
}
"""What a status may say, and whether it means that the entry was accepted."""
_STATUS_TEXTS = {None: "", True: "godkänd", False: "nekad"}
NO_REASON = Text("receipt_text.no_reason")
"""The reason of a refusal without one."""
_MAX_NAMED_ENTRIES = 20
"""How many entries an error names."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of a receipt file. `accepted` is None where it is not answered."""

    line: int
    run: str
    number: str
    entry_id: str
    accepted: bool | None
    text: str


def receipt_template_csv(run_id: str, items: Sequence[RunItem]) -> bytes:
    """Return the file to fill in, with the answers there are already."""
    return write_csv(
        HEADER,
        [
            (run_id, str(item.number), item.entry_id, _STATUS_TEXTS[item.accepted], item.text)
            for item in items
        ],
    )


def parse_receipt_file(data: bytes) -> list[ReceiptLine]:
    """Return the lines of a receipt file.

    Raises:
        ExportError: it is no such table, or a status is unknown; the text names the lines.
        UsageError: it is an old or damaged workbook, or too large.
    """
    try:
        (_, titles), *others = read_foreign_table(data, "The receipt file", strict=True) or [
            (0, ())
        ]
    except NoTableError as error:
        raise ExportError("receipts_no_table") from error
    names = [name.strip().lower() for name in titles]
    # NUL and the like, which a database may refuse, do not stop the other lines.
    lines = [
        (number, _cells_by_column(names, [make_printable(cell) for cell in cells]))
        for number, cells in others
    ]
    # A line needs a status, and a way to find its entry.
    if "status" not in names or not (
        {"post"} <= set(names) or {"körning", "löpnummer"} <= set(names)
    ):
        raise ExportError("receipts_columns_missing")
    if repeated := [name for name in HEADER if names.count(name) > 1]:
        raise ExportError("receipts_column_duplicate", columns=", ".join(repeated))
    if unknown := [
        number
        for number, row in lines
        if row["status"] and row["status"].lower() not in STATUS_WORDS
    ]:
        raise ExportError("receipts_status_unknown", lines=", ".join(map(str, unknown)))
    return [_parse_line(number, row) for number, row in lines if any(row.values())]


def _cells_by_column(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return the cells of a row by column; empty where the row is too short."""
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
    """An answer about an entry: whether the target accepted it, and its words."""

    entry_id: str
    accepted: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """How many entries were settled.

    `already_known`: settled before; `unanswered`: lines without a status; `hidden`: of entries
    that the person may not see.
    """

    accepted: int
    refused: int
    already: int
    unanswered: int
    hidden: int = 0


def open_run_items(context: ExportContext, person: Person, run_id: str) -> list[RunItem]:
    """Return the items of a run that the person may see, and write that in the log.

    Raises:
        NotAllowedError: the person may not see any of them.
        ExportError: there is no such run.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        items = run_items.list_visible_items(conn, person, run.id)
        events.record(
            conn,
            person.login,
            "view_export",
            run.id,
            unit=run_items.run_unit(conn, run.id),
            entries=len(items),
        )
        return items


def fetch_receipt_template(context: ExportContext, person: Person, run_id: str) -> RunFile:
    """Return the receipt file of a run, to be filled in, and write that in the log.

    Errors as `open_run_items`.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        items = run_items.list_visible_items(conn, person, run.id)
        events.record(
            conn,
            person.login,
            "fetch_receipt_template",
            run.id,
            unit=run_items.run_unit(conn, run.id),
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
        items = {item.entry_id: item for item in run_items.list_run_items(conn, run_id)}
        if unknown := [answer.entry_id for answer in answers if answer.entry_id not in items]:
            raise ExportError("not_in_run", run_id=run_id, value=_format_names(unknown))
        return settle_receipts(
            conn,
            person,
            [
                (run_id, Receipt(items[answer.entry_id], answer.accepted, answer.text))
                for answer in answers
            ],
            now,
        )


def apply_receipt_file(
    context: ExportContext, person: Person, data: bytes, now: datetime
) -> ReceiptResult:
    """Settle the answers of a receipt file, of one or many runs; all or none.

    The same file again changes nothing. Answers about entries that the person may no longer see
    are left to those who may, and counted.

    Raises:
        NotAllowedError: the person may not receipt, or may see none of the entries.
        ExportError: a line cannot be read, names no exported entry, or contradicts another
        receipt; the text names the lines.
    """
    context.store.require_permission(person, Action.RECEIPT)
    lines = parse_receipt_file(data)
    with context.store.begin() as conn:
        # A line without a run means the only run of its entry.
        runs = run_items.list_entry_runs(
            conn, sorted({line.entry_id for line in lines if not line.run})
        )
        if ambiguous := [
            f"line {line.line}"
            for line in lines
            if not line.run and len(runs.get(line.entry_id, ())) > 1
        ]:
            raise ExportError("receipt_version_ambiguous", value=_format_names(ambiguous))
        matched = sorted(_match_lines_to_items(conn, lines, runs), key=lambda match: match[0].line)
        if unknown := [f"line {line.line}" for line, item in matched if item is None]:
            raise ExportError("receipt_of_unexported_entries", value=_format_names(unknown))
        answered = [
            (run_item[0], Receipt(run_item[1], line.accepted, line.text))
            for line, run_item in matched
            if run_item and line.accepted is not None
        ]
        visible = _visible_receipts(conn, person, answered)
        result = settle_receipts(conn, person, visible, now)
    return ReceiptResult(
        result.accepted,
        result.refused,
        result.already,
        len(lines) - len(answered),
        len(answered) - len(visible),
    )


def _visible_receipts(
    conn: Connection, person: Person, receipts: Sequence[tuple[str, Receipt]]
) -> Sequence[tuple[str, Receipt]]:
    """Return the receipts of entries that the person may see.

    If there are none, all are returned: `settle_receipts` then raises why.
    """
    visible_ids = visibility.filter_visible_entries(
        conn, person, Action.RECEIPT, [receipt.item.entry_id for _, receipt in receipts]
    )
    visible = [
        (run_id, receipt) for run_id, receipt in receipts if receipt.item.entry_id in visible_ids
    ]
    return visible or receipts


def _match_lines_to_items(
    conn: Connection, lines: Sequence[ReceiptLine], runs: Mapping[str, Sequence[str]]
) -> Iterator[tuple[ReceiptLine, tuple[str, RunItem] | None]]:
    """Yield the run and item that each line means; None where it means none.

    Args:
        runs: by entry, for lines that name no run.
    """
    # A run is loaded once, however many lines name it.
    lines_by_run: dict[str, list[ReceiptLine]] = {}
    for line in lines:
        run = line.run or next(iter(runs.get(line.entry_id, ())), "")
        lines_by_run.setdefault(run, []).append(line)
    for run, run_lines in lines_by_run.items():
        items = run_items.list_run_items(conn, run)
        by_number = {str(item.number): item for item in items}
        by_entry = {item.entry_id: item for item in items}
        for line in run_lines:
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
    """Write down receipts, each with its run; all or none. A known one changes nothing.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
        ExportError: an entry has another receipt already, or a run was undone.
    """
    require_permission(person, Action.RECEIPT)
    for run_id in sorted({run_id for run_id, _ in receipts}):
        runs.lock_run(conn, run_id)
    entry_ids = sorted({receipt.item.entry_id for _, receipt in receipts})
    # An entry that the person may not see raises the reason.
    for entry_id in sorted(
        set(entry_ids) - visibility.filter_visible_entries(conn, person, Action.RECEIPT, entry_ids)
    ):
        visibility.require_visible_entry(conn, person, Action.RECEIPT, load_entry(conn, entry_id))
    # New receipts by entry and revision; a second one has to agree with the first.
    new: dict[tuple[str, int], tuple[str, Receipt]] = {}
    contradictions = []
    for run_id, receipt in receipts:
        key = (receipt.item.entry_id, receipt.item.revision)
        earlier = new[key][1].accepted if key in new else receipt.item.accepted
        if earlier is None:
            new[key] = (run_id, receipt)
        elif earlier != receipt.accepted:
            contradictions.append(receipt.item.entry_id)
    if contradictions:
        raise ExportError("receipt_contradicts", value=_format_names(contradictions))
    _write_receipts(
        conn,
        person,
        [(run_id, _add_default_reason(receipt)) for run_id, receipt in new.values()],
        now,
    )
    accepted = sum(receipt.accepted for _, receipt in new.values())
    return ReceiptResult(accepted, len(new) - accepted, len(receipts) - len(new), 0)


def _add_default_reason(receipt: Receipt) -> Receipt:
    if receipt.accepted or receipt.text:
        return receipt
    return replace(receipt, text=NO_REASON.in_language(DATA_LANGUAGE))


def _write_receipts(
    conn: Connection, person: Person, receipts: Sequence[tuple[str, Receipt]], now: datetime
) -> None:
    run_items.save_receipts(conn, receipts, person.login, now)
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
    ready_entries.mark_accepted(
        conn, sorted({receipt.item.entry_id for _, receipt in receipts if receipt.accepted})
    )
    for _, receipt in receipts:
        if not receipt.accepted:
            ready_entries.mark_refused(conn, receipt.item.entry_id, receipt.item.revision)


def _format_names(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MAX_NAMED_ENTRIES} more" if len(ids) > _MAX_NAMED_ENTRIES else ""
    return ", ".join(ids[:_MAX_NAMED_ENTRIES]) + more
