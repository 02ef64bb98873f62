"""Stacks (buntar) with what became of each, and folders that are watched for scans.

Only the latest stacks are counted, in one query over their own pages: the screen asks every second,
and a store has 100,000 pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import starmap
from math import ceil

from sqlalchemy import ColumnElement, Connection, and_, func, select

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.database.engines import insert_missing
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
from pipeline.store.schema.registers import watched_folder

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


# Folders that are watched for scans: when each was last looked at, and what it passed over.

_SHOWN_FOR = timedelta(days=30)
MAX_PASSED_OVER = 200
"""How many files of a folder are listed; they are the latest."""


class PassedOver(StrEnum):
    """Why a watched folder did not take in a file; also a part of its text's key."""

    OTHER_TYPE = "other_type"
    HIDDEN = "hidden"
    LINK = "link"
    BEING_WRITTEN = "being_written"
    SAME_CONTENT = "same_content"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class PassedFile:
    """A file that was passed over. `detail` is the other name of the same content."""

    name: str
    reason: PassedOver
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A watched folder at its last look; `is_away`: it could not be found or read then."""

    folder: str
    unit: str
    place: str
    looked_at: datetime
    is_away: bool = False
    passed_over: tuple[PassedFile, ...] = ()

    @property
    def id(self) -> str:
        """The same at each look at the same folder for the same unit and place."""
        text = "\0".join((self.folder, self.unit, self.place))
        return hashlib.sha256(text.encode()).hexdigest()


def save_watched_folder(conn: Connection, watched: WatchedFolder) -> None:
    """Write down the last look at a folder, in place of the one before."""
    values = {
        "id": watched.id,
        "folder": watched.folder[-400:],
        "unit": watched.unit,
        "place": watched.place,
        "looked_at": watched.looked_at,
        "is_away": watched.is_away,
        "passed_over": [
            [file.name[-400:], file.reason.value, file.detail[-400:]]
            for file in watched.passed_over[:MAX_PASSED_OVER]
        ],
    }
    insert_missing(conn, watched_folder, [values])
    conn.execute(watched_folder.update().where(watched_folder.c.id == watched.id).values(values))


def list_watched_paths(conn: Connection) -> list[str]:
    """Return the paths of all folders that were ever watched: what they hold is imported."""
    return sorted(set(conn.execute(select(watched_folder.c.folder)).scalars()))


def list_watched_folders(conn: Connection, person: Person, now: datetime) -> list[WatchedFolder]:
    """Return the folders that were watched lately for the person's units.

    Raises:
        NotAllowedError: the person does not scan paper.
    """
    permissions.require_permission(person, Action.SCAN)
    table = watched_folder.c
    query = (
        select(watched_folder)
        .where(
            table.unit.in_(sorted(permissions.permitted_units(person, Action.SCAN))),
            table.looked_at > now - _SHOWN_FOR,
        )
        .order_by(table.unit, table.folder)
    )
    return [
        WatchedFolder(
            row.folder,
            row.unit,
            row.place,
            row.looked_at,
            row.is_away,
            tuple(
                PassedFile(name, PassedOver(reason), detail)
                for name, reason, detail in row.passed_over
            ),
        )
        for row in conn.execute(query)
    ]


def find_imported_names(conn: Connection, source_sha256: str) -> Sequence[str]:
    """Return the names of the files with this content that were taken in, the first one first."""
    query = (
        select(page.c.source_name)
        .where(page.c.source_sha256 == source_sha256)
        .order_by(page.c.scanned_at, page.c.id)
    )
    return list(dict.fromkeys(conn.execute(query).scalars()))
