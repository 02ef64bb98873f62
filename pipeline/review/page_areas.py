"""Split a loose page between clients: each marked part is an entry of its own, with its cut-out.

The page stays one sheet, whose parts are its rows. A part is shown by its cut-out alone, so that a
person who may see one client's part does not see the others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import cv2
from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.files.images import decode_image
from pipeline.files.page_files import PNG
from pipeline.review.attachments import take_free_entry
from pipeline.store.accounts import visibility
from pipeline.store.database.image_files import Images
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.sheet_entries import add_parts, make_entries
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page, load_page
from pipeline.store.review import loose_pages
from pipeline.store.review.loose_pages import end_parts, last_part_row, list_parts

_JPEG_OPTIONS = (int(cv2.IMWRITE_JPEG_QUALITY), 90)
MIN_SIDE: Final = 0.02
"""The least width and height of a part, as a share of the page. Source: reasoned."""
MAX_PARTS: Final = 60


@dataclass(frozen=True, slots=True)
class PageArea:
    """A part of a page, as shares of its image, and the name of its cut-out in the image folder."""

    x: float
    y: float
    w: float
    h: float
    image_sha256: str


def cut_area(images: Images, page: Page, box: tuple[float, float, float, float]) -> PageArea:
    """Store the picture of a part of a page, x, y, width and height as shares, and return it."""
    x, y, w, h = box
    image = decode_image(images.get(page.image_sha256 or ""), page.media_type or PNG)
    height, width = image.shape[:2]
    part = image[
        int(y * height) : max(int(y * height) + 1, round((y + h) * height)),
        int(x * width) : max(int(x * width) + 1, round((x + w) * width)),
    ]
    data = cv2.imencode(".jpg", part, _JPEG_OPTIONS)[1].tobytes()
    return PageArea(x, y, w, h, images.put(data))


def split_page(
    conn: Connection,
    person: Person,
    page_id: str,
    areas: Sequence[PageArea],
    now: datetime,
) -> list[str]:
    """Make an entry of each of these parts of a loose page, and return their ids.

    A page that is split already gets further parts.

    Raises:
        NotAllowedError: the person does not review this page.
        ReviewError: the page is no loose page, somebody has begun with it, or an area is none.
    """
    page = load_page(conn, page_id)
    visibility.require_visible_page(conn, person, Action.REVIEW, page)
    _require_areas(areas)
    lock_keys(conn, page_id)
    first = last_part_row(conn, page_id) + 1
    if not list_parts(conn, page_id):
        take_free_entry(conn, person, page, now)
    rows = range(first, first + len(areas))
    values = [
        {
            "page": page_id,
            "row": row,
            "x": area.x,
            "y": area.y,
            "w": area.w,
            "h": area.h,
            "image_sha256": area.image_sha256,
            "by": person.login,
            "at": now,
        }
        for row, area in zip(rows, areas, strict=True)
    ]
    loose_pages.add_parts(conn, values)
    record(conn, person.login, "split_page", page_id, unit=page.unit, parts=len(areas))
    return add_parts(conn, page, rows)


def join_page(conn: Connection, person: Person, page_id: str, now: datetime) -> None:
    """Undo a split while nobody has begun with a part: the page is one entry again.

    Raises:
        NotAllowedError: the person does not review this page.
        ReviewError: the page is not split, or somebody has begun with a part.
    """
    page = load_page(conn, page_id)
    visibility.require_visible_page(conn, person, Action.REVIEW, page)
    lock_keys(conn, page_id)
    if not list_parts(conn, page_id):
        raise ReviewError("page_not_split")
    if not end_parts(conn, page_id, person.login, now):
        raise ReviewError("page_part_begun")
    record(conn, person.login, "join_page", page_id, unit=page.unit)
    make_entries(conn, page, None)


def _require_areas(areas: Sequence[PageArea]) -> None:
    if not areas or len(areas) > MAX_PARTS:
        raise ReviewError("page_no_parts")
    for area in areas:
        is_inside = (
            area.x >= 0 and area.y >= 0 and area.x + area.w <= 1.001 and area.y + area.h <= 1.001
        )
        if not is_inside or min(area.w, area.h) < MIN_SIDE:
            raise ReviewError("page_part_size")
