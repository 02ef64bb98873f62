"""The forms in use and the drafts, each with what it is."""

from __future__ import annotations

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.making.drafts import drafts
from pipeline.model import Person
from pipeline.template import Area, Form
from ui.components.form_desk import go
from ui.site import Site
from ui.text import moment, t

_WIDTHS = (5, 2, 1.2, 1.2, 2.4)


def form_list(here: Site, person: Person) -> None:
    """Drafts first, then the forms by area of law."""
    if allowed(person, Action.MAKE_FORMS):
        st.button(t("forms.new"), key="forms_new", type="primary", icon=":material/add:", on_click=go, args=("new",))
    _drafts(here)
    newest = {form_id: here.forms.latest(form_id) for form_id, _ in here.forms}
    for area in Area:
        chosen = sorted((form for form in newest.values() if form.area is area), key=lambda form: form.title)
        if chosen:
            st.header(t(f"forms.area.{area.value}"), anchor=False)
            _headings()
            for form in chosen:
                _row(here, form)


def _headings() -> None:
    for column, key in zip(st.columns(_WIDTHS), ("form", "entries", "pages", "version", "state"), strict=True):
        column.caption(t(f"forms.column.{key}"))


def _row(here: Site, form: Form) -> None:
    title, entries, pages, version, state = st.columns(_WIDTHS, vertical_alignment="center")
    with title:
        st.button(form.title, key=f"forms_show-{form.id}", type="tertiary", on_click=go, args=("form", form.id, form.version))
    entries.markdown(t(f"forms.entries.{form.entries.value}"))
    pages.markdown(str(len(form.pages)))
    version.markdown(str(form.version))
    state.markdown(t("forms.own" if is_own(here, form) else "forms.published") + (t("forms.elsewhere") if form.printed_elsewhere else ""))


def is_own(here: Site, form: Form) -> bool:
    """Whether a form was made in this workspace."""
    return (here.settings.own_forms / form.id).is_dir()


def _drafts(here: Site) -> None:
    found = drafts(here.settings.form_drafts)
    if not found:
        return
    st.header(t("forms.drafts"), anchor=False)
    for draft in found:
        with st.container(border=True):
            text, button = st.columns([6, 1.4], vertical_alignment="center")
            about = t("forms.draft_saved", version=draft.version, at=moment(draft.saved_at))
            text.markdown(f"**{draft.title}**  \n:gray[{about}]")
            button.button(t("forms.go_on"), key=f"forms_draft-{draft.id}", on_click=go, args=("draft", draft.id))
