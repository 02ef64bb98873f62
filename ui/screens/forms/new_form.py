"""The beginning of a form: what it is called, whom it is about, and what it is made from."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Area, Form, Subject
from pipeline.domain.model import Person
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.outline_inference import can_infer_outline, infer_outline
from ui.i18n import t
from ui.screens.forms import state
from ui.workspace import AppContext

ACCEPTED_SUFFIXES = ["pdf", "png", "jpg", "jpeg", "tif", "tiff"]
_START_METHODS = ("empty", "copy", "blank")


def new_form(context: AppContext, person: Person, like: str) -> None:
    """Ask, and begin. `like` is the form that was chosen for copying, if one was."""
    state.back_button()
    st.header(t("forms.new"), anchor=False)
    models = {
        form_id: context.forms.latest(form_id)
        for form_id, _ in context.forms
        if _is_copyable(context, form_id)
    }
    names = sorted(models, key=lambda form_id: models[form_id].title)
    with st.container(border=True, width=760):
        way = st.radio(
            t("forms.from"),
            _START_METHODS,
            _START_METHODS.index("copy") if like else 0,
            format_func=lambda one: t(f"forms.from.{one}"),
            captions=[t(f"forms.from_what.{one}") for one in _START_METHODS],
            key=f"forms_way-{like}",
        )
        title = st.text_input(t("forms.name"), key=f"forms_name-{like}", max_chars=70)
        area = st.selectbox(
            t("forms.area"),
            list(Area),
            _default_area_index(context, like),
            format_func=lambda one: t(f"forms.area.{one.value}"),
            key="forms_area",
        )
        model, file = "", None
        if way == "copy":
            index = names.index(like) if like in names else 0
            model = st.selectbox(
                t("forms.model"),
                names,
                index,
                format_func=lambda one: models[one].title,
                key=f"forms_model-{like}",
            )
            if not actions.has_source(context.settings, model):
                st.info("\n".join(_describe_losses(models[model])), icon=":material/info:")
        if way == "blank":
            file = st.file_uploader(
                t("forms.blank"),
                type=ACCEPTED_SUFFIXES,
                key="forms_blank",
                help=t("forms.blank_help"),
            )
        about = st.radio(
            t("forms.about"),
            list(Subject),
            format_func=lambda one: t(f"forms.about.{one.value}"),
            key="forms_about",
            disabled=way == "copy",
        )
        if st.button(
            t("forms.begin"),
            key="forms_begin",
            type="primary",
            disabled=way == "blank" and file is None,
        ):
            start = actions.NewFormInfo(title, area or Area.HSL, about or Subject.CLIENT)
            try:
                if file is not None and way == "blank":
                    begun = actions.begin_drawing_draft(
                        context.store,
                        context.settings,
                        context.forms,
                        person,
                        start,
                        file.getvalue(),
                        file.name,
                    )
                else:
                    begun = actions.begin_outline_draft(
                        context.store, context.settings, context.forms, person, start, model
                    )
            except EfterskriftError as error:
                st.error(state.describe_error(error), icon=":material/error:")
            else:
                state.go_to("draft", begun.id)
                st.rerun()


def _is_copyable(context: AppContext, form_id: str) -> bool:
    return actions.has_source(context.settings, form_id) or can_infer_outline(
        context.forms.latest(form_id)
    )


def _describe_losses(model: Form) -> list[str]:
    """What a copy of a form that was placed by hand will not have as the form has it."""
    _, lost = infer_outline(model)
    told = [t("forms.by_hand"), ""]
    told += [
        f"- {t(f'forms.lost.{kind}', what=', '.join(what))}"
        for kind, what in (
            ("gone", lost.missing_fields),
            ("changed", lost.changed_fields),
            ("words", lost.moved_texts),
        )
        if what
    ]
    told += [
        f"- {t('forms.lost.shorter', what=label, before=before, after=after)}"
        for label, before, after in lost.shortened_fields
    ]
    told += [f"- {t('forms.lost.pages', count=lost.extra_pages)}"] if lost.extra_pages else []
    told += [f"- {t('forms.lost.unplaced')}"] if lost.has_layout_error else []
    return told


def _default_area_index(context: AppContext, like: str) -> int:
    known = any(form_id == like for form_id, _ in context.forms)
    return list(Area).index(context.forms.latest(like).area) if known else 0
