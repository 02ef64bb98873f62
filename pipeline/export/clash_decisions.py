"""Deciding on a pair of the clash list: already keyed in (redan inmatad), or something else (inte samma). Either can be taken back.

What is keyed in already becomes a duplicate like any other (`store/duplicate_marks.py`): put aside with what it was compared with, never exported,
and never gone. Where it stood in a list to key in, its place there is answered first, as refused: the other system did not get it from us.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline.access import Action
from pipeline.care_list import CareList
from pipeline.errors import NotAllowedError
from pipeline.export.clashes import erase_done
from pipeline.export.receipts import settle
from pipeline.export.runs import Office
from pipeline.model import EntryState, Person
from pipeline.store import clash_pairs, events, exports, sight
from pipeline.store.care_lists import save_list
from pipeline.store.clash_pairs import CareSaid
from pipeline.store.duplicate_marks import Compared, mark_duplicate
from pipeline.store.entries import Entry, entry, stale
from pipeline.store.exports import Connection, Receipt
from pipeline.store.protection import hidden_numbers

ALREADY = "Redan inmatad i vårdsystemet av någon annan."


def hand_in(office: Office, person: Person, unit: str, area: str, found: CareList, now: datetime) -> int:
    """Keep what the care system has and compare with it; answers with the list's id.

    Raises:
        NotAllowedError: the person does not review in this unit and area of law.
        UsageError: there is no such unit, or no row.
    """
    with office.store.begin() as conn:
        made = save_list(conn, person, unit, area, found.rows, now)
        erase_done(conn, office.forms, office.settings.clash_minutes, now)
        return made


def view_clash(conn: Connection, person: Person, entry_id: str, digest: str, now: datetime) -> None:
    """Write in the log that somebody looked at a pair.

    Raises:
        NotAllowedError: another unit or area of law, a block, or a hidden identity.
        StaleDecisionError: the pair is decided, or its list erased.
    """
    found = entry(conn, entry_id)
    sight.require_entry(conn, person, Action.FOLLOW_UP, found)
    _row(conn, person, found, digest, now)
    events.record(conn, person.login, "view_clash", entry_id, unit=found.unit)


def already_there(office: Office, person: Person, entry_id: str, revision: int, digest: str, now: datetime) -> int:
    """It is in the care system: put the entry aside as a duplicate of the row, of which a copy is kept with the mark; answers with the mark's id.

    Raises:
        NotAllowedError: as `view_clash`, or the person does not review.
        StaleDecisionError: the entry has moved on, or the pair is decided.
    """
    with office.store.begin() as conn:
        found = entry(conn, entry_id)
        sight.require_entry(conn, person, Action.REVIEW, found)
        row = _row(conn, person, found, digest, now)
        if found.revision != revision:
            raise stale()
        was = _answered(conn, person, found, now) if found.state is EntryState.EXPORTED else found
        compared = Compared(text=_words(row))
        now_at = entry(conn, entry_id).revision
        mark = mark_duplicate(conn, office.store.images, person, entry_id, now_at, compared, ALREADY, now, signed=True, was=was)
        clash_pairs.add_decision(conn, person, found, digest, now, mark=mark)
        return mark


def something_else(office: Office, person: Person, entry_id: str, revision: int, digest: str, now: datetime) -> int:
    """It is not the same: the entry goes on. Answers with the decision's id. Errors as `already_there`."""
    with office.store.begin() as conn:
        found = entry(conn, entry_id)
        sight.require_entry(conn, person, Action.REVIEW, found)
        _row(conn, person, found, digest, now)
        if found.revision != revision:
            raise stale()
        return clash_pairs.add_decision(conn, person, found, digest, now, mark=None)


def _row(conn: Connection, person: Person, found: Entry, digest: str, now: datetime) -> CareSaid:
    """The row of a pair that nobody has decided on, if the person may know whom it is about."""
    row = next((said for _, said in clash_pairs.undecided_pairs(conn, now, [found.id]) if said.digest == digest), None)
    if row is None:
        raise stale()
    if hidden_numbers(conn, person, [row.pid]):
        raise NotAllowedError("identity_protected", by=person.login, action=Action.REVIEW.value, unit=found.unit)
    return row


def _answered(conn: Connection, person: Person, found: Entry, now: datetime) -> Entry:
    """Answer for an entry's places in lists to key in, of which a correction has made several; what it was before it was exported."""
    places = exports.unanswered_items(conn, found.id, clash_pairs.KEYED_IN)
    if not places:
        raise stale()
    settle(conn, person, [(run_id, Receipt(item, accepted=False, text=ALREADY)) for run_id, item in places], now)
    return replace(found, state=EntryState.SIGNED if found.signed_by else EntryState.CONFIRMED)


def _words(row: CareSaid) -> str:
    """The row as the mark keeps it."""
    return "\n".join(part for part in (f"{row.day} {row.clock}".strip(), row.kind, row.text, row.author) if part)
