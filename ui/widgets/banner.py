"""Banners on every screen: emergency accounts in use, and changes of the user's own way in."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import streamlit as st

from pipeline.domain.errors import UsageError
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.store.accounts import access_notices
from pipeline.store.accounts.access_notices import AccessNotice
from pipeline.store.accounts.login import access_changes
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md
from ui.session import requires_open_session
from ui.workspace import AppContext

_NOTICES_KEY, _READ_KEY = "access_notices", "access_notices_read"


def emergency_banner(context: AppContext, person: Person) -> None:
    """Show a red line to the user of an emergency account, and unacknowledged uses to others.

    Others are managers and log reviewers.
    """
    if person.break_glass:
        st.error(t("emergency.banner"), icon=":material/emergency:")
    if not is_allowed(person, Action.ALARM):
        return
    uses = context.store.query(access_notices.list_unacknowledged, person)
    for use in uses:
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", key=f"alarm-{use.id}"
        ):
            st.error(
                md(
                    "emergency.used",
                    name=use.name,
                    login=use.login,
                    at=format_moment(use.at),
                    reason=use.reason,
                ),
                icon=":material/emergency:",
            )
            st.button(
                t("emergency.seen"),
                key=f"seen-{use.id}",
                on_click=partial(_acknowledge_use, context, person, use.id),
            )


@requires_open_session
def _acknowledge_use(context: AppContext, person: Person, use_id: str) -> None:
    context.store.change(access_notices.acknowledge_use, person, use_id, utc_now())


def access_banner(context: AppContext, person: Person) -> None:
    """Tell the user that another person has changed how he or she gets in, or asks to.

    It can be put away for this login only (`access_notices.py`). An emergency account belongs to
    nobody to notify.
    """
    if person.break_glass or st.session_state.get(_READ_KEY):
        return
    # Once a login: the person who is notified of later changes logs in with them
    if _NOTICES_KEY not in st.session_state:
        notices = context.store.query(access_notices.list_notices, person.login, utc_now())
        st.session_state[_NOTICES_KEY] = notices
    for notice in st.session_state[_NOTICES_KEY]:
        _notice_row(context, person, notice)
    if st.session_state[_NOTICES_KEY]:
        st.button(
            t("access.read"),
            key="access_read",
            on_click=partial(st.session_state.__setitem__, _READ_KEY, True),
        )


def _notice_row(context: AppContext, person: Person, notice: AccessNotice) -> None:
    state = "done" if notice.is_done else "open"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"access-{notice.id}"
    ):
        st.warning(
            md(f"access.{notice.kind.value}.{state}", by=notice.by, at=format_moment(notice.at)),
            icon=":material/lock_reset:",
        )
        if not notice.is_done:
            st.button(
                t("access.refuse"),
                key=f"access_refuse-{notice.id}",
                on_click=partial(_refuse_change, context, person, notice.id),
            )


@requires_open_session
def _refuse_change(context: AppContext, person: Person, change_id: str) -> None:
    # Kept for the whole login: the next run reads the notice as it is then.
    st.session_state.pop(_NOTICES_KEY, None)
    with suppress(UsageError), context.store.begin() as conn:
        access_changes.refuse_own_change(conn, person.login, change_id, utc_now())
