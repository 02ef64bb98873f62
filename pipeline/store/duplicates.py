"""Pages that came twice. The page that was scanned first is the original, whichever was read first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, tuple_, update

from pipeline.model import EntryState, Outcome
from pipeline.store import page_states, tables
from pipeline.store.control_tables import plant
from pipeline.store.group_tables import group_cell
from pipeline.store.pages import Page

_page = tables.page
_entry = tables.entry


def same_bytes(conn: Connection, read: Page) -> str | None:
    """The id of the page with the very same picture that counts as the original of this one, if there is one."""
    before = tuple_(_page.c.scanned_at, _page.c.id) < tuple_(read.scanned_at, read.id)
    query = (
        select(_page.c.id)
        .where(_page.c.image_sha256 == read.image_sha256, _page.c.id != read.id, ~page_states.failed)
        .where(or_(_page.c.duplicate_of.is_(None), ~_page.c.settled))
        .where(or_(page_states.read, before))
        .where(or_(_page.c.outcome.is_(None), _page.c.outcome != Outcome.BLANK))
        .order_by(page_states.queued, _page.c.scanned_at, _page.c.id)
    )
    original: str | None = conn.execute(query.limit(1)).scalar_one_or_none()
    return original


def same_side(conn: Connection, read: Page) -> Page | None:
    """The page that already stands for this side of this sheet of paper."""
    query = select(_page).where(_page.c.serial == read.serial, _page.c.page_no == read.page_no, _page.c.sheet == read.serial, _page.c.id != read.id)
    row = conn.execute(query.limit(1)).mappings().one_or_none()
    return Page.of(row) if row else None


def is_copied(conn: Connection, read: Page) -> bool:
    """Whether several papers bear this serial, or may: another side of it came twice, and nobody has said that this was the same paper."""
    other_side = (_page.c.serial == read.serial, _page.c.page_no != read.page_no)
    copy = or_(and_(_page.c.sheet.is_not(None), _page.c.sheet != read.serial), page_states.unsettled_duplicate)
    return bool(conn.execute(select(exists().where(*other_side, copy))).scalar_one())


def take_over(conn: Connection, read: Page, other: Page) -> bool:
    """Make this page the original in place of one that was scanned later but read earlier.

    Only while nobody has touched an entry of the sheet; its untouched entries are then made anew from this page. Answers whether it was done.
    """
    if (read.scanned_at, read.id) > (other.scanned_at, other.id) or is_touched(conn, other):
        return False
    give_up_sheet(conn, other)
    conn.execute(update(_page).where(_page.c.id == other.id).values(duplicate_of=read.id))
    _asked_of(conn, read, other)
    return True


def stand_in(conn: Connection, read: Page, other: Page) -> bool:
    """Let a later scan of the same paper, on which more is written, stand for its side; as `take_over`, only while nobody has touched an entry."""
    if other.sheet != read.serial or is_touched(conn, other):
        return False
    give_up_sheet(conn, other)
    conn.execute(update(_page).where(_page.c.id == other.id).values(duplicate_of=read.id, settled=True))
    _asked_of(conn, read, other)
    return True


def _asked_of(conn: Connection, now: Page, before: Page) -> None:
    """A third scan that waits is asked about, and compared, with what stands there now."""
    waits = (_page.c.duplicate_of == before.id, _page.c.id != now.id, page_states.unsettled_duplicate)
    conn.execute(update(_page).where(*waits).values(duplicate_of=now.id))


def set_apart(conn: Connection, twice: Page) -> list[Page]:
    """Other sides of a serial that stand by themselves, as they do while one has come twice, and of which nobody has touched an entry."""
    alone = (_page.c.serial == twice.serial, _page.c.page_no != twice.page_no, _page.c.sheet == _page.c.id)
    found = conn.execute(select(_page).where(*alone).order_by(_page.c.scanned_at, _page.c.id)).mappings()
    return [side for side in map(Page.of, found) if not is_touched(conn, side)]


def give_up_sheet(conn: Connection, of: Page) -> None:
    """Take a page off its sheet, and away the untouched entries that were made of it."""
    conn.execute(delete(_entry).where(_entry.c.page == of.id))
    conn.execute(update(_page).where(_page.c.id == of.id).values(sheet=None))


def begun() -> ColumnElement[bool]:
    """Whether somebody has begun with an entry."""
    found: ColumnElement[bool] = or_(
        _entry.c.state != EntryState.REVIEW.value,
        _entry.c.revision > 0,
        _entry.c.skipped > 0,
        _entry.c.claimed_by.is_not(None),
        exists().where(tables.draft.c.entry == _entry.c.id),
        exists().where(group_cell.c.entry == _entry.c.id),
        exists().where(plant.c.entry == _entry.c.id),
        exists().where(tables.event.c.subject == _entry.c.id, tables.event.c.action == "add_row"),  # the machine would not make it anew
    )
    return found


def is_touched(conn: Connection, other: Page) -> bool:
    """Whether somebody has begun with an entry of the page's sheet."""
    return bool(conn.execute(select(exists().where(_entry.c.sheet == other.sheet, begun()))).scalar_one())


def same_paper(conn: Connection, page_ids: Sequence[str]) -> set[str]:
    """Those of second scans with a sheet of their own that a person has said to be the same paper."""
    if not page_ids:
        return set()
    table = tables.event.c
    query = select(table.subject, table.detail).where(table.subject.in_(page_ids), table.action == "settle_duplicate")
    return {row.subject for row in conn.execute(query) if row.detail.get("same")}
