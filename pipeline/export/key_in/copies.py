"""What the person at the screen has copied, as the browser tells it while the person goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pipeline.domain.errors import EntryChangedError, ExportError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.export.key_in.screen import CLAIM_MINUTES
from pipeline.export.key_in.signatures import require_visible_entries
from pipeline.export.runs import ExportContext, require_run
from pipeline.store.exports import manual_entry, run_items
from pipeline.store.exports.manual_entry import find_changes


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
