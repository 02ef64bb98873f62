"""Changing what has been confirmed: a new version beside the old, which stays readable (PDL 3:14)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from pipeline import review
from pipeline.access import Action
from pipeline.client_guard import AboutClient
from pipeline.errors import ReviewError
from pipeline.field_spec import Meaning
from pipeline.model import EntryState, Person
from pipeline.review import Answer
from pipeline.store.answers import Decided, How, decided
from pipeline.store.client_check import doubted_client, in_register
from pipeline.store.decided_facts import facts_of
from pipeline.store.decisions import NOTHING_SAID, decide, seen
from pipeline.store.entries import DECIDED, OPEN, Entry, held_by_other, refuse_void, stale
from pipeline.store.entry_views import form_of, readings_of
from pipeline.store.exports import earlier
from pipeline.store.identity_tables import temporary_identity
from pipeline.store.registers import find_client
from pipeline.store.sheets import sheet_pages
from pipeline.store.temporary_identities import note_client
from pipeline.template import Form, Forms


def correct(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    answers: Mapping[str, Answer],
    reason: str,
    now: datetime,
    *,
    about: AboutClient = NOTHING_SAID,
) -> EntryState:
    """Give some fields of a confirmed entry other answers; what is answered as before is no correction. It is exported again, as an amendment if it
    had been exported.

    A critical field is no less critical when it is corrected: unless the machine read the same, another person looks first (SECOND); always on a
    form of `Forms.double_check`.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: no reason is given, or no other answer to a field of this entry.
        InvalidAnswerError, UnknownClientError, ClientConflictError: as `decisions.save_answers`.
    """
    _require_reason(reason)
    found = seen(conn, person, entry_id, revision, DECIDED, Action.CORRECT)
    if found.voided is not None:
        raise ReviewError("entry_void")
    form = form_of(forms, found)
    asked, before = review.asked(form, found.row), decided(conn, entry_id)
    complete = review.complete([spec for spec in asked if spec.name in answers], answers)
    followed = _followed_up(conn, form, found, complete)
    other = {**_others(complete, before), **followed}
    given = in_register(conn, person, form, found.row, other, about)
    given = {**_others(given, before), **{name: given[name] for name in followed}}
    if not given:
        raise ReviewError("nothing_corrected")
    specs = [spec for spec in asked if spec.name in given]
    whole = {name: one.answer for name, one in before.items()} | given
    doubt = doubted_client(conn, form, found, whole, about) if _names_client(form, given) else None
    readings = readings_of(conn, tuple(sheet_pages(conn, found.sheet)))
    twice = review.seen_by_two(forms, form, specs, given) | {doubt}
    new = {
        s.name: Decided(given[s.name], How.CORRECTION, review.settled(s, given[s.name], readings.get(s.name)) and s.name not in twice) for s in specs
    }
    if doubt and doubt not in new:
        new[doubt] = Decided(whole[doubt], How.CORRECTION, False)
    state = review.next_state(sum(not one.settled for one in new.values()))
    facts = facts_of(form, found, before | new)
    who = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    decide(conn, person, found, new, now, state=state, form=form, reason=reason.strip(), **who, **facts)
    note_client(conn, person, form, found, given, about, now, before=whole)
    return state


def void(conn: Connection, person: Person, entry_id: str, revision: int, reason: str, now: datetime) -> None:
    """Make a signed, exported or rejected entry void (makulera): both stay readable, and a target system that has it is told. One that the target has
    may be under review again, as when its correction was refused.

    A rejected entry that is void has been dealt with: it no longer counts as a gap in the client's record.

    Raises:
        NotAllowedError, StaleDecisionError: as `correct`.
        ReviewError: no reason is given, or the entry has been neither signed, exported nor rejected (then it is rejected instead).
    """
    _require_reason(reason)
    found = seen(conn, person, entry_id, revision, OPEN | DECIDED | {EntryState.REJECTED}, Action.VOID)
    refuse_void(found)
    if held_by_other(found, person, now):
        raise stale()
    sent = bool(earlier(conn, [entry_id]))  # what its target refused is in no system
    if not sent and found.state not in {EntryState.SIGNED, EntryState.REJECTED}:
        raise ReviewError("entry_neither_signed_nor_exported")
    who: dict[str, Any] = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    state = EntryState.CONFIRMED if sent else EntryState.REJECTED
    decide(conn, person, found, {}, now, state=state, reason=reason.strip(), voided=reason.strip(), **who)


def _others(answers: Mapping[str, Answer], before: Mapping[str, Decided]) -> dict[str, Answer]:
    """The answers, as they are stored, that say something else than what is decided."""
    return {name: answer for name, answer in answers.items() if name not in before or answer != before[name].answer}


def _followed_up(conn: Connection, form: Form, found: Entry, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """The client's number, also as it is, where the register lacked it: that it has it by now is worth a correction."""
    spec = form.meaning(Meaning.CLIENT_PID, found.row)
    number = answers[spec.name].value if spec and spec.name in answers else None
    if spec is None or not isinstance(number, str) or find_client(conn, number) is None:
        return {}
    open_one = select(temporary_identity.c.id).where(temporary_identity.c.entry == found.id, temporary_identity.c.settled_at.is_(None))
    return {spec.name: answers[spec.name]} if conn.execute(open_one.limit(1)).first() else {}


def _names_client(form: Form, given: Mapping[str, Answer]) -> bool:
    """Whether a correction changes whom the entry is about."""
    return any(form.by_name[name].means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME) for name in given)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReviewError("correction_needs_reason")
