"""Changing what has been confirmed: a new version beside the old, which stays readable (PDL 3:14).

Taking back the own last decision: what was decided is reviewed again, and what was put aside is
again what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.domain.review import rules
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
    decided_answers,
    is_last_decision_correction,
    save_answer_drafts,
)
from pipeline.store.entries.client_check import (
    complete_client_numbers,
    find_contradicted_client_field,
    save_client_choice,
)
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    OPEN_STATES,
    UNDECIDED_VALUES,
    Entry,
    advance_entry,
    is_claimed_by_other,
    load_entry,
    require_not_void,
    select_entries,
    stale_decision_error,
)
from pipeline.store.entries.entry_facts import derive_entry_facts
from pipeline.store.entries.entry_view import entry_form, load_readings
from pipeline.store.entries.queue import CLAIM_MINUTES
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.entries.versions import previous_return_reason
from pipeline.store.event_log.events import list_events, record
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.paper.form_areas import FREE_NOTE_FORM, set_free_note_area
from pipeline.store.paper.sheets import list_sheet_pages
from pipeline.store.registers.client_register import find_client
from pipeline.store.review.decisions import (
    NO_CLIENT_STATEMENT,
    require_entry_as_seen,
    require_not_exported,
    write_decision,
)
from pipeline.store.review.duplicate_entries import find_active_mark, withdraw_duplicate_mark
from pipeline.store.schema import paper
from pipeline.store.schema.review import entry_version, temporary_identity

_entry_table = paper.entry
_UNDOABLE_STATES = DECIDED_STATES | {EntryState.SECOND, EntryState.REJECTED}
_UNTYPED_ORIGINS = frozenset({AnswerOrigin.PAGE_MISSING, AnswerOrigin.BATCH})


def correct_entry(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    answers: Mapping[str, Answer],
    reason: str,
    now: datetime,
    *,
    about: ClientStatement = NO_CLIENT_STATEMENT,
) -> EntryState:
    """Give some fields of a confirmed entry other answers; what is answered as before is no
    correction. It is exported again, as an amendment if it had been exported.

    A critical field is no less critical when it is corrected: unless the machine read the same,
    another person looks first (SECOND); always on a form of `Forms.double_check`.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: no reason is given, or no other answer to a field of this entry.
        InvalidAnswerError, UnknownClientError, ClientConflictError: as `decisions.save_answers`.
    """
    _require_reason(reason)
    found = require_entry_as_seen(conn, person, entry_id, revision, DECIDED_STATES, Action.CORRECT)
    if found.voided is not None:
        raise ReviewError("entry_void")
    form = entry_form(forms, found)
    asked, before = rules.asked_fields(form, found.row), decided_answers(conn, entry_id)
    complete = rules.complete_answers([spec for spec in asked if spec.name in answers], answers)
    followed = _recheck_temporary_client(conn, form, found, complete)
    other = {**_changed_answers(complete, before), **followed}
    given = complete_client_numbers(conn, person, form, found.row, other, about)
    given = {**_changed_answers(given, before), **{name: given[name] for name in followed}}
    if not given:
        raise ReviewError("nothing_corrected")
    specs = [spec for spec in asked if spec.name in given]
    whole = {name: one.answer for name, one in before.items()} | given
    doubt = (
        find_contradicted_client_field(conn, form, found, whole, about)
        if _changes_client(form, given)
        else None
    )
    readings = load_readings(conn, tuple(list_sheet_pages(conn, found.sheet)))
    twice = rules.fields_for_second_reviewer(forms, form, specs, given) | {doubt}
    new = {
        s.name: DecidedAnswer(
            given[s.name],
            AnswerOrigin.CORRECTION,
            rules.is_settled(s, given[s.name], readings.get(s.name)) and s.name not in twice,
        )
        for s in specs
    }
    if doubt and doubt not in new:
        new[doubt] = DecidedAnswer(whole[doubt], AnswerOrigin.CORRECTION, False)
    state = rules.next_state(sum(not one.is_settled for one in new.values()))
    facts = derive_entry_facts(form, found, before | new)
    who = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    write_decision(
        conn, person, found, new, now, state=state, form=form, reason=reason.strip(), **who, **facts
    )
    save_client_choice(conn, person, form, found, given, about, now, before=whole)
    return state


def void_entry(
    conn: Connection, person: Person, entry_id: str, revision: int, reason: str, now: datetime
) -> None:
    """Make a signed, exported or rejected entry void (makulera): both stay readable, and a target
    system that has it is told. One that the target has may be under review again, as when its
    correction was refused.

    A rejected entry that is void has been dealt with: it no longer counts as a gap in the
    client's record.

    Raises:
        NotAllowedError, StaleDecisionError: as `correct`.
        ReviewError: no reason is given, or the entry has been neither signed, exported nor
        rejected (then it is rejected instead).
    """
    _require_reason(reason)
    found = require_entry_as_seen(
        conn,
        person,
        entry_id,
        revision,
        OPEN_STATES | DECIDED_STATES | {EntryState.REJECTED},
        Action.VOID,
    )
    require_not_void(found)
    if is_claimed_by_other(found, person, now):
        raise stale_decision_error()
    sent = bool(latest_exports(conn, [entry_id]))  # what its target refused is in no system
    if not sent and found.state not in {EntryState.SIGNED, EntryState.REJECTED}:
        raise ReviewError("entry_neither_signed_nor_exported")
    who: dict[str, Any] = {
        "first_by": person.login,
        "first_at": now,
        "second_by": None,
        "second_at": None,
    }
    state = EntryState.CONFIRMED if sent else EntryState.REJECTED
    write_decision(
        conn,
        person,
        found,
        {},
        now,
        state=state,
        reason=reason.strip(),
        voided=reason.strip(),
        **who,
    )


def _changed_answers(
    answers: Mapping[str, Answer], before: Mapping[str, DecidedAnswer]
) -> dict[str, Answer]:
    """The answers, as they are stored, that say something else than what is decided."""
    return {
        name: answer
        for name, answer in answers.items()
        if name not in before or answer != before[name].answer
    }


def _recheck_temporary_client(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """The client's number, also as it is, where the register lacked it: that it has it by now is
    worth a correction.
    """
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    number = answers[spec.name].value if spec and spec.name in answers else None
    if spec is None or not isinstance(number, str) or find_client(conn, number) is None:
        return {}
    open_one = select(temporary_identity.c.id).where(
        temporary_identity.c.entry == entry.id, temporary_identity.c.settled_at.is_(None)
    )
    return {spec.name: answers[spec.name]} if conn.execute(open_one.limit(1)).first() else {}


def _changes_client(form: Form, answers: Mapping[str, Answer]) -> bool:
    """Whether a correction changes whom the entry is about."""
    return any(
        form.by_name[name].means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME) for name in answers
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReviewError("correction_needs_reason")


def undo_decision(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    now: datetime,
    minutes: int = CLAIM_MINUTES,
) -> EntryState:
    """Take back the person's own last decision; answers with what the entry is now.

    What was decided is claimed again, with the person's own answers as drafts. What was put
    aside is what it was before, with its decisions, and is claimed if it waits for review.

    Raises:
        NotAllowedError: somebody else decided last, or another unit, role or area of law.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: it has been signed or exported (then `correct`), the decision was a
        correction, or a colleague is reviewing the entry now.
    """
    found = _require_own_decision(conn, person, entry_id, revision)
    require_not_void(found)
    if is_claimed_by_other(found, person, now):
        raise ReviewError("colleague_reviewing_just_now")
    if conn.execute(
        select(_entry_table.c.id).where(_entry_table.c.id == entry_id, _is_correction())
    ).first():
        raise ReviewError("correction_not_taken_back")
    require_not_exported(conn, found)
    if found.state is EntryState.REJECTED:
        _undo_rejection(conn, person, found, now)
    else:
        _return_to_review(conn, person, found, now)
    state = load_entry(conn, entry_id).state
    if state in OPEN_STATES and not must_not_review(conn, person.login, load_entry(conn, entry_id)):
        conn.execute(
            update(_entry_table)
            .where(_entry_table.c.id == entry_id)
            .values(claimed_by=person.login, claimed_until=now + timedelta(minutes=minutes))
        )
    record(conn, person.login, "undo", entry_id, unit=found.unit, state=state.value)
    return state


def list_own_latest(conn: Connection, person: Person, limit: int = 10) -> list[Entry]:
    """The entries that the person decided last and may still see, or take back, newest first; void
    ones and corrections stay as they are.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    mine = or_(
        _entry_table.c.second_by == person.login,
        (_entry_table.c.first_by == person.login) & _entry_table.c.second_by.is_(None),
    )
    newest = func.coalesce(_entry_table.c.second_at, _entry_table.c.first_at)
    free_note = and_(
        _entry_table.c.form == FREE_NOTE_FORM[0], visibility.visible_by_unit_condition(conn, person)
    )
    seen = or_(visibility.visible_entries_condition(conn, person), free_note)
    own = select(_entry_table).where(mine, _entry_table.c.voided.is_(None), ~_is_correction(), seen)
    return select_entries(conn, own.order_by(newest.desc(), _entry_table.c.id).limit(limit))


def _require_own_decision(conn: Connection, person: Person, entry_id: str, revision: int) -> Entry:
    """The entry, if the person decided it last. A free note may have gone to an area of law that
    the person does not see: it comes back.
    """
    found = load_entry(conn, entry_id)
    is_own = (found.second_by or found.first_by) == person.login
    if is_own and found.form == FREE_NOTE_FORM[0] and found.area not in person.areas:
        found = replace(found, area=None)
    visibility.require_visible_entry(conn, person, Action.REVIEW, found)
    if found.revision != revision or found.state not in _UNDOABLE_STATES:
        raise stale_decision_error()
    if not is_own:
        raise NotAllowedError(
            "another_person_decided", by=person.login, action=Action.REVIEW.value, unit=found.unit
        )
    return found


def _is_correction() -> ColumnElement[bool]:
    """Whether what was decided last of an entry is a correction; one that is put aside after that
    has been decided once more.
    """
    return and_(
        _entry_table.c.state != EntryState.REJECTED.value,
        is_last_decision_correction(_entry_table.c.id),
    )


def _return_to_review(conn: Connection, person: Person, entry: Entry, now: datetime) -> None:
    answers = {
        name: one.answer
        for name, one in decided_answers(conn, entry.id, by=person.login).items()
        if one.origin not in _UNTYPED_ORIGINS
    }
    second = entry.second_by is not None and any(
        not one.is_settled for one in decided_answers(conn, entry.id, first_only=True).values()
    )
    before = (
        {"state": EntryState.SECOND.value, "second_by": None, "second_at": None}
        if second
        else UNDECIDED_VALUES
    )
    advance_entry(
        conn, entry, **{**before, "reason": entry.reason}, area=entry.area
    )  # deciding took nothing from why it had come back
    set_free_note_area(conn, entry.form, entry.sheet, entry.area)
    save_answer_drafts(conn, entry.id, entry.revision + 1, person.login, answers, now)


def _undo_rejection(conn: Connection, person: Person, entry: Entry, now: datetime) -> None:
    mark = find_active_mark(conn, entry)
    if mark is not None:
        withdraw_duplicate_mark(conn, person, mark, now)
    else:
        advance_entry(conn, entry, **_values_before_rejection(conn, entry))


def _values_before_rejection(conn: Connection, entry: Entry) -> Mapping[str, Any]:
    """What an entry was before it was put aside: whoever does that with one that is undecided is
    its first person, else its second.
    """
    reason = previous_return_reason(conn, entry)
    if entry.second_by is None:
        return {**UNDECIDED_VALUES, "reason": reason or ""}
    *_, before, _ = [
        event for event in list_events(conn, entry.id) if event.action in {"decide", "undo"}
    ]
    state = EntryState(str(before.detail.get("state") or EntryState.SECOND.value))
    earlier = select(entry_version).where(
        entry_version.c.entry == entry.id, entry_version.c.state != EntryState.REJECTED.value
    )
    version = conn.execute(earlier.order_by(entry_version.c.id.desc()).limit(1)).one_or_none()
    by_two = version is not None and state is not EntryState.SECOND and version.by != entry.first_by
    who = (
        {"second_by": version.by, "second_at": version.at}
        if version is not None and by_two
        else {"second_by": None, "second_at": None}
    )
    if reason is None:
        reason = version.reason if version is not None else ""
    return {"state": state.value, "reason": reason, **who}
