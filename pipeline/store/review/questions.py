"""Fråga författaren: what only the person who wrote can say. The entry is put aside, the unit has a
list by author, and the answer brings it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, and_, insert, select

from pipeline.domain import permissions
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import UNDECIDED_VALUES, Entry, advance_entry, load_entry
from pipeline.store.entries.entry_view import entry_form, load_readings
from pipeline.store.event_log.events import record
from pipeline.store.paper.sheets import list_sheet_pages
from pipeline.store.review.decisions import reject_entry
from pipeline.store.schema import paper
from pipeline.store.schema.review import author_answer, question

ASK_AUTHOR_REASON = "fråga författaren"
ANSWERED_REASON = "författaren har svarat"
"""The reason of an entry that the author's answer brought back."""
_entry_table = paper.entry
_MAX_QUESTIONS = 500


@dataclass(frozen=True, slots=True)
class AuthorAnswer:
    """An author's answer: who of the staff said it and when, and who wrote it in and when."""

    text: str
    answered_by: str
    answered_at: datetime
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A question to an author ("" when the paper does not tell who wrote), with the answers there
    are, oldest first. `by` is a name.
    """

    id: int
    entry: Entry
    author: str
    text: str
    by: str
    at: datetime
    answers: tuple[AuthorAnswer, ...]


def ask_author(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    text: str,
    author: str,
    now: datetime,
) -> None:
    """Put an entry aside until its author has answered. Without `author`, whoever the paper names
    is asked.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.reject`.
        ReviewError: nothing is asked.
    """
    if not text.strip():
        raise ReviewError("nothing_asked")
    found = load_entry(conn, entry_id)
    who = author.strip() or find_author(conn, forms, person, found)
    reject_entry(conn, person, entry_id, revision, ASK_AUTHOR_REASON, now)
    row = {
        "entry": entry_id,
        "unit": found.unit,
        "author": who[:120],
        "text": text.strip(),
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(question).values(row))
    record(conn, person.login, "ask_author", entry_id, unit=found.unit)


def find_author(conn: Connection, forms: Forms, person: Person, entry: Entry) -> str:
    """Who wrote, as far as is known: decided, typed by this person, or read."""
    if entry.author:
        return entry.author
    form, typed = entry_form(forms, entry), list_answer_drafts(conn, entry.id, person.login)
    read = load_readings(conn, tuple(list_sheet_pages(conn, entry.sheet)))
    for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
        spec = form.meaning(means, entry.row)
        for said in (typed.get(spec.name), read.get(spec.name)) if spec else ():
            if said is not None and isinstance(said.value, str) and said.value.strip():
                return said.value.strip()
    return ""


def list_questions(conn: Connection, person: Person, *, answered: bool = False) -> list[Question]:
    """The questions of the person's units that wait for an answer, or those that have one, by
    author and then by age.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    has_answer = select(author_answer.c.question)
    query = select(question).join(_entry_table, _entry_table.c.id == question.c.entry)
    query = query.where(
        question.c.unit.in_(sorted(person.units)),
        visibility.visible_entries_condition(conn, person),
    )
    waits = and_(
        question.c.id.not_in(has_answer),
        _entry_table.c.state == EntryState.REJECTED.value,
        _entry_table.c.reason == ASK_AUTHOR_REASON,
    )
    query = query.where(question.c.id.in_(has_answer) if answered else waits)
    rows = conn.execute(
        query.order_by(question.c.author, question.c.at, question.c.id).limit(_MAX_QUESTIONS)
    ).all()
    return [_question_from_row(conn, row) for row in rows]


def list_entry_questions(conn: Connection, person: Person, entry_id: str) -> list[Question]:
    """All that was asked about an entry, oldest first.

    Raises:
        NotAllowedError: another unit or role.
    """
    visibility.require_visible_entry(conn, person, Action.VIEW_PAGE, load_entry(conn, entry_id))
    rows = conn.execute(
        select(question).where(question.c.entry == entry_id).order_by(question.c.id)
    ).all()
    return [_question_from_row(conn, row) for row in rows]


def save_author_answer(
    conn: Connection,
    person: Person,
    question_id: int,
    text: str,
    answered_by: str,
    answered_at: datetime,
    now: datetime,
) -> None:
    """Write in what the author said; the entry goes back to review and shows question and answer.

    Raises:
        NotAllowedError: another unit or role.
        ReviewError: there is no such question, or answer or author is missing, or the answer
        lies in the future.
    """
    row = conn.execute(select(question).where(question.c.id == question_id)).one_or_none()
    if row is None:
        raise ReviewError("no_such_question")
    visibility.require_visible_entry(conn, person, Action.FOLLOW_UP, load_entry(conn, row.entry))
    if not text.strip() or not answered_by.strip():
        raise ReviewError("answer_needs_text_who_gave")
    if answered_at > now:
        raise ReviewError("answer_lies_future")
    new = {
        "question": question_id,
        "text": text.strip(),
        "answered_by": answered_by.strip()[:120],
        "answered_at": answered_at,
    }
    conn.execute(insert(author_answer).values(new | {"by": person.login, "at": now}))
    record(conn, person.login, "author_answered", row.entry, unit=row.unit)
    found = load_entry(conn, row.entry)
    if (
        found.state is EntryState.REJECTED and found.reason == ASK_AUTHOR_REASON
    ):  # also where the person does not review: no other list has it
        advance_entry(conn, found, **{**UNDECIDED_VALUES, "reason": ANSWERED_REASON})
        record(conn, person.login, "reopen", found.id, unit=found.unit)


def _question_from_row(conn: Connection, row: Row[tuple[object, ...]]) -> Question:
    names = people.names_by_login(conn)
    given = conn.execute(
        select(author_answer).where(author_answer.c.question == row.id).order_by(author_answer.c.id)
    )
    answers = tuple(
        AuthorAnswer(one.text, one.answered_by, one.answered_at, names.get(one.by, one.by), one.at)
        for one in given
    )
    return Question(
        row.id,
        load_entry(conn, row.entry),
        row.author,
        row.text,
        names.get(row.by, row.by),
        row.at,
        answers,
    )
