"""Photocopied forms of several pages: several papers have the same serial.

Only a person can tell which sides belong to the same paper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import ColumnElement, Connection, exists, func, select, update

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Outcome, Person
from pipeline.store.accounts import visibility
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.sheet_entries import make_entries
from pipeline.store.event_log.events import record
from pipeline.store.paper.duplicates import detach_from_sheet, has_begun_entries, is_entry_begun
from pipeline.store.paper.pages import Page, load_page, load_visible_page
from pipeline.store.schema import paper

_page_table, _entry_table, _event_table = paper.page, paper.entry, paper.event
_MAX_SIDES = 200


@dataclass(frozen=True, slots=True)
class SeparatedSide:
    """A side on its own sheet, and the front pages of the papers that it may belong to."""

    page: Page
    fronts: tuple[Page, ...]


def list_separated_sides(
    conn: Connection, person: Person, limit: int = _MAX_SIDES
) -> list[SeparatedSide]:
    """Return untouched sides of photocopied forms that a paper of the same serial lacks.

    They are sorted by serial.

    Raises:
        NotAllowedError: the person does not handle problems.
    """
    require_permission(person, Action.PROBLEMS)
    # Identified back pages on their own sheet.
    is_separate = (
        _page_table.c.sheet == _page_table.c.id,
        _page_table.c.serial.is_not(None),
        _page_table.c.page_no > 1,
        _page_table.c.outcome == Outcome.READ.value,
    )
    sides = _list_untouched(conn, person, *is_separate)
    fronts = _find_fronts(conn, person, sides)
    separated = (SeparatedSide(side, fronts[side.id]) for side in sides if fronts[side.id])
    # The limit comes last, or sides without a possible front would displace the others.
    return list(islice(separated, limit))


def _list_untouched(
    conn: Connection, person: Person, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[Page]:
    """Return visible pages that meet the conditions, and no entry of whose sheet is begun."""
    query = select(_page_table).where(
        *conditions,
        ~exists().where(_entry_table.c.sheet == _page_table.c.sheet, is_entry_begun()),
        visibility.visible_pages_condition(conn, person, Action.PROBLEMS),
    )
    ordered = query.order_by(_page_table.c.serial, _page_table.c.page_no, _page_table.c.id)
    return [Page.from_row(row) for row in conn.execute(ordered.limit(limit)).mappings()]


def assign_side(
    conn: Connection, person: Person, page_id: str, front_id: str, forms: Forms
) -> None:
    """Register which paper a side belongs to: it is entered together with this front page.

    If the front page's entry is decided already, it is reviewed again.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        ReviewError: the side is not on its own sheet, a person has begun to enter it, or the paper
            has such a side.
    """
    load_visible_page(conn, person, Action.PROBLEMS, page_id)
    load_visible_page(conn, person, Action.PROBLEMS, front_id)
    # Read the side again under the lock: another person may have assigned it.
    lock_keys(conn, load_page(conn, page_id).serial or page_id)
    side = load_page(conn, page_id)
    front = next(
        (page for page in _find_fronts(conn, person, [side])[side.id] if page.id == front_id), None
    )
    if front is None or side.sheet != side.id or has_begun_entries(conn, side):
        raise ReviewError("side_not_assignable")
    detach_from_sheet(conn, side)
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(sheet=front.sheet))
    record(conn, person.login, "lay_to", page_id, unit=side.unit)
    make_entries(
        conn, replace(side, sheet=front.sheet), forms.get((side.form or "", side.version or 0))
    )


def list_assigned_sides(
    conn: Connection, person: Person, limit: int = _MAX_SIDES
) -> list[SeparatedSide]:
    """Return sides that were assigned to a paper, with its front page, while nobody has begun it.

    They are sorted by serial.

    Raises:
        NotAllowedError: the person does not handle problems.
    """
    require_permission(person, Action.PROBLEMS)
    # On another page's sheet because a person put it there.
    is_assigned = (
        _page_table.c.sheet.is_not(None),
        _page_table.c.sheet != _page_table.c.id,
        exists().where(
            _event_table.c.subject == _page_table.c.id, _event_table.c.action == "lay_to"
        ),
    )
    sides = _list_untouched(conn, person, *is_assigned, limit=limit)
    # The front pages of these sheets that the person can see.
    front_query = select(_page_table).where(
        _page_table.c.sheet.in_({side.sheet for side in sides}),
        _page_table.c.page_no == 1,
        visibility.visible_pages_condition(conn, person, Action.PROBLEMS),
    )
    fronts = {
        front.sheet: front
        for front in (Page.from_row(row) for row in conn.execute(front_query).mappings())
    }
    return [SeparatedSide(side, (fronts[side.sheet],)) for side in sides if side.sheet in fronts]


def unassign_side(conn: Connection, person: Person, page_id: str, forms: Forms) -> None:
    """Undo a wrong assignment: both pages are on their own sheets again.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        ReviewError: the side was not assigned, or a person has begun to enter the paper.
    """
    load_visible_page(conn, person, Action.PROBLEMS, page_id)
    lock_keys(conn, load_page(conn, page_id).serial or page_id)
    # Only a side that was assigned and is still untouched.
    assigned = next(
        (item for item in list_assigned_sides(conn, person) if item.page.id == page_id), None
    )
    if assigned is None:
        raise ReviewError("side_not_removable")
    side, front = assigned.page, assigned.fronts[0]
    detach_from_sheet(conn, side)
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(sheet=page_id))
    record(conn, person.login, "take_off", page_id, unit=side.unit)
    # Both become sheets again, each with its own entries.
    for page in (front, replace(side, sheet=page_id)):
        make_entries(conn, page, forms.get((page.form or "", page.version or 0)))


def _find_fronts(
    conn: Connection, person: Person, sides: Sequence[Page]
) -> dict[str, tuple[Page, ...]]:
    """Return for each side the front pages of papers with its serial that lack it.

    They are in the order in which they were scanned.
    """
    serials = _page_table.c.serial.in_({side.serial for side in sides})
    # Which pages the sheets with these serials have already.
    present_pages = {
        (row.sheet, row.page_no)
        for row in conn.execute(
            select(_page_table.c.sheet, _page_table.c.page_no).where(
                serials, _page_table.c.sheet.is_not(None)
            )
        )
    }
    # The front pages that the person can see, by serial and form version.
    is_front = (
        serials,
        _page_table.c.page_no == 1,
        _page_table.c.sheet.is_not(None),
        visibility.visible_pages_condition(conn, person, Action.PROBLEMS),
    )
    by_paper: dict[tuple[str | None, ...], list[Page]] = defaultdict(list)
    for front in map(
        Page.from_row,
        conn.execute(
            select(_page_table)
            .where(*is_front)
            .order_by(_page_table.c.scanned_at, _page_table.c.id)
        ).mappings(),
    ):
        by_paper[_paper_key(front)].append(front)
    # A side on a void sheet would never be seen.
    void = _void_sheets(conn, {front.sheet for fronts in by_paper.values() for front in fronts})
    return {
        side.id: tuple(
            front
            for front in by_paper[_paper_key(side)]
            if front.id != side.id
            and (front.sheet, side.page_no) not in present_pages
            and front.sheet not in void
        )
        for side in sides
    }


def _paper_key(side: Page) -> tuple[str | None, ...]:
    """Return what sides of one photocopied form have in common."""
    return side.serial, side.form, str(side.version)


def _void_sheets(conn: Connection, sheets: Collection[str | None]) -> frozenset[str]:
    """Return those of the sheets that have entries, all of which are void."""
    # Sheets with as many void entries as entries.
    query = (
        select(_entry_table.c.sheet)
        .where(_entry_table.c.sheet.in_(sheets))
        .group_by(_entry_table.c.sheet)
        .having(func.count() == func.count(_entry_table.c.voided))
    )
    return frozenset(conn.execute(query).scalars())
