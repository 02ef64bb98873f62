"""The start of a form: its name, its subject, and what it is made from."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Area, Subject
from pipeline.domain.model import Person
from pipeline.files.page_files import PAGE_SUFFIXES
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.drafts import COPY_FILE
from ui.i18n import t
from ui.markdown import plain_with_code
from ui.screens.forms import state
from ui.workspace import AppContext

ACCEPTED_SUFFIXES = sorted(suffix.removeprefix(".") for suffix in PAGE_SUFFIXES)
_START_METHODS = ("empty", "copy", "blank")


def new_form(context: AppContext, person: Person, like: str) -> None:
    """Ask how to begin, and begin; `like` is the form that was chosen for copying, if any."""
    state.back_button()
    st.header(t("forms.new"), anchor=False)
    with st.container(border=True, width=760):
        method = st.radio(
            t("forms.from"),
            _START_METHODS,
            _START_METHODS.index("copy") if like else 0,
            format_func=lambda method: t(f"forms.from.{method}"),
            captions=[t(f"forms.from_what.{method}") for method in _START_METHODS],
            key=f"forms_way-{like}",
        )
        title = st.text_input(t("forms.name"), key=f"forms_name-{like}", max_chars=70)
        area = st.selectbox(
            t("forms.area"),
            list(Area),
            _default_area_index(context, like),
            format_func=lambda area: t(f"forms.area.{area.value}"),
            key="forms_area",
        )
        model = _choose_model(context, like) if method == "copy" else ""
        file = None
        if method == "blank":
            file = st.file_uploader(
                t("forms.blank"),
                type=ACCEPTED_SUFFIXES,
                key="forms_blank",
                help=t("forms.blank_help"),
            )
        subject = st.radio(
            t("forms.about"),
            list(Subject),
            format_func=lambda subject: t(f"forms.about.{subject.value}"),
            key="forms_about",
            disabled=method == "copy",
        )
        if st.button(
            t("forms.begin"),
            key="forms_begin",
            type="primary",
            disabled=method == "blank" and file is None,
        ):
            info = actions.NewFormInfo(title, area or Area.HSL, subject or Subject.CLIENT)
            _begin_draft(context, person, info, model, file)


def _choose_model(context: AppContext, like: str) -> str:
    """Show the choice of the form to copy, and what a copy will lack; return its id."""
    sources = {
        form_id: source
        for form_id, _ in context.forms
        if (source := actions.find_copied_outline(context.settings, form_id))
    }
    models = {form_id: context.forms.latest(form_id) for form_id in sources}
    names = sorted(models, key=lambda form_id: models[form_id].title)
    model = st.selectbox(
        t("forms.model"),
        names,
        names.index(like) if like in names else 0,
        format_func=lambda form_id: models[form_id].title,
        key=f"forms_model-{like}",
    )
    if sources[model].name == COPY_FILE:
        st.info(t("forms.by_hand"), icon=":material/info:")
    return model


def _begin_draft(
    context: AppContext,
    person: Person,
    info: actions.NewFormInfo,
    model: str,
    file: UploadedFile | None,
) -> None:
    """Begin a draft on the image of a form, if there is one, else of sections and rows."""
    try:
        if file is not None:
            with st.spinner(t("forms.reading_blank")):
                draft = actions.begin_drawing_draft(
                    context.store,
                    context.settings,
                    context.forms,
                    person,
                    info,
                    file.getvalue(),
                    file.name,
                )
        else:
            draft = actions.begin_outline_draft(
                context.store, context.settings, context.forms, person, info, model
            )
    except EfterskriftError as error:
        st.error(plain_with_code(state.describe_error(error)), icon=":material/error:")
    else:
        state.go_to("draft", draft.id)
        st.rerun()


def _default_area_index(context: AppContext, like: str) -> int:
    is_known = any(form_id == like for form_id, _ in context.forms)
    return list(Area).index(context.forms.latest(like).area) if is_known else 0
