"""The third look at a field in which confirmation and control differ. It ends in a new version of the entry, or in nothing being changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pipeline import review
from pipeline.client_guard import AboutClient
from pipeline.model import Person, Reading
from pipeline.review import Answer
from pipeline.store.answers import Decided, How, decided
from pipeline.store.client_check import in_register
from pipeline.store.controls import ControlTask, Outcome, confirmed, finish, held
from pipeline.store.decided_facts import facts_of
from pipeline.store.decisions import NOTHING_SAID, decide
from pipeline.store.entries import stale
from pipeline.store.entry_views import readings_of
from pipeline.store.events import record
from pipeline.store.sheets import sheet_pages

REASON = "kontrollskrivning"
"""Why the entry has a new version."""


def third_look(conn: Connection, person: Person, task: ControlTask, answer: Answer, now: datetime, *, about: AboutClient = NOTHING_SAID) -> Outcome:
    """Say what the paper says. If the confirmed value does not, the entry is corrected, with whoever typed the control and this person as its people.

    A critical field that neither of the two others had read so goes to yet another person, as every correction of one does.

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
    if right:
        return outcome
    given = in_register(conn, person, task.form, found.row, {spec.name: said}, about)[spec.name]
    typed = review.agree(spec, said, _as_read(task.sides[1]))
    reading = readings_of(conn, tuple(sheet_pages(conn, found.sheet))).get(spec.name)
    new = {spec.name: Decided(given, How.CORRECTION, typed or review.settled(spec, given, reading))}
    settled = new[spec.name].settled
    who = {"first_by": row.typed_by, "first_at": row.typed_at, "second_by": person.login, "second_at": now}
    if not settled:
        who = {"first_by": person.login, "first_at": now, "second_by": None, "second_at": None}
    facts = facts_of(task.form, found, decided(conn, found.id) | new)
    decide(conn, person, found, new, now, state=review.next_state(int(not settled)), form=task.form, reason=REASON, **who, **facts)
    return outcome


def _as_read(answer: Answer) -> Reading:
    return Reading(answer.value, 1.0, answer.state)
