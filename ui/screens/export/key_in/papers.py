"""The paper of the client in Skriv in: to check a word, or what is not typed at all."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import Person
from pipeline.export.key_in.screen import ClientToKeyIn
from pipeline.export.runs import ExportContext
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import list_attached_pages
from pipeline.store.entries.entry import load_entry
from pipeline.store.paper.pages import Page, list_sheet_pages
from ui.i18n import t
from ui.widgets.images import show_page
from ui.workspace import AppContext

_VIEWED_KEY = "key_in_viewed"


def papers(context: ExportContext, person: Person, shown: ClientToKeyIn) -> None:
    """Show the pages of the client's entries, with their attachments, when the user asks for them.

    Each look is recorded once for each showing.
    """
    # In the toggle's key, so that it is closed again at the next client.
    turn = shown.entry_ids[0]
    if not st.toggle(t("key_in.show_paper"), key=f"key_in_paper-{turn}"):
        st.session_state.pop(_VIEWED_KEY, None)
        return
    app = AppContext(context.settings, context.store, context.forms)
    try:
        pages = _load_pages(
            context, person, shown, is_new=st.session_state.get(_VIEWED_KEY) != turn
        )
    except NotAllowedError:
        st.caption(t("key_in.no_paper"))
        return
    # Not before: a look that was denied is asked for, and denied, again.
    st.session_state[_VIEWED_KEY] = turn
    for page in pages:
        show_page(app, person, page)


def _load_pages(
    context: ExportContext, person: Person, shown: ClientToKeyIn, *, is_new: bool
) -> list[Page]:
    with context.store.begin() as conn:
        sheets = dict.fromkeys(load_entry(conn, entry_id).sheet for entry_id in shown.entry_ids)
        pages = [
            page
            for sheet in sheets
            for page in (
                *list_sheet_pages(conn, sheet),
                *(attached.page for attached in list_attached_pages(conn, sheet)),
            )
        ]
        if is_new:
            for page in pages:
                queue.record_page_view(conn, person, page.id)
    return pages
