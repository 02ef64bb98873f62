"""Dela sidan: the parts of a loose page are marked in its picture, each for one client.

Each part becomes an entry with its cut-out; the cut-outs are made here, so that a person who sees
one part is never sent the others.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.review.attachments import Attachments, cut_area
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import list_parts
from pipeline.store.paper.pages import Page, load_page
from ui.browser.box_drawing import BoxRectangle, DrawingPage, box_drawing
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.review import current_entry
from ui.screens.review.in_place import (
    back_button,
    close_in_place,
    in_place_heading,
    opened_subject,
)
from ui.session import requires_open_session
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.messages import Message, errors_to
from ui.widgets.views import VIEW_KEY_PREFIX, drawn_at, note_drawn
from ui.workspace import AppContext

_MESSAGE = Message("split_wrong")
_PARTS_KEY = "split_parts"
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}split"
_REST_KEY = "split_rest"
_WHOLE = 1000.0
"""The drawing's width and height: parts are shares of the page."""


def show(context: AppContext, person: Person) -> None:
    """Show the page that was opened, with the parts marked so far."""
    page_id = opened_subject()
    with context.store.begin() as conn:
        page = (
            load_page(conn, page_id)
            if st.session_state.get(_VIEWED_KEY) == page_id
            else queue.record_page_view(conn, person, page_id)
        )
        before = len(list_parts(conn, page_id))
    st.session_state[_VIEWED_KEY] = page_id
    caption = plain(t("picture.caption", place=page.source_name, number=page.source_page))
    in_place_heading(context, person, t("split.title"), caption)
    _MESSAGE.show()
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
    back_button("split_back", _close)


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
    attachments = context.work(Attachments, person)
    if not attachments.has_been_seen(drawn_at(f"split-{page.id}")):
        return
    if not st.session_state.get(_REST_KEY):
        _MESSAGE.failed(t("split.rest_first"))
        return
    with errors_to(_MESSAGE.failed):
        # The images come first, outside of the transaction: a row never names a missing one
        areas = [
            cut_area(context.store.images, page, (x / _WHOLE, y / _WHOLE, w / _WHOLE, h / _WHOLE))
            for x, y, w, h in _parts()
        ]
        entries = attachments.split(page.id, areas)
        _close()
        current_entry.open_entry(None)
        current_entry.set_toast(t("split.saved", count=len(entries)))


def _close() -> None:
    close_in_place(_PARTS_KEY, _MESSAGE.key, _VIEWED_KEY, _REST_KEY)
