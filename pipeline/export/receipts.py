"""Receipts: what the target system says of the entries that it was given.

An accepted entry is done (kvitterad). A refused one goes back to review with the target's words as its reason, and can be exported again once a
person has confirmed it. A receipt for an export that has been overtaken by a correction is kept, and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.access import Action, require
from pipeline.errors import ExportError
from pipeline.export.receipt_file import ReceiptLine, read_lines, template
from pipeline.export.run_files import RunFile, open_run
from pipeline.export.runs import Office
from pipeline.model import Person
from pipeline.store import events, exports, records, sight
from pipeline.store.entries import entry
from pipeline.store.exports import Connection, Receipt, RunItem

NO_REASON = "Mottagaren har inte angett något skäl."
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A tick in the list: whether the target took the entry, and what it said."""

    entry_id: str
    accepted: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """How many entries were settled. `already`: known before; `unanswered`: lines without a status; `hidden`: of what the person may not see."""

    accepted: int
    refused: int
    already: int
    unanswered: int
    hidden: int = 0


def run_items(office: Office, person: Person, run_id: str) -> list[RunItem]:
    """The items of a run that the person may see, with the receipts there are. That it was looked at is written in the log.

    Raises:
        NotAllowedError: the person may not see any of them.
        ExportError: there is no such run.
    """
    with office.store.begin() as conn:
        run = open_run(conn, person, run_id, Action.EXPORT)
        items = exports.visible_items(conn, person, run.id)
        events.record(conn, person.login, "view_export", run.id, unit=exports.unit_of(conn, run.id), entries=len(items))
        return items


def receipt_template(office: Office, person: Person, run_id: str) -> RunFile:
    """The receipt file of a run, to be filled in. That it was fetched is written in the log. Errors as `run_items`."""
    with office.store.begin() as conn:
        run = open_run(conn, person, run_id, Action.EXPORT)
        items = exports.visible_items(conn, person, run.id)
        events.record(conn, person.login, "fetch_receipt_template", run.id, unit=exports.unit_of(conn, run.id), entries=len(items))
    return RunFile(f"kvittens-{run.id}.csv", "text/csv", template(run.id, items), "", len(items))


def give_receipts(office: Office, person: Person, run_id: str, answers: Sequence[Answer], now: datetime) -> ReceiptResult:
    """Settle items of a run as ticked; all or none.

    Raises:
        NotAllowedError: the person may not receipt, or not in one of the units.
        ExportError: an entry is not in the run, or has another receipt already.
    """
    with office.store.begin() as conn:
        open_run(conn, person, run_id, Action.RECEIPT)
        items = {item.entry_id: item for item in exports.items_of(conn, run_id)}
        if strangers := [answer.entry_id for answer in answers if answer.entry_id not in items]:
            raise ExportError("not_run", run_id=run_id, value=_named(strangers))
        return settle(conn, person, [(run_id, Receipt(items[a.entry_id], a.accepted, a.text)) for a in answers], now)


def apply_receipt_file(office: Office, person: Person, data: bytes, now: datetime) -> ReceiptResult:
    """Settle what a receipt file says, of one or many runs; all or none. Given again, it changes nothing.

    What it says of entries that have left the person's sight is left to those who see them, and counted.

    Raises:
        NotAllowedError: the person may not receipt, or may see none of the entries.
        ExportError: a line cannot be read, names no exported entry, or contradicts another receipt; the text names the lines.
    """
    with office.store.noting_denials():
        require(person, Action.RECEIPT)
    lines = read_lines(data)
    with office.store.begin() as conn:
        runs = exports.runs_of(conn, sorted({line.entry_id for line in lines if not line.run}))
        if unclear := [f"line {line.line}" for line in lines if not line.run and len(runs.get(line.entry_id, ())) > 1]:
            raise ExportError("receipt_file_does_not_say", value=_named(unclear))
        found = sorted(_found(conn, lines, runs), key=lambda each: each[0].line)
        if unknown := [f"line {line.line}" for line, item in found if item is None]:
            raise ExportError("receipt_file_names_entries_not", value=_named(unknown))
        given = [(place[0], Receipt(place[1], line.accepted, line.text)) for line, place in found if place and line.accepted is not None]
        own = _own(conn, person, given)
        result = settle(conn, person, own, now)
    return ReceiptResult(result.accepted, result.refused, result.already, len(lines) - len(given), len(given) - len(own))


def _own(conn: Connection, person: Person, given: Sequence[tuple[str, Receipt]]) -> Sequence[tuple[str, Receipt]]:
    """Those of entries that the person may see; all, which `settle` then refuses, if there is none."""
    seen = sight.visible_among(conn, person, [receipt.item.entry_id for _, receipt in given])
    return [each for each in given if each[1].item.entry_id in seen] or given


def _found(
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
        items = exports.items_of(conn, run)
        by_number, by_entry = {str(item.number): item for item in items}, {item.entry_id: item for item in items}
        for line in those:
            item = by_number.get(line.number) if line.run and line.number else by_entry.get(line.entry_id)
            agrees = item and line.entry_id in ("", item.entry_id) and line.number in ("", str(item.number))
            yield line, (run, item) if item and agrees else None


def settle(conn: Connection, person: Person, given: Sequence[tuple[str, Receipt]], now: datetime) -> ReceiptResult:
    """Write down receipts, each with its run; all or none. One that is known changes nothing.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
        ExportError: an entry has another receipt already.
    """
    require(person, Action.RECEIPT)
    entry_ids = sorted({receipt.item.entry_id for _, receipt in given})
    for entry_id in sorted(set(entry_ids) - sight.visible_among(conn, person, entry_ids)):  # says why not
        sight.require_entry(conn, person, Action.RECEIPT, entry(conn, entry_id))
    fresh: dict[tuple[str, int], tuple[str, Receipt]] = {}
    contradictions = []
    for run_id, receipt in given:
        key = (receipt.item.entry_id, receipt.item.revision)
        said = fresh[key][1].accepted if key in fresh else receipt.item.accepted
        if said is None:
            fresh[key] = (run_id, receipt)
        elif said != receipt.accepted:
            contradictions.append(receipt.item.entry_id)
    if contradictions:
        raise ExportError("another_receipt", value=_named(contradictions))
    _write(conn, person, [(run_id, _with_reason(receipt)) for run_id, receipt in fresh.values()], now)
    accepted = sum(receipt.accepted for _, receipt in fresh.values())
    return ReceiptResult(accepted, len(fresh) - accepted, len(given) - len(fresh), 0)


def _with_reason(receipt: Receipt) -> Receipt:
    return receipt if receipt.accepted or receipt.text else replace(receipt, text=NO_REASON)


def _write(conn: Connection, person: Person, given: Sequence[tuple[str, Receipt]], now: datetime) -> None:
    exports.add_receipts(conn, given, person.login, now)
    for run_id, receipt in given:
        action, item = "receipted" if receipt.accepted else "refused", receipt.item
        events.record(conn, person.login, action, item.entry_id, unit=item.unit, run=run_id, revision=item.revision, current=item.current)
    records.mark_accepted(conn, [(receipt.item.entry_id, receipt.item.revision) for _, receipt in given if receipt.accepted])
    for _, receipt in given:
        if not receipt.accepted:
            records.mark_refused(conn, receipt.item.entry_id, receipt.item.revision)


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more
