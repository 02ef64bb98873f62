"""Avvisa: an entry that cannot be brought into the system, with the reason. The paper and its picture stay."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pipeline.review import REASONS
from pipeline.store.entry_views import EntryView
from ui.components.keyboard import keyboard
from ui.text import known, t


def reject_form(view: EntryView, reject: Callable[[str], None], back: Callable[[], None]) -> None:
    """Ask for the reason in place of the entry's form, so that Ctrl+Enter can only mean this."""
    key = f"reason-{view.entry.id}-{view.entry.revision}"
    with st.form(f"reject-{view.entry.id}-{view.entry.revision}", enter_to_submit=False):
        st.subheader(t("reject.title"), anchor=False)
        st.caption(t("reject.what"))
        st.radio(t("reject.reason"), REASONS, index=None, format_func=lambda reason: known("reject.reasons", reason), key=key)
        st.form_submit_button(
            t("reject.do"), key=f"do-{key}", type="primary", shortcut="Ctrl+Enter", on_click=lambda: reject(str(st.session_state.get(key) or ""))
        )
    st.button(t("reject.back"), key=f"back-{key}", shortcut="Escape", on_click=back)
    keyboard(f"reject-{view.entry.id}", [key], save=f"do-{key}")
