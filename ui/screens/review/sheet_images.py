"""The images of an entry's sheet. Each view is recorded before anything is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.model import Person
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper.pages import Page
from ui.browser.image_cache import image_id
from ui.browser.page_view import PageArea, page_view, relative_area
from ui.i18n import t
from ui.screens.review.deviations import deviation_areas
from ui.widgets.images import is_registered, page_image
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_VIEWED_PAGES_KEY = f"{VIEW_KEY_PREFIX}pages"
"""Session-state key of the entries and pages whose view is recorded for this showing."""


def record_page_views(person: Person, conn: Connection, view: EntryView) -> None:
    """Record that the user views the pages of an entry, once for each showing.

    Call it before anything is shown, or sent to the browser ahead of need.
    """
    record_views(person, view.entry.id, conn, view.pages)


def record_views(person: Person, key: str, conn: Connection, pages: Iterable[Page]) -> None:
    """Record that the user views pages, once for each showing of what has this key."""
    viewed: set[tuple[str, str]] = st.session_state.setdefault(_VIEWED_PAGES_KEY, set())
    for page in pages:
        if (key, page.id) not in viewed:
            queue.record_page_view(conn, person, page.id)
            viewed.add((key, page.id))


def end_page_views(key: str | None = None) -> None:
    """Note that an entry or mode, or all, has left: the next view of its pages is another one."""
    viewed: set[tuple[str, str]] = st.session_state.get(_VIEWED_PAGES_KEY, set())
    viewed -= {view for view in viewed if key in (None, view[0])}


def sheet_images(context: AppContext, view: EntryView) -> None:
    """Show the pages of the entry's sheet, once the views are recorded.

    In a table the entry's row is marked.
    """
    shown = page_images(context, view)
    ids = [page.id for page, _ in shown]
    page_view(
        f"{view.entry.id}-{view.entry.revision}",
        [picture for _, picture in shown],
        [page_caption(page) for page, _ in shown],
        row_area(view, ids),
        deviation_areas(view, ids),
    )


def page_caption(page: Page) -> str:
    """Return where a page is from, in words."""
    return t("picture.caption", place=page.source_name, number=page.source_page)


def page_images(context: AppContext, view: EntryView) -> list[tuple[Page, bytes]]:
    """Return each page that has an image, with what this user may not see covered."""
    images = (
        (page, page_image(context, page, view.covered.boxes.get(page.id, ())))
        for page in view.pages
    )
    return [(page, picture) for page, picture in images if picture is not None]


def page_cards(
    size_mm: tuple[float, float], shown: Sequence[tuple[Page, bytes]]
) -> list[dict[str, Any]]:
    """Return the pages of a sheet as the browser gets them."""
    width, height = size_mm
    return [
        {
            "image": image_id(image),
            "caption": page_caption(page),
            "aspect": height / width,
        }
        for page, image in shown
    ]


def row_box(view: EntryView) -> tuple[str, int, tuple[float, float, float, float]] | None:
    """Return page, page number and rectangle (mm) of the fields of the entry's row.

    None if the entry is no row, or its page has no registered image.
    """
    registered = {page.id for page in view.pages if is_registered(page)}
    row = [
        field for field in view.fields if field.spec.row is not None and field.page in registered
    ]
    if not row:
        return None
    left, top = (min(field.spec.box[side] for field in row) for side in (0, 1))
    right, bottom = (
        max(field.spec.box[side] + field.spec.box[side + 2] for field in row) for side in (0, 1)
    )
    return str(row[0].page), row[0].page_no, (left, top, right - left, bottom - top)


def row_area(view: EntryView, page_ids: list[str]) -> PageArea | None:
    """Return the rectangle around the fields of the entry's row, across the paper's table."""
    place = row_box(view)
    if place is None or place[0] not in page_ids:
        return None
    page, page_no, box = place
    return relative_area(
        box, page_ids.index(page), view.form.pages[page_no - 1].size, margin_mm=2.5
    )
