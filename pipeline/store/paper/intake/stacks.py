"""Stacks (buntar): what came in together, how far each has been read, and what became of it.

Only the latest stacks are counted, in one query over their own pages: the screen asks every second,
and a store has 100,000 pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from math import ceil

from sqlalchemy import ColumnElement, Connection, and_, func, select

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.paper.pages import (
    count_where,
    is_done,
    is_failed,
    is_queued,
    is_waiting,
    lacks_image,
    needs_action,
    needs_typing,
)
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import batch, page

MAX_STACKS = 15
"""How many stacks are counted unless more are asked for."""
QUIET_PERIOD = timedelta(minutes=5)
"""How long after its last page an incomplete batch counts as interrupted.

Rendering a page takes a minute and a half at most.
"""
_PACE_PERIOD = timedelta(minutes=2)
_MIN_PAGES_FOR_PACE, _MIN_SECONDS_FOR_PACE = 3, 2.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A batch of paper with its page counts: pages = done + waiting + failed.

    `queued` of the waiting pages are still to be read; `problems` are what the person can do
    something about, among them the failed ones. `other_unit_pages` are of sheets that were printed
    for another unit: they wait there. `is_coming`: more was given than has come in;
    `is_interrupted`: and nothing has come for `QUIET_PERIOD`.
    """

    id: str
    created_at: datetime
    created_by: str
    unit: str
    place: str
    pages: int
    done: int
    waiting: int
    failed: int
    queued: int
    problems: int
    other_unit_pages: int
    is_coming: bool
    is_interrupted: bool

    @property
    def read(self) -> int:
        """The number of pages that the reader has finished with."""
        return self.pages - self.queued

    @property
    def to_review(self) -> int:
        """The number of pages that were read and wait for a person, with nothing wrong."""
        return max(0, self.pages - self.done - self.queued - self.problems)


@dataclass(frozen=True, slots=True)
class ReadingPace:
    """How many pages of all stacks are to be read, and how many are read a minute.

    `per_minute` is None while too few have been read lately to say.
    """

    queued: int
    per_minute: float | None

    def minutes_left(self, pages_ahead: int) -> int | None:
        """Return the minutes until so many pages have been read, at least 1; None if unknown."""
        return max(1, ceil(pages_ahead / self.per_minute)) if self.per_minute else None


def list_stacks(
    conn: Connection, person: Person, now: datetime | None = None, limit: int = MAX_STACKS
) -> list[Stack]:
    """Return the latest stacks of the person's units with their counts, newest first.

    Raises:
        NotAllowedError: the person does not scan paper.
    """
    permissions.require_permission(person, Action.SCAN)
    units = sorted(permissions.permitted_units(person, Action.SCAN))
    reviewed = sorted(permissions.permitted_units(person, Action.REVIEW))
    latest = (
        select(batch.c.id)
        .where(batch.c.unit.in_(units))
        .order_by(batch.c.created_at.desc(), batch.c.id)
        .limit(limit)
    )
    conditions = (
        is_done,
        is_waiting,
        is_failed,
        and_(is_queued, page.c.reason == ""),
        needs_action | (needs_typing & page.c.unit.in_(reviewed)),
        page.c.unit != batch.c.unit,
    )
    # A batch without pages has one row of nulls in the outer join, which must not be counted.
    counts = [count_where(condition & page.c.id.is_not(None)) for condition in conditions]
    query = (
        select(
            *(batch.c[name] for name in ("id", "created_at", "created_by", "unit", "place")),
            func.count(page.c.id),
            *counts,
            batch.c.taking_in.is_not(None),
            is_interrupted_condition(now or utc_now()),
        )
        .select_from(batch.outerjoin(page))
        .where(batch.c.id.in_(latest))
        .group_by(batch.c.id)
        .order_by(batch.c.created_at.desc(), batch.c.id)
    )
    return list(starmap(Stack, conn.execute(query)))


def is_interrupted_condition(now: datetime) -> ColumnElement[bool]:
    """Whether more was given than has come in, and nothing has come for `QUIET_PERIOD`.

    A condition on batches that are joined with their pages and grouped by batch.
    """
    last_page_at = func.coalesce(func.max(page.c.scanned_at), batch.c.created_at)
    return and_(batch.c.taking_in.is_not(None), last_page_at < now - QUIET_PERIOD)


def measure_pace(conn: Connection, now: datetime) -> ReadingPace:
    """Return how many pages wait to be read, and how fast pages have been read lately."""
    waiting = select(func.count()).where(is_queued)
    set_aside = select(func.count()).where(lacks_image)
    # By the index on the moment of reading.
    lately = select(func.count(), func.min(page.c.read_at)).where(
        page.c.read_at > now - _PACE_PERIOD
    )
    queued = conn.execute(waiting).scalar_one()
    if queued:
        queued -= conn.execute(set_aside).scalar_one()
    count, first = conn.execute(lately).one()
    seconds = (now - first).total_seconds() if first else 0.0
    is_known = count >= _MIN_PAGES_FOR_PACE and seconds >= _MIN_SECONDS_FOR_PACE
    return ReadingPace(queued, 60 * count / seconds if is_known else None)
