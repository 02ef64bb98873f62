"""Pages to be looked up: nothing that came in is silently gone. Only whoever handles problems may (else: NotAllowedError)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from pipeline import access
from pipeline.access import Action
from pipeline.model import Outcome, Person
from pipeline.store import sight, tables
from pipeline.store.pages import Page
from pipeline.store.sheets import missing_pages, sheet_pages

_page = tables.page
_MOST = 200


@dataclass(frozen=True, slots=True)
class IncompleteSheet:
    """A sheet of which some pages have come and `missing` have not."""

    sheet: str
    serial: str
    form: str
    unit: str
    missing: tuple[int, ...]
    pages: tuple[Page, ...]


def blank_pages(conn: Connection, person: Person, limit: int = _MOST) -> list[Page]:
    """Pages without anything on them, the latest first."""
    access.require(person, Action.PROBLEMS)
    return _latest(conn, _page.c.outcome == Outcome.BLANK.value, person, limit)


def repeated_pages(conn: Connection, person: Person, limit: int = _MOST) -> list[Page]:
    """Settled second scans (`duplicate_of` names the first), the latest first."""
    access.require(person, Action.PROBLEMS)
    return _latest(conn, _page.c.duplicate_of.is_not(None) & _page.c.settled, person, limit)


def incomplete_sheets(conn: Connection, person: Person, limit: int = _MOST) -> list[IncompleteSheet]:
    """Sheets with a page missing, by serial; also those of copied forms, whose sides may stand by themselves."""
    access.require(person, Action.PROBLEMS)
    of_pages = (_page.c.sheet.is_not(None), _page.c.serial.is_not(None), _page.c.pages > 1, _page.c.outcome == Outcome.READ.value)
    some = (
        select(_page.c.sheet)
        .where(*of_pages, sight.visible_pages(conn, person))
        .group_by(_page.c.sheet)
        .having(func.count(func.distinct(_page.c.page_no)) < func.max(_page.c.pages))
        .order_by(func.min(_page.c.serial), _page.c.sheet)
        .limit(limit)
    )
    return [_incomplete(conn, sheet) for sheet in conn.execute(some).scalars()]


def _incomplete(conn: Connection, sheet: str) -> IncompleteSheet:
    pages = tuple(sheet_pages(conn, sheet))
    return IncompleteSheet(sheet, pages[0].serial or sheet, pages[0].form or "", pages[0].unit, missing_pages(conn, sheet), pages)


def _latest(conn: Connection, which: ColumnElement[bool], person: Person, limit: int) -> list[Page]:
    query = select(_page).where(which, sight.visible_pages(conn, person)).order_by(_page.c.scanned_at.desc(), _page.c.id).limit(limit)
    return [Page.of(row) for row in conn.execute(query).mappings()]
