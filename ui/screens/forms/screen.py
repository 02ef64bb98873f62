"""Blanketter: the forms in use and how they print, and making new ones.

A new form is made of sections and rows or drawn on an image of a form, tried on paper, and
published.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import Area, Form
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units
from pipeline.domain.model import Person
from pipeline.forms.field_types import find_field_type
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.drafts import list_drafts, load_draft
from pipeline.preparation.form_editor.previews import MAX_COPIES, print_copies
from pipeline.preparation.form_editor.trial_judging import number_fields
from pipeline.store.registers.form_publications import list_publications
from ui.browser.document import scroll_to
from ui.i18n import format_moment, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.forms import state
from ui.screens.forms.drawn_editor import drawn_editor
from ui.screens.forms.new_form import new_form
from ui.screens.forms.outline_editor import outline_editor
from ui.screens.forms.previews import form_images
from ui.screens.forms.state import finish, go_to
from ui.screens.forms.trial import trial_section
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.messages import errors_to
from ui.widgets.run_once import RunOnce, run_once
from ui.widgets.tables import show_table
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """Show the list, one form, a new one, or a draft."""
    context.store.require_permission(person, Action.FORMS)
    screen_heading(context, person, t("forms.title"), t("forms.what"))
    translate_upload_button()
    state.MESSAGE.show()
    location = state.current_location()
    scroll_to(f"{location.kind}-{location.id}")
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


# One form in use: how it prints, its fields, a printable file for a unit, and copying it.

_PDF_KEY = "forms_pdf"
_FIELD_COLUMNS = tuple(
    f"forms.column.{name}" for name in ("number", "field", "sort", "critical", "required")
)


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
    # The first row of a table represents all rows.
    specs = {spec.column: spec for spec in reversed(form.fields)}
    labels = accessible_names(form, form.rows()[0])
    lines = [
        (
            number,
            labels[spec.name],
            t(f"forms.sort.{find_field_type(spec.kind, spec.format)}"),
            t("forms.yes") if spec.critical else "",
            t("forms.yes") if spec.required else "",
        )
        for column, number in number_fields(form).items()
        for spec in [specs[column]]
    ]
    show_table(_FIELD_COLUMNS, lines)


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
    is_copyable = actions.find_copied_outline(context.settings, form.id) is not None
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


# The list of the drafts and the forms in use.

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
    unfinished = context.store.query(list_publications)
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
