"""The third look at a field in which confirmation and control differ. It ends in a new version of the entry, or in nothing being changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from pipeline import review
from pipeline.client_guard import AboutClient, Choice
from pipeline.field_spec import Meaning
from pipeline.model import Person, Reading, State
from pipeline.review import Answer
from pipeline.store.answers import Decided, How, decided
from pipeline.store.client_check import doubted_client, in_register
from pipeline.store.controls import ControlTask, Outcome, confirmed, finish, held
from pipeline.store.decided_facts import facts_of
from pipeline.store.decisions import NOTHING_SAID, decide
from pipeline.store.entries import Entry, stale
from pipeline.store.events import record
from pipeline.store.temporary_identities import note_client

REASON = "kontrollskrivning"
"""Why the entry has a new version."""
_WHO = frozenset({Meaning.CLIENT_PID, Meaning.CLIENT_NAME})


def third_look(conn: Connection, person: Person, task: ControlTask, answer: Answer, now: datetime, *, about: AboutClient = NOTHING_SAID) -> Outcome:
    """Say what the paper says. If the confirmed value does not, the entry is corrected, by whoever typed the control so and this person.

    A critical field that neither of the two others had read so goes to yet another person, as every correction of one does, and so does a client
    whom the sheet contradicts.

    Raises:
        NotAllowedError, StaleDecisionError, MissingAnswerError, InvalidAnswerError: as `type_control`.
        UnknownClientError: the personal number is in no register, and the person has not said that this is meant.
    """
    row, found = held(conn, person, task.id, now)
    if row.typed_by is None:
        raise stale()
    spec, said = task.spec, review.checked(task.spec, answer)
    before, _ = confirmed(conn, found, spec.name)
    right = review.agree(spec, said, _as_read(before.answer))
    outcome = Outcome.RIGHT if right else Outcome.WRONG
    finish(conn, task.id, {"third_by": person.login, "third_at": now, "outcome": outcome.value, "claimed_by": None, "claimed_until": None})
    record(conn, person.login, "third_look", found.id, unit=found.unit)
    if not right:
        _correct(conn, person, task, found, row, said, about, now)
    return outcome


def _correct(
    conn: Connection, person: Person, task: ControlTask, found: Entry, control: Row[Any], said: Answer, about: AboutClient, now: datetime
) -> None:
    """Two people are enough where the control was typed so too; nobody but them stands for the value, and the machine for none that is critical."""
    given = in_register(conn, person, task.form, found.row, {task.spec.name: said}, about)
    before = decided(conn, found.id)
    whole = {name: one.answer for name, one in before.items()} | given
    typed = review.agree(task.spec, said, _as_read(Answer(control.typed_value, State(control.typed_state))))
    doubted = task.spec.means in _WHO and doubted_client(conn, task.form, found, whole, replace(about, choice=Choice.HAND_ON)) is not None
    settled = (typed or not task.spec.critical) and not doubted
    who = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    if settled and typed:
        who = {"first_by": control.typed_by, "first_at": control.typed_at, "second_by": person.login, "second_at": now}
    new = {name: Decided(answer, How.CORRECTION, settled) for name, answer in given.items()}
    facts = facts_of(task.form, found, before | new)
    decide(conn, person, found, new, now, state=review.next_state(int(not settled)), form=task.form, reason=REASON, **who, **facts)
    note_client(conn, person, task.form, found, given, about, now, before=whole)


def _as_read(answer: Answer) -> Reading:
    return Reading(answer.value, 1.0, answer.state)
