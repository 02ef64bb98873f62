"""Closing a failed page for a reason, or linking it to its new scan; both can be undone."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import CloseReason, Person
from pipeline.store.accounts import visibility
from pipeline.store.paper import page_lists
from pipeline.store.paper.pages import Page
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_recent, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.scan.case_images import case_images
from ui.widgets.messages import error_text
from ui.workspace import AppContext

SHOWN_PAGE_KEY = "problem_page"
"""Session-state key of the page whose case is open."""
JUST_CLOSED_KEY = "problem_closed"
"""Session-state key of the page that was closed last, until another is opened."""
_REASONS = [reason for reason in CloseReason if reason is not CloseReason.SCANNED_AGAIN]


def closing_form(context: AppContext, person: Person, page: Page) -> None:
    """Show the two ways in which nothing more has to be done with a failed page."""
    with st.container(border=True):
        _link_form(context, person, page)
        reason = st.selectbox(
            t("problems.close_reason"),
            _REASONS,
            index=None,
            placeholder=t("problems.close_choose"),
            format_func=lambda reason: t(f"problems.close.{reason.value}"),
            key=f"close_reason-{page.id}",
        )
        if reason is not None:
            _close_button(context, person, page, "close_do", reason)


def _link_form(context: AppContext, person: Person, page: Page) -> None:
    """Show the scans that came later; the chosen one is shown before it is linked."""
    new_scans = {
        scan.id: scan for scan in context.store.query(page_lists.list_new_scans, person, page.id)
    }
    if not new_scans:
        st.caption(t("problems.link_none"))
        return
    chosen = st.selectbox(
        t("problems.link"),
        list(new_scans),
        index=None,
        placeholder=t("problems.link_choose"),
        format_func=lambda page_id: _scan_name(context, new_scans[page_id]),
        key=f"link-{page.id}",
    )
    if chosen is not None:
        case_images(context, person, page, [new_scans[chosen]], [t("problems.link_shown")])
        _close_button(context, person, page, "link_do", CloseReason.SCANNED_AGAIN, chosen)


def _scan_name(context: AppContext, scan: Page) -> str:
    name = t("problems.from", name=scan.source_name, number=scan.source_page)
    form = context.forms.get((scan.form or "", scan.version or 0))
    parts = (name, form.title if form else "", format_recent(scan.scanned_at, utc_now()))
    return " · ".join(part for part in parts if part)


def _close_button(
    context: AppContext,
    person: Person,
    page: Page,
    name: str,
    reason: CloseReason,
    new_scan: str = "",
) -> None:
    def close(conn: Connection) -> None:
        page_lists.close_failed_page(conn, person, page.id, reason, utc_now(), new_scan)
        st.session_state[JUST_CLOSED_KEY] = page

    action_button(context, name, page, close)


def undo_line(context: AppContext, person: Person) -> None:
    """Show that a page was just closed, with the button that undoes it."""
    page: Page | None = st.session_state.get(JUST_CLOSED_KEY)
    if page is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="just_closed"):
        source = t("problems.from", name=page.source_name, number=page.source_page)
        st.markdown(md("problems.just_closed", page=source))
        reopen_button(context, person, page, "undo_close")


def reopen_button(context: AppContext, person: Person, page: Page, name: str = "reopen") -> None:
    """Show the button that takes a closing back."""

    def reopen(conn: Connection) -> None:
        page_lists.reopen_closed_page(conn, person, page.id, utc_now())
        st.session_state.pop(JUST_CLOSED_KEY, None)

    action_button(context, name, page, reopen)


def closure_text(context: AppContext, person: Person, page: Page) -> None:
    """Show why, by whom and when a page was closed, and its new scan by name."""
    with context.store.read() as conn:
        closure = page_lists.find_closure(conn, page.id)
        new_scan = page_lists.find_new_scan(conn, closure) if closure else None
        if new_scan and not visibility.can_see_page(conn, person, Action.PROBLEMS, new_scan):
            new_scan = None
    if closure is None:
        return
    other = _scan_name(context, new_scan) if new_scan else closure.other
    reason = " ".join((t(f"problems.close.{closure.reason.value}"), other)).strip()
    at = format_recent(closure.at, utc_now())
    st.caption(md("problems.closed_by", reason=reason, by=closure.by, at=at))


def action_button(
    context: AppContext,
    name: str,
    page: Page,
    action: Callable[[Connection], int | None],
    label: str = "",
) -> None:
    """Show a button that runs an action on the page.

    The action returns in how many entries something was written since the first scan.
    """
    if not st.button(plain(label) or t(f"problems.{name}"), key=f"{name}-{page.id}"):
        return
    try:
        changed = context.store.change(action)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    if changed:
        st.toast(
            md("problems.more_written", count=changed), icon=":material/info:", duration="long"
        )
    st.session_state.pop(SHOWN_PAGE_KEY, None)
    st.rerun()
