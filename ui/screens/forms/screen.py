"""Blanketter: the forms in use and how they print, and making new ones.

A new form is made of sections and rows or drawn on an image of a form, tried on paper, and
published.
"""

from __future__ import annotations

import streamlit as st

from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.preparation.form_editor.drafts import load_draft
from ui.browser.document import scroll_to_top
from ui.i18n import t
from ui.markdown import md
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
    """Show the list, one form, a new one, or a draft."""
    with context.store.recording_denials():
        require_permission(person, Action.FORMS)
    screen_heading(context, person, t("forms.title"), t("forms.what"))
    translate_upload_button()
    state.MESSAGE.show()
    location = state.current_location()
    scroll_to_top(f"{location.kind}-{location.id}")
    if location.kind == "form" and (location.id, location.version) in context.forms:
        form_view(context, person, context.forms[location.id, location.version])
    elif location.kind == "new":
        new_form(context, person, location.id)
    elif (
        location.kind == "draft" and (context.settings.form_drafts / location.id / "saved").is_dir()
    ):
        _show_draft(context, person, location.id)
    else:
        form_list(context, person)


def _show_draft(context: AppContext, person: Person, draft_id: str) -> None:
    """Show a draft in two steps, between which the user switches as often as needed."""
    draft = load_draft(context.settings.form_drafts, draft_id)
    state.note_shown_revision(draft)
    state.back_button()
    st.header(md("forms.draft_of", title=draft.title, version=draft.version), anchor=False)
    steps = ("build", "try")
    step = st.segmented_control(
        t("forms.step"),
        steps,
        default=steps[0],
        required=True,
        format_func=lambda step: t(f"forms.step.{step}"),
        key=f"forms_step-{draft_id}",
    )
    if step == "try":
        trial_section(context, person, draft)
    elif draft.is_drawn:
        drawn_editor(context, person, draft)
    else:
        outline_editor(context, person, draft)
