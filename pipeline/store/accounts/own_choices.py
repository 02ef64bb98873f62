"""What a person has chosen of the screens: the order of the queue, and that the guide is closed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.database.engines import insert_missing, upsert_rows
from pipeline.store.event_log.events import record
from pipeline.store.schema import paper, tally
from pipeline.store.schema.accounts import closed_guide
from pipeline.store.schema.accounts import queue_choice as choice_table

_entry_table = paper.entry


class QueueGrouping(StrEnum):
    """What a person stays with while any of it is left in the queue."""

    URGENCY = "urgency"
    """Nothing: the oldest and riskiest come first, as the queue has them."""
    FORM = "form"
    CLIENT = "client"
    AUTHOR = "author"


def queue_choice(conn: Connection, person: Person) -> QueueGrouping:
    """Return what the person has chosen; the queue's own order before any choice.

    Raises:
        NotAllowedError: the person may not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    return _load_choice(conn, person.login)[0]


def choose_queue_grouping(
    conn: Connection, person: Person, grouping: QueueGrouping, current: str = ""
) -> None:
    """Keep what the person stays with from now on.

    Args:
        current: the id of the entry on the screen, with whose form, client or author the person
            goes on. What else the person has claimed ahead is given back, since it came in the
            order that held before.

    Raises:
        NotAllowedError: the person may not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    row = {"login": person.login, "grouping": grouping.value, "entry": current}
    upsert_rows(conn, choice_table, [row])
    if current:
        ahead = update(_entry_table).where(
            _entry_table.c.claimed_by == person.login, _entry_table.c.id != current
        )
        conn.execute(ahead.values(claimed_by=None, claimed_until=None))
    record(conn, person.login, "choose_queue_grouping", "queue", choice=grouping.value)


def group_condition(conn: Connection, login: str) -> ColumnElement[bool] | None:
    """Return the condition on entries that they are of what the person stays with.

    None if the person works in the queue's order, or has not begun with anything.
    """
    grouping, entry_id = _load_choice(conn, login)
    if grouping is QueueGrouping.URGENCY or not entry_id:
        return None
    key = _load_key(conn, grouping, entry_id)
    return _has_key(grouping, key) if key else None


def keep_group(conn: Connection, login: str, entry_id: str) -> None:
    """Let the person stay with the form, client or author of this entry, if one is stayed with."""
    grouping, before = _load_choice(conn, login)
    if grouping is QueueGrouping.URGENCY or entry_id == before:
        return
    if before and _load_key(conn, grouping, before) == _load_key(conn, grouping, entry_id):
        return
    conn.execute(update(choice_table).where(choice_table.c.login == login).values(entry=entry_id))


def _load_choice(conn: Connection, login: str) -> tuple[QueueGrouping, str]:
    query = select(choice_table.c.grouping, choice_table.c.entry)
    row = conn.execute(query.where(choice_table.c.login == login)).one_or_none()
    return (QueueGrouping(row.grouping), row.entry) if row else (QueueGrouping.URGENCY, "")


def _load_key(conn: Connection, grouping: QueueGrouping, entry_id: str) -> str:
    """Return the form, client or author of an entry; empty where it is not known."""
    column = _GROUP_COLUMNS[grouping]
    key: str | None = conn.execute(
        select(column).where(_entry_table.c.id == entry_id)
    ).scalar_one_or_none()
    return key or ""


def _has_key(grouping: QueueGrouping, key: str) -> ColumnElement[bool]:
    """Return the condition in the words of the index that finds the group."""
    is_same = _GROUP_COLUMNS[grouping] == key
    if grouping is QueueGrouping.CLIENT:
        return and_(is_same, _entry_table.c.likely_pid != paper.NO_CLIENT)
    return and_(is_same, tally.HAS_AUTHOR_KEY) if grouping is QueueGrouping.AUTHOR else is_same


_GROUP_COLUMNS = {
    QueueGrouping.FORM: _entry_table.c.form,
    QueueGrouping.CLIENT: _entry_table.c.likely_pid,
    QueueGrouping.AUTHOR: _entry_table.c.author_key,
}


# Keep whether a person has closed the first-day guide.
#
# It reveals nothing about paper or clients, so no permission is required.


def is_guide_closed(conn: Connection, login: str) -> bool:
    """Return whether the person has closed the guide."""
    return (
        conn.execute(select(closed_guide.c.login).where(closed_guide.c.login == login)).first()
        is not None
    )


def close_guide(conn: Connection, login: str, now: datetime) -> None:
    """Hide the guide; closing it twice changes nothing."""
    insert_missing(conn, closed_guide, [{"login": login, "closed_at": now}])


def reopen_guide(conn: Connection, login: str) -> None:
    """Show the guide again."""
    conn.execute(delete(closed_guide).where(closed_guide.c.login == login))
