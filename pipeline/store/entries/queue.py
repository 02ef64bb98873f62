"""Taking entries from the queue: exactly one person at a time has an entry, and an entry that is
left alone goes back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from pipeline.domain.settings import QueueOrder
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import (
    OPEN_STATES,
    Entry,
    load_entry,
    select_entries,
    stale_decision_error,
)
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.entries.second_reviewer import is_excluded_as_second, must_not_review
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page
from pipeline.store.review.transfers import has_entry_on_sheet
from pipeline.store.schema import paper

_entry_table = paper.entry

CLAIM_MINUTES = 15


def claim_next(
    conn: Connection,
    forms: Forms,
    person: Person,
    now: datetime,
    minutes: int = CLAIM_MINUTES,
    order: QueueOrder = QueueOrder.OLDEST,
    excluded: Collection[str] = (),
) -> EntryView | None:
    """The entry that the person has open, or the next of the person's units (`store.places` says in
    which order); none of `besides`.

    Asked for again with the first in `besides` it claims one ahead, so that the next is there
    when the person is done. An entry that waits for a second person is not given to whoever has
    said what it disputes (`store.second_person`). One statement takes it: no two people get the
    same.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    others = _entry_table.c.id.not_in(sorted(excluded))
    mine, free = (and_(which, others) for which in (_is_mine(person, now), _is_free(now)))
    entry_id = _claim_first(conn, person, now, minutes, mine, order) or _claim_first(
        conn, person, now, minutes, free, order, pass_over=True
    )
    return load_entry_view(conn, forms, person, entry_id) if entry_id else None


def peek_queue(
    conn: Connection,
    person: Person,
    now: datetime,
    count: int,
    order: QueueOrder = QueueOrder.OLDEST,
) -> list[Entry]:
    """The entries that nobody has, in the order in which the person would get them; none is claimed
    by that.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    free = select(_entry_table).where(_available_condition(conn, person), _is_free(now))
    return select_entries(conn, free.order_by(*paper.QUEUE_ORDERS[order]).limit(count))


def open_claimed_entry(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    now: datetime,
    minutes: int = CLAIM_MINUTES,
) -> EntryView:
    """A certain entry. If it waits for review and this person may take it, it is claimed; any other
    is only shown.

    Raises:
        NotAllowedError: the person may not review this unit.
        StaleDecisionError: another person has it open.
    """
    found = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.REVIEW, found)
    if (
        found.state in OPEN_STATES
        and not must_not_review(conn, person.login, found)
        and _claim_first(conn, person, now, minutes, _entry_table.c.id == entry_id) is None
    ):
        raise stale_decision_error()
    return load_entry_view(conn, forms, person, entry_id)


def resume_claim(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    now: datetime,
    minutes: int = CLAIM_MINUTES,
) -> bool:
    """Go on with an entry that was claimed ahead; answers whether the person has it, as it was
    then.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    as_it_was = and_(_entry_table.c.id == entry_id, _entry_table.c.revision == revision)
    return _claim_first(conn, person, now, minutes, as_it_was) is not None


def renew_claim(
    conn: Connection, person: Person, entry_id: str, now: datetime, minutes: int = CLAIM_MINUTES
) -> bool:
    """Keep an entry longer; answers whether the person still has it.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    mine = update(_entry_table).where(
        _entry_table.c.id == entry_id, _entry_table.c.claimed_by == person.login
    )
    return bool(conn.execute(mine.values(claimed_until=now + timedelta(minutes=minutes))).rowcount)


def release_claim(conn: Connection, person: Person, entry_id: str) -> None:
    """Give an entry back, undecided. What was typed stays as the person's draft.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    mine = update(_entry_table).where(
        _entry_table.c.id == entry_id, _entry_table.c.claimed_by == person.login
    )
    conn.execute(mine.values(claimed_by=None, claimed_until=None))


def skip_entry(conn: Connection, person: Person, entry_id: str, revision: int) -> None:
    """Put an entry behind the others of its lane.

    Raises:
        StaleDecisionError: the person does not have it any longer.
    """
    found = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.REVIEW, found)
    mine = update(_entry_table).where(
        _entry_table.c.id == entry_id,
        _entry_table.c.revision == revision,
        _entry_table.c.claimed_by == person.login,
    )
    later = mine.values(skipped=_entry_table.c.skipped + 1, claimed_by=None, claimed_until=None)
    if conn.execute(later).rowcount != 1:
        raise stale_decision_error()
    record(conn, person.login, "skip", entry_id, unit=found.unit)


def record_page_view(conn: Connection, person: Person, page_id: str) -> Page:
    """The way to the picture of a page. Every look is an event (PDL 4:3).

    Raises:
        NotAllowedError: the person may not see paper of this unit.
    """
    found = load_page(conn, page_id)
    try:
        visibility.require_visible_page(conn, person, Action.VIEW_PAGE, found)
    except NotAllowedError:
        if not has_entry_on_sheet(conn, person, found.sheet):
            raise
    record(conn, person.login, "view_page", page_id, unit=found.unit)
    return found


def count_waiting(conn: Connection, person: Person, now: datetime) -> int:
    """How many entries the person could take now.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    query = (
        select(func.count())
        .select_from(_entry_table)
        .where(_available_condition(conn, person), _is_free(now))
    )
    total: int = conn.execute(query).scalar_one()
    return total


def count_hidden(conn: Connection, person: Person) -> int:
    """How many open entries of the person's units are not shown: they belong to another area of
    law, or lie behind a block.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    own = _entry_table.c.state.in_(paper.OPEN_STATES) & _entry_table.c.unit.in_(
        sorted(person.units)
    )
    total: int = conn.execute(
        select(func.count())
        .select_from(_entry_table)
        .where(own, ~visibility.visible_entries_condition(conn, person))
    ).scalar_one()
    return total


def _claim_first(
    conn: Connection,
    person: Person,
    now: datetime,
    minutes: int,
    condition: ColumnElement[bool],
    order: QueueOrder = QueueOrder.OLDEST,
    *,
    pass_over: bool = False,
) -> str | None:
    """Claim the first of these. What somebody else is looking at this moment is passed over
    (`pass_over`) or waited for: whoever looks for a free one also holds, for that moment, an
    entry that has just been taken, and it would seem not to be the person's own.
    """
    free = or_(_is_free(now), _entry_table.c.claimed_by == person.login)
    found = (
        select(_entry_table.c.id)
        .where(_available_condition(conn, person), condition, free)
        .order_by(*paper.QUEUE_ORDERS[order])
        .limit(1)
    )
    first = found.with_for_update(skip_locked=pass_over)
    until = {"claimed_by": person.login, "claimed_until": now + timedelta(minutes=minutes)}
    statement: Any = (
        update(_entry_table)
        .where(_entry_table.c.id == first.scalar_subquery())
        .values(until)
        .returning(_entry_table.c.id)
    )
    taken: str | None = conn.execute(statement).scalar_one_or_none()
    return taken


def _available_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """Open entries that the person may see, without those that wait for a second person who is
    another.
    """
    return and_(
        _entry_table.c.state.in_(paper.OPEN_STATES),
        visibility.visible_entries_condition(conn, person),
        ~is_excluded_as_second(person.login),
    )


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(_entry_table.c.claimed_until.is_(None), _entry_table.c.claimed_until <= now)


def _is_mine(person: Person, now: datetime) -> ColumnElement[bool]:
    return and_(_entry_table.c.claimed_by == person.login, _entry_table.c.claimed_until > now)
