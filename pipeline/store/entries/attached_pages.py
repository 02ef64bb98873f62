"""Pages of no form: attachments of a sheet, what could be one, cut-outs, and their printed text.

A page's printed text is stored once, and searched by those with the right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, select

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Outcome, Person, PrintedWord
from pipeline.files.page_files import JPEG
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.entry import Entry, is_part_of_page
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import STATE_READ, Page
from pipeline.store.paper.protected_identity import find_covered_boxes
from pipeline.store.schema import paper
from pipeline.store.schema.review import attachment, is_area, is_attachment, page_area, page_text

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


def part_images(conn: Connection, entries: Iterable[Entry]) -> dict[str, str]:
    """Return the cut-out of each of these entries that is a part of a page, by entry id."""
    parts = {(entry.page, entry.row): entry.id for entry in entries if is_part_of_page(entry)}
    if not parts:
        return {}
    query = select(page_area.c.page, page_area.c.row, page_area.c.image_sha256).where(
        page_area.c.page.in_({page for page, _ in parts}), is_area
    )
    return {
        parts[row.page, row.row]: row.image_sha256
        for row in conn.execute(query)
        if (row.page, row.row) in parts
    }


def cut_pages(conn: Connection, entry: Entry, pages: tuple[Page, ...]) -> tuple[Page, ...]:
    """Return an entry's pages as they are shown: of a part of a page only its cut-out."""
    if not is_part_of_page(entry):
        return pages
    image = part_images(conn, [entry]).get(entry.id)
    return tuple(
        replace(page, image_sha256=image, media_type=JPEG, upright_sha256=None) for page in pages
    )


MAX_FOUND = 50
MIN_SEARCH_LENGTH = 3


@dataclass(frozen=True, slots=True)
class FoundText:
    """A page with the words that were searched for; without a title it is no attachment yet."""

    page: Page
    title: str
    day: str


def save_page_text(conn: Connection, page_id: str, words: Sequence[PrintedWord]) -> None:
    """Store the printed words of a page; a text that is there already stays."""
    if not words:
        return
    plain = " ".join(word[0] for word in words).casefold()
    row = {"page": page_id, "plain": plain, "words": [list(word) for word in words]}
    insert_missing(conn, page_text, [row])


def search_page_texts(
    conn: Connection, forms: Forms, person: Person, typed: str
) -> list[FoundText]:
    """Return the pages that the person may see and that hold all of these words, latest first.

    The words are searched in what was printed on the page, and in its title. A search is logged,
    without its words.

    Raises:
        NotAllowedError: the person does not correct entries.
    """
    require_permission(person, Action.CORRECT)
    words = [word.casefold() for word in typed.split()]
    if not words or max(map(len, words)) < MIN_SEARCH_LENGTH:
        return []
    found = (
        select(_page_table, attachment.c.title, attachment.c.day)
        .join(page_text, page_text.c.page == _page_table.c.id)
        .outerjoin(attachment, and_(attachment.c.page == _page_table.c.id, is_attachment))
        .where(
            *(page_text.c.plain.contains(word, autoescape=True) for word in words),
            visibility.visible_pages_condition(conn, person, Action.CORRECT),
        )
        .order_by(_page_table.c.scanned_at.desc(), _page_table.c.id)
        .limit(MAX_FOUND)
    )
    pages = [
        FoundText(Page.from_row(row), row["title"] or "", row["day"] or "")
        for row in conn.execute(found).mappings()
    ]
    # Text of a page that is covered for this person would tell what the cover hides
    shown = [one for one in pages if not find_covered_boxes(conn, forms, person, one.page)]
    record(conn, person.login, "search_text", "page_text", pages=len(shown))
    return shown
