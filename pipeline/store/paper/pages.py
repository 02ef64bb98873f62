"""Pages of the store: batches, the queue of unread pages, and the state of each page.

Every page is done, waiting for a person, or failed, and never two of these:

* failed: it could not be imported or read; the reason is stored with the page.
* done: blank; or settled because its bytes came twice, or by a person; or all entries of its sheet
  are decided; or failed and closed by a person for a reason (`page_lists.py`).
* waiting: all others, read or not.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    String,
    and_,
    case,
    cast,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from pipeline.domain.errors import StoreError
from pipeline.domain.form.rules import choice_forms
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Outcome, Person, Reading, State, WordBox
from pipeline.store.accounts.visibility import require_visible_page
from pipeline.store.database.engines import insert_missing
from pipeline.store.event_log.events import record
from pipeline.store.paper.tallies import list_page_tallies
from pipeline.store.schema import paper, tally
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import entry, page, page_closure
from pipeline.store.schema.review import ATTACHED_PAGES, attachment, is_attachment, page_area
from pipeline.store.schema.tally import IS_LIVE_PAGE, IS_QUEUED

STATE_QUEUED = "queued"
STATE_READ = "read"
STATE_FAILED = "failed"


is_queued: ColumnElement[bool] = IS_QUEUED
is_read: ColumnElement[bool] = page.c.state == STATE_READ
# A queued page whose image is missing or damaged; the reason says so.
lacks_image: ColumnElement[bool] = and_(is_queued, page.c.reason != "")
# A second scan of a side of paper of which nobody has said whether it is the same paper.
is_unsettled_duplicate: ColumnElement[bool] = and_(
    page.c.duplicate_of.is_not(None), page.c.sheet.is_(None), not_(page.c.settled)
)
is_closed: ColumnElement[bool] = page.c.id.in_(
    select(page_closure.c.page).where(page_closure.c.undone_at.is_(None))
)
# What every page is one of: the database judges it whenever something changes (schema/tally.py).
is_failed: ColumnElement[bool] = and_(IS_LIVE_PAGE, page.c.standing == tally.FAILED)
is_waiting: ColumnElement[bool] = and_(IS_LIVE_PAGE, page.c.standing == tally.WAITING)
is_done: ColumnElement[bool] = page.c.standing == tally.DONE
# A page without a sheet has none. One with a sheet is taken to be empty: a person confirms that.
# With a limit, PostgreSQL looks each page up and does not read all entries for it.
has_no_entry: ColumnElement[bool] = (
    select(entry.c.id)
    .where(entry.c.sheet == page.c.sheet)
    .limit(1)
    .correlate(page)
    .scalar_subquery()
    .is_(None)
)
is_empty_sheet: ColumnElement[bool] = and_(
    page.c.sheet.is_not(None), has_no_entry, not_(page.c.settled)
)
_is_attached = (
    select(attachment.c.id)
    .where(attachment.c.page == page.c.id, is_attachment)
    .correlate(page)
    .exists()
)
_is_open = and_(is_read, is_waiting, not_(_is_attached))
# A problem that is settled with the paper and not by reviewing, as a remark is.
needs_action: ColumnElement[bool] = and_(
    IS_LIVE_PAGE,
    or_(
        is_failed,
        lacks_image,
        and_(
            _is_open,
            or_(is_unsettled_duplicate, is_empty_sheet),
        ),
    ),
)
# Paper without a code: who may review types what it says.
needs_typing: ColumnElement[bool] = and_(
    IS_LIVE_PAGE, _is_open, page.c.outcome == Outcome.UNIDENTIFIED
)
# A person has to look into it: a page that failed or lacks its image, or one that was read and
# waits with something wrong.
is_problem: ColumnElement[bool] = and_(
    IS_LIVE_PAGE,
    or_(needs_action, needs_typing, and_(_is_open, cast(page.c.problems, String) != "[]")),
)
_page_table = paper.page


def count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the number of rows of a group that fulfil the condition, as an SQL expression."""
    return func.coalesce(func.sum(case((cast(condition, Boolean), 1), else_=0)), 0)


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page that is imported. With a `reason` it could not be imported: it is stored as failed."""

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
    """A page of the store.

    `sheet` is the paper that it is a side of; None while that is not known.
    """

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
        """Return the page of a row of the table."""
        values: dict[str, Any] = {f.name: row[f.name] for f in fields(cls)}
        outcome = Outcome(row["outcome"]) if row["outcome"] else None
        return cls(**values | {"outcome": outcome, "problems": tuple(row["problems"])})


def create_batch(conn: Connection, unit: str, place: str, by: str) -> str:
    """Create a batch of paper and return its id. `place` says where the paper is kept."""
    now = utc_now()
    batch = f"{now:%Y%m%d}-{secrets.token_hex(4)}"
    conn.execute(
        insert(paper.batch).values(id=batch, created_at=now, created_by=by, unit=unit, place=place)
    )
    record(conn, by, "add_batch", batch, unit=unit)
    return batch


def add_page(conn: Connection, new: NewPage, by: str) -> str:
    """Store a new page and return its id; a position of a batch that exists already stays as it is.

    Raises:
        StoreError: there is no such batch.
    """
    page_id = f"{new.batch}-{new.position:05d}"
    # A page belongs to the unit of its batch.
    unit = conn.execute(
        select(paper.batch.c.unit).where(paper.batch.c.id == new.batch)
    ).scalar_one_or_none()
    if unit is None:
        raise StoreError("no_batch", batch=new.batch)
    values = {f.name: getattr(new, f.name) for f in fields(new)}
    state = STATE_FAILED if new.reason else STATE_QUEUED
    values |= {
        "id": page_id,
        "scanned_at": utc_now(),
        "scanned_by": by,
        "unit": unit,
        "state": state,
        "settled": False,
        "problems": [],
    }
    # An import that was interrupted may give the page again.
    insert_missing(conn, _page_table, [values])
    record(conn, by, "add_page", page_id, unit=unit)
    return page_id


def list_queued_pages(conn: Connection, limit: int | None = None) -> list[str]:
    """Return the ids of pages that can be read now, in the order in which they came."""
    # Pages that are not read yet, first come first. Those without their image hold up no others.
    query = (
        select(_page_table.c.id)
        .where(is_queued, _page_table.c.reason == "")
        .order_by(_page_table.c.scanned_at, _page_table.c.id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def load_page(conn: Connection, page_id: str) -> Page:
    """Return one page.

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


def load_visible_page(conn: Connection, person: Person, action: Action, page_id: str) -> Page:
    """Return a page that the person may do this with.

    Raises:
        NotAllowedError: the role, the unit, the area of law or a block does not allow it.
        StoreError: there is no such page.
    """
    page = load_page(conn, page_id)
    require_visible_page(conn, person, action, page)
    return page


def mark_page_failed(conn: Connection, page_id: str, reason: str) -> None:
    """Register that a queued page cannot be read, and why. A page that has been read stays read."""
    values = {"state": STATE_FAILED, "reason": reason, "outcome": Outcome.FAILED.value}
    # Only while it is queued: a page that has been read stays read.
    statement = update(_page_table).where(_page_table.c.id == page_id, is_queued).values(values)
    if (
        unit := conn.execute(statement.returning(_page_table.c.unit)).scalar_one_or_none()
    ) is not None:
        record(conn, "system", "fail_page", page_id, unit=unit)


def load_page_reading(conn: Connection, page_id: str, row: int | None = None) -> dict[str, Reading]:
    """Return the readings of a page, by field; of one `row` of a list without the other rows."""
    table = paper.reading.c
    query = select(paper.reading).where(table.page == page_id)
    if row is not None:
        query = query.where(table.field.not_like("%.%") | table.field.like(f"%{row:02d}.%"))
    return {found.field: _reading_from_row(found) for found in conn.execute(query)}


def load_sheet_readings(conn: Connection, sheets: Sequence[str]) -> dict[str, dict[str, Reading]]:
    """Return the readings on the pages of these sheets, by sheet and field."""
    table = paper.reading
    query = (
        select(_page_table.c.sheet, *table.c)
        .join(table, table.c.page == _page_table.c.id)
        .where(_page_table.c.sheet.in_(sheets))
    )
    readings: dict[str, dict[str, Reading]] = {}
    for row in conn.execute(query):
        readings.setdefault(row.sheet, {})[row.field] = _reading_from_row(row)
    return readings


def count_pages_by_state(conn: Connection, units: Iterable[str] | None = None) -> dict[str, int]:
    """Count all pages, or those of some units: `in` = `done` + `waiting` + `failed`."""
    given = None if units is None else sorted(units)
    query = select(page.c.standing, func.count()).where(IS_LIVE_PAGE).group_by(page.c.standing)
    if given is not None:
        query = query.where(page.c.unit.in_(given))
    live = {row[0]: row[1] for row in conn.execute(query)}
    done = sum(one.pages for one in list_page_tallies(conn, given))
    waiting, failed = live.get(tally.WAITING, 0), live.get(tally.FAILED, 0)
    return {"in": done + waiting + failed, "done": done, "waiting": waiting, "failed": failed}


def count_closed_pages(conn: Connection) -> int:
    """Count the pages that failed and were closed by a person."""
    tallies = list_page_tallies(conn)
    return sum(one.pages for one in tallies if one.state == STATE_FAILED)


def list_batch_pages(conn: Connection, batch: str) -> list[Page]:
    """Return the pages of a batch in their order."""
    query = select(_page_table).where(_page_table.c.batch == batch)
    rows = conn.execute(query.order_by(_page_table.c.position)).mappings()
    return [Page.from_row(row) for row in rows]


def list_image_names(conn: Connection) -> list[str]:
    """Return the SHA-256 of every page's image and of every part of a split page, each once."""
    # Pages that could not be imported have no image.
    scans = select(_page_table.c.image_sha256).where(_page_table.c.image_sha256.is_not(None))
    return list(conn.execute(scans.union(select(page_area.c.image_sha256))).scalars())


def _reading_from_row(row: Row[Any]) -> Reading:
    # A word without alternatives has none in its row.
    words = tuple(
        WordBox(start, end, (x, y, w, h), tuple(others[0]) if others else ())
        for start, end, x, y, w, h, *others in row.words or ()
    )
    reasons = tuple(row.reasons or ())
    return Reading(
        row.value,
        row.p,
        State(row.state),
        tuple((value, p) for value, p in row.alternatives),
        tuple(row.characters),
        evidence=reasons,
        words=words,
    )


def list_sheet_pages(conn: Connection, sheet: str) -> list[Page]:
    """Return the pages of a sheet that have come, by page number, without its attachments."""
    return list_pages_by_sheet(conn, [sheet]).get(sheet, [])


def list_pages_by_sheet(conn: Connection, sheets: Sequence[str]) -> dict[str, list[Page]]:
    """Return the same of each of these sheets, in their order, without those that have none."""
    query = (
        select(_page_table)
        .where(_page_table.c.sheet.in_(sheets), _page_table.c.id.not_in(ATTACHED_PAGES))
        .order_by(_page_table.c.page_no, _page_table.c.id)
    )
    pages: dict[str, list[Page]] = defaultdict(list)
    for row in conn.execute(query).mappings():
        pages[row["sheet"]].append(Page.from_row(row))
    return {sheet: pages[sheet] for sheet in sheets if sheet in pages}


def missing_pages_by_sheet(conn: Connection, sheets: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the pages that have not come, of each of these sheets.

    This includes sheets that are known by a page's id, such as copies. An unidentified page misses
    none.
    """
    found = list_pages_by_sheet(conn, sorted(sheets))
    return {sheet: missing_page_numbers(pages) for sheet, pages in found.items()}


def missing_page_numbers(sheet_pages: Iterable[Page]) -> tuple[int, ...]:
    """Return the missing page numbers of a sheet of which these pages have come."""
    pages = [page for page in sheet_pages if page.outcome is Outcome.READ]
    count = max((p.pages or 1 for p in pages), default=0)
    return tuple(sorted(set(range(1, count + 1)) - {p.page_no or 1 for p in pages}))


def set_confirmed_area(conn: Connection, form_id: str, sheet: str, area: str | None) -> None:
    """Set the area of the pages of a note of every area.

    A person who may not see the note's text may not see its image either.
    """
    if form_id in choice_forms():
        conn.execute(update(paper.page).where(paper.page.c.sheet == sheet).values(area=area))
