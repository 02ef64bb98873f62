"""Lists of pages to look up, so that nothing that came in disappears silently.

All of them raise NotAllowedError for a person who does not handle problems.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from pipeline.domain import permissions
from pipeline.domain.model import Outcome, Person
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.paper.pages import Page
from pipeline.store.paper.sheets import find_missing_pages, list_sheet_pages
from pipeline.store.schema import paper

_page_table = paper.page
_MAX_PAGES = 200


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
    return _latest_pages(conn, _page_table.c.outcome == Outcome.BLANK.value, person, limit)


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
        _page_table.c.pages > 1,
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
    return [_incomplete_sheet(conn, sheet) for sheet in conn.execute(sheets).scalars()]


def _incomplete_sheet(conn: Connection, sheet: str) -> IncompleteSheet:
    pages = tuple(list_sheet_pages(conn, sheet))
    return IncompleteSheet(
        sheet,
        pages[0].serial or sheet,
        pages[0].form or "",
        pages[0].unit,
        find_missing_pages(conn, sheet),
        pages,
    )


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
