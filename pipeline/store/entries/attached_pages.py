"""Pages of no form: attachments of a sheet, what could be one, parts, and their printed text.

A page's printed text is stored once, and searched by those with the right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, select, update

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import EntryState, Outcome, Person, PrintedWord
from pipeline.files.page_files import JPEG
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.entry import Entry, is_part_of_page, select_entries
from pipeline.store.event_log.events import record
from pipeline.store.paper.duplicates import is_entry_begun
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


# Loose pages: attached to a sheet or split into parts; only the rows, by which rules is above.

_entry_table, _draft_table = paper.entry, paper.draft
_MAX_CLIENT_SHEETS = 20


def list_entries_of_sheets(conn: Connection, sheets: Collection[str]) -> list[Entry]:
    """Return the entries of these sheets, by id."""
    query = select(_entry_table).where(_entry_table.c.sheet.in_(sheets))
    return select_entries(conn, query.order_by(_entry_table.c.id))


def list_drafted_sheets(conn: Connection, sheets: Collection[str]) -> set[str]:
    """Return those of these sheets in whose entries anything has been typed."""
    query = select(_entry_table.c.sheet).join(
        _draft_table, _draft_table.c.entry == _entry_table.c.id
    )
    return set(conn.execute(query.where(_entry_table.c.sheet.in_(sheets))).scalars())


def list_client_sheets(
    conn: Connection, pid: str, states: Collection[EntryState], is_visible: ColumnElement[bool]
) -> list[str]:
    """Return sheets of one visible entry in these states about a client, the latest first."""
    table = _entry_table.c
    query = select(table.sheet).where(
        (table.client_pid == pid) | (table.likely_pid == pid),
        table.state.in_([state.value for state in states]),
        table.row.is_(None),
        is_visible,
    )
    newest_first = query.order_by(table.created_at.desc(), table.id).limit(_MAX_CLIENT_SHEETS)
    return list(conn.execute(newest_first).scalars())


def is_referred_to(conn: Connection, login: str, entry_id: str) -> bool:
    """Return whether anything is stored about an entry but drafts of this login."""
    for table in paper.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table is not _entry_table:
                continue
            query = select(func.count()).where(key.parent == entry_id)
            if table is _draft_table:
                query = query.where(_draft_table.c.login != login)
            if conn.execute(query).scalar_one():
                return True
    return False


def delete_entry(conn: Connection, entry_id: str) -> None:
    """Delete an entry that nobody has answered, with its drafts."""
    conn.execute(delete(_draft_table).where(_draft_table.c.entry == entry_id))
    conn.execute(delete(_entry_table).where(_entry_table.c.id == entry_id))


def load_attachment(conn: Connection, page_id: str) -> Row[Any]:
    """Return the row by which a page is attached.

    Raises:
        ReviewError: it is not attached.
    """
    query = select(attachment).where(attachment.c.page == page_id, is_attachment)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise ReviewError("page_not_attached")
    return row


def last_attachment_number(conn: Connection, sheet: str) -> int:
    """Return the highest number that an attachment of a sheet has had; 0 without any."""
    query = select(func.max(attachment.c.number)).where(attachment.c.sheet == sheet)
    return conn.execute(query).scalar_one() or 0


def add_attachment(
    conn: Connection, row: Mapping[str, object], unit: str, area: str | None
) -> None:
    """Attach a page to a sheet, of whose unit and area it then is."""
    conn.execute(insert(attachment).values(row))
    attached = update(_page_table).where(_page_table.c.id == row["page"])
    conn.execute(attached.values(sheet=row["sheet"], unit=unit, area=area))


def end_attachment(conn: Connection, page: Page, login: str, now: datetime) -> bool:
    """Make an attached page loose again, in the unit of its stack; False if it is loose already."""
    ended = update(attachment).where(attachment.c.page == page.id, is_attachment)
    if conn.execute(ended.values(undone_by=login, undone_at=now)).rowcount != 1:
        return False
    unit = select(paper.batch.c.unit).where(paper.batch.c.id == page.batch).scalar_subquery()
    loose = update(_page_table).where(_page_table.c.id == page.id)
    conn.execute(loose.values(sheet=page.id, unit=unit, area=None))
    return True


def list_parts(conn: Connection, page_id: str) -> dict[int, str]:
    """Return the name of the cut-out of each part of a page, by row."""
    query = select(page_area.c.row, page_area.c.image_sha256).where(
        page_area.c.page == page_id, is_area
    )
    return {row.row: row.image_sha256 for row in conn.execute(query.order_by(page_area.c.row))}


def last_part_row(conn: Connection, page_id: str) -> int:
    """Return the highest row that a part of a page has had; 0 without any."""
    query = select(func.max(page_area.c.row)).where(page_area.c.page == page_id)
    return conn.execute(query).scalar_one() or 0


def add_page_parts(conn: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Store parts of a page."""
    conn.execute(insert(page_area), rows)


def end_parts(conn: Connection, page_id: str, login: str, now: datetime) -> bool:
    """Remove the parts of a page and their entries; False if somebody has begun with a part.

    Parts that the person has open are not begun.
    """
    of_page = _entry_table.c.sheet == page_id
    own = update(_entry_table).where(of_page, _entry_table.c.claimed_by == login)
    conn.execute(own.values(claimed_by=None, claimed_until=None))
    begun = select(_entry_table.c.id).where(of_page, is_entry_begun())
    if conn.execute(begun.limit(1)).first():
        return False
    conn.execute(delete(_entry_table).where(of_page))
    ended = update(page_area).where(page_area.c.page == page_id, is_area)
    conn.execute(ended.values(undone_by=login, undone_at=now))
    return True
