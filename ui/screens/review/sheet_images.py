"""The images of an entry's sheet. Each view is recorded before anything is shown.

In the work mode for notes an entry with free text has its image above and the transcription below;
the word at the cursor is marked in the image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.confidence import LOW_CONFIDENCE_BELOW
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.work_modes import WorkMode, choose_work_mode
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.paper.pages import Page
from ui.browser.image_cache import cache_images
from ui.browser.page_view import PageArea, SheetView, page_view, relative_area
from ui.i18n import t
from ui.screens.review.depth.deviations import deviation_areas
from ui.screens.review.entry_form import widget_areas, widget_keys
from ui.widgets.images import is_registered, page_image
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_WORD_PATTERN = re.compile(r"\S+")
VIEWED_PAGES_KEY = f"{VIEW_KEY_PREFIX}pages"
"""Session-state key of the pages whose view is recorded for this showing of an entry."""


def work_mode(view: EntryView) -> WorkMode:
    """Return the work mode of an entry now. A second review is of single fields."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden:
        return WorkMode.SHEET
    return choose_work_mode(
        view.form, [(field.spec, field.reading) for field in view.fields if field.is_open]
    )


def transcribed_words(view: EntryView, page_ids: Sequence[str]) -> Mapping[str, Any]:
    """Return the words of free texts by widget: text, area, and whether confidence is low.

    `page_ids` are the pages that have an image.
    """
    registered = {page.id for page in view.pages if is_registered(page)}
    return {
        key: _field_words(view, field, field.reading, page_ids.index(field.page))
        for key, field in widget_keys(view).items()
        if field.spec.traits.is_multiline
        and field.page in registered
        and field.page in page_ids
        and field.reading
        and _has_word_positions(field.reading)
    }


def _field_words(
    view: EntryView, field: FieldView, reading: Reading, picture: int
) -> dict[str, Any]:
    size = view.form.pages[field.page_no - 1].size
    words = list(_WORD_PATTERN.finditer(str(reading.value)))
    has_low_confidence = [
        min(reading.characters[word.start() : word.end()], default=1.0) < LOW_CONFIDENCE_BELOW
        for word in words
    ]
    return {
        "words": [word[0] for word in words],
        "places": [list(relative_area(word.box, picture, size)) for word in reading.words],
        "doubtful": has_low_confidence,
    }


def _has_word_positions(reading: Reading) -> bool:
    """Return whether every word has its position.

    A seeded error may change the words, so that they are matched by their number.
    """
    return (
        reading.state is State.READ
        and isinstance(reading.value, str)
        and 0 < len(reading.words) == len(_WORD_PATTERN.findall(reading.value))
    )


def record_page_views(conn: Connection, person: Person, view: EntryView) -> None:
    """Record that the user views the pages of an entry, once for each showing.

    Call it before anything is shown.
    """
    viewed: set[str] = st.session_state.setdefault(VIEWED_PAGES_KEY, set())
    for page in view.pages:
        if page.id not in viewed:
            queue.record_page_view(conn, person, page.id)
            viewed.add(page.id)


def prefetch_images(context: AppContext, view: EntryView) -> SheetView:
    """Send the images of the entry that comes next; return what will be shown.

    The view is recorded when it is shown.
    """
    sheet = _sheet_view(context, view)
    cache_images("ahead", sheet.pictures)
    return sheet


def sheet_images(context: AppContext, view: EntryView) -> None:
    """Show the pages of the entry's sheet, once the views are recorded.

    The field that has the focus is marked, and in a table the entry's row.
    """
    page_view(_sheet_view(context, view))


def _sheet_view(context: AppContext, view: EntryView) -> SheetView:
    page_images = _page_images(context, view)
    ids = [page.id for page, _ in page_images]
    return SheetView(
        turn=f"{view.entry.id}-{view.entry.revision}",
        pictures=[picture for _, picture in page_images],
        captions=[
            t("picture.caption", place=page.source_name, number=page.source_page)
            for page, _ in page_images
        ],
        places=widget_areas(view, ids),
        size_mm=view.form.pages[0].size,
        row=row_area(view, ids),
        is_image_above=work_mode(view) is WorkMode.NOTE,
        words_by_widget=transcribed_words(view, ids),
        marked=deviation_areas(view, ids),
    )


def _page_images(context: AppContext, view: EntryView) -> list[tuple[Page, bytes]]:
    """Return each page that has an image, with what this user may not see covered."""
    images = (
        (page, page_image(context, page, view.covered.boxes.get(page.id, ())))
        for page in view.pages
    )
    return [(page, picture) for page, picture in images if picture is not None]


def row_area(view: EntryView, page_ids: list[str]) -> PageArea | None:
    """Return the rectangle around the fields of the entry's row, across the paper's table."""
    registered = {page.id for page in view.pages if is_registered(page)}
    row = [
        field
        for field in view.fields
        if field.spec.row is not None and field.page in registered and field.page in page_ids
    ]
    if not row:
        return None
    left, top = (min(field.spec.box[side] for field in row) for side in (0, 1))
    right, bottom = (
        max(field.spec.box[side] + field.spec.box[side + 2] for field in row) for side in (0, 1)
    )
    return relative_area(
        (left, top, right - left, bottom - top),
        page_ids.index(str(row[0].page)),
        view.form.pages[row[0].page_no - 1].size,
        margin_mm=2.5,
    )
