"""What was put aside: every rejected entry stays listed with its reason, and can be taken up again."""

from __future__ import annotations

from sqlalchemy import CompoundSelect, Connection, case, func, select

from pipeline import access
from pipeline.access import Action
from pipeline.model import EntryState, Person
from pipeline.store import sight, tables
from pipeline.store.duplicate_marks import DUPLICATE
from pipeline.store.entries import Entry, entries
from pipeline.store.progress_counts import NOT_ENTERED
from pipeline.store.questions import ASK_AUTHOR
from pipeline.store.return_tables import duplicate_mark, question

_entry = tables.entry
_MOST = 300


def rejected(conn: Connection, person: Person) -> list[Entry]:
    """Rejected entries of the person's units that stand in no other list: those that leave a gap first, then the latest. Duplicates without a mark
    are among them.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    access.require(person, Action.FOLLOW_UP)
    listed = _listed_elsewhere()
    query = select(_entry).where(_entry.c.state == EntryState.REJECTED.value, sight.visible_entries(conn, person), _entry.c.id.not_in(listed))
    at = func.coalesce(_entry.c.second_at, _entry.c.first_at)
    newest = query.order_by(case((NOT_ENTERED, 0), else_=1), at.desc(), _entry.c.id).limit(_MOST)
    return entries(conn, newest)


def _listed_elsewhere() -> CompoundSelect[tuple[str]]:
    marked = select(duplicate_mark.c.entry).join(_entry, _entry.c.id == duplicate_mark.c.entry)
    marked = marked.where(duplicate_mark.c.taken_back_at.is_(None), _entry.c.reason == DUPLICATE)
    asked = select(question.c.entry).join(_entry, _entry.c.id == question.c.entry).where(_entry.c.reason == ASK_AUTHOR)
    return marked.union(asked)
