"""Pages as they came in: batches, the queue, and where each page stands."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, and_, func, insert, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import StoreError
from pipeline.model import Outcome, Person, Reading, State, WordPlace
from pipeline.store import page_states, sight, tables
from pipeline.store.clock import utc_now
from pipeline.store.events import record
from pipeline.store.upsert import insert_new

_page = tables.page
QUIET = timedelta(minutes=5)
"""So long after its last page a stack that is not whole comes no more: a page takes no more than a minute and a half to be drawn."""


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page that comes in. A `reason` means that it could not be taken in: it is kept as failed."""

    batch: str
    position: int
    source_name: str
    source_page: int
    source_sha256: str | None
    image_sha256: str | None
    media_type: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the store. `sheet` is the paper that it is a side of; None while that is not known."""

    id: str
    batch: str
    position: int
    source_name: str
    source_page: int
    source_sha256: str | None
    image_sha256: str | None
    media_type: str | None
    scanned_at: datetime
    scanned_by: str
    unit: str
    area: str | None
    state: str
    outcome: Outcome | None
    reason: str
    duplicate_of: str | None
    settled: bool
    form: str | None
    version: int | None
    page_no: int | None
    pages: int | None
    serial: str | None
    sheet: str | None
    rotation_deg: float | None
    residual_mm: float | None
    problems: tuple[str, ...]
    upright_sha256: str | None
    read_at: datetime | None
    reader_version: str | None

    @classmethod
    def of(cls, row: RowMapping) -> Page:
        """From a row of the table."""
        values: dict[str, Any] = {f.name: row[f.name] for f in fields(cls)}
        outcome = Outcome(row["outcome"]) if row["outcome"] else None
        return cls(**values | {"outcome": outcome, "problems": tuple(row["problems"])})


@dataclass(frozen=True, slots=True)
class Batch:
    """A stack of paper (bunt) with the numbers of its pages: pages = done + waiting + failed; `queued` of the waiting are not read yet.

    `elsewhere` of its pages are of sheets that were printed for another unit: they wait there. `cut_short`: more was given than has come in, and
    nothing has come for `QUIET`.
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
    elsewhere: int
    cut_short: bool


def add_batch(conn: Connection, unit: str, place: str, by: str) -> str:
    """Begin a stack of paper; answers with its id. `place` says where the paper is kept."""
    now = utc_now()
    batch = f"{now:%Y%m%d}-{secrets.token_hex(4)}"
    conn.execute(insert(tables.batch).values(id=batch, created_at=now, created_by=by, unit=unit, place=place))
    record(conn, by, "add_batch", batch, unit=unit)
    return batch


def add_page(conn: Connection, new: NewPage, by: str) -> str:
    """Take in a page; answers with its id. Taking in the same position of a batch again changes nothing.

    Raises:
        StoreError: there is no such batch.
    """
    page_id = f"{new.batch}-{new.position:05d}"
    unit = conn.execute(select(tables.batch.c.unit).where(tables.batch.c.id == new.batch)).scalar_one_or_none()
    if unit is None:
        raise StoreError("no_batch", batch=new.batch)
    row = {f.name: getattr(new, f.name) for f in fields(new)}
    state = page_states.FAILED if new.reason else page_states.QUEUED
    row |= {"id": page_id, "scanned_at": utc_now(), "scanned_by": by, "unit": unit, "state": state, "settled": False, "problems": []}
    insert_new(conn, _page, [row])
    return page_id


def queued(conn: Connection, limit: int | None = None) -> list[str]:
    """Ids of pages that wait for being read, in the order in which they came."""
    query = select(_page.c.id).where(page_states.queued).order_by(_page.c.scanned_at, _page.c.id).limit(limit)
    return list(conn.execute(query).scalars())


def page(conn: Connection, page_id: str) -> Page:
    """One page.

    Raises:
        StoreError: there is no such page.
    """
    row = conn.execute(select(_page).where(_page.c.id == page_id)).mappings().one_or_none()
    if row is None:
        raise StoreError("no_page", page_id=page_id)
    return Page.of(row)


def fail_page(conn: Connection, page_id: str, reason: str) -> None:
    """Note that a queued page cannot be read, and why. A page that has been read stays read."""
    values = {"state": page_states.FAILED, "reason": reason, "outcome": Outcome.FAILED.value}
    failed = update(_page).where(_page.c.id == page_id, page_states.queued).values(values)
    if (unit := conn.execute(failed.returning(_page.c.unit)).scalar_one_or_none()) is not None:
        record(conn, "system", "fail_page", page_id, unit=unit)


def requeue(conn: Connection, person: Person, page_id: str) -> None:
    """Let a failed page be read again.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
    """
    found = page(conn, page_id)
    sight.require_page(conn, person, Action.PROBLEMS, found)
    again = update(_page).where(_page.c.id == page_id, page_states.failed, _page.c.image_sha256.is_not(None))
    if conn.execute(again.values(state=page_states.QUEUED, reason="", outcome=None, attempts=0)).rowcount:
        record(conn, person.login, "requeue", page_id, unit=found.unit)


def page_reading(conn: Connection, page_id: str) -> dict[str, Reading]:
    """What the machine read on a page, by field."""
    rows = conn.execute(select(tables.reading).where(tables.reading.c.page == page_id))
    return {row.field: _reading(row) for row in rows}


def status(conn: Connection, units: Iterable[str] | None = None) -> dict[str, int]:
    """Counts of all pages, or of those of some units: `in` = `done` + `waiting` + `failed`."""
    query = select(func.count(), page_states.count(page_states.done), page_states.count(page_states.failed)).select_from(_page)
    if units is not None:
        query = query.where(_page.c.unit.in_(list(units)))
    total, done, failed = conn.execute(query).one()
    return {"in": total, "done": done, "waiting": total - done - failed, "failed": failed}


def batches(conn: Connection, person: Person, now: datetime | None = None) -> list[Batch]:
    """The stacks of the person's units with their counts, newest first.

    Raises:
        NotAllowedError: the person does not take in paper.
    """
    access.require(person, Action.SCAN)
    batch = tables.batch.c
    conditions = (page_states.done, page_states.waiting, page_states.failed, page_states.queued, _page.c.unit != batch.unit)
    counts = [*(page_states.count(condition & _page.c.id.is_not(None)) for condition in conditions), is_cut_short(now or utc_now())]
    query = select(batch.id, batch.created_at, batch.created_by, batch.unit, batch.place, func.count(_page.c.id), *counts)
    query = query.select_from(tables.batch.outerjoin(_page)).group_by(batch.id).order_by(batch.created_at.desc())
    query = query.where(batch.unit.in_(sorted(person.units)))
    return [Batch(*row) for row in conn.execute(query)]


def is_cut_short(now: datetime) -> ColumnElement[bool]:
    """The condition on stacks, grouped and with their pages, that more was given than has come in, and that nothing has come for `QUIET`."""
    came = func.coalesce(func.max(_page.c.scanned_at), tables.batch.c.created_at)
    return and_(tables.batch.c.taking_in.is_not(None), came < now - QUIET)


def pages_of(conn: Connection, batch: str) -> list[Page]:
    """The pages of a stack in their order."""
    return _pages(conn, select(_page).where(_page.c.batch == batch).order_by(_page.c.position))


def problem_pages(conn: Connection, person: Person, limit: int = 500) -> list[Page]:
    """Pages that the person has to look into: failed, possible duplicates, sheets with nothing on, unidentified, or read with problems.

    Raises:
        NotAllowedError: the person does not handle problems.
    """
    access.require(person, Action.PROBLEMS)
    return _pages(conn, _troubled().where(sight.visible_pages(conn, person)).limit(limit))


def picture_names(conn: Connection) -> list[str]:
    """The SHA-256 of every page's picture, each once."""
    return list(conn.execute(select(_page.c.image_sha256).where(_page.c.image_sha256.is_not(None)).distinct()).scalars())


def all_problem_pages(conn: Connection) -> list[Page]:
    """Those of everybody, to be counted."""
    return _pages(conn, _troubled())


def duplicates_of(conn: Connection, page_id: str) -> list[Page]:
    """Later scans of the same side of paper."""
    return _pages(conn, select(_page).where(_page.c.duplicate_of == page_id).order_by(_page.c.scanned_at, _page.c.id))


def _troubled() -> Select[Any]:
    return select(_page).where(page_states.troubled).order_by(_page.c.scanned_at, _page.c.id)


def _pages(conn: Connection, query: Select[Any]) -> list[Page]:
    return [Page.of(row) for row in conn.execute(query).mappings()]


def _reading(row: Row[Any]) -> Reading:
    words = tuple(WordPlace(start, end, (x, y, w, h)) for start, end, x, y, w, h in row.words or ())
    reasons = tuple(row.reasons or ())
    return Reading(row.value, row.p, State(row.state), _pairs(row.alternatives), tuple(row.characters), reasons=reasons, words=words)


def _pairs(alternatives: list[list[Any]]) -> tuple[tuple[Any, float], ...]:
    return tuple((value, p) for value, p in alternatives)
