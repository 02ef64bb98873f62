"""The list of the drafts and the forms in use."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.form.form import Area, Form
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.preparation.form_editor.drafts import list_drafts
from pipeline.store.registers.form_publications import list_publications
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.screens.forms.state import finish, go_to
from ui.workspace import AppContext

_COLUMN_WIDTHS = (5, 2, 1.2, 1.2, 2.4)


def form_list(context: AppContext, person: Person) -> None:
    """Show drafts first, then the forms by area of law."""
    if is_allowed(person, Action.MAKE_FORMS):
        st.button(
            t("forms.new"),
            key="forms_new",
            type="primary",
            icon=":material/add:",
            on_click=go_to,
            args=("new",),
        )
    _unfinished_publications(context, person)
    _draft_rows(context)
    newest = {form_id: context.forms.latest(form_id) for form_id, _ in context.forms}
    for area in Area:
        forms = sorted(
            (form for form in newest.values() if form.area is area), key=lambda form: form.title
        )
        if forms:
            st.header(t(f"forms.area.{area.value}"), anchor=False)
            _column_headings()
            for form in forms:
                _form_row(context, form)


def _column_headings() -> None:
    for column, key in zip(
        st.columns(_COLUMN_WIDTHS), ("form", "entries", "pages", "version", "state"), strict=True
    ):
        column.caption(t(f"forms.column.{key}"))


def _form_row(context: AppContext, form: Form) -> None:
    title, entries, pages, version, state = st.columns(_COLUMN_WIDTHS, vertical_alignment="center")
    with title:
        st.button(
            plain(form.title),
            key=f"forms_show-{form.id}",
            type="tertiary",
            on_click=go_to,
            args=("form", form.id, form.version),
        )
    entries.markdown(t(f"forms.entries.{form.entries.value}"))
    pages.markdown(plain(str(len(form.pages))))
    version.markdown(plain(str(form.version)))
    state.markdown(
        t("forms.own" if is_local_form(context, form) else "forms.published")
        + (t("forms.elsewhere") if form.printed_elsewhere else "")
    )


def is_local_form(context: AppContext, form: Form) -> bool:
    """Return whether a form was made in this workspace."""
    return (context.settings.own_forms / form.id).is_dir()


def _unfinished_publications(context: AppContext, person: Person) -> None:
    """Name the publications that a stopped program left half done, each with a way on."""
    with context.store.read() as conn:
        unfinished = list_publications(conn)
    for one in unfinished:
        at = format_moment(one.at)
        st.warning(
            md("forms.unfinished", form=one.form, version=one.version, at=at),
            icon=":material/pending:",
        )
        if is_allowed(person, Action.MAKE_FORMS):
            st.button(
                t("forms.finish"),
                key=f"forms_finish-{one.form}-{one.version}",
                on_click=finish,
                args=(context, person, one.form, one.version),
            )


def _draft_rows(context: AppContext) -> None:
    drafts = list_drafts(context.settings.form_drafts)
    if not drafts:
        return
    st.header(t("forms.drafts"), anchor=False)
    for draft in drafts:
        with st.container(border=True):
            text, button = st.columns([6, 1.4], vertical_alignment="center")
            saved = t("forms.draft_saved", version=draft.version, at=format_moment(draft.saved_at))
            text.markdown(f"**{plain(draft.title)}**  \n:gray[{plain(saved)}]")
            button.button(
                t("forms.go_on"),
                key=f"forms_draft-{draft.id}",
                on_click=go_to,
                args=("draft", draft.id),
            )
