"""Rekeying (kontrollskrivning): a confirmed field is keyed blind again by another person.

An adjudication ends in a new version of the entry, or changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from sqlalchemy import Connection

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer, agrees_with_reading, normalize_answer
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement, ConflictChoice
from pipeline.review.client_question import (
    complete_client_numbers,
    find_contradicted_client_field,
)
from pipeline.review.corrections import single_reviewer
from pipeline.review.decisions import write_answers
from pipeline.review.session import Review
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer, decided_answers
from pipeline.store.entries.entry import Entry, EntryWork, stale_decision_error
from pipeline.store.event_log.events import record
from pipeline.store.quality.checked_work import (
    RekeyingOutcome,
    RekeyingRow,
    RekeyingTask,
    claim_next_rekeying,
    confirmed_answer,
    finish_rekeying,
    load_claimed_task,
    skip_rekeying,
)

REKEYING_REASON = "kontrollskrivning"
"""The reason, as stored, of the new version that an adjudication makes."""
_CLIENT_MEANINGS = frozenset({Meaning.CLIENT_PID, Meaning.CLIENT_NAME})
_UNCLAIMED = {"claimed_by": None, "claimed_until": None}


class Rekeying(Review):
    """The rekeying of confirmed fields, between entries."""

    def claim(
        self, excluded: Collection[int], log_view: Callable[[Connection, RekeyingTask], None]
    ) -> RekeyingTask | None:
        """Claim a task for the person, as `claim_next_rekeying`; None if there is none.

        Raises:
            NotAllowedError: the person does not review.
        """
        minutes = self.settings.claim_minutes
        with self.store.begin() as conn:
            task = claim_next_rekeying(
                conn, self.forms, self.person, self.clock(), minutes, excluded
            )
            if task is not None:
                log_view(conn, task)
        return task

    def skip(self, task: RekeyingTask) -> None:
        """Leave a task for another person, as `skip_rekeying`."""
        self.store.change(skip_rekeying, self.person, task)

    def save_answer(self, task: RekeyingTask, answer: Answer) -> RekeyingOutcome:
        """Store what the person keyed, and return whether it agrees with the confirmed value.

        Raises:
            NotAllowedError: another unit, or the person has been involved with the field.
            StaleDecisionError: another person has the task, or it has been rekeyed.
            MissingAnswerError, InvalidAnswerError: the answer is missing or does not fit the field.
        """
        login, now = self.person.login, self.clock()
        with self.store.begin() as conn:
            row, entry = load_claimed_task(conn, self.person, task.id, now)
            if row.typed_by is not None:
                raise stale_decision_error()
            keyed = normalize_answer(task.spec, answer)
            before, by = confirmed_answer(conn, entry, row.field)
            is_same = agrees_with_reading(task.spec, keyed, _answer_as_reading(before.answer))
            # Equal values end the task; others wait for a third person.
            values = {
                "typed_by": login,
                "typed_at": now,
                "typed_value": keyed.value,
                "typed_state": keyed.state.value,
                "confirmed_by": by,
                "revision": entry.revision,
                "outcome": RekeyingOutcome.AGREED.value if is_same else None,
            }
            finish_rekeying(conn, task.id, values | _UNCLAIMED)
            record(conn, login, "control", entry.id, unit=entry.unit)
        return RekeyingOutcome.AGREED if is_same else RekeyingOutcome.DIFFERS

    def adjudicate(
        self, task: RekeyingTask, answer: Answer, *, about: ClientStatement = NO_CLIENT_STATEMENT
    ) -> RekeyingOutcome:
        """Register what the paper says; correct the entry if the confirmed value is wrong.

        The correction is by the person who rekeyed the same value and this person. A critical field
        where nobody else had this value goes to yet another person, as with every correction of
        one, and so does a client whom the sheet contradicts.

        Raises:
            NotAllowedError, StaleDecisionError, MissingAnswerError, InvalidAnswerError: as
                `save_answer`.
            UnknownClientError: the personal number is in no register, and the person has not said
                that this is meant.
        """
        login, now = self.person.login, self.clock()
        with self.store.begin() as conn:
            row, entry = load_claimed_task(conn, self.person, task.id, now)
            if row.typed_by is None:
                raise stale_decision_error()
            # Compare with the value that is confirmed now.
            final_answer = normalize_answer(task.spec, answer)
            before, _ = confirmed_answer(conn, entry, task.spec.name)
            reading = _answer_as_reading(before.answer)
            is_right = agrees_with_reading(task.spec, final_answer, reading)
            outcome = RekeyingOutcome.RIGHT if is_right else RekeyingOutcome.WRONG
            values = {"third_by": login, "third_at": now, "outcome": outcome.value}
            finish_rekeying(conn, task.id, values | _UNCLAIMED)
            record(conn, login, "third_look", entry.id, unit=entry.unit)
            if not is_right:
                self._correct_entry(conn, task, (row, entry), final_answer, about)
        return outcome

    def _correct_entry(
        self,
        conn: Connection,
        task: RekeyingTask,
        claimed: tuple[RekeyingRow, Entry],
        final_answer: Answer,
        about: ClientStatement,
    ) -> None:
        """Write the correction of an adjudication.

        Two people are enough where the same value was rekeyed. Otherwise only this person has given
        the value, and the reading does not count for a critical field.
        """
        person, now, (row, entry) = self.person, self.clock(), claimed
        work = EntryWork(conn, person, task.form, entry, now, about)
        completed = complete_client_numbers(work, {task.spec.name: final_answer})
        before = decided_answers(conn, entry.id)
        all_answers = {name: decided.answer for name, decided in before.items()} | completed
        # Did the person who rekeyed the field write the same?
        rekeyed = _answer_as_reading(Answer(row.typed_value, State(row.typed_state)))
        is_rekeyed_alike = agrees_with_reading(task.spec, final_answer, rekeyed)
        # A contradicted client goes to another person; it raises nothing here.
        is_contradicted = (
            task.spec.means in _CLIENT_MEANINGS
            and find_contradicted_client_field(
                replace(work, about=replace(about, choice=ConflictChoice.HAND_ON)), all_answers
            )
            is not None
        )
        is_settled = (is_rekeyed_alike or not task.spec.critical) and not is_contradicted
        # The two who agree are the reviewers; else this person alone.
        reviewers = single_reviewer(person.login, now)
        if is_settled and is_rekeyed_alike:
            reviewers = {
                "first_by": row.typed_by,
                "first_at": row.typed_at,
                "second_by": person.login,
                "second_at": now,
            }
        new = {
            name: DecidedAnswer(answer, AnswerOrigin.CORRECTION, is_settled)
            for name, answer in completed.items()
        }
        write_answers(work, new, reviewers | {"reason": REKEYING_REASON}, earlier=before)


def _answer_as_reading(answer: Answer) -> Reading:
    """Return an answer as a reading with probability 1, to compare answers by the same rules."""
    return Reading(answer.value, 1.0, answer.state)
