"""Deciding on a pair of the clash list: already keyed in (redan inmatad), or something else (inte
samma). Either can be taken back.

What is keyed in already becomes a duplicate like any other (`store/duplicate_marks.py`): put
aside with what it was compared with, never exported, and never gone. Where it stood in a list to
key in, its place there is answered first, as refused: the other system did not get it from us.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.export.care_system_check.matches import erase_settled_lists
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import settle_receipts
from pipeline.registers.care_system_list import CareList
from pipeline.store.accounts import visibility
from pipeline.store.accounts.protected_identity import find_hidden_pids
from pipeline.store.entries.entry import Entry, load_entry, stale_decision_error
from pipeline.store.event_log import events
from pipeline.store.exports import run_items
from pipeline.store.exports.run_items import Connection, Receipt
from pipeline.store.registers import care_system_matches
from pipeline.store.registers.care_system_exports import save_list
from pipeline.store.registers.care_system_matches import CareSystemRow
from pipeline.store.review.duplicate_entries import ComparisonSource, mark_duplicate

ALREADY_KEYED_IN = "Redan inmatad i vårdsystemet av någon annan."


def import_care_list(
    context: ExportContext, person: Person, unit: str, area: str, care_list: CareList, now: datetime
) -> int:
    """Keep what the care system has and compare with it; answers with the list's id.

    Raises:
        NotAllowedError: the person does not review in this unit and area of law.
        UsageError: there is no such unit, or no row.
    """
    with context.store.begin() as conn:
        made = save_list(conn, person, unit, area, care_list.rows, now)
        erase_settled_lists(conn, context.forms, context.settings.clash_minutes, now)
        return made


def record_match_view(
    conn: Connection, person: Person, entry_id: str, digest: str, now: datetime
) -> None:
    """Write in the log that somebody looked at a pair.

    Raises:
        NotAllowedError: another unit or area of law, a block, or a hidden identity.
        StaleDecisionError: the pair is decided, or its list erased.
    """
    found = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.FOLLOW_UP, found)
    _load_undecided_row(conn, person, found, digest, now)
    events.record(conn, person.login, "view_clash", entry_id, unit=found.unit)


def confirm_match(
    context: ExportContext, person: Person, entry_id: str, revision: int, digest: str, now: datetime
) -> int:
    """It is in the care system: put the entry aside as a duplicate of the row, of which a copy is
    kept with the mark; answers with the mark's id.

    Raises:
        NotAllowedError: as `view_clash`, or the person does not review.
        StaleDecisionError: the entry has moved on, or the pair is decided.
    """
    with context.store.begin() as conn:
        found = load_entry(conn, entry_id)
        visibility.require_visible_entry(conn, person, Action.REVIEW, found)
        row = _load_undecided_row(conn, person, found, digest, now)
        if found.revision != revision:
            raise stale_decision_error()
        was = (
            _settle_manual_entries(conn, person, found, now)
            if found.state is EntryState.EXPORTED
            else found
        )
        compared = ComparisonSource(text=_row_text(row))
        now_at = load_entry(conn, entry_id).revision
        mark = mark_duplicate(
            conn,
            context.store.images,
            person,
            entry_id,
            now_at,
            compared,
            ALREADY_KEYED_IN,
            now,
            signed=True,
            previous=was,
        )
        care_system_matches.save_match_decision(conn, person, found, digest, now, mark=mark)
        return mark


def reject_match(
    context: ExportContext, person: Person, entry_id: str, revision: int, digest: str, now: datetime
) -> int:
    """It is not the same: the entry goes on. Answers with the decision's id. Errors as
    `already_there`.
    """
    with context.store.begin() as conn:
        found = load_entry(conn, entry_id)
        visibility.require_visible_entry(conn, person, Action.REVIEW, found)
        _load_undecided_row(conn, person, found, digest, now)
        if found.revision != revision:
            raise stale_decision_error()
        return care_system_matches.save_match_decision(conn, person, found, digest, now, mark=None)


def _load_undecided_row(
    conn: Connection, person: Person, entry: Entry, digest: str, now: datetime
) -> CareSystemRow:
    """The row of a pair that nobody has decided on, if the person may know whom it is about."""
    row = next(
        (
            said
            for _, said in care_system_matches.list_undecided_pairs(conn, now, [entry.id])
            if said.digest == digest
        ),
        None,
    )
    if row is None:
        raise stale_decision_error()
    if find_hidden_pids(conn, person, [row.pid]):
        raise NotAllowedError(
            "identity_protected", by=person.login, action=Action.REVIEW.value, unit=entry.unit
        )
    return row


def _settle_manual_entries(conn: Connection, person: Person, entry: Entry, now: datetime) -> Entry:
    """Answer for an entry's places in lists to key in, of which a correction has made several; what
    it was before it was exported.
    """
    places = run_items.list_unanswered_items(
        conn, entry.id, care_system_matches.MANUAL_ENTRY_TARGET
    )
    if not places:
        raise stale_decision_error()
    settle_receipts(
        conn,
        person,
        [(run_id, Receipt(item, accepted=False, text=ALREADY_KEYED_IN)) for run_id, item in places],
        now,
    )
    return replace(entry, state=EntryState.SIGNED if entry.signed_by else EntryState.CONFIRMED)


def _row_text(row: CareSystemRow) -> str:
    """The row as the mark keeps it."""
    return "\n".join(
        part for part in (f"{row.day} {row.clock}".strip(), row.kind, row.text, row.author) if part
    )
