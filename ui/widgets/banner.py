"""A banner on every screen: an emergency account is in use, or has been used."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.store.accounts import emergency_access
from pipeline.store.database.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md
from ui.session import requires_open_session
from ui.workspace import AppContext


def emergency_banner(context: AppContext, person: Person) -> None:
    """Show a red line to the user of an emergency account, and unacknowledged uses to others.

    Others are managers and log reviewers.
    """
    if person.break_glass:
        st.error(t("emergency.banner"), icon=":material/emergency:")
    if not is_allowed(person, Action.ALARM):
        return
    with context.store.read() as conn:
        uses = emergency_access.list_unacknowledged(conn, person)
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
    with context.store.begin() as conn:
        emergency_access.acknowledge_use(conn, person, use_id, utc_now())
