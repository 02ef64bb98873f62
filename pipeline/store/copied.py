"""A form of several pages that was photocopied before it was filled in: papers with one serial. Only a person can tell which sides are of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection, exists, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.model import Outcome, Person
from pipeline.store import sight, tables
from pipeline.store.database import lock_keys
from pipeline.store.duplicates import give_up_sheet, is_touched
from pipeline.store.events import record
from pipeline.store.pages import Page, page
from pipeline.store.sheets import is_void, make_entries
from pipeline.template import Forms

_page = tables.page
_MOST = 200


@dataclass(frozen=True, slots=True)
class Apart:
    """A side that stands by itself, and the first sides of the papers that it may be of."""

    page: Page
    fronts: tuple[Page, ...]


def sides_apart(conn: Connection, person: Person, limit: int = _MOST) -> list[Apart]:
    """Sides that nobody has begun to enter, of serials that stand on several papers, where a paper lacks them; by serial.

    Raises:
        NotAllowedError: the person handles no problems.
    """
    access.require(person, Action.PROBLEMS)
    alone = (_page.c.sheet == _page.c.id, _page.c.serial.is_not(None), _page.c.page_no > 1, _page.c.outcome == Outcome.READ.value)
    query = select(_page).where(*alone, sight.visible_pages(conn, person)).order_by(_page.c.serial, _page.c.page_no, _page.c.id)
    sides = [Page.of(row) for row in conn.execute(query).mappings()]
    found = (Apart(side, _fronts(conn, person, side)) for side in sides if not is_touched(conn, side))
    return list(islice((one for one in found if one.fronts), limit))  # counted last, or sides that are done with would hide the others


def lay_to(conn: Connection, person: Person, page_id: str, front_id: str, forms: Forms) -> None:
    """A person says which paper a side is of: it is entered together with this first side, anew if somebody has decided that one already.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: the side does not stand by itself, somebody has begun to enter it, or the paper has such a side.
    """
    sight.require_page(conn, person, Action.PROBLEMS, page(conn, page_id))
    sight.require_page(conn, person, Action.PROBLEMS, page(conn, front_id))
    lock_keys(conn, page(conn, page_id).serial or page_id)
    side = page(conn, page_id)
    front = next((one for one in _fronts(conn, person, side) if one.id == front_id), None)
    if front is None or side.sheet != side.id or is_touched(conn, side):
        raise ReviewError("The side cannot be laid to this paper any more.", "Look at the list again.")
    give_up_sheet(conn, side)
    conn.execute(update(_page).where(_page.c.id == page_id).values(sheet=front.sheet))
    record(conn, person.login, "lay_to", page_id, unit=side.unit)
    make_entries(conn, replace(side, sheet=front.sheet), forms.get((side.form or "", side.version or 0)))


def _fronts(conn: Connection, person: Person, side: Page) -> tuple[Page, ...]:
    """The first sides with this serial of papers that lack the side, in the order in which they were scanned."""
    other = _page.alias()
    there = exists().where(other.c.sheet == _page.c.sheet, other.c.page_no == side.page_no)
    same = (_page.c.serial == side.serial, _page.c.form == side.form, _page.c.version == side.version, _page.c.page_no == 1)
    query = select(_page).where(*same, _page.c.sheet.is_not(None), ~there, _page.c.id != side.id, sight.visible_pages(conn, person))
    found = (Page.of(row) for row in conn.execute(query.order_by(_page.c.scanned_at, _page.c.id)).mappings())
    return tuple(front for front in found if not is_void(conn, front.sheet or ""))
