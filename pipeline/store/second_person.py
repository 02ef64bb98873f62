"""The second person of an entry: nobody who has said anything of what is disputed in it, as the first, in a group or in a control, or undecided.

Who has keyed the same ink of a sheet's head in another row is not among them: where several people review the rows of a sheet at the same time,
all of them have, and nobody would be left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, literal_column, or_, select

from pipeline import access
from pipeline.access import Action
from pipeline.model import EntryState, Person
from pipeline.store import sight, tables
from pipeline.store.answers import How, is_of_latest_round
from pipeline.store.control_tables import control
from pipeline.store.entries import Entry
from pipeline.store.group_answers import ODD
from pipeline.store.group_tables import group_cell, group_task

_entry, _draft = tables.entry, tables.draft
_IS_SECOND = _entry.c.state == literal_column(f"'{EntryState.SECOND}'")


def is_not_for(login: str) -> ColumnElement[bool]:
    """The condition on the table of entries that somebody cannot be their second person; false of entries that wait for a first."""
    disputed = tables.decision.alias("disputed")
    waits = (disputed.c.entry == _entry.c.id, disputed.c.settled.is_(False), is_of_latest_round(disputed))
    said = exists().where(*waits, or_(*_said(login, disputed))).correlate(_entry)
    return _IS_SECOND & or_(func.coalesce(_entry.c.first_by == login, False), said)


def may_not_judge(conn: Connection, login: str, found: Entry) -> bool:
    """Whether an entry is in second review and waits for somebody else."""
    return found.state is EntryState.SECOND and bool(not_for_among(conn, login, [found.id]))


def not_for_among(conn: Connection, login: str, entry_ids: Iterable[str]) -> set[str]:
    """Those of these entries that are in second review and wait for somebody else."""
    return set(conn.execute(select(_entry.c.id).where(_entry.c.id.in_(sorted(entry_ids)), is_not_for(login))).scalars())


def waits_for_another(conn: Connection, person: Person) -> int:
    """How many entries of the person's units wait for a second person who is somebody else.

    Raises:
        NotAllowedError: the person does not review.
    """
    access.require(person, Action.REVIEW)
    query = select(func.count()).select_from(_entry).where(_IS_SECOND, sight.visible_entries(conn, person), is_not_for(person.login))
    total: int = conn.execute(query).scalar_one()
    return total


def _said(login: str, disputed: FromClause) -> Iterator[ColumnElement[bool]]:
    """The ways in which somebody can have said what a field says before it was disputed.

    What was decided as the second person counts where that is now corrected, and not where the whole entry is decided anew or the second undoes.
    """
    entry, field = disputed.c.entry, disputed.c.field
    mine, cell = tables.decision.alias("mine"), group_cell.c
    keyed = and_(mine.c.how.not_in([How.PAGE_MISSING.value, How.SECOND.value]), mine.c.revision <= disputed.c.revision)
    settled = and_(mine.c.how == How.SECOND.value, mine.c.revision < disputed.c.revision, disputed.c.how == How.CORRECTION.value)
    yield exists().where(mine.c.entry == entry, mine.c.field == field, mine.c.by == login, or_(keyed, settled)).correlate(disputed)
    typed = (_draft.c.entry == entry, _draft.c.field == field, _draft.c.login == login, _draft.c.revision < disputed.c.revision)
    yield exists().where(*typed).correlate(disputed)
    yield exists().where(control.c.entry == entry, control.c.field == field, control.c.typed_by == login).correlate(disputed)
    odd = (cell.entry == entry, cell.field == field, cell.outcome == ODD, group_task.c.id == cell.task, group_task.c.login == login)
    yield exists().where(*odd).correlate(disputed)
