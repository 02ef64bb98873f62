"""Deciding on a possible match: already keyed in (redan inmatad), or not the same (inte samma).

Either decision can be withdrawn. What is keyed in already becomes a duplicate like any other
(`store/review/duplicate_entries.py`): rejected with what it was compared with, never exported, and
never deleted. Its place in a key-in list is answered first, as refused: the care system did not
get it from Efterskrift.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import MANUAL_ENTRY_TARGET
from pipeline.export.care_system_matches import erase_settled_lists
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import settle_receipts
from pipeline.registers.care_system_list import CareList
from pipeline.review.rejections import ComparisonSource, Duplicate, mark_duplicate
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import Entry, load_entry, load_visible_entry, stale_decision_error
from pipeline.store.event_log import events
from pipeline.store.exports import care_system_matches, run_items
from pipeline.store.exports.care_system_exports import save_list
from pipeline.store.exports.care_system_matches import CareSystemRow
from pipeline.store.exports.run_items import Connection, Receipt
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.texts import Text

ALREADY_KEYED_IN = Text("receipt_text.already_keyed_in")


def import_care_list(
    context: ExportContext, person: Person, unit: str, area: str, care_list: CareList, now: datetime
) -> int:
    """Save a list of what the care system has, to compare with; return its id.

    Raises:
        NotAllowedError: the person does not review in this unit and area of law.
        UsageError: there is no such unit, or no row.
    """
    with context.store.begin() as conn:
        list_id = save_list(conn, person, unit, area, care_list.rows, now)
        erase_settled_lists(conn, context.forms, context.settings.clash_minutes, now)
        return list_id


def record_match_view(
    conn: Connection, person: Person, entry_id: str, digest: str, now: datetime
) -> None:
    """Write in the log that a person looked at a pair.

    Raises:
        NotAllowedError: another unit or area of law, a block, or a hidden identity.
        StaleDecisionError: the pair is decided, or its list erased.
    """
    entry = load_visible_entry(conn, person, Action.FOLLOW_UP, entry_id)
    _load_undecided_row(conn, person, entry, digest, now)
    events.record(conn, person.login, "view_clash", entry_id, unit=entry.unit)


def confirm_match(
    context: ExportContext, person: Person, entry_id: str, revision: int, digest: str, now: datetime
) -> int:
    """Reject an entry as a duplicate of a row of the care system; return the mark's id.

    A copy of the row is kept with the mark.

    Raises:
        NotAllowedError: as `record_match_view`, or the person does not review.
        StaleDecisionError: the entry has moved on, or the pair is decided.
    """
    with context.store.begin() as conn:
        entry = load_entry(conn, entry_id)
        visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
        row = _load_undecided_row(conn, person, entry, digest, now)
        if entry.revision != revision:
            raise stale_decision_error()
        # An entry in key-in lists first leaves these, which changes its revision.
        previous = _settle_manual_entries(conn, person, entry, now)
        current_revision = load_entry(conn, entry_id).revision
        duplicate = Duplicate(
            entry_id,
            current_revision,
            ComparisonSource(text=_row_text(row)),
            ALREADY_KEYED_IN.in_language(DATA_LANGUAGE),
            previous,
        )
        mark = mark_duplicate(conn, context.store.images, person, duplicate, now)
        care_system_matches.save_match_decision(conn, person, entry, digest, now, mark=mark)
        return mark


def reject_match(
    context: ExportContext, person: Person, entry_id: str, revision: int, digest: str, now: datetime
) -> int:
    """Decide that a pair is not the same, so that the entry goes on; return the decision's id.

    Errors as `confirm_match`.
    """
    with context.store.begin() as conn:
        entry = load_entry(conn, entry_id)
        visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
        _load_undecided_row(conn, person, entry, digest, now)
        if entry.revision != revision:
            raise stale_decision_error()
        return care_system_matches.save_match_decision(conn, person, entry, digest, now, mark=None)


def _load_undecided_row(
    conn: Connection, person: Person, entry: Entry, digest: str, now: datetime
) -> CareSystemRow:
    """Return the row of an undecided pair, if the person may know whom it is about."""
    row = next(
        (
            care_row
            for _, care_row in care_system_matches.list_undecided_pairs(conn, now, [entry.id])
            if care_row.digest == digest
        ),
        None,
    )
    if row is None:
        raise stale_decision_error()
    if find_hidden_pids(conn, person, [row.pid]):
        raise NotAllowedError(
            "identity_protected",
            by=person.login,
            action=Action.REVIEW.value,
            unit=entry.unit,
            subject=entry.id,
        )
    return row


def _settle_manual_entries(conn: Connection, person: Person, entry: Entry, now: datetime) -> Entry:
    """Answer an entry's items in key-in lists as refused; return it as it was before its export.

    A correction puts an entry into several lists.
    """
    items = run_items.list_unanswered_items(conn, entry.id, MANUAL_ENTRY_TARGET)
    if not items and entry.state is EntryState.EXPORTED:
        raise stale_decision_error()
    if not items:
        return entry
    reason = ALREADY_KEYED_IN.in_language(DATA_LANGUAGE)
    settle_receipts(
        conn,
        person,
        [(run_id, Receipt(item, accepted=False, text=reason)) for run_id, item in items],
        now,
    )
    return replace(entry, state=EntryState.SIGNED if entry.signed_by else EntryState.CONFIRMED)


def _row_text(row: CareSystemRow) -> str:
    """Return the row as the mark keeps it."""
    return "\n".join(
        part for part in (f"{row.day} {row.clock}".strip(), row.kind, row.text, row.author) if part
    )
