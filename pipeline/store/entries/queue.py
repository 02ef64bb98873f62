"""Take entries from the queue, and give them back.

One person at a time has an entry; a claim that is not renewed expires.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, or_, select, update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import (
    Action,
    is_allowed,
    permitted_units,
    require_permission,
    require_permission_for,
)
from pipeline.domain.model import Person
from pipeline.domain.settings import QueueOrder
from pipeline.store.accounts import visibility
from pipeline.store.accounts.own_choices import group_condition, keep_group
from pipeline.store.entries.entry import (
    OPEN_STATES,
    Entry,
    count_entries,
    load_visible_entry,
    select_entries,
    stale_decision_error,
)
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.entries.second_reviewer import is_excluded_as_second, must_not_review
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page
from pipeline.store.schema import paper
from pipeline.store.schema.clock import has_lapsed, is_claimed
from pipeline.store.schema.tally import IS_SKIP

CLAIM_MINUTES = 15
"""How long an entry is claimed for a person."""
_SKIP_TIME = timedelta(hours=12)
"""How long what a person has skipped comes after all else for that person: a day of work.

After it an entry with a legal deadline comes back in its lane.
"""
_MAX_SKIPS = 100
"""Skipped entries of a person that are known, the latest."""
_entry_table = paper.entry


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """When an entry is claimed and for how long, and the order of the queue."""

    now: datetime
    minutes: int = CLAIM_MINUTES
    order: QueueOrder = QueueOrder.OLDEST


@dataclass(frozen=True, slots=True)
class _Claim:
    """Who claims an entry, and on which terms."""

    person: Person
    terms: ClaimTerms


def claim_next(
    conn: Connection,
    forms: Forms,
    person: Person,
    terms: ClaimTerms,
    excluded: Collection[str] = (),
) -> EntryView | None:
    """Return the entry that the person has open, or claim the next one of the person's units.

    `queue_order` defines the order, within the form, client or author that the person has chosen
    to stay with (`queue_choice`) as long as any of it is left. What the person has skipped comes
    after all else, what was skipped first before what was skipped later. With the open entry in
    `excluded` it claims one ahead, so that the next is ready when the person is done. An entry in
    second review is not given to a person who has answered a disputed field (`second_reviewer`). A
    single statement claims it, so that no two persons get the same.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission(person, Action.REVIEW)
    claim, now = _Claim(person, terms), terms.now
    is_other = _entry_table.c.id.not_in(sorted(excluded))
    # The person's open entry first, then the first free one of the group, then of the queue
    entry_id = _claim_first(conn, claim, and_(_is_mine(person, now), is_other)) or _claim_free(
        conn, claim, and_(_is_free(now), is_other)
    )
    if entry_id:
        keep_group(conn, person.login, entry_id)
    return load_entry_view(conn, forms, person, entry_id) if entry_id else None


def peek_queue(
    conn: Connection,
    person: Person,
    now: datetime,
    count: int,
    order: QueueOrder = QueueOrder.OLDEST,
) -> list[Entry]:
    """Return the next free entries in the order of the queue, without claiming them.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission(person, Action.REVIEW)
    # Open, visible entries that nobody has claimed
    free = select(_entry_table).where(_available_condition(conn, person), _is_free(now))
    return select_entries(conn, free.order_by(*paper.QUEUE_ORDERS[order]).limit(count))


def open_claimed_entry(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    terms: ClaimTerms,
) -> EntryView:
    """Return the view of an entry; claim it if it is open and the person may decide it.

    Raises:
        NotAllowedError: the person may not review this entry.
        StaleDecisionError: another person has it open.
    """
    entry = load_visible_entry(conn, person, Action.REVIEW, entry_id)
    if (
        entry.state in OPEN_STATES
        and not must_not_review(conn, person.login, entry)
        and _claim_first(conn, _Claim(person, terms), _entry_table.c.id == entry_id) is None
    ):
        raise stale_decision_error()
    return load_entry_view(conn, forms, person, entry_id)


def resume_claim(
    conn: Connection, person: Person, entry_id: str, revision: int, terms: ClaimTerms
) -> bool:
    """Renew the claim on an entry that was claimed ahead; return whether it is unchanged.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission_for(entry_id, person, Action.REVIEW)
    is_unchanged = and_(_entry_table.c.id == entry_id, _entry_table.c.revision == revision)
    return _claim_first(conn, _Claim(person, terms), is_unchanged) is not None


def renew_claim(
    conn: Connection, person: Person, entry_id: str, now: datetime, minutes: int = CLAIM_MINUTES
) -> bool:
    """Extend the claim on an entry; return whether the person still has it.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission_for(entry_id, person, Action.REVIEW)
    # Also an expired claim, unless another person has claimed the entry since
    mine = update(_entry_table).where(
        _entry_table.c.id == entry_id, _entry_table.c.claimed_by == person.login
    )
    return bool(conn.execute(mine.values(claimed_until=now + timedelta(minutes=minutes))).rowcount)


def claim_again(
    conn: Connection, login: str, entry_id: str, now: datetime, minutes: int = CLAIM_MINUTES
) -> None:
    """Claim an entry for the person whose decision of it was just taken back."""
    claimed = {"claimed_by": login, "claimed_until": now + timedelta(minutes=minutes)}
    conn.execute(update(_entry_table).where(_entry_table.c.id == entry_id).values(claimed))


def release_claim(conn: Connection, person: Person, entry_id: str) -> None:
    """Give an entry back undecided. What was typed remains as the person's draft.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission_for(entry_id, person, Action.REVIEW)
    mine = update(_entry_table).where(
        _entry_table.c.id == entry_id, _entry_table.c.claimed_by == person.login
    )
    conn.execute(mine.values(claimed_by=None, claimed_until=None))


def skip_entry(conn: Connection, person: Person, entry_id: str, revision: int) -> None:
    """Put an entry behind the others of its lane, and for this person behind all others.

    Raises:
        StaleDecisionError: the person no longer has it.
    """
    entry = load_visible_entry(conn, person, Action.REVIEW, entry_id)
    # Only the revision that the person has claimed
    claimed = update(_entry_table).where(
        _entry_table.c.id == entry_id,
        _entry_table.c.revision == revision,
        _entry_table.c.claimed_by == person.login,
    )
    skipped = claimed.values(
        skipped=_entry_table.c.skipped + 1, claimed_by=None, claimed_until=None
    )
    if conn.execute(skipped).rowcount != 1:
        raise stale_decision_error()
    record(conn, person.login, "skip", entry_id, unit=entry.unit)


def record_page_view(conn: Connection, person: Person, page_id: str) -> Page:
    """Return a page whose image is to be shown, and record the view (PDL 4:3).

    Raises:
        NotAllowedError: the person may not see paper of this unit.
    """
    page = load_page(conn, page_id)
    try:
        visibility.require_visible_page(conn, person, Action.VIEW_PAGE, page)
    except NotAllowedError:
        # A unit that got one row of the sheet by transfer may see its image
        if not has_entry_on_sheet(conn, person, page.sheet):
            raise
    record(conn, person.login, "view_page", page_id, unit=page.unit)
    return page


def has_entry_on_sheet(conn: Connection, person: Person, sheet: str | None) -> bool:
    """Return whether a sheet of another unit has an entry of the person's units.

    Such an entry is a row that was sent to the person's unit.
    """
    if sheet is None or not is_allowed(person, Action.VIEW_PAGE):
        return False
    # Any entry of the sheet that the person can see.
    return bool(
        conn.execute(
            select(
                exists().where(
                    _entry_table.c.sheet == sheet,
                    visibility.visible_entries_condition(conn, person, Action.VIEW_PAGE),
                )
            )
        ).scalar_one()
    )


def count_waiting(conn: Connection, person: Person, now: datetime) -> int:
    """Return how many entries the person could claim now.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission(person, Action.REVIEW)
    # The same condition as for claiming
    return count_entries(conn, _available_condition(conn, person), _is_free(now))


def count_hidden(conn: Connection, person: Person) -> int:
    """Return how many open entries of the person's units are not visible to the person.

    They belong to another area of law, or are behind a block.

    Raises:
        NotAllowedError: the person may not review.
    """
    require_permission(person, Action.REVIEW)
    is_of_own_units = _entry_table.c.state.in_(paper.OPEN_STATES) & _entry_table.c.unit.in_(
        sorted(permitted_units(person, Action.REVIEW))
    )
    # Open entries of the units that visibility excludes
    is_visible = visibility.visible_entries_condition(conn, person, Action.REVIEW)
    return count_entries(conn, is_of_own_units, ~is_visible)


def _claim_free(conn: Connection, claim: _Claim, is_free: ColumnElement[bool]) -> str | None:
    """Claim the first free entry of what the person stays with, else of the queue.

    What the person has skipped comes last.
    """
    skipped = _list_skipped(conn, claim)
    is_other = _entry_table.c.id.not_in(sorted(skipped))
    of_group = group_condition(conn, claim.person.login)
    conditions = [and_(is_free, is_other)]
    if of_group is not None:
        conditions.insert(0, and_(is_free, is_other, of_group))
    claimed = (_claim_first(conn, claim, one, skip_locked=True) for one in conditions)
    if (entry_id := next(filter(None, claimed), None)) is not None or not skipped:
        return entry_id
    is_skipped = and_(is_free, _entry_table.c.id.in_(sorted(skipped)))
    places = {entry_id: place for place, entry_id in enumerate(skipped)}
    turn = case(places, value=_entry_table.c.id, else_=len(places))
    return _claim_first(conn, claim, is_skipped, skip_locked=True, before=turn)


def _list_skipped(conn: Connection, claim: _Claim) -> list[str]:
    """Return the entries that the person has skipped lately, in that order."""
    query = (
        select(paper.event.c.subject)
        .where(
            paper.event.c.by == claim.person.login,
            IS_SKIP,
            paper.event.c.at > claim.terms.now - _SKIP_TIME,
        )
        .order_by(paper.event.c.id.desc())
        .limit(_MAX_SKIPS)
    )
    latest_first = dict.fromkeys(conn.execute(query).scalars())
    return list(reversed(latest_first))


def _claim_first(
    conn: Connection,
    claim: _Claim,
    condition: ColumnElement[bool],
    *,
    skip_locked: bool = False,
    before: ColumnElement[Any] | None = None,
) -> str | None:
    """Claim the first available entry that meets the condition and return its id.

    Args:
        skip_locked: skip entries that another transaction is looking at, instead of waiting. A
            search for a free entry also locks, for a moment, one that has just been claimed; its
            holder has to wait for it, since it would otherwise seem to be lost.
        before: What the entries are sorted by before the queue's order.
    """
    # The first in the queue's order that is free or already the person's
    is_claimable = or_(_is_free(claim.terms.now), _entry_table.c.claimed_by == claim.person.login)
    first = (
        select(_entry_table.c.id)
        .where(_available_condition(conn, claim.person), condition, is_claimable)
        .order_by(*([] if before is None else [before]), *paper.QUEUE_ORDERS[claim.terms.order])
        .limit(1)
        .with_for_update(skip_locked=skip_locked)
    )
    # Select and claim in one statement, so that no other person gets the same entry
    values = {
        "claimed_by": claim.person.login,
        "claimed_until": claim.terms.now + timedelta(minutes=claim.terms.minutes),
    }
    statement: Any = (
        update(_entry_table)
        .where(_entry_table.c.id == first.scalar_subquery())
        .values(values)
        .returning(_entry_table.c.id)
    )
    entry_id: str | None = conn.execute(statement).scalar_one_or_none()
    return entry_id


def _available_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """Return the condition that an entry is open, visible and not excluded for the person.

    Excluded are entries in second review that wait for another person.
    """
    return and_(
        _entry_table.c.state.in_(paper.OPEN_STATES),
        visibility.visible_entries_condition(conn, person, Action.REVIEW),
        ~is_excluded_as_second(person.login),
    )


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody has the entry open."""
    return has_lapsed(_entry_table.c.claimed_until, now)


def _is_mine(person: Person, now: datetime) -> ColumnElement[bool]:
    """Return the condition that the person has the entry open."""
    is_in_force = is_claimed(_entry_table.c.claimed_until, now)
    return and_(_entry_table.c.claimed_by == person.login, is_in_force)
