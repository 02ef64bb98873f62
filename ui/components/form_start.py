"""The beginning of a form: what it is called, whom it is about, and what it is made from."""

from __future__ import annotations

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.making import acts
from pipeline.making.recovered import recoverable, recovered
from pipeline.model import Person
from pipeline.template import Area, Form, Subject
from ui.components import form_desk
from ui.site import Site
from ui.text import t

FILES = ["pdf", "png", "jpg", "jpeg", "tif", "tiff"]
_WAYS = ("empty", "copy", "blank")


def form_start(here: Site, person: Person, like: str) -> None:
    """Ask, and begin. `like` is the form that was chosen for copying, if one was."""
    form_desk.back()
    st.header(t("forms.new"), anchor=False)
    models = {form_id: here.forms.latest(form_id) for form_id, _ in here.forms if _is_copied(here, form_id)}
    names = sorted(models, key=lambda form_id: models[form_id].title)
    with st.container(border=True, width=760):
        way = st.radio(
            t("forms.from"),
            _WAYS,
            _WAYS.index("copy") if like else 0,
            format_func=lambda one: t(f"forms.from.{one}"),
            captions=[t(f"forms.from_what.{one}") for one in _WAYS],
            key=f"forms_way-{like}",
        )
        title = st.text_input(t("forms.name"), key=f"forms_name-{like}", max_chars=70)
        area = st.selectbox(t("forms.area"), list(Area), _area(here, like), format_func=lambda one: t(f"forms.area.{one.value}"), key="forms_area")
        model, file = "", None
        if way == "copy":
            index = names.index(like) if like in names else 0
            model = st.selectbox(t("forms.model"), names, index, format_func=lambda one: models[one].title, key=f"forms_model-{like}")
            if not acts.has_source(here.settings, model):
                st.info("\n".join(_told_of(models[model])), icon=":material/info:")
        if way == "blank":
            file = st.file_uploader(t("forms.blank"), type=FILES, key="forms_blank", help=t("forms.blank_help"))
        about = st.radio(
            t("forms.about"), list(Subject), format_func=lambda one: t(f"forms.about.{one.value}"), key="forms_about", disabled=way == "copy"
        )
        if st.button(t("forms.begin"), key="forms_begin", type="primary", disabled=way == "blank" and file is None):
            start = acts.Start(title, area or Area.HSL, about or Subject.CLIENT)
            try:
                if file is not None and way == "blank":
                    begun = acts.begin_drawing(here.store, here.settings, here.forms, person, start, file.getvalue(), file.name)
                else:
                    begun = acts.begin_outline(here.store, here.settings, here.forms, person, start, model)
            except EfterskriftError as error:
                st.error(form_desk.wrong(error), icon=":material/error:")
            else:
                form_desk.go("draft", begun.id)
                st.rerun()


def _is_copied(here: Site, form_id: str) -> bool:
    return acts.has_source(here.settings, form_id) or recoverable(here.forms.latest(form_id))


def _told_of(model: Form) -> list[str]:
    """What a copy of a form that was placed by hand will not have as the form has it."""
    _, lost = recovered(model)
    told = [t("forms.by_hand"), ""]
    told += [
        f"- {t(f'forms.lost.{kind}', what=', '.join(what))}"
        for kind, what in (("gone", lost.gone), ("changed", lost.changed), ("words", lost.words))
        if what
    ]
    told += [f"- {t('forms.lost.shorter', what=label, before=before, after=after)}" for label, before, after in lost.shorter]
    told += [f"- {t('forms.lost.pages', count=lost.pages)}"] if lost.pages else []
    told += [f"- {t('forms.lost.unplaced')}"] if lost.unplaced else []
    return told


def _area(here: Site, like: str) -> int:
    known = any(form_id == like for form_id, _ in here.forms)
    return list(Area).index(here.forms.latest(like).area) if known else 0
