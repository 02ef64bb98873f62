"""Taking back the own last decision: what was decided is reviewed again, and what was put aside is again what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import NotAllowedError, ReviewError
from pipeline.model import EntryState, Person
from pipeline.store import sight, tables
from pipeline.store.answers import How, decided, ends_in_correction, keep_drafts
from pipeline.store.claims import CLAIM_MINUTES
from pipeline.store.decisions import refuse_ended
from pipeline.store.duplicate_marks import standing_mark, take_back_duplicate
from pipeline.store.entries import DECIDED, OPEN, UNDECIDED, Entry, change, entries, entry, held_by_other, refuse_void, stale
from pipeline.store.events import events_of, record
from pipeline.store.form_areas import FREE_NOTE, lay_free_note
from pipeline.store.second_person import may_not_judge
from pipeline.store.version_tables import entry_version
from pipeline.store.versions import reason_before

_entry = tables.entry
_TO_UNDO = DECIDED | {EntryState.SECOND, EntryState.REJECTED}
_NOT_TYPED = frozenset({How.PAGE_MISSING, How.GROUP})


def undo(conn: Connection, person: Person, entry_id: str, revision: int, now: datetime, minutes: int = CLAIM_MINUTES) -> EntryState:
    """Take back the person's own last decision; answers with what the entry is now.

    What was decided is claimed again, with the person's own answers as drafts. What was put aside is what it was before, with its decisions, and is
    claimed if it waits for review.

    Raises:
        NotAllowedError: somebody else decided last, or another unit, role or area of law.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: it has been signed or exported (then `correct`), the decision was a correction, or a colleague is reviewing the entry now.
    """
    found = _own(conn, person, entry_id, revision)
    refuse_void(found)
    if held_by_other(found, person, now):
        raise ReviewError("colleague_reviewing_just_now")
    if conn.execute(select(_entry.c.id).where(_entry.c.id == entry_id, _is_correction())).first():
        raise ReviewError("correction_not_taken_back")
    refuse_ended(conn, found)
    if found.state is EntryState.REJECTED:
        _take_up(conn, person, found, now)
    else:
        _undecide(conn, person, found, now)
    state = entry(conn, entry_id).state
    if state in OPEN and not may_not_judge(conn, person.login, entry(conn, entry_id)):
        conn.execute(update(_entry).where(_entry.c.id == entry_id).values(claimed_by=person.login, claimed_until=now + timedelta(minutes=minutes)))
    record(conn, person.login, "undo", entry_id, unit=found.unit, state=state.value)
    return state


def my_latest(conn: Connection, person: Person, limit: int = 10) -> list[Entry]:
    """The entries that the person decided last and may still see, or take back, newest first; void ones and corrections stay as they are.

    Raises:
        NotAllowedError: the person does not review.
    """
    access.require(person, Action.REVIEW)
    mine = or_(_entry.c.second_by == person.login, (_entry.c.first_by == person.login) & _entry.c.second_by.is_(None))
    newest = func.coalesce(_entry.c.second_at, _entry.c.first_at)
    free_note = and_(_entry.c.form == FREE_NOTE[0], sight.visible_by_unit(conn, person))
    seen = or_(sight.visible_entries(conn, person), free_note)
    own = select(_entry).where(mine, _entry.c.voided.is_(None), ~_is_correction(), seen)
    return entries(conn, own.order_by(newest.desc(), _entry.c.id).limit(limit))


def _own(conn: Connection, person: Person, entry_id: str, revision: int) -> Entry:
    """The entry, if the person decided it last. A free note may have gone to an area of law that the person does not see: it comes back."""
    found = entry(conn, entry_id)
    is_own = (found.second_by or found.first_by) == person.login
    if is_own and found.form == FREE_NOTE[0] and found.area not in person.areas:
        found = replace(found, area=None)
    sight.require_entry(conn, person, Action.REVIEW, found)
    if found.revision != revision or found.state not in _TO_UNDO:
        raise stale()
    if not is_own:
        raise NotAllowedError("another_person_decided", by=person.login, action=Action.REVIEW.value, unit=found.unit)
    return found


def _is_correction() -> ColumnElement[bool]:
    """Whether what was decided last of an entry is a correction; one that is put aside after that has been decided once more."""
    return and_(_entry.c.state != EntryState.REJECTED.value, ends_in_correction(_entry.c.id))


def _undecide(conn: Connection, person: Person, found: Entry, now: datetime) -> None:
    answers = {name: one.answer for name, one in decided(conn, found.id, by=person.login).items() if one.how not in _NOT_TYPED}
    second = found.second_by is not None and any(not one.settled for one in decided(conn, found.id, first_only=True).values())
    before = {"state": EntryState.SECOND.value, "second_by": None, "second_at": None} if second else UNDECIDED
    change(conn, found, **{**before, "reason": found.reason}, area=found.area)  # deciding took nothing from why it had come back
    lay_free_note(conn, found.form, found.sheet, found.area)
    keep_drafts(conn, found.id, found.revision + 1, person.login, answers, now)


def _take_up(conn: Connection, person: Person, found: Entry, now: datetime) -> None:
    mark = standing_mark(conn, found)
    if mark is not None:
        take_back_duplicate(conn, person, mark, now)
    else:
        change(conn, found, **_before_rejection(conn, found))


def _before_rejection(conn: Connection, found: Entry) -> Mapping[str, Any]:
    """What an entry was before it was put aside: whoever does that with one that is undecided is its first person, else its second."""
    reason = reason_before(conn, found)
    if found.second_by is None:
        return {**UNDECIDED, "reason": reason or ""}
    *_, before, _ = [event for event in events_of(conn, found.id) if event.action in {"decide", "undo"}]
    state = EntryState(str(before.detail.get("state") or EntryState.SECOND.value))
    earlier = select(entry_version).where(entry_version.c.entry == found.id, entry_version.c.state != EntryState.REJECTED.value)
    version = conn.execute(earlier.order_by(entry_version.c.id.desc()).limit(1)).one_or_none()
    by_two = version is not None and state is not EntryState.SECOND and version.by != found.first_by
    who = {"second_by": version.by, "second_at": version.at} if version is not None and by_two else {"second_by": None, "second_at": None}
    if reason is None:
        reason = version.reason if version is not None else ""
    return {"state": state.value, "reason": reason, **who}
