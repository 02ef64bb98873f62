"""Tables of the depth of entry: attached pages with their text, areas of a page, and the depth.

An attached page is a page of the sheet that it belongs to. A row is ended by filling in
`undone_by`; depths are only added, and the latest row counts.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, String, Table, select

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Pages that belong to a sheet and are not typed: each has a title and a day (YYYY-MM-DD or empty).
attachment = Table(
    "attachment",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("page", ForeignKey("page.id"), nullable=False, index=True),
    Column("sheet", String(41), nullable=False, index=True),
    # The place among the attachments of the sheet, from 1
    Column("number", Integer, nullable=False),
    Column("title", String(120), nullable=False),
    Column("day", String(10), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
is_attachment = attachment.c.undone_at.is_(None)
ATTACHED_PAGES = select(attachment.c.page).where(is_attachment)
"""The ids of all attached pages."""
Index(
    "attachment_standing",
    attachment.c.page,
    unique=True,
    sqlite_where=is_attachment,
    postgresql_where=is_attachment,
)

# The printed text of pages of no known form: words with x, y, w, h as shares of the page.
page_text = Table(
    "page_text",
    metadata,
    Column("page", ForeignKey("page.id"), primary_key=True),
    # All words, in small letters, for searching
    Column("plain", String, nullable=False),
    Column("words", JSON, nullable=False),
)

# Parts of a page that are an entry each, as shares of its image: x, y, w, h.
page_area = Table(
    "page_area",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("page", ForeignKey("page.id"), nullable=False, index=True),
    # The row of the entry, from 1: a page without a form has no other rows
    Column("row", Integer, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("w", Float, nullable=False),
    Column("h", Float, nullable=False),
    # The picture of the part alone, by its name in the image folder
    Column("image_sha256", String(64), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
is_area = page_area.c.undone_at.is_(None)
Index(
    "page_area_standing",
    page_area.c.page,
    page_area.c.row,
    unique=True,
    sqlite_where=is_area,
    postgresql_where=is_area,
)

# How deep a unit enters a form; `depth` is empty where it is the form's own again.
unit_depth = Table(
    "unit_depth",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("form", String(60), nullable=False),
    Column("depth", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# How deep one sheet is entered, where its reviewer has chosen another depth than the unit's.
sheet_depth = Table(
    "sheet_depth",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sheet", String(41), nullable=False, index=True),
    Column("depth", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
