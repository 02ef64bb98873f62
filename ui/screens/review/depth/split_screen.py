"""Dela sidan: the parts of a loose page are marked in its picture, each for one client.

Each part becomes an entry with its cut-out; the cut-outs are made here, so that a person who sees
one part is never sent the others.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Depth
from pipeline.domain.model import Person
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.store.depth.page_areas import cut_area, join_page, list_parts, split_page
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper.pages import Page, load_page
from pipeline.store.schema.clock import utc_now
from ui.browser.box_drawing import BoxRectangle, DrawingPage, box_drawing
from ui.browser.keyboard import key_help_button
from ui.i18n import t
from ui.markdown import md, plain, plain_with_code
from ui.screens.review import current_entry
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import person_menu
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.min_view_time import is_too_soon, note_drawn, reset_drawn
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_PAGE_KEY, _PARTS_KEY, _ERROR_KEY = "split_page", "split_parts", "split_wrong"
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}split"
_REST_KEY = "split_rest"
_WHOLE = 1000.0
"""The drawing's width and height: parts are shares of the page."""


def can_split(view: EntryView) -> bool:
    """Return whether parts of the entry's page may be marked."""
    return view.depth is Depth.FULL and bool(view.pages)


def is_open() -> bool:
    """Return whether the user marks the parts of a page."""
    return _PAGE_KEY in st.session_state


def show(context: AppContext, person: Person) -> None:
    """Show the page that was opened, with the parts marked so far."""
    page_id = str(st.session_state[_PAGE_KEY])
    with context.store.begin() as conn:
        page = (
            load_page(conn, page_id)
            if st.session_state.get(_VIEWED_KEY) == page_id
            else queue.record_page_view(conn, person, page_id)
        )
        before = len(list_parts(conn, page_id))
    st.session_state[_VIEWED_KEY] = page_id
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(t("split.title"), anchor=False)
            st.caption(plain(t("picture.caption", place=page.source_name, number=page.source_page)))
        key_help_button()
        person_menu(context, person)
    if text := st.session_state.pop(_ERROR_KEY, None):
        st.error(plain_with_code(text))
    covered = find_covered_for(context, person, page)
    picture = page_image(context, page, covered)
    left, right = st.columns([2, 1], gap="medium")
    if picture is not None and not covered:
        with left:
            box_drawing(
                DrawingPage(
                    f"split-{page_id}",
                    picture,
                    (_WHOLE, _WHOLE),
                    _parts(),
                    -1,
                    t("picture.alt"),
                    t("split.how"),
                ),
                _add_part,
                lambda _: None,
            )
    with right:
        _show_parts(before)
        _show_actions(context, person, page)
    note_drawn(f"split-{page_id}")


def _show_parts(before: int) -> None:
    if not _parts():
        st.caption(t("split.none"))
    for number in range(len(_parts())):
        st.button(
            md("split.remove", number=before + number + 1),
            key=f"split_remove-{number}",
            icon=":material/delete:",
            on_click=_remove_part,
            args=(number,),
        )


def _show_actions(context: AppContext, person: Person, page: Page) -> None:
    st.checkbox(t("split.rest"), key=_REST_KEY)
    st.button(
        t("split.save"),
        key="split_save",
        type="primary",
        shortcut="Ctrl+Enter",
        disabled=not _parts(),
        on_click=partial(_split, context, person, page),
    )
    st.button(
        t("attachments.back"),
        key="split_back",
        shortcut="Escape",
        icon=":material/arrow_back:",
        on_click=_close,
    )


def _parts() -> list[BoxRectangle]:
    parts: list[BoxRectangle] = st.session_state.setdefault(_PARTS_KEY, [])
    return parts


def _add_part(box: BoxRectangle) -> None:
    st.session_state[_PARTS_KEY] = [*_parts(), box]


def _remove_part(number: int) -> None:
    st.session_state[_PARTS_KEY] = [box for n, box in enumerate(_parts()) if n != number]


@requires_open_session
def _split(context: AppContext, person: Person, page: Page) -> None:
    """Make an entry of each part; a key pressed before the page was seen is ignored."""
    now = utc_now()
    if is_too_soon(f"split-{page.id}", now, MIN_VIEW_TIME):
        return
    if not st.session_state.get(_REST_KEY):
        st.session_state[_ERROR_KEY] = t("split.rest_first")
        return
    try:
        # The images come first, outside of the transaction: a row never names a missing one
        areas = [
            cut_area(context.store.images, page, (x / _WHOLE, y / _WHOLE, w / _WHOLE, h / _WHOLE))
            for x, y, w, h in _parts()
        ]
        with context.store.begin() as conn:
            entries = split_page(conn, person, page.id, areas, now)
    except EfterskriftError as error:
        st.session_state[_ERROR_KEY] = error_text(error)
        return
    _close()
    current_entry.open_entry(None)
    current_entry.set_toast(t("split.saved", count=len(entries)))


@requires_open_session
def join_parts(context: AppContext, person: Person, page_id: str) -> None:
    """Make the page of a part whole again."""
    try:
        with context.store.begin() as conn:
            join_page(conn, person, page_id, utc_now())
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))
        return
    current_entry.open_entry(None)
    current_entry.set_toast(t("split.joined"))


def open_page(page_id: str) -> None:
    """Show a page for marking its parts."""
    _close()
    st.session_state[_PAGE_KEY] = page_id


def _close() -> None:
    for key in (_PAGE_KEY, _PARTS_KEY, _ERROR_KEY, _VIEWED_KEY, _REST_KEY):
        st.session_state.pop(key, None)
    reset_drawn()
