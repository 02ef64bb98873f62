"""Pages as they came in: batches, the queue, and where each page stands.

Where a page stands, as SQL: every page is done, waiting for a person, or failed, and never two
of these.

* failed: it could not be taken in or read; the reason is on the page.
* done: blank; or settled by bytes (scanned twice) or by a person; or all entries of its sheet
  are decided.
* waiting: all others, read or not.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from pipeline.domain import permissions
from pipeline.domain.errors import StoreError
from pipeline.domain.model import Outcome, Person, Reading, State, WordBox
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.database.clock import utc_now
from pipeline.store.database.engines import insert_missing
from pipeline.store.event_log.events import record
from pipeline.store.schema import paper
from pipeline.store.schema.paper import OPEN_STATES, entry, page

STATE_QUEUED = "queued"
STATE_READ = "read"
STATE_FAILED = "failed"
# Sets made once a query: asking for each of 100,000 pages by itself takes PostgreSQL several times
# as long.
_has_entries_condition = page.c.sheet.in_(select(entry.c.sheet))
_has_open_entries = page.c.sheet.in_(select(entry.c.sheet).where(entry.c.state.in_(OPEN_STATES)))
is_failed: ColumnElement[bool] = page.c.state == STATE_FAILED
is_queued: ColumnElement[bool] = page.c.state == STATE_QUEUED
is_read: ColumnElement[bool] = page.c.state == STATE_READ
is_done: ColumnElement[bool] = and_(
    is_read,
    or_(
        func.coalesce(page.c.outcome == Outcome.BLANK, false()),
        page.c.settled,
        and_(page.c.sheet.is_not(None), _has_entries_condition, not_(_has_open_entries)),
    ),
)
is_waiting: ColumnElement[bool] = and_(not_(is_failed), not_(is_done))
is_unsettled_duplicate: ColumnElement[bool] = and_(
    page.c.duplicate_of.is_not(None), page.c.sheet.is_(None), not_(page.c.settled)
)
is_empty_sheet: ColumnElement[bool] = and_(
    page.c.sheet.is_not(None), not_(_has_entries_condition), not_(page.c.settled)
)
is_problem: ColumnElement[bool] = or_(
    is_failed,
    and_(
        is_read,
        is_waiting,
        or_(
            is_unsettled_duplicate,
            is_empty_sheet,
            page.c.outcome == Outcome.UNIDENTIFIED,
            cast(page.c.problems, String) != "[]",
        ),
    ),
)
_page_table = paper.page
QUIET_PERIOD = timedelta(minutes=5)
"""So long after its last page a stack that is not whole comes no more: a page takes no more than a
minute and a half to be drawn.
"""


def count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows of a group fulfil the condition."""
    return func.coalesce(func.sum(case((cast(condition, Boolean), 1), else_=0)), 0)


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
    def from_row(cls, row: RowMapping) -> Page:
        """From a row of the table."""
        values: dict[str, Any] = {f.name: row[f.name] for f in fields(cls)}
        outcome = Outcome(row["outcome"]) if row["outcome"] else None
        return cls(**values | {"outcome": outcome, "problems": tuple(row["problems"])})


@dataclass(frozen=True, slots=True)
class Batch:
    """A stack of paper (bunt) with the numbers of its pages: pages = done + waiting + failed;
    `queued` of the waiting are not read yet.

    `elsewhere` of its pages are of sheets that were printed for another unit: they wait there.
    `cut_short`: more was given than has come in, and nothing has come for `QUIET`.
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
    other_unit_pages: int
    is_interrupted: bool


def create_batch(conn: Connection, unit: str, place: str, by: str) -> str:
    """Begin a stack of paper; answers with its id. `place` says where the paper is kept."""
    now = utc_now()
    batch = f"{now:%Y%m%d}-{secrets.token_hex(4)}"
    conn.execute(
        insert(paper.batch).values(id=batch, created_at=now, created_by=by, unit=unit, place=place)
    )
    record(conn, by, "add_batch", batch, unit=unit)
    return batch


def add_page(conn: Connection, new: NewPage, by: str) -> str:
    """Take in a page; answers with its id. Taking in the same position of a batch again changes
    nothing.

    Raises:
        StoreError: there is no such batch.
    """
    page_id = f"{new.batch}-{new.position:05d}"
    unit = conn.execute(
        select(paper.batch.c.unit).where(paper.batch.c.id == new.batch)
    ).scalar_one_or_none()
    if unit is None:
        raise StoreError("no_batch", batch=new.batch)
    row = {f.name: getattr(new, f.name) for f in fields(new)}
    state = STATE_FAILED if new.reason else STATE_QUEUED
    row |= {
        "id": page_id,
        "scanned_at": utc_now(),
        "scanned_by": by,
        "unit": unit,
        "state": state,
        "settled": False,
        "problems": [],
    }
    insert_missing(conn, _page_table, [row])
    return page_id


def list_queued_pages(conn: Connection, limit: int | None = None) -> list[str]:
    """Ids of pages that wait for being read, in the order in which they came."""
    query = (
        select(_page_table.c.id)
        .where(is_queued)
        .order_by(_page_table.c.scanned_at, _page_table.c.id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def load_page(conn: Connection, page_id: str) -> Page:
    """One page.

    Raises:
        StoreError: there is no such page.
    """
    row = (
        conn.execute(select(_page_table).where(_page_table.c.id == page_id))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise StoreError("no_page", page_id=page_id)
    return Page.from_row(row)


def mark_page_failed(conn: Connection, page_id: str, reason: str) -> None:
    """Note that a queued page cannot be read, and why. A page that has been read stays read."""
    values = {"state": STATE_FAILED, "reason": reason, "outcome": Outcome.FAILED.value}
    failed = update(_page_table).where(_page_table.c.id == page_id, is_queued).values(values)
    if (
        unit := conn.execute(failed.returning(_page_table.c.unit)).scalar_one_or_none()
    ) is not None:
        record(conn, "system", "fail_page", page_id, unit=unit)


def requeue_page(conn: Connection, person: Person, page_id: str) -> None:
    """Let a failed page be read again.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
    """
    found = load_page(conn, page_id)
    visibility.require_visible_page(conn, person, Action.PROBLEMS, found)
    again = update(_page_table).where(
        _page_table.c.id == page_id, is_failed, _page_table.c.image_sha256.is_not(None)
    )
    if conn.execute(again.values(state=STATE_QUEUED, reason="", outcome=None, attempts=0)).rowcount:
        record(conn, person.login, "requeue", page_id, unit=found.unit)


def load_page_reading(conn: Connection, page_id: str) -> dict[str, Reading]:
    """What the machine read on a page, by field."""
    rows = conn.execute(select(paper.reading).where(paper.reading.c.page == page_id))
    return {row.field: _reading_from_row(row) for row in rows}


def count_pages_by_state(conn: Connection, units: Iterable[str] | None = None) -> dict[str, int]:
    """Counts of all pages, or of those of some units: `in` = `done` + `waiting` + `failed`."""
    query = select(func.count(), count_where(is_done), count_where(is_failed)).select_from(
        _page_table
    )
    if units is not None:
        query = query.where(_page_table.c.unit.in_(list(units)))
    total, done, failed = conn.execute(query).one()
    return {"in": total, "done": done, "waiting": total - done - failed, "failed": failed}


def list_batches(conn: Connection, person: Person, now: datetime | None = None) -> list[Batch]:
    """The stacks of the person's units with their counts, newest first.

    Raises:
        NotAllowedError: the person does not take in paper.
    """
    permissions.require_permission(person, Action.SCAN)
    batch = paper.batch.c
    conditions = (is_done, is_waiting, is_failed, is_queued, _page_table.c.unit != batch.unit)
    counts = [
        *(count_where(condition & _page_table.c.id.is_not(None)) for condition in conditions),
        is_interrupted_condition(now or utc_now()),
    ]
    query = select(
        batch.id,
        batch.created_at,
        batch.created_by,
        batch.unit,
        batch.place,
        func.count(_page_table.c.id),
        *counts,
    )
    query = (
        query.select_from(paper.batch.outerjoin(_page_table))
        .group_by(batch.id)
        .order_by(batch.created_at.desc())
    )
    query = query.where(batch.unit.in_(sorted(person.units)))
    return [Batch(*row) for row in conn.execute(query)]


def is_interrupted_condition(now: datetime) -> ColumnElement[bool]:
    """The condition on stacks, grouped and with their pages, that more was given than has come in,
    and that nothing has come for `QUIET`.
    """
    came = func.coalesce(func.max(_page_table.c.scanned_at), paper.batch.c.created_at)
    return and_(paper.batch.c.taking_in.is_not(None), came < now - QUIET_PERIOD)


def list_batch_pages(conn: Connection, batch: str) -> list[Page]:
    """The pages of a stack in their order."""
    return _select_pages(
        conn,
        select(_page_table).where(_page_table.c.batch == batch).order_by(_page_table.c.position),
    )


def list_problem_pages(conn: Connection, person: Person, limit: int = 500) -> list[Page]:
    """Pages that the person has to look into: failed, possible duplicates, sheets with nothing on,
    unidentified, or read with problems.

    Raises:
        NotAllowedError: the person does not handle problems.
    """
    permissions.require_permission(person, Action.PROBLEMS)
    return _select_pages(
        conn,
        _problem_pages_query().where(visibility.visible_pages_condition(conn, person)).limit(limit),
    )


def list_image_names(conn: Connection) -> list[str]:
    """The SHA-256 of every page's picture, each once."""
    return list(
        conn.execute(
            select(_page_table.c.image_sha256)
            .where(_page_table.c.image_sha256.is_not(None))
            .distinct()
        ).scalars()
    )


def list_all_problem_pages(conn: Connection) -> list[Page]:
    """Those of everybody, to be counted."""
    return _select_pages(conn, _problem_pages_query())


def list_duplicates(conn: Connection, page_id: str) -> list[Page]:
    """Later scans of the same side of paper."""
    return _select_pages(
        conn,
        select(_page_table)
        .where(_page_table.c.duplicate_of == page_id)
        .order_by(_page_table.c.scanned_at, _page_table.c.id),
    )


def _problem_pages_query() -> Select[Any]:
    return (
        select(_page_table).where(is_problem).order_by(_page_table.c.scanned_at, _page_table.c.id)
    )


def _select_pages(conn: Connection, query: Select[Any]) -> list[Page]:
    return [Page.from_row(row) for row in conn.execute(query).mappings()]


def _reading_from_row(row: Row[Any]) -> Reading:
    words = tuple(WordBox(start, end, (x, y, w, h)) for start, end, x, y, w, h in row.words or ())
    reasons = tuple(row.reasons or ())
    return Reading(
        row.value,
        row.p,
        State(row.state),
        _parse_alternatives(row.alternatives),
        tuple(row.characters),
        evidence=reasons,
        words=words,
    )


def _parse_alternatives(alternatives: list[list[Any]]) -> tuple[tuple[Any, float], ...]:
    return tuple((value, p) for value, p in alternatives)
