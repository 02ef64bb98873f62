"""The pages that are attached to a sheet, and those that could be: its followers in the stack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipeline.domain.model import Outcome, PrintedWord
from pipeline.store.paper.pages import STATE_READ, Page
from pipeline.store.schema import paper
from pipeline.store.schema.depth import attachment, is_attachment, page_text

_page_table = paper.page
_MAX_FOLLOWERS = 60


@dataclass(frozen=True, slots=True)
class AttachedPage:
    """A page that goes with a sheet and is not typed; `day` is YYYY-MM-DD, or empty."""

    page: Page
    number: int
    title: str
    day: str


def list_attached_pages(conn: Connection, sheet: str) -> tuple[AttachedPage, ...]:
    """Return the attachments of a sheet in their order."""
    return tuple(attached_pages_by_sheet(conn, [sheet]).get(sheet, ()))


def attached_pages_by_sheet(
    conn: Connection, sheets: Iterable[str]
) -> dict[str, list[AttachedPage]]:
    """Return the attachments of each of these sheets that has any, in their order."""
    query = (
        select(
            _page_table,
            attachment.c.sheet.label("parent"),
            attachment.c.number,
            attachment.c.title,
            attachment.c.day,
        )
        .join(attachment, attachment.c.page == _page_table.c.id)
        .where(attachment.c.sheet.in_(sorted(sheets)), is_attachment)
        .order_by(attachment.c.sheet, attachment.c.number, attachment.c.id)
    )
    found: dict[str, list[AttachedPage]] = defaultdict(list)
    for row in conn.execute(query).mappings():
        found[row["parent"]].append(
            AttachedPage(Page.from_row(row), row["number"], row["title"], row["day"])
        )
    return dict(found)


def list_followers(conn: Connection, sheet_pages: Sequence[Page]) -> list[Page]:
    """Return the pages without a form that follow a sheet in its stack, up to the next form.

    Blank pages are skipped; a page that is not read yet ends the list, since it may be a form.

    Args:
        conn: a transaction.
        sheet_pages: the pages of the sheet itself.
    """
    last = max(sheet_pages, key=lambda page: (page.scanned_at, page.position), default=None)
    if last is None:
        return []
    query = (
        select(_page_table)
        .where(_page_table.c.batch == last.batch, _page_table.c.position > last.position)
        .order_by(_page_table.c.position)
        .limit(_MAX_FOLLOWERS)
    )
    own = {page.id for page in sheet_pages}
    followers = []
    for page in map(Page.from_row, conn.execute(query).mappings()):
        if page.state != STATE_READ:
            break
        if page.outcome is Outcome.BLANK or page.id in own:
            continue
        if page.outcome is not Outcome.UNIDENTIFIED or page.form is not None:
            break
        followers.append(page)
    return followers


def find_sheet_before(conn: Connection, page: Page) -> str | None:
    """Return the sheet of the nearest form before a page in its stack, or None."""
    query = (
        select(_page_table.c.sheet)
        .where(
            _page_table.c.batch == page.batch,
            _page_table.c.position < page.position,
            _page_table.c.outcome == Outcome.READ.value,
        )
        .order_by(_page_table.c.position.desc())
        .limit(1)
    )
    return conn.execute(query).scalar_one_or_none()


def page_words(conn: Connection, page_ids: Collection[str]) -> dict[str, tuple[PrintedWord, ...]]:
    """Return the printed words of each of these pages that has any."""
    query = select(page_text.c.page, page_text.c.words).where(page_text.c.page.in_(page_ids))
    return {
        row.page: tuple((word, x, y, w, h) for word, x, y, w, h in row.words)
        for row in conn.execute(query)
    }
