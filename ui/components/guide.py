"""The guide for somebody's first day: what the role does here, in a few steps. It stays until it is closed."""

from __future__ import annotations

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.model import Person
from pipeline.store import guides
from pipeline.store.clock import utc_now
from ui.screens import practice_screen
from ui.session import while_open
from ui.site import Site
from ui.text import t

_CLOSED = "guide_closed"


def guide(here: Site, person: Person) -> None:
    """Show the guide of the person's role, unless it has been closed."""
    if _CLOSED not in st.session_state:
        with here.store.read() as conn:
            st.session_state[_CLOSED] = guides.is_closed(conn, person.login)
    if st.session_state[_CLOSED]:
        return
    with st.container(border=True, key="guide"):
        st.markdown(t(f"guide.{person.role.name.lower()}"))
        with st.container(horizontal=True):
            st.button(t("guide.close"), key="guide_close", on_click=_close, args=(here, person), icon=":material/close:")
            if allowed(person, Action.REVIEW):
                st.button(t("help.practice"), key="guide_practice", on_click=practice_screen.begin, icon=":material/school:")


@while_open
def open_again(here: Site, person: Person) -> None:
    """Let the guide come back."""
    with here.store.begin() as conn:
        guides.reopen(conn, person.login)
    st.session_state[_CLOSED] = False


@while_open
def _close(here: Site, person: Person) -> None:
    with here.store.begin() as conn:
        guides.close(conn, person.login, utc_now())
    st.session_state[_CLOSED] = True
