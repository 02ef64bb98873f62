"""The pictures of an entry's sheet. Each look is recorded before anything is shown.

The note way of working: an entry with free text has its picture above and the transcription
below, the word under the cursor marked in it.
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
from ui.screens.review.entry_form import widget_areas, widget_keys
from ui.widgets.images import is_registered, page_image
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_WORD_PATTERN = re.compile(r"\S+")
VIEWED_PAGES_KEY = f"{VIEW_KEY_PREFIX}pages"
"""The pages that this showing of an entry has recorded a look at."""


def work_mode(view: EntryView) -> WorkMode:
    """How an entry is worked now. A second look is at single fields."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden:
        return WorkMode.SHEET
    return choose_work_mode(
        view.form, [(field.spec, field.reading) for field in view.fields if field.is_open]
    )


def transcribed_words(view: EntryView, page_ids: Sequence[str]) -> Mapping[str, Any]:
    """By widget of a free text: the words that were read, the place of each, and which are
    doubtful. `shown` are the pages that have a picture.
    """
    lying = {page.id for page in view.pages if is_registered(page)}
    return {
        key: _field_words(view, field, field.reading, page_ids.index(field.page))
        for key, field in widget_keys(view).items()
        if field.spec.traits.is_multiline
        and field.page in lying
        and field.page in page_ids
        and field.reading
        and _has_word_positions(field.reading)
    }


def _field_words(
    view: EntryView, field: FieldView, reading: Reading, picture: int
) -> dict[str, Any]:
    size = view.form.pages[field.page_no - 1].size
    found = list(_WORD_PATTERN.finditer(str(reading.value)))
    doubtful = [
        min(reading.characters[word.start() : word.end()], default=1.0) < LOW_CONFIDENCE_BELOW
        for word in found
    ]
    return {
        "words": [word[0] for word in found],
        "places": [list(relative_area(word.box, picture, size)) for word in reading.words],
        "doubtful": doubtful,
    }


def _has_word_positions(reading: Reading) -> bool:
    """Whether every word has its place. A planted word stands in the place of one, so that they are
    told by their number.
    """
    return (
        reading.state is State.READ
        and isinstance(reading.value, str)
        and 0 < len(reading.words) == len(_WORD_PATTERN.findall(reading.value))
    )


def record_page_views(conn: Connection, person: Person, view: EntryView) -> None:
    """Record that the person looks at the pages of an entry: once for each showing, and before
    anything is shown.
    """
    seen: set[str] = st.session_state.setdefault(VIEWED_PAGES_KEY, set())
    for page in view.pages:
        if page.id not in seen:
            queue.record_page_view(conn, person, page.id)
            seen.add(page.id)


def prefetch_images(context: AppContext, view: EntryView) -> SheetView:
    """Send the pictures of an entry that comes next; answers with what will be shown. A look is
    recorded when it is.
    """
    sheet = _sheet_view(context, view)
    cache_images("ahead", sheet.pictures)
    return sheet


def sheet_images(context: AppContext, view: EntryView) -> None:
    """Show the pages of the entry's sheet, once the looks are recorded: the field that has the
    focus is marked, and in a table the entry's row.
    """
    page_view(_sheet_view(context, view))


def _sheet_view(context: AppContext, view: EntryView) -> SheetView:
    shown = _page_images(context, view)
    ids = [page.id for page, _ in shown]
    return SheetView(
        turn=f"{view.entry.id}-{view.entry.revision}",
        pictures=[picture for _, picture in shown],
        captions=[
            t("picture.caption", place=page.source_name, number=page.source_page)
            for page, _ in shown
        ],
        places=widget_areas(view, ids),
        size_mm=view.form.pages[0].size,
        row=row_area(view, ids),
        is_image_above=work_mode(view) is WorkMode.NOTE,
        words_by_widget=transcribed_words(view, ids),
    )


def _page_images(context: AppContext, view: EntryView) -> list[tuple[Page, bytes]]:
    """Each page that has a picture, with what this person may not see covered."""
    shown = (
        (page, page_image(context, page, view.covered.boxes.get(page.id, ())))
        for page in view.pages
    )
    return [(page, picture) for page, picture in shown if picture is not None]


def row_area(view: EntryView, page_ids: list[str]) -> PageArea | None:
    """The rectangle around the fields of the entry's row, across the paper's table."""
    lying = {page.id for page in view.pages if is_registered(page)}
    row = [
        field
        for field in view.fields
        if field.spec.row is not None and field.page in lying and field.page in page_ids
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
