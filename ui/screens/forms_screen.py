"""Blanketter: the forms in use and as they print, and making new ones: of sections and rows or drawn on a blank, tried on paper, published."""

from __future__ import annotations

import streamlit as st

from pipeline.access import Action, require
from pipeline.making.drafts import draft
from pipeline.model import Person
from ui.components import form_desk
from ui.components.drawn_editor import drawn_editor
from ui.components.form_list import form_list
from ui.components.form_start import form_start
from ui.components.form_trial import form_trial
from ui.components.form_view import form_view
from ui.components.heading import choose_files_in_words, heading
from ui.components.outline_editor import outline_editor
from ui.components.to_top import to_top
from ui.site import Site
from ui.text import t


def show(here: Site, person: Person) -> None:
    """The screen: the list, one form, a new one, or a draft."""
    with here.store.noting_denials():
        require(person, Action.FORMS)
    heading(here, person, t("forms.title"), t("forms.what"))
    choose_files_in_words()
    form_desk.told()
    at = form_desk.place()
    to_top(f"{at.kind}-{at.id}")
    if at.kind == "form" and (at.id, at.version) in here.forms:
        form_view(here, person, here.forms[at.id, at.version])
    elif at.kind == "new":
        form_start(here, person, at.id)
    elif at.kind == "draft" and (here.settings.form_drafts / at.id / "saved").is_dir():
        _draft(here, person, at.id)
    else:
        form_list(here, person)


def _draft(here: Site, person: Person, draft_id: str) -> None:
    """A draft in two steps, which a person goes between as often as needed."""
    found = draft(here.settings.form_drafts, draft_id)
    form_desk.seen(found)
    form_desk.back()
    st.header(t("forms.draft_of", title=found.title, version=found.version), anchor=False)
    steps = ("build", "try")
    step = st.radio(t("forms.step"), steps, horizontal=True, format_func=lambda one: t(f"forms.step.{one}"), key=f"forms_step-{draft_id}")
    if step == "try":
        form_trial(here, person, found)
    elif found.drawn:
        drawn_editor(here, person, found)
    else:
        outline_editor(here, person, found)
