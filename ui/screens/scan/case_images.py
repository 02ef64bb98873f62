"""Images of pages with problems; each showing of a page is logged once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pipeline.domain.errors import StoreError
from pipeline.domain.model import Person
from pipeline.store.entries import queue
from pipeline.store.paper.pages import Page
from ui.browser.page_view import data_url
from ui.i18n import t
from ui.markdown import plain, plain_with_code
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.messages import error_text
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

VIEWED_KEY = f"{VIEW_KEY_PREFIX}problem"
"""Session-state key of the page whose case is shown, and of what was viewed with it."""


def begin_case_views(page_id: str | None) -> None:
    """Forget what was viewed, if another case than before is shown, or none."""
    viewed_id, _ = st.session_state.get(VIEWED_KEY, ("", frozenset()))
    if page_id is None or viewed_id != page_id:
        st.session_state.pop(VIEWED_KEY, None)


def case_images(
    context: AppContext,
    person: Person,
    case_page: Page,
    shown_pages: Sequence[Page],
    captions: Sequence[str],
) -> None:
    """Show pages next to each other, and record that the person has viewed them."""
    for column, page, caption in zip(
        st.columns(len(shown_pages)), shown_pages, captions, strict=True
    ):
        with column:
            _record_case_view(context, person, case_page, page)
            _page_image(context, person, page, caption)


def _record_case_view(context: AppContext, person: Person, case_page: Page, page: Page) -> None:
    """Record the view of a page, once for each showing of its case."""
    _, viewed = st.session_state.get(VIEWED_KEY, ("", frozenset()))
    if page.id not in viewed:
        context.store.change(queue.record_page_view, person, page.id)
    st.session_state[VIEWED_KEY] = (case_page.id, viewed | {page.id})


def _page_image(context: AppContext, person: Person, page: Page, caption: str) -> None:
    st.caption(plain(caption))
    try:
        image = page_image(context, page, find_covered_for(context, person, page))
    except StoreError as error:
        st.caption(plain_with_code(error_text(error)))
        return
    if image is None:
        st.caption(t("problems.no_picture"))
    else:
        st.html(f'<img class="ef-page" alt="{t("picture.alt")}" src="{data_url(image)}">')
