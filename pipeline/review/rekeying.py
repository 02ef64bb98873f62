"""Rekeying (kontrollskrivning): a confirmed field is keyed blind again by another person.

An adjudication ends in a new version of the entry, or changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.review.rules import Answer, agrees_with_reading, normalize_answer
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.review.client_question import (
    complete_client_numbers,
    find_contradicted_client_field,
)
from pipeline.review.decisions import NO_CLIENT_STATEMENT, write_answers
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer, decided_answers
from pipeline.store.entries.entry import Entry, stale_decision_error
from pipeline.store.event_log.events import record
from pipeline.store.quality.checked_work import (
    RekeyingOutcome,
    RekeyingRow,
    RekeyingTask,
    confirmed_answer,
    finish_rekeying,
    load_claimed_task,
)


def save_rekeyed_answer(
    conn: Connection, person: Person, task: RekeyingTask, answer: Answer, now: datetime
) -> RekeyingOutcome:
    """Store what the person keyed, and return whether it agrees with the confirmed value.

    Raises:
        NotAllowedError: another unit, or the person has been involved with the field.
        StaleDecisionError: another person has the task, or it has been rekeyed.
        MissingAnswerError, InvalidAnswerError: the answer is missing or does not fit the field.
    """
    row, entry = load_claimed_task(conn, person, task.id, now)
    if row.typed_by is not None:
        raise stale_decision_error()
    keyed = normalize_answer(task.spec, answer)
    before, by = confirmed_answer(conn, entry, row.field)
    is_same = agrees_with_reading(task.spec, keyed, _answer_as_reading(before.answer))
    # Equal values end the task; others wait for a third person.
    values = {
        "typed_by": person.login,
        "typed_at": now,
        "typed_value": keyed.value,
        "typed_state": keyed.state.value,
        "confirmed_by": by,
        "revision": entry.revision,
        "claimed_by": None,
        "claimed_until": None,
        "outcome": RekeyingOutcome.AGREED.value if is_same else None,
    }
    finish_rekeying(conn, task.id, values)
    record(conn, person.login, "control", entry.id, unit=entry.unit)
    return RekeyingOutcome.AGREED if is_same else RekeyingOutcome.DIFFERS


REKEYING_REASON = "kontrollskrivning"
"""The reason, as stored, of the new version that an adjudication makes."""


_CLIENT_MEANINGS = frozenset({Meaning.CLIENT_PID, Meaning.CLIENT_NAME})


def adjudicate(
    conn: Connection,
    person: Person,
    task: RekeyingTask,
    answer: Answer,
    now: datetime,
    *,
    about: ClientStatement = NO_CLIENT_STATEMENT,
) -> RekeyingOutcome:
    """Register what the paper says; correct the entry if the confirmed value is wrong.

    The correction is by the person who rekeyed the same value and this person. A critical field
    where nobody else had this value goes to yet another person, as with every correction of one,
    and so does a client whom the sheet contradicts.

    Raises:
        NotAllowedError, StaleDecisionError, MissingAnswerError, InvalidAnswerError: as
            `rekeying.save_rekeyed_answer`.
        UnknownClientError: the personal number is in no register, and the person has not said
            that this is meant.
    """
    row, entry = load_claimed_task(conn, person, task.id, now)
    if row.typed_by is None:
        raise stale_decision_error()
    # Compare with the value that is confirmed now.
    spec, final_answer = task.spec, normalize_answer(task.spec, answer)
    before, _ = confirmed_answer(conn, entry, spec.name)
    is_right = agrees_with_reading(spec, final_answer, _answer_as_reading(before.answer))
    outcome = RekeyingOutcome.RIGHT if is_right else RekeyingOutcome.WRONG
    finish_rekeying(
        conn,
        task.id,
        {
            "third_by": person.login,
            "third_at": now,
            "outcome": outcome.value,
            "claimed_by": None,
            "claimed_until": None,
        },
    )
    record(conn, person.login, "third_look", entry.id, unit=entry.unit)
    if not is_right:
        _correct_entry(conn, person, task, entry, row, final_answer, about, now)
    return outcome


def _correct_entry(
    conn: Connection,
    person: Person,
    task: RekeyingTask,
    entry: Entry,
    rekeying_row: RekeyingRow,
    final_answer: Answer,
    about: ClientStatement,
    now: datetime,
) -> None:
    """Write the correction of an adjudication.

    Two people are enough where the same value was rekeyed. Otherwise only this person has given the
    value, and the reading does not count for a critical field.
    """
    completed = complete_client_numbers(
        conn, person, task.form, entry.row, {task.spec.name: final_answer}, about
    )
    before = decided_answers(conn, entry.id)
    all_answers = {name: decided.answer for name, decided in before.items()} | completed
    # Did the person who rekeyed the field write the same?
    is_rekeyed_alike = agrees_with_reading(
        task.spec,
        final_answer,
        _answer_as_reading(Answer(rekeying_row.typed_value, State(rekeying_row.typed_state))),
    )
    # A contradicted client goes to another person; it raises nothing here.
    is_contradicted = (
        task.spec.means in _CLIENT_MEANINGS
        and find_contradicted_client_field(
            conn, task.form, entry, all_answers, replace(about, choice=ConflictChoice.HAND_ON)
        )
        is not None
    )
    is_settled = (is_rekeyed_alike or not task.spec.critical) and not is_contradicted
    # The two who agree are the reviewers; else this person alone.
    reviewers = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    if is_settled and is_rekeyed_alike:
        reviewers = {
            "first_by": rekeying_row.typed_by,
            "first_at": rekeying_row.typed_at,
            "second_by": person.login,
            "second_at": now,
        }
    new = {
        name: DecidedAnswer(answer, AnswerOrigin.CORRECTION, is_settled)
        for name, answer in completed.items()
    }
    write_answers(
        conn,
        person,
        task.form,
        entry,
        new,
        now,
        reviewers | {"reason": REKEYING_REASON},
        earlier=before,
        about=about,
    )


def _answer_as_reading(answer: Answer) -> Reading:
    """Return an answer as a reading with probability 1, to compare answers by the same rules."""
    return Reading(answer.value, 1.0, answer.state)
