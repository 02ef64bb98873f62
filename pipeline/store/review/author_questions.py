"""Questions to the author (fråga författaren): what only the person who wrote can say.

The entry is rejected until the answer brings it back; each unit has a list of questions by author.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select

from pipeline.domain.errors import ReviewError
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.registers.client_check import split_words
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.schema import paper
from pipeline.store.schema.review import author_answer, question

ASK_AUTHOR_REASON = "fråga författaren"
"""The reason, as stored, of an entry that waits for its author; see `rules.REJECTION_REASONS`."""
ANSWERED_REASON = "författaren har svarat"
"""The reason, as stored, of an entry that the author's answer brought back."""
_entry_table = paper.entry
_MAX_QUESTIONS = 500


@dataclass(frozen=True, slots=True)
class AuthorAnswer:
    """An author's answer.

    `answered_by` and `answered_at` say which member of staff gave it and when, `by` and `at` who
    registered it and when.
    """

    text: str
    answered_by: str
    answered_at: datetime
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A question to an author, with its answers, oldest first.

    `author` is empty where the paper does not say who wrote. `by` is a name.
    """

    id: int
    entry: Entry
    author: str
    text: str
    by: str
    at: datetime
    answers: tuple[AuthorAnswer, ...]


def count_own_questions(conn: Connection, person: Person) -> int:
    """Return how many questions to the person wait for an answer: those with the person's name.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    require_permission(person, Action.FOLLOW_UP)
    query = (
        select(question.c.author)
        .join(_entry_table, _entry_table.c.id == question.c.entry)
        .where(*_are_of_own_units(conn, person), _is_waiting())
        .limit(_MAX_QUESTIONS)
    )
    name = split_words(person.name)
    return sum(split_words(author) == name for author in conn.execute(query).scalars())


def list_questions(conn: Connection, person: Person, *, answered: bool = False) -> list[Question]:
    """Return the questions of the person's units that wait for an answer, or those that have one.

    They are sorted by author and then by age.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    require_permission(person, Action.FOLLOW_UP)
    query = select(question).join(_entry_table, _entry_table.c.id == question.c.entry)
    query = query.where(*_are_of_own_units(conn, person))
    has_answer = question.c.id.in_(select(author_answer.c.question))
    query = query.where(has_answer if answered else _is_waiting())
    rows = conn.execute(
        query.order_by(question.c.author, question.c.at, question.c.id).limit(_MAX_QUESTIONS)
    ).all()
    return [_question_from_row(conn, row) for row in rows]


def _are_of_own_units(conn: Connection, person: Person) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of questions of the person's units, about entries that they can see."""
    units = sorted(permitted_units(person, Action.FOLLOW_UP))
    is_visible = visibility.visible_entries_condition(conn, person, Action.FOLLOW_UP)
    return question.c.unit.in_(units), is_visible


def _is_waiting() -> ColumnElement[bool]:
    """Whether a question has no answer, and its entry is still rejected for this reason."""
    return and_(
        question.c.id.not_in(select(author_answer.c.question)),
        _entry_table.c.state == EntryState.REJECTED.value,
        _entry_table.c.reason == ASK_AUTHOR_REASON,
    )


def list_entry_questions(conn: Connection, person: Person, entry_id: str) -> list[Question]:
    """Return all that was asked about an entry, oldest first.

    Raises:
        NotAllowedError: another unit or role.
    """
    visibility.require_visible_entry(conn, person, Action.VIEW_PAGE, load_entry(conn, entry_id))
    rows = conn.execute(
        select(question).where(question.c.entry == entry_id).order_by(question.c.id)
    ).all()
    return [_question_from_row(conn, row) for row in rows]


def add_question(conn: Connection, row: Mapping[str, object]) -> None:
    """Store a question to an author."""
    conn.execute(insert(question).values(row))


def load_question_row(conn: Connection, question_id: int) -> Row[Any]:
    """Return a question's row.

    Raises:
        ReviewError: there is no such question.
    """
    row = conn.execute(select(question).where(question.c.id == question_id)).one_or_none()
    if row is None:
        raise ReviewError("no_such_question")
    return row


def add_answer(conn: Connection, row: Mapping[str, object]) -> None:
    """Store an author's answer."""
    conn.execute(insert(author_answer).values(row))


def _question_from_row(conn: Connection, row: Row[tuple[object, ...]]) -> Question:
    names = people.names_by_login(conn)
    # The answers to this question, oldest first.
    answer_rows = conn.execute(
        select(author_answer).where(author_answer.c.question == row.id).order_by(author_answer.c.id)
    )
    answers = tuple(
        AuthorAnswer(
            answer.text,
            answer.answered_by,
            answer.answered_at,
            names.get(answer.by, answer.by),
            answer.at,
        )
        for answer in answer_rows
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
