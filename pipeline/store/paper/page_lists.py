"""Lists of pages to look up, so that nothing disappears silently; failed ones read again or closed.

All of them raise NotAllowedError for a person who does not handle problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    insert,
    select,
    update,
)

from pipeline.domain.errors import UsageError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import CloseReason, Outcome, Person
from pipeline.store.accounts import visibility
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import (
    STATE_FAILED,
    STATE_QUEUED,
    Page,
    is_closed,
    is_failed,
    is_problem,
    list_pages_by_sheet,
    load_visible_page,
    missing_page_numbers,
)
from pipeline.store.schema import paper
from pipeline.store.schema.paper import page_closure
from pipeline.store.schema.tally import HAS_SEVERAL_SIDES, IS_BLANK

_page_table = paper.page
_MAX_PAGES = 200
_MAX_NEW_SCANS = 60
_is_active = page_closure.c.undone_at.is_(None)


@dataclass(frozen=True, slots=True)
class PageClosure:
    """Why, by whom and when a failed page was closed. `other` is what it was scanned again as."""

    page: str
    reason: CloseReason
    other: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IncompleteSheet:
    """A sheet of which some pages have come and `missing_pages` have not."""

    sheet: str
    serial: str
    form: str
    unit: str
    missing_pages: tuple[int, ...]
    pages: tuple[Page, ...]


def list_blank_pages(conn: Connection, person: Person, limit: int = _MAX_PAGES) -> list[Page]:
    """Return blank pages, the latest first."""
    permissions.require_permission(person, Action.PROBLEMS)
    return _latest_pages(conn, IS_BLANK, person, limit)


def list_repeated_pages(conn: Connection, person: Person, limit: int = _MAX_PAGES) -> list[Page]:
    """Return settled second scans (`duplicate_of` is the first), the latest first."""
    permissions.require_permission(person, Action.PROBLEMS)
    return _latest_pages(
        conn, _page_table.c.duplicate_of.is_not(None) & _page_table.c.settled, person, limit
    )


def list_incomplete_sheets(
    conn: Connection, person: Person, limit: int = _MAX_PAGES
) -> list[IncompleteSheet]:
    """Return sheets with a page missing, by serial.

    Sheets of copied forms, whose sides may be separated, are among them.
    """
    permissions.require_permission(person, Action.PROBLEMS)
    # Read pages of forms with several pages.
    is_counted = (
        _page_table.c.sheet.is_not(None),
        _page_table.c.serial.is_not(None),
        HAS_SEVERAL_SIDES,
        _page_table.c.outcome == Outcome.READ.value,
    )
    # Sheets with fewer different page numbers than the form has pages.
    sheets = (
        select(_page_table.c.sheet)
        .where(*is_counted, visibility.visible_pages_condition(conn, person, Action.PROBLEMS))
        .group_by(_page_table.c.sheet)
        .having(func.count(func.distinct(_page_table.c.page_no)) < func.max(_page_table.c.pages))
        .order_by(func.min(_page_table.c.serial), _page_table.c.sheet)
        .limit(limit)
    )
    return [
        IncompleteSheet(
            sheet,
            found[0].serial or sheet,
            found[0].form or "",
            found[0].unit,
            missing_page_numbers(found),
            tuple(found),
        )
        for sheet, found in list_pages_by_sheet(conn, conn.execute(sheets).scalars().all()).items()
    ]


def _latest_pages(
    conn: Connection, condition: ColumnElement[bool], person: Person, limit: int
) -> list[Page]:
    # Pages with the condition that the person can see.
    query = (
        select(_page_table)
        .where(condition, visibility.visible_pages_condition(conn, person, Action.PROBLEMS))
        .order_by(_page_table.c.scanned_at.desc(), _page_table.c.id)
        .limit(limit)
    )
    return [Page.from_row(row) for row in conn.execute(query).mappings()]


def close_failed_page(
    conn: Connection,
    person: Person,
    page_id: str,
    reason: CloseReason,
    now: datetime,
    other: str = "",
) -> None:
    """Close a failed page: it is done, stays countable, and can be opened again.

    Args:
        other: the page or batch that the paper was scanned again as; only for that reason.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        StoreError: there is no such page.
        UsageError: it has not failed, or what it was scanned again as is unknown or has failed too.
    """
    page = load_visible_page(conn, person, Action.PROBLEMS, page_id)
    other = other.strip()
    new_scan = other if reason is CloseReason.SCANNED_AGAIN else ""
    if not _is_page(conn, page_id, is_failed):
        raise UsageError("page_not_failed", page_id=page_id)
    if reason is CloseReason.SCANNED_AGAIN and not _is_scanned_as(conn, page, other):
        raise UsageError("not_scanned_again", other=other[:40])
    values = {
        "page": page_id,
        "reason": reason.value,
        "other": new_scan,
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(page_closure).values(values))
    record(
        conn,
        person.login,
        "close_page",
        page_id,
        unit=page.unit,
        reason=reason.value,
        new_scan=new_scan,
    )


def reopen_closed_page(conn: Connection, person: Person, page_id: str, now: datetime) -> None:
    """Take a closing back: the page has failed again; the row stays.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        StoreError: there is no such page.
        UsageError: it is not closed.
    """
    page = load_visible_page(conn, person, Action.PROBLEMS, page_id)
    undone = conn.execute(
        update(page_closure)
        .where(page_closure.c.page == page_id, _is_active)
        .values(undone_by=person.login, undone_at=now)
    )
    if not undone.rowcount:
        raise UsageError("page_not_closed", page_id=page_id)
    record(conn, person.login, "reopen_page", page_id, unit=page.unit)


def list_closed_pages(conn: Connection, person: Person, limit: int = _MAX_PAGES) -> list[Page]:
    """Return failed pages that were closed, the latest first."""
    permissions.require_permission(person, Action.PROBLEMS)
    return _latest_pages(conn, is_closed, person, limit)


def list_new_scans(
    conn: Connection, person: Person, page_id: str, limit: int = _MAX_NEW_SCANS
) -> list[Page]:
    """Return pages that a failed page may have been scanned again as, the latest first.

    They came later, belong to the same unit and have not failed.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        StoreError: there is no such page.
    """
    failed = load_visible_page(conn, person, Action.PROBLEMS, page_id)
    table = _page_table.c
    is_candidate = (
        (table.scanned_at >= failed.scanned_at)
        & (table.unit == failed.unit)
        & (table.id != page_id)
        & (table.state != STATE_FAILED)
        & (func.coalesce(table.outcome, "") != Outcome.BLANK.value)
    )
    return _latest_pages(conn, is_candidate, person, limit)


def find_closure(conn: Connection, page_id: str) -> PageClosure | None:
    """Return why a page was closed; None if it was not."""
    table = page_closure.c
    query = select(table.page, table.reason, table.other, table.by, table.at)
    row = conn.execute(query.where(table.page == page_id, _is_active)).one_or_none()
    return (
        PageClosure(row.page, CloseReason(row.reason), row.other, row.by, row.at) if row else None
    )


def find_new_scan(conn: Connection, closure: PageClosure) -> Page | None:
    """Return the page that a closed page was scanned again as; None for a batch or no new scan."""
    query = select(_page_table).where(_page_table.c.id == closure.other)
    row = conn.execute(query).mappings().one_or_none()
    return Page.from_row(row) if row else None


def _is_page(conn: Connection, page_id: str, condition: ColumnElement[bool]) -> bool:
    query = select(_page_table.c.id).where(_page_table.c.id == page_id, condition)
    return conn.execute(query).first() is not None


def _is_scanned_as(conn: Connection, page: Page, other: str) -> bool:
    """Return whether this is another page, or another batch with one, that has not failed."""
    table = _page_table.c
    is_other_page = (table.id == other) & (table.id != page.id)
    is_other_batch = (table.batch == other) & (table.batch != page.batch)
    query = select(table.id).where(is_other_page | is_other_batch, table.state != STATE_FAILED)
    return conn.execute(query.limit(1)).first() is not None


def requeue_page(conn: Connection, person: Person, page_id: str) -> None:
    """Queue a failed page again.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
    """
    page = load_visible_page(conn, person, Action.PROBLEMS, page_id)
    # Only a failed page that has an image can be read again.
    again = update(_page_table).where(
        _page_table.c.id == page_id, is_failed, _page_table.c.image_sha256.is_not(None)
    )
    if conn.execute(again.values(state=STATE_QUEUED, reason="", outcome=None, attempts=0)).rowcount:
        record(conn, person.login, "requeue", page_id, unit=page.unit)


def requeue_failed_pages(conn: Connection, person: Person, unit: str | None = None) -> int:
    """Queue every failed page again that has an image and that the person may see.

    Args:
        conn: a transaction.
        person: who asks for it.
        unit: only pages of this unit.

    Returns:
        How many pages are read again.

    Raises:
        NotAllowedError: the person does not handle problems, or not of this unit.
    """
    permissions.require_permission(person, Action.PROBLEMS, unit)
    failed = select(_page_table.c.id).where(
        is_failed,
        _page_table.c.image_sha256.is_not(None),
        visibility.visible_pages_condition(conn, person, Action.PROBLEMS),
    )
    if unit is not None:
        failed = failed.where(_page_table.c.unit == unit)
    page_ids = list(conn.execute(failed).scalars())
    for page_id in page_ids:
        requeue_page(conn, person, page_id)
    return len(page_ids)


def list_problem_pages(conn: Connection, person: Person, limit: int = 500) -> list[Page]:
    """Return pages that the person has to look into.

    They are failed, possible duplicates, empty sheets, unidentified, or read with problems.

    Raises:
        NotAllowedError: the person does not handle problems.
    """
    permissions.require_permission(person, Action.PROBLEMS)
    # The problems that the person can see.
    visible = visibility.visible_pages_condition(conn, person, Action.PROBLEMS)
    query = _problem_pages_query().where(visible).limit(limit)
    return [Page.from_row(row) for row in conn.execute(query).mappings()]


def list_all_problem_pages(conn: Connection) -> list[Page]:
    """Return the problem pages of all units, to be counted."""
    return [Page.from_row(row) for row in conn.execute(_problem_pages_query()).mappings()]


def _problem_pages_query() -> Select[Any]:
    return (
        select(_page_table).where(is_problem).order_by(_page_table.c.scanned_at, _page_table.c.id)
    )
