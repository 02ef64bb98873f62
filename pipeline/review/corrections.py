"""Correct, void and take back decisions; earlier versions stay readable (PDL 3:14).

A decision that is taken back is reviewed again; a rejected entry is restored to what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.rules import choice_forms
from pipeline.domain.law.permissions import Action, permitted_areas
from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import (
    Answer,
    answered_text,
    asked_fields,
    complete_answers,
    fields_for_second_reviewer,
    is_settled,
)
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement
from pipeline.review.client_question import (
    complete_client_numbers,
    find_contradicted_client_field,
)
from pipeline.review.decisions import write_answers, write_decision
from pipeline.review.rejections import (
    reopen_rejected,
    require_not_exported,
    withdraw_duplicate_mark,
)
from pipeline.review.session import Review
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
    decided_answers,
    last_kept_version,
    previous_return_reason,
    save_answer_drafts,
)
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    OPEN_STATES,
    UNDECIDED_VALUES,
    Entry,
    EntryWork,
    advance_entry,
    entry_form,
    is_claimed_by_other,
    is_part_of_page,
    load_entry,
    load_entry_as_seen,
    load_entry_readings,
    require_not_void,
    stale_decision_error,
)
from pipeline.store.entries.queue import claim_again
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.event_log.events import list_events, record
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.lookup.own_actions import was_corrected_last
from pipeline.store.paper.pages import list_sheet_pages, set_confirmed_area
from pipeline.store.registers.client_register import find_client, has_open_identity
from pipeline.store.review.duplicate_entries import find_active_mark
from pipeline.store.review.duties import reopen_duties

_UNDOABLE_STATES = DECIDED_STATES | {EntryState.SECOND, EntryState.REJECTED}
_CLIENT_MEANINGS = frozenset({Meaning.CLIENT_PID, Meaning.CLIENT_NAME})
_UNTYPED_ORIGINS = frozenset({AnswerOrigin.PAGE_MISSING, AnswerOrigin.BATCH})


class Corrections(Review):
    """What a person changes in what is decided already."""

    def correct(
        self,
        entry_id: str,
        revision: int,
        answers: Mapping[str, Answer],
        reason: str,
        *,
        about: ClientStatement = NO_CLIENT_STATEMENT,
    ) -> EntryState:
        """Correct fields of a confirmed entry and return its new state.

        A field that is answered as before is not corrected. The entry is exported again, as an
        amendment if it had been exported. A corrected critical field is as critical as before:
        unless the reading agrees, another person looks first (SECOND); always on a form of
        `Forms.double_check`.

        Raises:
            NotAllowedError: another unit or role.
            StaleDecisionError: the entry has changed since the person saw `revision`.
            ReviewError: no reason is given, or no other answer to a field of this entry.
            InvalidAnswerError, UnknownClientError, ClientConflictError: as
                `decisions.decide_entry`.
        """
        _require_reason(reason)
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            entry = load_entry_as_seen(
                conn, person, (entry_id, revision), DECIDED_STATES, Action.CORRECT
            )
            if entry.voided is not None:
                raise ReviewError("entry_void")
            form = entry_form(self.forms, entry)
            work = EntryWork(conn, person, form, entry, now, about)
            before = decided_answers(conn, entry_id)
            corrected = _corrected_answers(work, answers, before)
            if not corrected:
                raise ReviewError("nothing_corrected")
            # A contradiction matters only where the correction changes the client.
            all_answers = {name: decided.answer for name, decided in before.items()} | corrected
            doubt = (
                find_contradicted_client_field(work, all_answers)
                if any(form.by_name[name].means in _CLIENT_MEANINGS for name in corrected)
                else None
            )
            # Settled: what the reading says too and no rule leaves to a second person.
            specs = [spec for spec in asked_fields(form, entry.row) if spec.name in corrected]
            readings = load_entry_readings(conn, entry, list_sheet_pages(conn, entry.sheet))
            needs_second = fields_for_second_reviewer(self.forms, form, specs, corrected) | {doubt}
            new = {
                spec.name: DecidedAnswer(
                    corrected[spec.name],
                    AnswerOrigin.CORRECTION,
                    is_settled(spec, corrected[spec.name], readings.get(spec.name))
                    and spec.name not in needs_second,
                )
                for spec in specs
            }
            if doubt and doubt not in new:
                new[doubt] = DecidedAnswer(all_answers[doubt], AnswerOrigin.CORRECTION, False)
            columns = single_reviewer(person.login, now) | {"reason": reason.strip()}
            return write_answers(work, new, columns, answered=corrected, earlier=before)

    def void(self, entry_id: str, revision: int, reason: str) -> None:
        """Void (makulera) a signed, exported or rejected entry.

        The entry stays readable, and a target system that has it is notified. An entry that the
        target has can be under review again, for example when its correction was refused. A
        rejected entry that is voided has been dealt with: it no longer counts as a gap in the
        client's record.

        Raises:
            NotAllowedError, StaleDecisionError: as `correct`.
            ReviewError: no reason is given, or the entry has been neither signed, exported nor
                rejected (then it is rejected instead).
        """
        _require_reason(reason)
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            entry = load_entry_as_seen(
                conn,
                person,
                (entry_id, revision),
                OPEN_STATES | DECIDED_STATES | {EntryState.REJECTED},
                Action.VOID,
            )
            require_not_void(entry)
            if is_claimed_by_other(entry, person, now):
                raise stale_decision_error()
            # An entry that its target refused is in no system.
            exported = bool(latest_exports(conn, [entry_id]))
            if not exported and entry.state not in {EntryState.SIGNED, EntryState.REJECTED}:
                raise ReviewError("entry_not_signed_or_exported")
            # A target that has the entry gets a withdrawal: the entry is exported once more.
            state = EntryState.CONFIRMED if exported else EntryState.REJECTED
            write_decision(
                conn,
                person,
                entry,
                now,
                {},
                state=state,
                reason=reason.strip(),
                voided=reason.strip(),
                **single_reviewer(person.login, now),
            )

    def reopen(self, entry_id: str, revision: int) -> None:
        """Give a rejected entry back to review.

        Raises:
            NotAllowedError, StaleDecisionError, ReviewError: as `rejections.reopen_rejected`.
        """
        self.store.change(reopen_rejected, self.person, entry_id, revision)

    def withdraw_duplicate(self, mark_id: int) -> None:
        """Take a mark as a duplicate back, as `rejections.withdraw_duplicate_mark`."""
        self.store.change(withdraw_duplicate_mark, self.person, mark_id, self.clock())

    def undo(self, shown_revisions: Sequence[tuple[str, int]]) -> EntryState:
        """Take back the person's own last decisions of one step; return the first one's state.

        They are given as (entry id, revision). A decided entry is claimed again, with the person's
        answers as drafts. A rejected entry is restored with its earlier decisions, and is claimed
        if it waits for review.

        Raises:
            NotAllowedError: another person decided last, or another unit, role or area of law.
            StaleDecisionError: an entry has changed since the person saw its revision.
            ReviewError: it has been signed or exported (then `correct`), the decision was a
                correction, or a colleague is reviewing the entry now.
        """
        with self.store.begin() as conn:
            states = [self._undo(conn, *shown) for shown in shown_revisions]
        return states[0]

    def _undo(self, conn: Connection, entry_id: str, revision: int) -> EntryState:
        person, now = self.person, self.clock()
        entry = self._require_own_decision(conn, entry_id, revision)
        require_not_void(entry)
        if is_claimed_by_other(entry, person, now):
            raise ReviewError("in_review_by_another")
        # A correction is undone by another correction.
        if was_corrected_last(conn, entry):
            raise ReviewError("correction_cannot_be_undone")
        require_not_exported(conn, entry)
        if entry.state is not EntryState.REJECTED:
            self._return_to_review(conn, entry)
        # A rejected entry is restored by its duplicate mark, if it has one, else by its history.
        elif (mark := find_active_mark(conn, entry)) is not None:
            withdraw_duplicate_mark(conn, person, mark, now)
        else:
            advance_entry(conn, entry, **_values_before_rejection(conn, entry))
        # The person goes on with the entry if it waits for a review that the person may do.
        restored = load_entry(conn, entry_id)
        state = restored.state
        if state in OPEN_STATES and not must_not_review(conn, person.login, restored):
            claim_again(conn, person.login, entry_id, now, self.settings.claim_minutes)
        record(conn, person.login, "undo", entry_id, unit=entry.unit, state=state.value)
        return state

    def _require_own_decision(self, conn: Connection, entry_id: str, revision: int) -> Entry:
        """Return the entry if the person decided it last.

        A note may have moved to an area of law that the person does not see: it comes back.

        Raises:
            NotAllowedError: another person decided last, or another unit, role or area of law.
            StaleDecisionError: the entry is not as the person saw it.
        """
        entry, person = load_entry(conn, entry_id), self.person
        is_own = (entry.second_by or entry.first_by) == person.login
        areas = permitted_areas(person, Action.REVIEW, entry.unit)
        if is_own and entry.form in choice_forms() and entry.area not in areas:
            entry = replace(entry, area=None)
        visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
        if entry.revision != revision or entry.state not in _UNDOABLE_STATES:
            raise stale_decision_error()
        if not is_own:
            raise NotAllowedError(
                "decided_by_another",
                by=person.login,
                action=Action.REVIEW.value,
                unit=entry.unit,
                subject=entry.id,
            )
        return entry

    def _return_to_review(self, conn: Connection, entry: Entry) -> None:
        """Undo a decision: the entry is reviewed again, with the person's answers as drafts."""
        person, now = self.person, self.clock()
        answers = {
            name: decided.answer
            for name, decided in decided_answers(conn, entry.id, by=person.login).items()
            if decided.origin not in _UNTYPED_ORIGINS
        }
        # The second review is undone alone where the first left something unsettled.
        second = entry.second_by is not None and any(
            not decided.is_settled
            for decided in decided_answers(conn, entry.id, first_only=True).values()
        )
        before = (
            {"state": EntryState.SECOND.value, "second_by": None, "second_at": None}
            if second
            else UNDECIDED_VALUES
        )
        # The reason why it had come back before is still valid.
        advance_entry(conn, entry, **{**before, "reason": entry.reason}, area=entry.area)
        if not is_part_of_page(entry):
            set_confirmed_area(conn, entry.form, entry.sheet, entry.area)
        reviewed = replace(entry, revision=entry.revision + 1)
        save_answer_drafts(conn, reviewed, person.login, answers, now)
        reopen_duties(conn, person, entry.id, now)


def single_reviewer(login: str, now: datetime) -> dict[str, Any]:
    """Return the columns that name a person as the only reviewer."""
    return {"first_by": login, "first_at": now, "second_by": None, "second_at": None}


def _corrected_answers(
    work: EntryWork, answers: Mapping[str, Answer], before: Mapping[str, DecidedAnswer]
) -> dict[str, Answer]:
    """Return the answers that differ from the decided ones, complete and checked.

    The number of a client whom the register lacked is among them even if it is unchanged.
    """
    asked = asked_fields(work.form, work.entry.row)
    complete = complete_answers([spec for spec in asked if spec.name in answers], answers)
    rechecked = _recheck_temporary_client(work, complete)
    changed = {**_changed_answers(complete, before), **rechecked}
    # Completing a number may make it equal to the decided one, so compare once more.
    completed = complete_client_numbers(work, changed)
    return {
        **_changed_answers(completed, before),
        **{name: completed[name] for name in rechecked},
    }


def _changed_answers(
    answers: Mapping[str, Answer], before: Mapping[str, DecidedAnswer]
) -> dict[str, Answer]:
    """Return the answers, as they are stored, that differ from what is decided."""
    return {
        name: answer
        for name, answer in answers.items()
        if name not in before or answer != before[name].answer
    }


def _recheck_temporary_client(work: EntryWork, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return the client's number, even unchanged, where the register has the client only by now.

    That the temporary identity can be replaced is reason enough for a correction.
    """
    conn, form, entry = work.conn, work.form, work.entry
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    number = answered_text(form, entry.row, answers, Meaning.CLIENT_PID)
    # A temporary identity of the entry that has not been replaced.
    if spec and number and find_client(conn, number) and has_open_identity(conn, entry.id):
        return {spec.name: answers[spec.name]}
    return {}


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReviewError("correction_needs_reason")


def _values_before_rejection(conn: Connection, entry: Entry) -> Mapping[str, Any]:
    """Return the columns of an entry before it was rejected.

    The person who rejects an undecided entry is its first reviewer, else its second.
    """
    reason = previous_return_reason(conn, entry)
    if entry.second_by is None:
        return {**UNDECIDED_VALUES, "reason": reason}
    # The state that the decision before the last one gave.
    *_, before, _ = [
        event for event in list_events(conn, entry.id) if event.action in {"decide", "undo"}
    ]
    state = EntryState(str(before.detail.get("state") or EntryState.SECOND.value))
    # The latest version that is not a rejection tells a second reviewer other than the first.
    version = last_kept_version(conn, entry.id)
    by_two = state is not EntryState.SECOND and version.by != entry.first_by
    second_reviewer = (
        {"second_by": version.by, "second_at": version.at}
        if by_two
        else {"second_by": None, "second_at": None}
    )
    return {"state": state.value, "reason": reason, **second_reviewer}
