"""The pictures of a sheet of paper, for exports that carry what was written by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from pipeline.store.tables import page as _page


def sheet_pictures(conn: Connection, sheets: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By sheet, its sides in their order, as names in the image folder: laid on the form, or as scanned where the form is not known."""
    found: dict[str, list[str]] = defaultdict(list)
    picture = func.coalesce(_page.c.upright_sha256, _page.c.image_sha256)
    query = select(_page.c.sheet, picture.label("picture")).where(_page.c.sheet.in_(sorted(sheets)), picture.is_not(None))
    for row in conn.execute(query.order_by(_page.c.page_no, _page.c.id)):
        found[row.sheet].append(row.picture)
    return {sheet: tuple(pictures) for sheet, pictures in found.items()}
