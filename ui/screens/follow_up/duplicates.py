"""Uppföljning: entries marked as duplicates, with what they were compared with.

A mark can be withdrawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.review import duplicates
from pipeline.store.review.duplicate_entries import DuplicateMark
from pipeline.store.schema.clock import utc_now
from ui.browser.page_view import data_url
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.screens.follow_up.actions import run_and_report
from ui.screens.review.duplicate_comparison import entry_title
from ui.workspace import AppContext


def show(context: AppContext, person: Person, rows: Sequence[object]) -> None:
    """Show the list."""
    if not rows:
        st.info(t("follow_up.empty.duplicates"), icon=":material/info:")
    for row in rows:
        if isinstance(row, DuplicateMark):
            _mark_row(context, person, row)


def _mark_row(context: AppContext, person: Person, mark: DuplicateMark) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(entry_title(context, mark.entry))}**")
        st.caption(
            " ".join(
                filter(
                    None,
                    (
                        md("follow_up.marked", by=mark.by, at=format_moment(mark.at)),
                        plain(mark.reason),
                    ),
                )
            )
        )
        if mark.other is not None:
            st.markdown(md("follow_up.repeats", other=entry_title(context, mark.other)))
        if mark.text or mark.picture_sha256:
            with st.expander(t("follow_up.compared"), key=f"compared-{mark.id}"):
                if mark.text:
                    st.text(mark.text)
                if mark.picture_sha256:
                    picture = context.store.images.get(mark.picture_sha256)
                    alt = escape(t("returns.duplicate.picture"))
                    st.html(f'<img class="ef-page" alt="{alt}" src="{data_url(picture)}">')
        if is_allowed(person, Action.REVIEW, mark.entry.unit):
            withdraw = partial(
                run_and_report,
                context,
                "follow_up.no_duplicate_done",
                partial(_withdraw_mark, person, mark.id),
            )
            st.button(t("follow_up.no_duplicate"), key=f"no_duplicate-{mark.id}", on_click=withdraw)


def _withdraw_mark(person: Person, mark_id: int, conn: Connection) -> None:
    duplicates.withdraw_duplicate_mark(conn, person, mark_id, utc_now())
