"""Duplicates (dubbletter): entries that are in the care system already, or twice in the store.

They are compared side by side and marked with reviewer and time; they are never deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.entry import (
    CLIENT_KEY,
    Entry,
    load_entry,
    select_entries,
)
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.schema import paper
from pipeline.store.schema.exports import clash_decision
from pipeline.store.schema.review import duplicate_mark

DUPLICATE_REASON = "dubblett"
"""The reason, as stored, of an entry that is marked as a duplicate."""
_entry_table, _mark_table = paper.entry, duplicate_mark
_MAX_MARKS, _MAX_SIMILAR = 200, 12


@dataclass(frozen=True, slots=True)
class DuplicateMark:
    """An entry that is marked as a duplicate.

    `other` is the entry that is valid, where the person can see it. `by` is a name.
    """

    id: int
    entry: Entry
    other: Entry | None
    text: str
    picture_sha256: str | None
    reason: str
    by: str
    at: datetime


def find_similar_entries(
    conn: Connection,
    person: Person,
    entry: Entry,
    numbers: Iterable[str] = (),
    days: Iterable[str] = (),
) -> list[Entry]:
    """Return entries that this one may repeat, those of the same client and day first.

    They are of the same client, or else of the same form and day.

    Args:
        numbers: personal numbers known of the entry's client (typed, decided).
        days: days known of the entry's event.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
    pids = sorted({*numbers, *([entry.client_pid] if entry.client_pid else [])})
    event_days = sorted({*days, *([entry.event_on] if entry.event_on else [])})
    same_client = _entry_table.c.client_pid.in_(pids)
    same_day = (_entry_table.c.form == entry.form) & _entry_table.c.event_on.in_(event_days)
    is_valid = (_entry_table.c.state != EntryState.REJECTED.value) & _entry_table.c.voided.is_(None)
    # Other valid entries that the person can see: same client, or same form and day.
    query = select(_entry_table).where(
        visibility.visible_entries_condition(conn, person, Action.REVIEW),
        _entry_table.c.id != entry.id,
        is_valid,
        or_(same_client, same_day),
    )
    similar = select_entries(
        conn,
        query.order_by(_entry_table.c.event_on.desc().nulls_last(), _entry_table.c.id).limit(
            _MAX_MARKS
        ),
    )
    # The same client weighs more than the same day.
    similar.sort(
        key=lambda other: -(2 * (other.client_pid in pids) + (other.event_on in event_days))
    )
    return similar[:_MAX_SIMILAR]


def add_mark(conn: Connection, row: Mapping[str, object]) -> int:
    """Store a mark and return its id."""
    new = insert(_mark_table).values(row).returning(_mark_table.c.id)
    mark: int = conn.execute(new).scalar_one()
    return mark


def find_mark_row(conn: Connection, mark_id: int) -> Row[Any] | None:
    """Return the row of a mark that has not been taken back."""
    is_open = _mark_table.c.taken_back_at.is_(None)
    query = select(_mark_table).where(_mark_table.c.id == mark_id, is_open)
    return conn.execute(query).one_or_none()


def end_marks(
    conn: Connection,
    login: str,
    now: datetime,
    *,
    entry_id: str | None = None,
    mark_id: int | None = None,
) -> None:
    """Take back the open marks of an entry, or one mark.

    The comparison with the care system that led to that one mark is open again too.
    """
    taken_back = {"taken_back_by": login, "taken_back_at": now}
    is_one = _mark_table.c.id == mark_id if entry_id is None else _mark_table.c.entry == entry_id
    is_open = _mark_table.c.taken_back_at.is_(None)
    conn.execute(update(_mark_table).where(is_one, is_open).values(taken_back))
    if mark_id is not None:
        ended = update(clash_decision).where(clash_decision.c.mark == mark_id)
        conn.execute(ended.values(taken_back))


def find_active_mark(conn: Connection, entry: Entry) -> int | None:
    """Return the id of the mark for which an entry is rejected now, or None."""
    # The mark that has not been taken back; at most one.
    mine = select(_mark_table.c.id).where(
        _mark_table.c.entry == entry.id, _mark_table.c.taken_back_at.is_(None)
    )
    return conn.execute(mine).scalar_one_or_none() if entry.reason == DUPLICATE_REASON else None


def lock_entries(conn: Connection, *entry_ids: str) -> None:
    """Lock entries until the transaction ends.

    Two people who mark each other's entry as a duplicate would reject both. The entries are locked
    in one order, so that no two transactions wait for each other.
    """
    conn.execute(
        select(_entry_table.c.id)
        .where(_entry_table.c.id.in_(entry_ids))
        .order_by(_entry_table.c.id)
        .with_for_update()
    )


def list_duplicate_marks(conn: Connection, person: Person) -> list[DuplicateMark]:
    """Return entries of the person's units that are marked as duplicates, the latest first.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    require_permission(person, Action.FOLLOW_UP)
    names: Mapping[str, str] = people.names_by_login(conn)
    query = select(_mark_table, CLIENT_KEY.label("who")).join(
        _entry_table, _entry_table.c.id == _mark_table.c.entry
    )
    # Active marks of entries that are still rejected for it and that the person can see.
    query = query.where(
        _mark_table.c.taken_back_at.is_(None),
        visibility.visible_entries_condition(conn, person, Action.FOLLOW_UP),
        _entry_table.c.reason == DUPLICATE_REASON,
    )
    rows = conn.execute(
        query.order_by(_mark_table.c.at.desc(), _mark_table.c.id.desc()).limit(_MAX_MARKS)
    ).all()
    # What was copied from the care system names the client.
    hidden = find_hidden_pids(conn, person, [row.who for row in rows])
    return [
        DuplicateMark(
            row.id,
            load_entry(conn, row.entry),
            _visible_entry(conn, person, row.other_entry),
            "" if row.who in hidden else row.text,
            None if row.who in hidden else row.picture_sha256,
            row.why,
            names.get(row.by, row.by),
            row.at,
        )
        for row in rows
    ]


def _visible_entry(conn: Connection, person: Person, entry_id: str | None) -> Entry | None:
    # The entry, if the person can see it.
    visible = select_entries(
        conn,
        select(_entry_table).where(
            _entry_table.c.id == entry_id,
            visibility.visible_entries_condition(conn, person, Action.REVIEW),
        ),
    )
    return visible[0] if visible else None
