"""The buttons below an entry that change how much of it is typed."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Depth, EntriesPer
from pipeline.domain.model import EntryState, Outcome, Person
from pipeline.store.database.clock import utc_now
from pipeline.store.depth import attachments
from pipeline.store.depth.attached_pages import find_sheet_before
from pipeline.store.depth.settings import list_allowed_depths, set_sheet_depth
from pipeline.store.entries.entry import is_part_of_page, load_entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper.form_areas import ATTACHMENT_FORM, FREE_NOTE_FORM
from ui.i18n import t
from ui.markdown import md
from ui.screens.review import current_entry
from ui.screens.review.depth.attachments_screen import open_attachments
from ui.screens.review.depth.rows_screen import rows_button
from ui.screens.review.depth.split_screen import join_button, split_button
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.workspace import AppContext


def depth_buttons(context: AppContext, person: Person, view: EntryView) -> None:
    """Show what the entry allows: its attachments, or another depth."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden:
        return
    if is_part_of_page(view.entry):
        split_button(view)
        join_button(context, person, view)
        return
    if is_loose_page(view):
        _loose_page_buttons(context, person, view)
        split_button(view)
        return
    _attachments_button(context, person, view)
    rows_button(view)
    for depth in _other_depths(context, view):
        st.button(
            t(f"depth.choose.{depth.value}"),
            key=f"depth_{depth.value}-{view.entry.id}",
            on_click=partial(_choose_depth, context, person, view, depth),
        )


def is_loose_page(view: EntryView) -> bool:
    """Return whether the entry is a page of no known form."""
    return view.entry.row is None and all(
        page.outcome is Outcome.UNIDENTIFIED for page in view.pages
    )


def _attachments_button(context: AppContext, person: Person, view: EntryView) -> None:
    if view.form.entries is not EntriesPer.SHEET or view.entry.row is not None:
        return
    with context.store.read() as conn:
        loose = attachments.list_proposed_pages(conn, person, view.entry, utc_now())
    if not loose and not view.attachments:
        return
    st.button(
        md("attachments.open", count=len(view.attachments), loose=len(loose)),
        key=f"attachments-{view.entry.id}",
        shortcut="Alt+J",
        icon=":material/attach_file:",
        on_click=open_attachments,
        args=(view.entry.id,),
    )


def _loose_page_buttons(context: AppContext, person: Person, view: EntryView) -> None:
    with context.store.read() as conn:
        sheet = find_sheet_before(conn, view.pages[0])
        targets = (
            attachments.find_attachment_entries(conn, context.forms, person, [sheet])
            if sheet
            else []
        )
    if targets:
        form = context.forms[(targets[0].form, targets[0].version)]
        st.button(
            md("attachments.belongs_to", form=form.title),
            key=f"attachments-{view.entry.id}",
            shortcut="Alt+J",
            icon=":material/attach_file:",
            on_click=open_attachments,
            args=(targets[0].id,),
        )
    is_own = view.entry.form == ATTACHMENT_FORM[0]
    if view.entry.form in {ATTACHMENT_FORM[0], FREE_NOTE_FORM[0]}:
        st.button(
            t("attachments.type_after_all" if is_own else "attachments.own"),
            key=f"own_attachment-{view.entry.id}",
            shortcut="Alt+G",
            on_click=partial(_change_form, context, person, view, to_attachment=not is_own),
        )


def _other_depths(context: AppContext, view: EntryView) -> list[Depth]:
    allowed = {*list_allowed_depths(context.forms, view.form), view.form.depth}
    return [depth for depth in Depth if depth in allowed and depth is not view.depth]


@requires_open_session
def _choose_depth(context: AppContext, person: Person, view: EntryView, depth: Depth) -> None:
    try:
        with context.store.begin() as conn:
            set_sheet_depth(
                conn, context.forms, person, view.entry.id, view.entry.revision, depth, utc_now()
            )
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))


@requires_open_session
def _change_form(
    context: AppContext, person: Person, view: EntryView, *, to_attachment: bool
) -> None:
    change = attachments.make_own_attachment if to_attachment else attachments.type_own_attachment
    try:
        with context.store.begin() as conn:
            change(conn, context.forms, person, view.entry.id, view.entry.revision)
            entry = load_entry(conn, view.entry.id)
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))
    else:
        current_entry.open_entry(entry.id, utc_now())
