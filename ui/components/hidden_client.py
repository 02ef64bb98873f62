"""An entry about somebody whose identity this person may not see: nothing to decide here, only to hand on."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pipeline.store.entry_views import EntryView
from ui.text import t


def hidden_client(view: EntryView, hand_on: Callable[[], None], skip: Callable[[], None]) -> None:
    """Say so, and offer to send the entry to those who have the right."""
    with st.container(border=True):
        st.markdown(f"**{t('hidden.title')}**")
        st.caption(t("hidden.what"))
        with st.container(horizontal=True):
            st.button(t("hidden.hand_on"), key=f"hand_on-{view.entry.id}", type="primary", shortcut="Ctrl+Enter", on_click=hand_on)
            st.button(t("review.skip"), key=f"skip-{view.entry.id}", shortcut="Alt+S", on_click=skip)
