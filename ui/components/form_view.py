"""One form in use: as it prints, what each field is, its printable file for a unit, and the ways to a form of one's own."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.errors import EfterskriftError
from pipeline.field_spec import FieldSpec
from pipeline.making import acts
from pipeline.making.copies import MOST_COPIES, print_copies
from pipeline.making.field_sorts import sort_of
from pipeline.making.recovered import recoverable
from pipeline.making.trial_sheet import numbered
from pipeline.model import Person
from pipeline.template import Form
from pipeline.told_labels import told_labels
from ui.components import form_desk
from ui.components.form_list import is_own
from ui.components.form_pictures import form_pictures
from ui.components.once import Once, once
from ui.session import while_open
from ui.site import Site
from ui.text import t

_PDF = "forms_pdf"


def form_view(here: Site, person: Person, form: Form) -> None:
    """The form."""
    form_desk.back()
    st.header(form.title, anchor=False)
    facts = [t(f"forms.area.{form.area.value}"), t("forms.version_n", version=form.version), t("forms.class_of", letter=form.criticality)]
    st.caption(" · ".join([*facts, t(f"forms.entries.{form.entries.value}")]))
    left, right = st.columns([1, 1], gap="large")
    with left:
        form_pictures(form)
    with right:
        if form.printed_elsewhere:
            st.info(t("forms.copy_paper"), icon=":material/info:")
        elif allowed(person, Action.PRINT) and person.units:
            _printing(here, person, form)
        if allowed(person, Action.MAKE_FORMS):
            _ways(here, person, form)
        st.subheader(t("forms.fields"), anchor=False)
        fields_table(form)


def fields_table(form: Form) -> None:
    """What each field is, by the number that the picture gives it."""
    titles = ("field", "sort", "critical", "required")
    head = f"<th scope='col' class='ef-number'>{escape(t('forms.column.number'))}</th>"
    head += "".join(f"<th scope='col'>{escape(t(f'forms.column.{title}'))}</th>" for title in titles)
    numbers = numbered(form)
    first = {spec.column: spec for spec in reversed(form.fields)}
    labels = told_labels(form, form.rows()[0])
    rows = "".join(f"<tr>{_cells(number, first[column], labels[first[column].name])}</tr>" for column, number in numbers.items())
    st.html(f"<div class='ef-wide' tabindex='0'><table class='ef-table'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")


def _cells(number: int, spec: FieldSpec, label: str) -> str:
    told = (
        label,
        t(f"forms.sort.{sort_of(spec.kind, spec.format)}"),
        t("forms.yes") if spec.critical else "",
        t("forms.yes") if spec.required else "",
    )
    return f'<td class="ef-number">{number}</td>' + "".join(f"<td>{escape(text)}</td>" for text in told)


def _printing(here: Site, person: Person, form: Form) -> None:
    st.subheader(t("forms.print"), anchor=False)
    made: Once[tuple[tuple[str, int, str], bytes, int]] = once(_PDF)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(t("forms.unit"), sorted(person.units), key=f"forms_unit-{form.id}", width=260)
        copies = int(st.number_input(t("forms.copies"), 1, MOST_COPIES, 1, key=f"forms_copies-{form.id}", width=120))
        if st.button(t("forms.print_do"), key="forms_print", type="primary", icon=":material/print:"):
            try:
                sheets = partial(print_copies, here.store, here.settings, form, person, unit, copies)
                made.do((form.id, form.version, unit, copies), lambda: ((form.id, form.version, unit), sheets(), copies))
            except EfterskriftError as error:
                st.error(form_desk.wrong(error))
    made_for, pdf, count = made.result() or (("", 0, ""), b"", 0)
    if made_for == (form.id, form.version, unit):
        st.success(t("forms.printed", count=count), icon=":material/check:")
        st.download_button(t("forms.fetch"), pdf, f"{form.id}.pdf", "application/pdf", key="forms_fetch", icon=":material/download:")


def _ways(here: Site, person: Person, form: Form) -> None:
    copyable = acts.has_source(here.settings, form.id) or recoverable(form)
    with st.container(horizontal=True):
        if is_own(here, form):
            st.button(t("forms.next_version"), key="forms_version", on_click=_begin_version, args=(here, person, form), icon=":material/edit:")
        if copyable:
            st.button(t("forms.copy"), key="forms_copy", on_click=form_desk.go, args=("new", form.id), icon=":material/content_copy:")
    if not copyable and not is_own(here, form):
        st.caption(t("forms.not_copied"))


@while_open
def _begin_version(here: Site, person: Person, form: Form) -> None:
    try:
        begun = acts.begin_version(here.store, here.settings, person, form)
    except EfterskriftError as error:
        form_desk.tell("fault", form_desk.wrong(error))
    else:
        form_desk.go("draft", begun.id)
