"""Sök i tryckt text: loose pages and attachments by the words that are printed on them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import StoreError
from pipeline.domain.model import Person
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.store.depth.page_texts import FoundText, search_page_texts
from pipeline.store.entries import queue
from ui.browser.page_view import data_url
from ui.i18n import t
from ui.markdown import md, plain
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_FOUND_KEY, _SHOWN_KEY = "text_found", "text_shown"
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}text"


def text_search(context: AppContext, person: Person) -> None:
    """Show the search, what was found, and the page that was chosen."""
    with st.expander(t("text_search.title")):
        with (
            st.form("text_search", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            typed = st.text_input(
                t("text_search.words"),
                key="text_search_typed",
                max_chars=80,
                autocomplete="off",
                width=320,
            )
            is_sent = st.form_submit_button(t("lookup.search"), key="text_search_do")
        if is_sent:
            with context.store.begin() as conn:
                st.session_state[_FOUND_KEY] = search_page_texts(conn, context.forms, person, typed)
            st.session_state.pop(_SHOWN_KEY, None)
        found: list[FoundText] | None = st.session_state.get(_FOUND_KEY)
        if found is None:
            return
        if not found:
            st.caption(t("text_search.none"))
        for one in found:
            _found_row(one)
        shown = next(
            (one for one in found if one.page.id == st.session_state.get(_SHOWN_KEY)), None
        )
        if shown is not None:
            _show_page(context, person, shown)


def close_text_search() -> None:
    """Forget what was found."""
    for key in (_FOUND_KEY, _SHOWN_KEY, _VIEWED_KEY):
        st.session_state.pop(key, None)


def _found_row(found: FoundText) -> None:
    page = found.page
    place = t("picture.caption", place=page.source_name, number=page.source_page)
    title = found.title or t("text_search.loose")
    words = (title, found.day, format_serial_or_id(page.sheet), page.unit, place)
    st.button(
        plain(" · ".join(filter(None, words))),
        key=f"text_found-{page.id}",
        on_click=partial(st.session_state.__setitem__, _SHOWN_KEY, page.id),
    )


def _show_page(context: AppContext, person: Person, found: FoundText) -> None:
    page = found.page
    if st.session_state.get(_VIEWED_KEY) != page.id:
        with context.store.begin() as conn:
            queue.record_page_view(conn, person, page.id)
        st.session_state[_VIEWED_KEY] = page.id
    try:
        picture = page_image(context, page, find_covered_for(context, person, page))
    except StoreError:
        picture = None
    if picture is None:
        st.caption(md("problems.no_picture"))
    else:
        st.html(f'<img class="ef-page" alt="{t("picture.alt")}" src="{data_url(picture)}">')
