"""Sending a sheet that lies among the problems on to the unit that it belongs to, by whoever handles the paper."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.store import forwarding
from pipeline.store.clock import utc_now
from pipeline.store.entries import OPEN, Entry, entries_of
from pipeline.store.pages import Page
from ui.components.faults import fault_text
from ui.session import while_open
from ui.site import Site
from ui.text import t


def send_on(here: Site, person: Person, page: Page) -> None:
    """Where the page is the whole of one undecided entry: the unit to choose, and the button."""
    if page.sheet is None or not allowed(person, Action.FORWARD, page.unit):
        return
    with here.store.read() as conn:
        found = [one for one in entries_of(conn, page.sheet) if one.state in OPEN]
        units = forwarding.can_go_to(conn, found[0]) if len(found) == 1 else []
    if not units:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(t("problems.send"), units, index=None, placeholder=t("returns.forward.choose"), key=f"send_to-{page.id}")
        st.button(
            t("problems.send_do"), key=f"send_on-{page.id}", disabled=unit is None, on_click=partial(_send, here, person, found[0], str(unit or ""))
        )


@while_open
def _send(here: Site, person: Person, found: Entry, unit: str) -> None:
    try:
        with here.store.begin() as conn:
            forwarding.forward(conn, here.forms, person, found.id, found.revision, unit, "", utc_now())
    except EfterskriftError as error:
        st.toast(fault_text(error), icon=":material/error:")
    else:
        st.toast(t("problems.sent", unit=unit), icon=":material/check:")
