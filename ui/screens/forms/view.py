"""One form in use: how it prints, its fields, a printable file for a unit, and copying it."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import Form
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units
from pipeline.domain.model import Person
from pipeline.forms.field_types import find_field_type
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.outline_inference import can_infer_outline
from pipeline.preparation.form_editor.previews import MAX_COPIES, print_copies
from pipeline.preparation.form_editor.trial_sheet import number_fields
from ui.i18n import t
from ui.markdown import md, plain, plain_with_code
from ui.screens.forms import state
from ui.screens.forms.form_list import is_local_form
from ui.screens.forms.previews import form_images
from ui.session import requires_open_session
from ui.widgets.messages import errors_to
from ui.widgets.run_once import RunOnce, run_once
from ui.workspace import AppContext

_PDF_KEY = "forms_pdf"


def form_view(context: AppContext, person: Person, form: Form) -> None:
    """Show the form."""
    state.back_button()
    st.header(plain(form.title), anchor=False)
    facts_markdown = [
        t(f"forms.area.{form.area.value}"),
        md("forms.version_n", version=form.version),
        md("forms.class_of", letter=form.criticality),
    ]
    st.caption(" · ".join([*facts_markdown, t(f"forms.entries.{form.entries.value}")]))
    left, right = st.columns([1, 1], gap="large")
    with left:
        form_images(form)
    with right:
        if form.printed_elsewhere:
            st.info(t("forms.copy_paper"), icon=":material/info:")
        elif permitted_units(person, Action.PRINT):
            _print_section(context, person, form)
        if is_allowed(person, Action.MAKE_FORMS):
            _copy_actions(context, person, form)
        st.subheader(t("forms.fields"), anchor=False)
        fields_table(form)


def fields_table(form: Form) -> None:
    """Show what each field is, by the number that the image gives it."""
    columns = (
        "forms.column.field",
        "forms.column.sort",
        "forms.column.critical",
        "forms.column.required",
    )
    head = f"<th scope='col' class='ef-number'>{escape(t('forms.column.number'))}</th>"
    head += "".join(f"<th scope='col'>{escape(t(column_name))}</th>" for column_name in columns)
    numbers = number_fields(form)
    # The first row of a table represents all rows.
    specs = {spec.column: spec for spec in reversed(form.fields)}
    labels = accessible_names(form, form.rows()[0])
    rows = "".join(
        f"<tr>{_field_row(number, specs[column], labels[specs[column].name])}</tr>"
        for column, number in numbers.items()
    )
    table = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    st.html(f"<div class='ef-wide' tabindex='0'><table class='ef-table'>{table}</table></div>")


def _field_row(number: int, spec: FieldSpec, label: str) -> str:
    texts = (
        label,
        t(f"forms.sort.{find_field_type(spec.kind, spec.format)}"),
        t("forms.yes") if spec.critical else "",
        t("forms.yes") if spec.required else "",
    )
    return f'<td class="ef-number">{number}</td>' + "".join(
        f"<td>{escape(text)}</td>" for text in texts
    )


def _print_section(context: AppContext, person: Person, form: Form) -> None:
    st.subheader(t("forms.print"), anchor=False)
    print_job: RunOnce[tuple[tuple[str, int, str], bytes, int]] = run_once(_PDF_KEY)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(
            t("forms.unit"),
            sorted(permitted_units(person, Action.PRINT)),
            key=f"forms_unit-{form.id}",
            width=260,
        )
        copies = int(
            st.number_input(
                t("forms.copies"), 1, MAX_COPIES, 1, key=f"forms_copies-{form.id}", width=120
            )
        )
        if st.button(
            t("forms.print_do"), key="forms_print", type="primary", icon=":material/print:"
        ):
            try:
                print_sheets = partial(
                    print_copies, context.store, context.settings, form, person, unit, copies
                )
                print_job.run(
                    (form.id, form.version, unit, copies),
                    lambda: ((form.id, form.version, unit), print_sheets(), copies),
                )
            except EfterskriftError as error:
                st.error(plain_with_code(state.describe_error(error)))
    # A file of another form or unit is not offered.
    printed, pdf, count = print_job.result() or (("", 0, ""), b"", 0)
    if printed == (form.id, form.version, unit):
        st.success(md("forms.printed", count=count), icon=":material/check:")
        st.download_button(
            t("forms.fetch"),
            lambda: pdf,
            f"{form.id}.pdf",
            "application/pdf",
            key="forms_fetch",
            icon=":material/download:",
        )


def _copy_actions(context: AppContext, person: Person, form: Form) -> None:
    is_copyable = actions.has_source(context.settings, form.id) or can_infer_outline(form)
    with st.container(horizontal=True):
        if is_local_form(context, form):
            st.button(
                t("forms.next_version"),
                key="forms_version",
                on_click=_begin_version,
                args=(context, person, form),
                icon=":material/edit:",
            )
        if is_copyable:
            st.button(
                t("forms.copy"),
                key="forms_copy",
                on_click=state.go_to,
                args=("new", form.id),
                icon=":material/content_copy:",
            )
    if not is_copyable and not is_local_form(context, form):
        st.caption(t("forms.not_copied"))


@requires_open_session
def _begin_version(context: AppContext, person: Person, form: Form) -> None:
    with errors_to(state.MESSAGE.failed, state.describe_error):
        draft = actions.begin_version_draft(context.store, context.settings, person, form)
        state.go_to("draft", draft.id)
