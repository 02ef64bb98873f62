"""Who cannot be the second reviewer of an entry: a person who has answered a disputed field.

All accounts of a person count as one.

That is as the first reviewer, in batch review, in rekeying, or in a draft. Persons who have keyed
the same head field in another row of the sheet are not excluded: where several review the rows of a
sheet at the same time, all of them have, and nobody would be left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.accounts.visibility import is_by_same_person
from pipeline.store.entries.answers import CELL_ODD, AnswerOrigin, is_latest_round
from pipeline.store.entries.entry import Entry, count_entries
from pipeline.store.schema import paper
from pipeline.store.schema.review import control, group_cell, group_task

_entry_table, _draft_table = paper.entry, paper.draft
_IS_SECOND = _entry_table.c.state == literal_column(f"'{EntryState.SECOND}'")


@lru_cache(maxsize=256)
def is_excluded_as_second(login: str) -> ColumnElement[bool]:
    """Return the condition that an entry is in second review and this login cannot decide it.

    It is false for entries in first review.
    """
    disputed = paper.decision.alias("disputed")
    # Unsettled answers of the latest round
    is_disputed = (
        disputed.c.entry == _entry_table.c.id,
        disputed.c.settled.is_(False),
        is_latest_round(disputed),
    )
    has_answered = (
        exists()
        .where(*is_disputed, or_(*_has_answered_conditions(login, disputed)))
        .correlate(_entry_table)
    )
    # The first reviewer is excluded, and so is every person with an answer
    return _IS_SECOND & or_(
        func.coalesce(is_by_same_person(_entry_table.c.first_by, login), False), has_answered
    )


def must_not_review(conn: Connection, login: str, entry: Entry) -> bool:
    """Return whether an entry is in second review and this person cannot decide it."""
    return entry.state is EntryState.SECOND and bool(
        filter_excluded_as_second(conn, login, [entry.id])
    )


def filter_excluded_as_second(conn: Connection, login: str, entry_ids: Iterable[str]) -> set[str]:
    """Return those of these entries that are in second review and wait for another person."""
    return set(
        conn.execute(
            select(_entry_table.c.id).where(
                _entry_table.c.id.in_(sorted(entry_ids)), is_excluded_as_second(login)
            )
        ).scalars()
    )


def count_waiting_for_others(conn: Connection, person: Person) -> int:
    """Return how many entries of the person's units wait for another second reviewer.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission(person, Action.REVIEW)
    # Visible entries in second review that the person cannot decide
    return count_entries(
        conn,
        _IS_SECOND,
        visibility.visible_entries_condition(conn, person, Action.REVIEW),
        is_excluded_as_second(person.login),
    )


def _has_answered_conditions(login: str, disputed: FromClause) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that a person answered a field before it was disputed."""
    entry, field = disputed.c.entry, disputed.c.field
    yield _has_decided(login, disputed)
    # Drafts typed before the dispute
    has_draft = (
        _draft_table.c.entry == entry,
        _draft_table.c.field == field,
        is_by_same_person(_draft_table.c.login, login),
        _draft_table.c.revision < disputed.c.revision,
    )
    yield exists().where(*has_draft).correlate(disputed)
    # Rekeying of the field
    yield (
        exists()
        .where(
            control.c.entry == entry,
            control.c.field == field,
            is_by_same_person(control.c.typed_by, login),
        )
        .correlate(disputed)
    )
    # Batch items that the person marked as odd; confirmed ones are answers
    cell = group_cell.c
    marked_odd = (
        cell.entry == entry,
        cell.field == field,
        cell.outcome == CELL_ODD,
        group_task.c.id == cell.task,
        is_by_same_person(group_task.c.login, login),
    )
    yield exists().where(*marked_odd).correlate(disputed)


def _has_decided(login: str, disputed: FromClause) -> ColumnElement[bool]:
    """Return the condition that a person's decision answered a field before it was disputed.

    An answer as second reviewer counts if it is being corrected, but not if the whole entry is
    decided again or the second reviewer undoes it.
    """
    own_answer = paper.decision.alias("mine")
    # Answers until the dispute, without those of missing pages
    keyed = and_(
        own_answer.c.how.not_in([AnswerOrigin.PAGE_MISSING.value, AnswerOrigin.SECOND.value]),
        own_answer.c.revision <= disputed.c.revision,
    )
    # Answers as second reviewer to what a correction disputes
    settled = and_(
        own_answer.c.how == AnswerOrigin.SECOND.value,
        own_answer.c.revision < disputed.c.revision,
        disputed.c.how == AnswerOrigin.CORRECTION.value,
    )
    return (
        exists()
        .where(
            own_answer.c.entry == disputed.c.entry,
            own_answer.c.field == disputed.c.field,
            is_by_same_person(own_answer.c.by, login),
            or_(keyed, settled),
        )
        .correlate(disputed)
    )
