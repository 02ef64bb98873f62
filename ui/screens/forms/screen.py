"""Blanketter: the forms in use and as they print, and making new ones: of sections and rows or
drawn on a blank, tried on paper, published.
"""

from __future__ import annotations

import streamlit as st

from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.preparation.form_editor.drafts import load_draft
from ui.browser.scroll import scroll_to_top
from ui.i18n import t
from ui.screens.forms import state
from ui.screens.forms.drawn_editor import drawn_editor
from ui.screens.forms.form_list import form_list
from ui.screens.forms.new_form import new_form
from ui.screens.forms.outline_editor import outline_editor
from ui.screens.forms.trial import trial_section
from ui.screens.forms.view import form_view
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """The screen: the list, one form, a new one, or a draft."""
    with context.store.recording_denials():
        require_permission(person, Action.FORMS)
    screen_heading(context, person, t("forms.title"), t("forms.what"))
    translate_upload_button()
    state.show_message()
    at = state.current_location()
    scroll_to_top(f"{at.kind}-{at.id}")
    if at.kind == "form" and (at.id, at.version) in context.forms:
        form_view(context, person, context.forms[at.id, at.version])
    elif at.kind == "new":
        new_form(context, person, at.id)
    elif at.kind == "draft" and (context.settings.form_drafts / at.id / "saved").is_dir():
        _show_draft(context, person, at.id)
    else:
        form_list(context, person)


def _show_draft(context: AppContext, person: Person, draft_id: str) -> None:
    """A draft in two steps, which a person goes between as often as needed."""
    found = load_draft(context.settings.form_drafts, draft_id)
    state.note_shown_revision(found)
    state.back_button()
    st.header(t("forms.draft_of", title=found.title, version=found.version), anchor=False)
    steps = ("build", "try")
    step = st.radio(
        t("forms.step"),
        steps,
        horizontal=True,
        format_func=lambda one: t(f"forms.step.{one}"),
        key=f"forms_step-{draft_id}",
    )
    if step == "try":
        trial_section(context, person, found)
    elif found.is_drawn:
        drawn_editor(context, person, found)
    else:
        outline_editor(context, person, found)
