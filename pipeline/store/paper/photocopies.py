"""A form of several pages that was photocopied before it was filled in: papers with one serial.
Only a person can tell which sides are of one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection, exists, func, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Outcome, Person
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.database.store import lock_keys
from pipeline.store.event_log.events import record
from pipeline.store.paper.duplicates import detach_from_sheet, has_begun_entries, is_entry_begun
from pipeline.store.paper.pages import Page, load_page
from pipeline.store.paper.sheets import make_entries
from pipeline.store.schema import paper

_page_table, _entry_table, _event_table = paper.page, paper.entry, paper.event
_MAX_SIDES = 200


@dataclass(frozen=True, slots=True)
class SeparatedSide:
    """A side that stands by itself, and the first sides of the papers that it may be of."""

    page: Page
    fronts: tuple[Page, ...]


def list_separated_sides(
    conn: Connection, person: Person, limit: int = _MAX_SIDES
) -> list[SeparatedSide]:
    """Sides that nobody has begun to enter, of serials that stand on several papers, where a paper
    lacks them; by serial.

    Raises:
        NotAllowedError: the person handles no problems.
    """
    permissions.require_permission(person, Action.PROBLEMS)
    alone = (
        _page_table.c.sheet == _page_table.c.id,
        _page_table.c.serial.is_not(None),
        _page_table.c.page_no > 1,
        _page_table.c.outcome == Outcome.READ.value,
    )
    untouched = ~exists().where(_entry_table.c.sheet == _page_table.c.sheet, is_entry_begun())
    query = (
        select(_page_table)
        .where(*alone, untouched, visibility.visible_pages_condition(conn, person))
        .order_by(_page_table.c.serial, _page_table.c.page_no, _page_table.c.id)
    )
    sides = [Page.from_row(row) for row in conn.execute(query).mappings()]
    fronts = _find_fronts(conn, person, sides)
    found = (SeparatedSide(side, fronts[side.id]) for side in sides if fronts[side.id])
    return list(
        islice(found, limit)
    )  # counted last, or sides that are done with would hide the others


def assign_side(
    conn: Connection, person: Person, page_id: str, front_id: str, forms: Forms
) -> None:
    """A person says which paper a side is of: it is entered together with this first side, anew if
    somebody has decided that one already.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: the side does not stand by itself, somebody has begun to enter it, or the
        paper has such a side.
    """
    visibility.require_visible_page(conn, person, Action.PROBLEMS, load_page(conn, page_id))
    visibility.require_visible_page(conn, person, Action.PROBLEMS, load_page(conn, front_id))
    lock_keys(conn, load_page(conn, page_id).serial or page_id)
    side = load_page(conn, page_id)
    front = next(
        (one for one in _find_fronts(conn, person, [side])[side.id] if one.id == front_id), None
    )
    if front is None or side.sheet != side.id or has_begun_entries(conn, side):
        raise ReviewError("side_not_laid_paper_any")
    detach_from_sheet(conn, side)
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(sheet=front.sheet))
    record(conn, person.login, "lay_to", page_id, unit=side.unit)
    make_entries(
        conn, replace(side, sheet=front.sheet), forms.get((side.form or "", side.version or 0))
    )


def list_assigned_sides(
    conn: Connection, person: Person, limit: int = _MAX_SIDES
) -> list[SeparatedSide]:
    """Sides that somebody has laid to a paper that nobody has begun to enter since, each with that
    paper's first side; by serial.

    Raises:
        NotAllowedError: the person handles no problems.
    """
    permissions.require_permission(person, Action.PROBLEMS)
    laid = (
        _page_table.c.sheet.is_not(None),
        _page_table.c.sheet != _page_table.c.id,
        exists().where(
            _event_table.c.subject == _page_table.c.id, _event_table.c.action == "lay_to"
        ),
    )
    untouched = ~exists().where(_entry_table.c.sheet == _page_table.c.sheet, is_entry_begun())
    query = (
        select(_page_table)
        .where(*laid, untouched, visibility.visible_pages_condition(conn, person))
        .order_by(_page_table.c.serial, _page_table.c.page_no, _page_table.c.id)
        .limit(limit)
    )
    sides = [Page.from_row(row) for row in conn.execute(query).mappings()]
    first = select(_page_table).where(
        _page_table.c.sheet.in_({side.sheet for side in sides}),
        _page_table.c.page_no == 1,
        visibility.visible_pages_condition(conn, person),
    )
    fronts = {
        front.sheet: front
        for front in (Page.from_row(row) for row in conn.execute(first).mappings())
    }
    return [SeparatedSide(side, (fronts[side.sheet],)) for side in sides if side.sheet in fronts]


def unassign_side(conn: Connection, person: Person, page_id: str, forms: Forms) -> None:
    """A person has laid a side to the wrong paper: both stand by themselves again.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: nobody has laid the side to a paper, or somebody has begun to enter that one.
    """
    visibility.require_visible_page(conn, person, Action.PROBLEMS, load_page(conn, page_id))
    lock_keys(conn, load_page(conn, page_id).serial or page_id)
    found = next((one for one in list_assigned_sides(conn, person) if one.page.id == page_id), None)
    if found is None:
        raise ReviewError("side_not_taken_off_paper")
    side, front = found.page, found.fronts[0]
    detach_from_sheet(conn, side)
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(sheet=page_id))
    record(conn, person.login, "take_off", page_id, unit=side.unit)
    for one in (front, replace(side, sheet=page_id)):
        make_entries(conn, one, forms.get((one.form or "", one.version or 0)))


def _find_fronts(
    conn: Connection, person: Person, sides: Sequence[Page]
) -> dict[str, tuple[Page, ...]]:
    """For each side the first sides with its serial of papers that lack it, in the order in which
    they were scanned.
    """
    serials = _page_table.c.serial.in_({side.serial for side in sides})
    there = {
        (row.sheet, row.page_no)
        for row in conn.execute(
            select(_page_table.c.sheet, _page_table.c.page_no).where(
                serials, _page_table.c.sheet.is_not(None)
            )
        )
    }
    first = (
        serials,
        _page_table.c.page_no == 1,
        _page_table.c.sheet.is_not(None),
        visibility.visible_pages_condition(conn, person),
    )
    by_paper: dict[tuple[str | None, ...], list[Page]] = defaultdict(list)
    for front in map(
        Page.from_row,
        conn.execute(
            select(_page_table).where(*first).order_by(_page_table.c.scanned_at, _page_table.c.id)
        ).mappings(),
    ):
        by_paper[_paper_key(front)].append(front)
    void = _void_sheets(conn, {front.sheet for fronts in by_paper.values() for front in fronts})
    return {
        side.id: tuple(
            front
            for front in by_paper[_paper_key(side)]
            if front.id != side.id
            and (front.sheet, side.page_no) not in there
            and front.sheet not in void
        )
        for side in sides
    }


def _paper_key(side: Page) -> tuple[str | None, ...]:
    return side.serial, side.form, str(side.version)


def _void_sheets(conn: Connection, sheets: Collection[str | None]) -> frozenset[str]:
    """Those of the sheets that have had entries, all of which are void."""
    ended = (
        select(_entry_table.c.sheet)
        .where(_entry_table.c.sheet.in_(sheets))
        .group_by(_entry_table.c.sheet)
        .having(func.count() == func.count(_entry_table.c.voided))
    )
    return frozenset(conn.execute(ended).scalars())
