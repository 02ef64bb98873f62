"""What became of entries of a run since it was made, for whoever is keying them in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, select

from pipeline.domain.model import EntryState
from pipeline.domain.record import EntryChange
from pipeline.store.accounts.people import names_by_login
from pipeline.store.exports.run_items import RunItem
from pipeline.store.schema.exports import receipt
from pipeline.store.schema.paper import entry


def find_changes(conn: Connection, items: Sequence[RunItem]) -> list[EntryChange]:
    """Return who voided, corrected, rejected or sent back which of these items, and when.

    An item that is still the state of its entry, or that its system has accepted, is left out.
    """
    names = names_by_login(conn)
    changes = []
    for item in items:
        if item.accepted or (item.is_current and item.accepted is None):
            continue
        kind, by, at = _find_change(conn, item)
        changes.append(EntryChange(item.number, item.entry_id, kind, names.get(by, by), at))
    return changes


def _find_change(conn: Connection, item: RunItem) -> tuple[str, str, datetime | None]:
    if item.accepted is False:
        is_answer = and_(receipt.c.entry == item.entry_id, receipt.c.revision == item.revision)
        answer = conn.execute(select(receipt.c.by, receipt.c.at).where(is_answer)).one()
        return "refused", answer.by, answer.at
    row = conn.execute(select(entry).where(entry.c.id == item.entry_id)).one()
    if row.state == EntryState.REJECTED.value and row.voided is None and row.second_by:
        return "rejected", row.second_by, row.second_at
    kind = (
        "voided"
        if row.voided is not None
        else "rejected"
        if row.state == EntryState.REJECTED.value
        else "corrected"
    )
    return kind, row.first_by or "", row.first_at
