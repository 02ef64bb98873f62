"""One signature that all entries of a client are in the other system, and its undoing.

A signature becomes the receipts of its entries after some minutes; until then it can be undone by
the person who gave it. It is settled by whoever opens a list next, and by the workers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.domain.errors import EntryChangedError, ExportError
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.export.runs import ExportContext, require_run
from pipeline.store.accounts import visibility
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log import events
from pipeline.store.exports import manual_entry, ready_entries, run_items
from pipeline.store.exports.manual_entry import SignedEntry, find_changes
from pipeline.store.exports.run_items import Connection, Receipt, RunItem
from pipeline.store.exports.runs import lock_run

CLAIM_MINUTES = 20.0
"""How long an entry is held for a person who does nothing."""
UNDO_MINUTES = 10.0
"""How long a signature can be undone."""


def sign_entries(
    context: ExportContext, person: Person, run_id: str, entry_ids: Sequence[str], now: datetime
) -> str:
    """Sign that these entries are in the other system, all or none; return the press's name.

    What is answered or signed for already is left as it is.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
        EntryChangedError: an entry was voided, corrected, rejected or sent back meanwhile.
        ExportError: an entry is not in the run, or another person is keying it in.
    """
    with context.store.begin() as conn:
        require_run(conn, person, run_id, Action.RECEIPT)
        lock_run(conn, run_id)
        items = {item.entry_id: item for item in run_items.list_run_items(conn, run_id)}
        if set(entry_ids) - set(items):
            raise ExportError("not_in_run", run_id=run_id, value=", ".join(sorted(entry_ids)[:20]))
        require_visible_entries(conn, person, entry_ids)
        chosen = [items[entry_id] for entry_id in entry_ids]
        taken = manual_entry.list_claimed_by_others(conn, person.login, now)
        if any((item.entry_id, item.revision) in taken for item in chosen):
            raise ExportError("key_in_taken")
        signed = manual_entry.list_signed(conn, run_id)
        new = [item for item in chosen if item.accepted is None and not _is_signed(item, signed)]
        if changes := find_changes(conn, [item for item in chosen if not _is_signed(item, signed)]):
            raise EntryChangedError("key_in_changed", changes=changes)
        if not new:
            return ""
        revisions = [(item.entry_id, item.revision) for item in new]
        turn = manual_entry.save_signature(conn, person.login, run_id, revisions, now)
        _record(conn, person, "key_in_signed", run_id, new)
        manual_entry.release_claims(conn, person.login)
        return turn


def _is_signed(item: RunItem, signed: Collection[tuple[str, int]]) -> bool:
    return (item.entry_id, item.revision) in signed


def undo_signature(context: ExportContext, person: Person, turn: str, now: datetime) -> int:
    """Undo the person's own signature, and return how many entries are to be keyed in again.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
        ExportError: it is undone already, or it is too late.
    """
    with context.store.begin() as conn:
        require_permission(person, Action.RECEIPT)
        latest, entries = manual_entry.list_open_turn(conn, person.login)
        if latest != turn or _is_late(entries, now):
            raise ExportError("key_in_undo_late")
        require_visible_entries(conn, person, [entry.entry_id for entry in entries])
        run_id = entries[0].run
        items = {item.entry_id: item for item in run_items.list_run_items(conn, run_id)}
        count = manual_entry.undo_turn(conn, person.login, turn, now)
        _record(conn, person, "key_in_undone", run_id, [items[entry.entry_id] for entry in entries])
        return count


def find_open_signature(context: ExportContext, person: Person, now: datetime) -> tuple[str, int]:
    """Return the person's latest signature that can be undone, and of how many entries.

    Raises:
        NotAllowedError: the person does not give receipts.
    """
    with context.store.read() as conn:
        require_permission(person, Action.RECEIPT)
        turn, entries = manual_entry.list_open_turn(conn, person.login)
    return ("", 0) if _is_late(entries, now) else (turn, len(entries))


def _is_late(entries: Sequence[SignedEntry], now: datetime) -> bool:
    return all(now - entry.at > timedelta(minutes=UNDO_MINUTES) for entry in entries)


def settle_signatures(store: Store, now: datetime) -> int:
    """Give the entries of signatures that can no longer be undone their receipts; return how many.

    The receipts are those of the persons who signed, at the moments of their claims. An entry
    that has another answer meanwhile keeps it.
    """
    before = now - timedelta(minutes=UNDO_MINUTES)
    if not store.query(manual_entry.has_due, before):
        return 0
    with store.begin() as conn:
        due = manual_entry.take_due(conn, before)
        items = {
            (run, item.entry_id): item
            for run in {entry.run for entry in due}
            for item in run_items.list_run_items(conn, run)
        }
        unanswered = [
            (entry, items[entry.run, entry.entry_id])
            for entry in due
            if items[entry.run, entry.entry_id].accepted is None
        ]
        for entry, item in unanswered:
            _write_receipt(conn, entry, item)
        manual_entry.mark_settled(conn, [(entry.entry_id, entry.revision) for entry in due], now)
    return len(unanswered)


def _write_receipt(conn: Connection, entry: SignedEntry, item: RunItem) -> None:
    receipt = (entry.run, Receipt(item, accepted=True, text=""))
    run_items.save_receipts(conn, [receipt], entry.by, entry.at)
    ready_entries.mark_accepted(conn, [entry.entry_id])
    events.record(
        conn,
        entry.by,
        "receipted",
        entry.entry_id,
        unit=item.unit,
        run=entry.run,
        revision=entry.revision,
        current=item.is_current,
    )


def require_visible_entries(conn: Connection, person: Person, entry_ids: Sequence[str]) -> None:
    """Check that the person may receipt each entry; one that is hidden raises the reason."""
    visible = visibility.filter_visible_entries(conn, person, Action.RECEIPT, entry_ids)
    for entry_id in sorted(set(entry_ids) - visible):
        visibility.require_visible_entry(conn, person, Action.RECEIPT, load_entry(conn, entry_id))


def _record(
    conn: Connection, person: Person, action: str, run_id: str, items: Sequence[RunItem]
) -> None:
    for item in items:
        events.record(
            conn,
            person.login,
            action,
            item.entry_id,
            unit=item.unit,
            run=run_id,
            revision=item.revision,
        )


# What the person at the screen has copied, as the browser tells it while the person goes on.


def save_copied_parts(
    context: ExportContext,
    person: Person,
    run_id: str,
    copied: Mapping[str, Sequence[str]],
    now: datetime,
) -> None:
    """Store which values of a run's entries the person has copied, and keep the claims on them.

    What was copied is stored also where it turns out that it should not have been.

    Args:
        copied: the names of the copied values by entry; no value itself.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
        EntryChangedError: an entry was voided, corrected, rejected or sent back meanwhile.
        ExportError: an entry is not in the run, or another person is keying it in.
    """
    with context.store.begin() as conn:
        require_run(conn, person, run_id, Action.RECEIPT)
        items = {item.entry_id: item for item in run_items.list_run_items(conn, run_id)}
        if set(copied) - set(items):
            raise ExportError("not_in_run", run_id=run_id, value=", ".join(sorted(copied)[:20]))
        require_visible_entries(conn, person, list(copied))
        parts = {
            (entry_id, items[entry_id].revision): list(names) for entry_id, names in copied.items()
        }
        manual_entry.save_copies(conn, person.login, parts, now)
        changes = find_changes(conn, [items[entry_id] for entry_id in copied])
        signed = manual_entry.list_signed(conn, run_id)
        held = [
            manual_entry.claim_entry(conn, person.login, entry_id, revision, now, CLAIM_MINUTES)
            for entry_id, revision in parts
            if (entry_id, revision) not in signed
        ]
    if changes:
        raise EntryChangedError("key_in_changed", changes=changes)
    if not all(held):
        raise ExportError("key_in_taken")
