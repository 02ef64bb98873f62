"""The cut-outs of entries that are a part of a page, for showing and sending."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, select

from pipeline.files.page_files import JPEG
from pipeline.store.entries.entry import Entry, is_part_of_page
from pipeline.store.paper.pages import Page
from pipeline.store.schema.depth import is_area, page_area


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
