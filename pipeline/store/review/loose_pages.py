"""Loose pages: attached to a sheet or split into parts; only the rows, by which rules is above."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from pipeline.domain.errors import ReviewError
from pipeline.domain.model import EntryState
from pipeline.store.entries.entry import Entry, select_entries
from pipeline.store.paper.duplicates import is_entry_begun
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper
from pipeline.store.schema.review import attachment, is_area, is_attachment, page_area

_page_table, _entry_table, _draft_table = paper.page, paper.entry, paper.draft
_MAX_CLIENT_SHEETS = 20


def list_entries_of_sheets(conn: Connection, sheets: Collection[str]) -> list[Entry]:
    """Return the entries of these sheets, by id."""
    query = select(_entry_table).where(_entry_table.c.sheet.in_(sheets))
    return select_entries(conn, query.order_by(_entry_table.c.id))


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


def add_parts(conn: Connection, rows: Sequence[Mapping[str, object]]) -> None:
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
