"""Avvisa: an entry that cannot be brought into the system as it is, with the reason. The paper and its picture stay."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pipeline.model import Person
from pipeline.review import REASONS
from pipeline.store.entry_views import EntryView
from ui.components.keyboard import keyboard
from ui.components.returning import STEPS, step_form, step_of
from ui.site import Site
from ui.text import known, t


def reject_form(here: Site, person: Person, view: EntryView, reject: Callable[[str], None], back: Callable[[], None]) -> None:
    """Ask for the reason in place of the entry's form, so that Ctrl+Enter can only mean this; then for what the reason needs."""
    if (step := step_of(view)) is not None:
        step_form(here, person, view, step, lambda: reject(step))
    else:
        _reasons(view, reject)
    st.button(t("reject.back"), key=f"back-{view.entry.id}-{view.entry.revision}", shortcut="Escape", on_click=back)


def _reasons(view: EntryView, reject: Callable[[str], None]) -> None:
    key = f"reason-{view.entry.id}-{view.entry.revision}"
    with st.form(f"reject-{view.entry.id}-{view.entry.revision}", enter_to_submit=False):
        st.header(t("reject.title"), anchor=False)
        st.caption(t("reject.what"))
        st.radio(t("reject.reason"), REASONS, index=None, format_func=_reason_text, key=key)
        st.form_submit_button(
            t("reject.do"), key=f"do-{key}", type="primary", shortcut="Ctrl+Enter", on_click=lambda: reject(str(st.session_state.get(key) or ""))
        )
    keyboard(f"reject-{view.entry.id}", [key], save=f"do-{key}")


def _reason_text(reason: str) -> str:
    return known("reject.reasons", reason) + (" …" if reason in STEPS else "")
