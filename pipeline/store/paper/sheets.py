"""Which pages of a sheet have come, and which are missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from pipeline.domain.model import Outcome
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper
from pipeline.store.schema.depth import ATTACHED_PAGES

_page_table = paper.page


def list_sheet_pages(conn: Connection, sheet: str) -> list[Page]:
    """Return the pages of a sheet that have come, by page number, without its attachments."""
    return list_pages_by_sheet(conn, [sheet]).get(sheet, [])


def list_pages_by_sheet(conn: Connection, sheets: Sequence[str]) -> dict[str, list[Page]]:
    """Return the same of each of these sheets, in their order, without those that have none."""
    query = (
        select(_page_table)
        .where(_page_table.c.sheet.in_(sheets), _page_table.c.id.not_in(ATTACHED_PAGES))
        .order_by(_page_table.c.page_no, _page_table.c.id)
    )
    pages: dict[str, list[Page]] = defaultdict(list)
    for row in conn.execute(query).mappings():
        pages[row["sheet"]].append(Page.from_row(row))
    return {sheet: pages[sheet] for sheet in sheets if sheet in pages}


def missing_pages_by_sheet(conn: Connection, sheets: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the pages that have not come, of each of these sheets.

    This includes sheets that are known by a page's id, such as copies. An unidentified page misses
    none.
    """
    found = list_pages_by_sheet(conn, sorted(sheets))
    return {sheet: missing_page_numbers(pages) for sheet, pages in found.items()}


def missing_page_numbers(sheet_pages: Iterable[Page]) -> tuple[int, ...]:
    """Return the missing page numbers of a sheet of which these pages have come."""
    pages = [page for page in sheet_pages if page.outcome is Outcome.READ]
    count = max((p.pages or 1 for p in pages), default=0)
    return tuple(sorted(set(range(1, count + 1)) - {p.page_no or 1 for p in pages}))
