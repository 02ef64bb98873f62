"""The second person of an entry: nobody who has said anything of what is disputed in it, as the
first, in a group or in a control, or undecided.

Who has keyed the same ink of a sheet's head in another row is not among them: where several
people review the rows of a sheet at the same time, all of them have, and nobody would be left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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

from pipeline.domain import permissions
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import AnswerOrigin, is_latest_round
from pipeline.store.entries.batch_answers import CELL_ODD
from pipeline.store.entries.entry import Entry
from pipeline.store.schema import paper
from pipeline.store.schema.review import control, group_cell, group_task

_entry_table, _draft_table = paper.entry, paper.draft
_IS_SECOND = _entry_table.c.state == literal_column(f"'{EntryState.SECOND}'")


def is_excluded_as_second(login: str) -> ColumnElement[bool]:
    """The condition on the table of entries that somebody cannot be their second person; false of
    entries that wait for a first.
    """
    disputed = paper.decision.alias("disputed")
    waits = (
        disputed.c.entry == _entry_table.c.id,
        disputed.c.settled.is_(False),
        is_latest_round(disputed),
    )
    said = (
        exists()
        .where(*waits, or_(*_has_answered_conditions(login, disputed)))
        .correlate(_entry_table)
    )
    return _IS_SECOND & or_(func.coalesce(_entry_table.c.first_by == login, False), said)


def must_not_review(conn: Connection, login: str, entry: Entry) -> bool:
    """Whether an entry is in second review and waits for somebody else."""
    return entry.state is EntryState.SECOND and bool(
        filter_excluded_as_second(conn, login, [entry.id])
    )


def filter_excluded_as_second(conn: Connection, login: str, entry_ids: Iterable[str]) -> set[str]:
    """Those of these entries that are in second review and wait for somebody else."""
    return set(
        conn.execute(
            select(_entry_table.c.id).where(
                _entry_table.c.id.in_(sorted(entry_ids)), is_excluded_as_second(login)
            )
        ).scalars()
    )


def count_waiting_for_others(conn: Connection, person: Person) -> int:
    """How many entries of the person's units wait for a second person who is somebody else.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    query = (
        select(func.count())
        .select_from(_entry_table)
        .where(
            _IS_SECOND,
            visibility.visible_entries_condition(conn, person),
            is_excluded_as_second(person.login),
        )
    )
    total: int = conn.execute(query).scalar_one()
    return total


def _has_answered_conditions(login: str, disputed: FromClause) -> Iterator[ColumnElement[bool]]:
    """The ways in which somebody can have said what a field says before it was disputed.

    What was decided as the second person counts where that is now corrected, and not where the
    whole entry is decided anew or the second undoes.
    """
    entry, field = disputed.c.entry, disputed.c.field
    mine, cell = paper.decision.alias("mine"), group_cell.c
    keyed = and_(
        mine.c.how.not_in([AnswerOrigin.PAGE_MISSING.value, AnswerOrigin.SECOND.value]),
        mine.c.revision <= disputed.c.revision,
    )
    settled = and_(
        mine.c.how == AnswerOrigin.SECOND.value,
        mine.c.revision < disputed.c.revision,
        disputed.c.how == AnswerOrigin.CORRECTION.value,
    )
    yield (
        exists()
        .where(
            mine.c.entry == entry, mine.c.field == field, mine.c.by == login, or_(keyed, settled)
        )
        .correlate(disputed)
    )
    typed = (
        _draft_table.c.entry == entry,
        _draft_table.c.field == field,
        _draft_table.c.login == login,
        _draft_table.c.revision < disputed.c.revision,
    )
    yield exists().where(*typed).correlate(disputed)
    yield (
        exists()
        .where(control.c.entry == entry, control.c.field == field, control.c.typed_by == login)
        .correlate(disputed)
    )
    odd = (
        cell.entry == entry,
        cell.field == field,
        cell.outcome == CELL_ODD,
        group_task.c.id == cell.task,
        group_task.c.login == login,
    )
    yield exists().where(*odd).correlate(disputed)
