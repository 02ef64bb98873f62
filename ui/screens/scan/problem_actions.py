"""What can be done with a page on the list of problems.

A sheet can also be transferred to the unit that it belongs to, by staff who handle the paper.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.review import transfers
from pipeline.store.entries import photocopies
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import OPEN_STATES, Entry, list_sheet_entries
from pipeline.store.paper import pages
from pipeline.store.paper.pages import Page
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.markdown import md
from ui.screens.scan.problem_cases import ProblemCase
from ui.screens.scan.problem_closing import action_button, closing_form, closure_text, reopen_button
from ui.session import requires_open_session
from ui.widgets.messages import errors_to, toast_error
from ui.workspace import AppContext


def requeue_button(context: AppContext, person: Person, count: int) -> None:
    """Show the button that has all failed pages with an image read again."""
    st.button(
        md("problems.again_all", count=count),
        key="again_all",
        on_click=partial(_requeue_failed, context, person),
    )


@requires_open_session
def _requeue_failed(context: AppContext, person: Person) -> None:
    with errors_to(toast_error):
        with context.store.begin() as conn:
            count = pages.requeue_failed_pages(conn, person)
        st.toast(md("problems.again_done", count=count), icon=":material/check:")


def case_actions(context: AppContext, person: Person, case: ProblemCase) -> None:
    """Show the buttons and forms of what can be done with a page."""
    page = case.page
    with st.container(horizontal=True):
        if case.kind == "failed" and page.image_sha256:
            action_button(
                context, "again", page, lambda conn: pages.requeue_page(conn, person, page.id)
            )
        if case.kind == "closed":
            reopen_button(context, person, page)
        if case.kind == "duplicate":
            action_button(
                context,
                "same",
                page,
                lambda conn: sheets.settle_duplicate(
                    conn, person, page.id, context.forms, same=True
                ),
            )
            action_button(
                context,
                "other",
                page,
                lambda conn: sheets.settle_duplicate(
                    conn, person, page.id, context.forms, same=False
                ),
            )
        for front in case.fronts if case.kind == "apart" else ():
            _assign_button(context, person, page, front)
        if case.kind == "laid":
            action_button(
                context,
                "take_off",
                page,
                lambda conn: photocopies.unassign_side(conn, person, page.id, context.forms),
            )
        if case.kind == "empty":
            action_button(
                context,
                "nothing_written",
                page,
                lambda conn: sheets.confirm_empty_sheet(conn, person, page.id),
            )
    if case.kind in {"unidentified", "noted"}:
        _transfer_form(context, person, page)
    if case.kind == "failed":
        closing_form(context, person, page)
    if case.kind == "closed":
        closure_text(context, person, page)


def _assign_button(context: AppContext, person: Person, page: Page, front: Page) -> None:
    label = t("problems.belongs", name=front.source_name, number=front.source_page)
    action_button(
        context,
        f"belongs-{front.id}",
        page,
        lambda conn: photocopies.assign_side(conn, person, page.id, front.id, context.forms),
        label,
    )


def _transfer_form(context: AppContext, person: Person, page: Page) -> None:
    """Show the choice of a unit, if the page is the whole of one undecided entry."""
    if page.sheet is None or not is_allowed(person, Action.FORWARD, page.unit):
        return
    with context.store.read() as conn:
        entries = [
            entry for entry in list_sheet_entries(conn, page.sheet) if entry.state in OPEN_STATES
        ]
        units = transfers.list_transfer_units(conn, entries[0]) if len(entries) == 1 else []
    if not units:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(
            t("problems.send"),
            units,
            index=None,
            placeholder=t("returns.forward.choose"),
            key=f"send_to-{page.id}",
        )
        st.button(
            t("problems.send_do"),
            key=f"send_on-{page.id}",
            disabled=unit is None,
            on_click=partial(_transfer, context, person, entries[0], str(unit or "")),
        )


@requires_open_session
def _transfer(context: AppContext, person: Person, entry: Entry, unit: str) -> None:
    with errors_to(toast_error):
        with context.store.begin() as conn:
            transfers.transfer_entry(
                conn, context.forms, person, entry.id, entry.revision, unit, "", utc_now()
            )
        st.toast(md("problems.sent", unit=unit), icon=":material/check:")
