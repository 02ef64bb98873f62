"""Questions to the author (fråga författaren): what only the person who wrote can say.

The entry is rejected until the answer brings it back; each unit has a list of questions by author.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select

from pipeline.domain import permissions
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.registers.client_search import split_words
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import UNDECIDED_VALUES, Entry, advance_entry, load_entry
from pipeline.store.entries.entry_view import entry_form, load_entry_readings
from pipeline.store.event_log.events import contains_pid, record
from pipeline.store.paper.sheets import list_sheet_pages
from pipeline.store.review.decisions import reject_entry
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
    """Reject an entry until its author has answered.

    Without `author`, the person named on the paper is asked.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.reject_entry`.
        ReviewError: the question is empty, or holds a personal number.
    """
    if not text.strip():
        raise ReviewError("nothing_asked")
    if contains_pid(text):
        raise ReviewError("question_with_number")
    entry = load_entry(conn, entry_id)
    # The given author, else the one on the paper.
    addressee = author.strip() or find_author(conn, forms, person, entry)
    reject_entry(conn, person, entry_id, revision, ASK_AUTHOR_REASON, now)
    # The entry is rejected first: that fails if it has changed.
    row = {
        "entry": entry_id,
        "unit": entry.unit,
        "author": addressee[:120],
        "text": text.strip(),
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(question).values(row))
    record(conn, person.login, "ask_author", entry_id, unit=entry.unit)


def find_author(conn: Connection, forms: Forms, person: Person, entry: Entry) -> str:
    """Return who wrote, as far as it is known, or an empty string.

    A decided author comes first, then what this person has keyed, then the reading.
    """
    if entry.author:
        return entry.author
    form, drafts = entry_form(forms, entry), list_answer_drafts(conn, entry.id, person.login)
    readings = load_entry_readings(conn, entry, tuple(list_sheet_pages(conn, entry.sheet)))
    # The name says more than the initials.
    for meaning in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
        spec = form.meaning(meaning, entry.row)
        for source in (drafts.get(spec.name), readings.get(spec.name)) if spec else ():
            if source is not None and isinstance(source.value, str) and source.value.strip():
                return source.value.strip()
    return ""


def count_own_questions(conn: Connection, person: Person) -> int:
    """Return how many questions to the person wait for an answer: those with the person's name.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
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
    permissions.require_permission(person, Action.FOLLOW_UP)
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
    units = sorted(permissions.permitted_units(person, Action.FOLLOW_UP))
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


def save_author_answer(
    conn: Connection,
    person: Person,
    question_id: int,
    text: str,
    answered_by: str,
    answered_at: datetime,
    now: datetime,
) -> None:
    """Register the author's answer; the entry goes back to review and shows question and answer.

    Raises:
        NotAllowedError: another unit or role.
        ReviewError: there is no such question, the answer or its author is missing, or the answer
            is in the future.
    """
    row = conn.execute(select(question).where(question.c.id == question_id)).one_or_none()
    if row is None:
        raise ReviewError("no_such_question")
    visibility.require_visible_entry(conn, person, Action.FOLLOW_UP, load_entry(conn, row.entry))
    if not text.strip() or not answered_by.strip():
        raise ReviewError("answer_needs_text_who_gave")
    if answered_at > now:
        raise ReviewError("answer_lies_future")
    answer = {
        "question": question_id,
        "text": text.strip(),
        "answered_by": answered_by.strip()[:120],
        "answered_at": answered_at,
    }
    conn.execute(insert(author_answer).values(answer | {"by": person.login, "at": now}))
    record(conn, person.login, "author_answered", row.entry, unit=row.unit)
    entry = load_entry(conn, row.entry)
    # Reopened also by a person who does not review: the entry is on no other list.
    if entry.state is EntryState.REJECTED and entry.reason == ASK_AUTHOR_REASON:
        advance_entry(conn, entry, **{**UNDECIDED_VALUES, "reason": ANSWERED_REASON})
        record(conn, person.login, "reopen", entry.id, unit=entry.unit)


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
