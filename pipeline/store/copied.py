"""A form of several pages that was photocopied before it was filled in: papers with one serial. Only a person can tell which sides are of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection, exists, func, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.model import Outcome, Person
from pipeline.store import sight, tables
from pipeline.store.database import lock_keys
from pipeline.store.duplicates import begun, give_up_sheet, is_touched
from pipeline.store.events import record
from pipeline.store.pages import Page, page
from pipeline.store.sheets import make_entries
from pipeline.template import Forms

_page, _entry, _event = tables.page, tables.entry, tables.event
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
    untouched = ~exists().where(_entry.c.sheet == _page.c.sheet, begun())
    query = select(_page).where(*alone, untouched, sight.visible_pages(conn, person)).order_by(_page.c.serial, _page.c.page_no, _page.c.id)
    sides = [Page.of(row) for row in conn.execute(query).mappings()]
    fronts = _fronts(conn, person, sides)
    found = (Apart(side, fronts[side.id]) for side in sides if fronts[side.id])
    return list(islice(found, limit))  # counted last, or sides that are done with would hide the others


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
    front = next((one for one in _fronts(conn, person, [side])[side.id] if one.id == front_id), None)
    if front is None or side.sheet != side.id or is_touched(conn, side):
        raise ReviewError("side_not_laid_paper_any")
    give_up_sheet(conn, side)
    conn.execute(update(_page).where(_page.c.id == page_id).values(sheet=front.sheet))
    record(conn, person.login, "lay_to", page_id, unit=side.unit)
    make_entries(conn, replace(side, sheet=front.sheet), forms.get((side.form or "", side.version or 0)))


def laid_sides(conn: Connection, person: Person, limit: int = _MOST) -> list[Apart]:
    """Sides that somebody has laid to a paper that nobody has begun to enter since, each with that paper's first side; by serial.

    Raises:
        NotAllowedError: the person handles no problems.
    """
    access.require(person, Action.PROBLEMS)
    laid = (_page.c.sheet.is_not(None), _page.c.sheet != _page.c.id, exists().where(_event.c.subject == _page.c.id, _event.c.action == "lay_to"))
    untouched = ~exists().where(_entry.c.sheet == _page.c.sheet, begun())
    query = (
        select(_page).where(*laid, untouched, sight.visible_pages(conn, person)).order_by(_page.c.serial, _page.c.page_no, _page.c.id).limit(limit)
    )
    sides = [Page.of(row) for row in conn.execute(query).mappings()]
    first = select(_page).where(_page.c.sheet.in_({side.sheet for side in sides}), _page.c.page_no == 1, sight.visible_pages(conn, person))
    fronts = {front.sheet: front for front in (Page.of(row) for row in conn.execute(first).mappings())}
    return [Apart(side, (fronts[side.sheet],)) for side in sides if side.sheet in fronts]


def take_off(conn: Connection, person: Person, page_id: str, forms: Forms) -> None:
    """A person has laid a side to the wrong paper: both stand by themselves again.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: nobody has laid the side to a paper, or somebody has begun to enter that one.
    """
    sight.require_page(conn, person, Action.PROBLEMS, page(conn, page_id))
    lock_keys(conn, page(conn, page_id).serial or page_id)
    found = next((one for one in laid_sides(conn, person) if one.page.id == page_id), None)
    if found is None:
        raise ReviewError("side_not_taken_off_paper")
    side, front = found.page, found.fronts[0]
    give_up_sheet(conn, side)
    conn.execute(update(_page).where(_page.c.id == page_id).values(sheet=page_id))
    record(conn, person.login, "take_off", page_id, unit=side.unit)
    for one in (front, replace(side, sheet=page_id)):
        make_entries(conn, one, forms.get((one.form or "", one.version or 0)))


def _fronts(conn: Connection, person: Person, sides: Sequence[Page]) -> dict[str, tuple[Page, ...]]:
    """For each side the first sides with its serial of papers that lack it, in the order in which they were scanned."""
    serials = _page.c.serial.in_({side.serial for side in sides})
    there = {(row.sheet, row.page_no) for row in conn.execute(select(_page.c.sheet, _page.c.page_no).where(serials, _page.c.sheet.is_not(None)))}
    first = (serials, _page.c.page_no == 1, _page.c.sheet.is_not(None), sight.visible_pages(conn, person))
    by_paper: dict[tuple[str | None, ...], list[Page]] = defaultdict(list)
    for front in map(Page.of, conn.execute(select(_page).where(*first).order_by(_page.c.scanned_at, _page.c.id)).mappings()):
        by_paper[_paper(front)].append(front)
    void = _void(conn, {front.sheet for fronts in by_paper.values() for front in fronts})
    return {
        side.id: tuple(
            front for front in by_paper[_paper(side)] if front.id != side.id and (front.sheet, side.page_no) not in there and front.sheet not in void
        )
        for side in sides
    }


def _paper(side: Page) -> tuple[str | None, ...]:
    return side.serial, side.form, str(side.version)


def _void(conn: Connection, sheets: Collection[str | None]) -> frozenset[str]:
    """Those of the sheets that have had entries, all of which are void."""
    ended = select(_entry.c.sheet).where(_entry.c.sheet.in_(sheets)).group_by(_entry.c.sheet).having(func.count() == func.count(_entry.c.voided))
    return frozenset(conn.execute(ended).scalars())
