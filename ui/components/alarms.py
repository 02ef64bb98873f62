"""What has to be seen on every screen: that an account for emergencies is at work, or has been."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.model import Person
from pipeline.store import emergencies
from pipeline.store.clock import utc_now
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t


def alarms(here: Site, person: Person) -> None:
    """A red line for whoever uses an account for emergencies; for managers and log reviewers each use that nobody has seen yet."""
    if person.break_glass:
        st.error(t("emergency.banner"), icon=":material/emergency:")
    if not allowed(person, Action.ALARM):
        return
    with here.store.read() as conn:
        uses = emergencies.unseen(conn, person)
    for use in uses:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"alarm-{use.id}"):
            st.error(t("emergency.used", name=use.name, login=use.login, at=moment(use.at), reason=use.reason), icon=":material/emergency:")
            st.button(t("emergency.seen"), key=f"seen-{use.id}", on_click=partial(_seen, here, person, use.id))


@while_open
def _seen(here: Site, person: Person, use_id: str) -> None:
    with here.store.begin() as conn:
        emergencies.acknowledge(conn, person, use_id, utc_now())
