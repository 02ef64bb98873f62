"""Pages that came twice. The page that was scanned first is the original, whichever was read first."""

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
    """The id of the page with the very same picture that counts as the original of this one, if
    there is one.
    """
    before = tuple_(_page_table.c.scanned_at, _page_table.c.id) < tuple_(page.scanned_at, page.id)
    query = (
        select(_page_table.c.id)
        .where(
            _page_table.c.image_sha256 == page.image_sha256,
            _page_table.c.id != page.id,
            ~pages.is_failed,
        )
        .where(or_(_page_table.c.duplicate_of.is_(None), ~_page_table.c.settled))
        .where(or_(pages.is_read, before))
        .where(or_(_page_table.c.outcome.is_(None), _page_table.c.outcome != Outcome.BLANK))
        .order_by(pages.is_queued, _page_table.c.scanned_at, _page_table.c.id)
    )
    original: str | None = conn.execute(query.limit(1)).scalar_one_or_none()
    return original


def find_page_of_same_side(conn: Connection, page: Page) -> Page | None:
    """The page that already stands for this side of this sheet of paper."""
    query = select(_page_table).where(
        _page_table.c.serial == page.serial,
        _page_table.c.page_no == page.page_no,
        _page_table.c.sheet == page.serial,
        _page_table.c.id != page.id,
    )
    row = conn.execute(query.limit(1)).mappings().one_or_none()
    return Page.from_row(row) if row else None


def is_photocopied(conn: Connection, page: Page) -> bool:
    """Whether several papers bear this serial, or may: another side of it came twice, and nobody
    has said that this was the same paper.
    """
    other_side = (_page_table.c.serial == page.serial, _page_table.c.page_no != page.page_no)
    copy = or_(
        and_(_page_table.c.sheet.is_not(None), _page_table.c.sheet != page.serial),
        pages.is_unsettled_duplicate,
    )
    return bool(conn.execute(select(exists().where(*other_side, copy))).scalar_one())


def replace_original(conn: Connection, page: Page, other: Page) -> bool:
    """Make this page the original in place of one that was scanned later but read earlier.

    Only while nobody has touched an entry of the sheet; its untouched entries are then made anew
    from this page. Answers whether it was done.
    """
    if (page.scanned_at, page.id) > (other.scanned_at, other.id) or has_begun_entries(conn, other):
        return False
    detach_from_sheet(conn, other)
    conn.execute(
        update(_page_table).where(_page_table.c.id == other.id).values(duplicate_of=page.id)
    )
    _repoint_waiting_duplicates(conn, page, other)
    return True


def replace_with_later_scan(conn: Connection, page: Page, other: Page) -> bool:
    """Let a later scan of the same paper, on which more is written, stand for its side; as
    `take_over`, only while nobody has touched an entry.
    """
    if other.sheet != page.serial or has_begun_entries(conn, other):
        return False
    detach_from_sheet(conn, other)
    conn.execute(
        update(_page_table)
        .where(_page_table.c.id == other.id)
        .values(duplicate_of=page.id, settled=True)
    )
    _repoint_waiting_duplicates(conn, page, other)
    return True


def _repoint_waiting_duplicates(conn: Connection, now: Page, before: Page) -> None:
    """A third scan that waits is asked about, and compared, with what stands there now."""
    waits = (
        _page_table.c.duplicate_of == before.id,
        _page_table.c.id != now.id,
        pages.is_unsettled_duplicate,
    )
    conn.execute(update(_page_table).where(*waits).values(duplicate_of=now.id))


def list_untouched_separated_sides(conn: Connection, duplicate: Page) -> list[Page]:
    """Other sides of a serial that stand by themselves, as they do while one has come twice, and of
    which nobody has touched an entry.
    """
    alone = (
        _page_table.c.serial == duplicate.serial,
        _page_table.c.page_no != duplicate.page_no,
        _page_table.c.sheet == _page_table.c.id,
    )
    found = conn.execute(
        select(_page_table).where(*alone).order_by(_page_table.c.scanned_at, _page_table.c.id)
    ).mappings()
    return [side for side in map(Page.from_row, found) if not has_begun_entries(conn, side)]


def detach_from_sheet(conn: Connection, page: Page) -> None:
    """Take a page off its sheet, and away the untouched entries that were made of it."""
    conn.execute(delete(_entry_table).where(_entry_table.c.page == page.id))
    conn.execute(update(_page_table).where(_page_table.c.id == page.id).values(sheet=None))


def is_entry_begun() -> ColumnElement[bool]:
    """Whether somebody has begun with an entry."""
    found: ColumnElement[bool] = or_(
        _entry_table.c.state != EntryState.REVIEW.value,
        _entry_table.c.revision > 0,
        _entry_table.c.skipped > 0,
        _entry_table.c.claimed_by.is_not(None),
        exists().where(paper.draft.c.entry == _entry_table.c.id),
        exists().where(group_cell.c.entry == _entry_table.c.id),
        exists().where(plant.c.entry == _entry_table.c.id),
        exists().where(
            paper.event.c.subject == _entry_table.c.id, paper.event.c.action == "add_row"
        ),  # the machine would not make it anew
    )
    return found


def has_begun_entries(conn: Connection, other: Page) -> bool:
    """Whether somebody has begun with an entry of the page's sheet."""
    return bool(
        conn.execute(
            select(exists().where(_entry_table.c.sheet == other.sheet, is_entry_begun()))
        ).scalar_one()
    )


def filter_same_paper(conn: Connection, page_ids: Sequence[str]) -> set[str]:
    """Those of second scans with a sheet of their own that a person has said to be the same paper."""
    if not page_ids:
        return set()
    table = paper.event.c
    query = select(table.subject, table.detail).where(
        table.subject.in_(page_ids), table.action == "settle_duplicate"
    )
    return {row.subject for row in conn.execute(query) if row.detail.get("same")}
