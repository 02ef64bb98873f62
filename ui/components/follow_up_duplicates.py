"""Uppföljning: entries marked as duplicates, with what they were compared with. A mark can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st
from sqlalchemy import Connection

from pipeline.access import Action, allowed
from pipeline.model import Person
from pipeline.store import duplicate_marks
from pipeline.store.clock import utc_now
from pipeline.store.duplicate_marks import DuplicateMark
from ui.components.duplicate_compare import entry_title
from ui.components.follow_up_act import tried
from ui.components.page_view import data_url
from ui.site import Site
from ui.text import moment, t


def show(here: Site, person: Person, found: Sequence[object]) -> None:
    """The list."""
    if not found:
        st.info(t("follow_up.empty.duplicates"), icon=":material/info:")
    for one in found:
        if isinstance(one, DuplicateMark):
            _mark(here, person, one)


def _mark(here: Site, person: Person, one: DuplicateMark) -> None:
    with st.container(border=True):
        st.markdown(f"**{entry_title(here, one.entry)}**")
        st.caption(" ".join(filter(None, (t("follow_up.marked", by=one.by, at=moment(one.at)), one.why))))
        if one.other is not None:
            st.markdown(t("follow_up.repeats", other=entry_title(here, one.other)))
        if one.text or one.picture_sha256:
            with st.expander(t("follow_up.compared"), key=f"compared-{one.id}"):
                if one.text:
                    st.text(one.text)
                if one.picture_sha256:
                    picture = here.store.images.get(one.picture_sha256)
                    st.html(f'<img class="ef-page" alt="{escape(t("returns.duplicate.picture"))}" src="{data_url(picture)}">')
        if allowed(person, Action.REVIEW, one.entry.unit):
            act = partial(tried, here, "follow_up.no_duplicate_done", partial(_take_back, person, one.id))
            st.button(t("follow_up.no_duplicate"), key=f"no_duplicate-{one.id}", on_click=act)


def _take_back(person: Person, mark_id: int, conn: Connection) -> None:
    duplicate_marks.take_back_duplicate(conn, person, mark_id, utc_now())
