"""The third look at a field in which confirmation and control differ. It ends in a new version of
the entry, or in nothing being changed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Person, Reading, State
from pipeline.domain.review import rules
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer, decided_answers
from pipeline.store.entries.client_check import (
    complete_client_numbers,
    find_contradicted_client_field,
    save_client_choice,
)
from pipeline.store.entries.entry import Entry, stale_decision_error
from pipeline.store.entries.entry_facts import derive_entry_facts
from pipeline.store.event_log.events import record
from pipeline.store.quality.rekeying import (
    RekeyingOutcome,
    RekeyingTask,
    confirmed_answer,
    finish_rekeying,
    load_claimed_task,
)
from pipeline.store.review.decisions import NO_CLIENT_STATEMENT, write_decision

REKEYING_REASON = "kontrollskrivning"
"""Why the entry has a new version."""
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
    """Say what the paper says. If the confirmed value does not, the entry is corrected, by whoever
    typed the control so and this person.

    A critical field that neither of the two others had read so goes to yet another person, as
    every correction of one does, and so does a client whom the sheet contradicts.

    Raises:
        NotAllowedError, StaleDecisionError, MissingAnswerError, InvalidAnswerError: as
        `type_control`.
        UnknownClientError: the personal number is in no register, and the person has not said
        that this is meant.
    """
    row, found = load_claimed_task(conn, person, task.id, now)
    if row.typed_by is None:
        raise stale_decision_error()
    spec, said = task.spec, rules.normalize_answer(task.spec, answer)
    before, _ = confirmed_answer(conn, found, spec.name)
    right = rules.agrees_with_reading(spec, said, _answer_as_reading(before.answer))
    outcome = RekeyingOutcome.RIGHT if right else RekeyingOutcome.WRONG
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
    record(conn, person.login, "third_look", found.id, unit=found.unit)
    if not right:
        _correct_entry(conn, person, task, found, row, said, about, now)
    return outcome


def _correct_entry(
    conn: Connection,
    person: Person,
    task: RekeyingTask,
    entry: Entry,
    control: Row[Any],
    said: Answer,
    about: ClientStatement,
    now: datetime,
) -> None:
    """Two people are enough where the control was typed so too; nobody but them stands for the
    value, and the machine for none that is critical.
    """
    given = complete_client_numbers(
        conn, person, task.form, entry.row, {task.spec.name: said}, about
    )
    before = decided_answers(conn, entry.id)
    whole = {name: one.answer for name, one in before.items()} | given
    typed = rules.agrees_with_reading(
        task.spec, said, _answer_as_reading(Answer(control.typed_value, State(control.typed_state)))
    )
    doubted = (
        task.spec.means in _CLIENT_MEANINGS
        and find_contradicted_client_field(
            conn, task.form, entry, whole, replace(about, choice=ConflictChoice.HAND_ON)
        )
        is not None
    )
    settled = (typed or not task.spec.critical) and not doubted
    who = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    if settled and typed:
        who = {
            "first_by": control.typed_by,
            "first_at": control.typed_at,
            "second_by": person.login,
            "second_at": now,
        }
    new = {
        name: DecidedAnswer(answer, AnswerOrigin.CORRECTION, settled)
        for name, answer in given.items()
    }
    facts = derive_entry_facts(task.form, entry, before | new)
    write_decision(
        conn,
        person,
        entry,
        new,
        now,
        state=rules.next_state(int(not settled)),
        form=task.form,
        reason=REKEYING_REASON,
        **who,
        **facts,
    )
    save_client_choice(conn, person, task.form, entry, given, about, now, before=whole)


def _answer_as_reading(answer: Answer) -> Reading:
    return Reading(answer.value, 1.0, answer.state)
