"""Pages that came twice: the page that was scanned first is the original, in any reading order."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, tuple_, update

from pipeline.domain.model import EntryState, Outcome
from pipeline.store.paper import pages
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper
from pipeline.store.schema.review import group_cell, plant

_page_table = paper.page
_entry_table = paper.entry


def find_page_with_same_bytes(conn: Connection, page: Page) -> str | None:
    """Return the id of the page with the same image bytes that is this page's original, or None."""
    is_earlier = tuple_(_page_table.c.scanned_at, _page_table.c.id) < tuple_(
        page.scanned_at, page.id
    )
    # Other pages with this image that have not failed; settled copies of a third page and blank
    # pages are no originals. Unread pages count only if scanned earlier; read pages come first.
    query = (
        select(_page_table.c.id)
        .where(
            _page_table.c.image_sha256 == page.image_sha256,
            _page_table.c.id != page.id,
            _page_table.c.state != pages.STATE_FAILED,
        )
        .where(or_(_page_table.c.duplicate_of.is_(None), ~_page_table.c.settled))
        .where(or_(pages.is_read, is_earlier))
        .where(or_(_page_table.c.outcome.is_(None), _page_table.c.outcome != Outcome.BLANK))
        .order_by(pages.is_queued, _page_table.c.scanned_at, _page_table.c.id)
    )
    original: str | None = conn.execute(query.limit(1)).scalar_one_or_none()
    return original


def find_page_of_same_side(conn: Connection, page: Page) -> Page | None:
    """Return the page that already represents this side of this sheet of paper, or None."""
    # The same serial and page number, on the serial's own sheet.
    query = select(_page_table).where(
        _page_table.c.serial == page.serial,
        _page_table.c.page_no == page.page_no,
        _page_table.c.sheet == page.serial,
        _page_table.c.id != page.id,
    )
    row = conn.execute(query.limit(1)).mappings().one_or_none()
    return Page.from_row(row) if row else None


def is_photocopied(conn: Connection, page: Page) -> bool:
    """Return whether several papers have this serial, or may have it.

    Another side of it came twice, and nobody has said that this was the same paper.
    """
    other_side = (_page_table.c.serial == page.serial, _page_table.c.page_no != page.page_no)
    # Other sides on a sheet of their own, or waiting to be settled.
    is_copy = or_(
        and_(_page_table.c.sheet.is_not(None), _page_table.c.sheet != page.serial),
        pages.is_unsettled_duplicate,
    )
    return bool(conn.execute(select(exists().where(*other_side, is_copy))).scalar_one())


def replace_original(conn: Connection, page: Page, other: Page) -> bool:
    """Make this page the original instead of one scanned later but read earlier; return if done.

    Only while nobody has begun an entry of the sheet; its entries are then made again from this
    page.
    """
    if (page.scanned_at, page.id) > (other.scanned_at, other.id) or has_begun_entries(conn, other):
        return False
    detach_from_sheet(conn, other)
    # The later scan is now a duplicate that a person settles.
    conn.execute(
        update(_page_table).where(_page_table.c.id == other.id).values(duplicate_of=page.id)
    )
    _repoint_waiting_duplicates(conn, page, other)
    return True


def replace_with_later_scan(conn: Connection, page: Page, other: Page) -> bool:
    """Let a later scan of the same paper, on which more is written, represent its side.

    As with `replace_original`, only while nobody has begun an entry; returns whether it was done.
    """
    if other.sheet != page.serial or has_begun_entries(conn, other):
        return False
    detach_from_sheet(conn, other)
    # The earlier scan is settled: a person has said that both are the same paper.
    conn.execute(
        update(_page_table)
        .where(_page_table.c.id == other.id)
        .values(duplicate_of=page.id, settled=True)
    )
    _repoint_waiting_duplicates(conn, page, other)
    return True


def _repoint_waiting_duplicates(conn: Connection, page: Page, replaced: Page) -> None:
    """Let waiting duplicates of the replaced page be compared with the page that replaces it."""
    is_waiting = (
        _page_table.c.duplicate_of == replaced.id,
        _page_table.c.id != page.id,
        pages.is_unsettled_duplicate,
    )
    conn.execute(update(_page_table).where(*is_waiting).values(duplicate_of=page.id))


def list_untouched_separated_sides(conn: Connection, duplicate: Page) -> list[Page]:
    """Return other sides of a serial that are on their own sheet and have no begun entry.

    Sides are separated while one of them has come twice.
    """
    # Other sides of the serial; a page on its own has the page's id as sheet.
    is_separate = (
        _page_table.c.serial == duplicate.serial,
        _page_table.c.page_no != duplicate.page_no,
        _page_table.c.sheet == _page_table.c.id,
    )
    sides = conn.execute(
        select(_page_table).where(*is_separate).order_by(_page_table.c.scanned_at, _page_table.c.id)
    ).mappings()
    return [side for side in map(Page.from_row, sides) if not has_begun_entries(conn, side)]


def detach_from_sheet(conn: Connection, page: Page) -> None:
    """Take a page off its sheet, and delete the untouched entries that were made from it."""
    conn.execute(delete(_entry_table).where(_entry_table.c.page == page.id))
    conn.execute(update(_page_table).where(_page_table.c.id == page.id).values(sheet=None))


def is_entry_begun() -> ColumnElement[bool]:
    """Whether a person has begun with an entry."""
    # Decided, changed, skipped, claimed, typed in, in a batch, or shown with a seeded error. An
    # entry of an added row would not be made again by the reading.
    condition: ColumnElement[bool] = or_(
        _entry_table.c.state != EntryState.REVIEW.value,
        _entry_table.c.revision > 0,
        _entry_table.c.skipped > 0,
        _entry_table.c.claimed_by.is_not(None),
        exists().where(paper.draft.c.entry == _entry_table.c.id),
        exists().where(group_cell.c.entry == _entry_table.c.id),
        exists().where(plant.c.entry == _entry_table.c.id),
        exists().where(
            paper.event.c.subject == _entry_table.c.id, paper.event.c.action == "add_row"
        ),
    )
    return condition


def has_begun_entries(conn: Connection, other: Page) -> bool:
    """Return whether a person has begun with an entry of the page's sheet."""
    # Any begun entry of the sheet.
    return bool(
        conn.execute(
            select(exists().where(_entry_table.c.sheet == other.sheet, is_entry_begun()))
        ).scalar_one()
    )


def filter_same_paper(conn: Connection, page_ids: Sequence[str]) -> set[str]:
    """Return those second scans with their own sheet that a person said are the same paper."""
    if not page_ids:
        return set()
    table = paper.event.c
    # The events of settling these pages; the answer is in the event's detail.
    query = select(table.subject, table.detail).where(
        table.subject.in_(page_ids), table.action == "settle_duplicate"
    )
    return {row.subject for row in conn.execute(query) if row.detail.get("same")}
