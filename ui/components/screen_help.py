"""Help on every screen: what it is for, what to do there, and the ways back to the guide and the practice."""

from __future__ import annotations

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.model import Person
from pipeline.texts import catalogue
from ui.components import guide
from ui.screens import practice_screen
from ui.site import Site
from ui.text import language, t

SCREEN = "screen"
"""Where the name of the screen that is drawn stands in the session."""


def screen_help(here: Site, person: Person) -> None:
    """The button "Hjälp" and what it opens."""
    with st.popover(t("help.title"), icon=":material/help:", key="screen_help"):
        text = f"help.{st.session_state.get(SCREEN, '')}"
        if text in catalogue(language()):
            st.markdown(t(text))
        st.caption(t("help.zoom"))
        st.button(t("help.guide"), key="guide_open", on_click=guide.open_again, args=(here, person), icon=":material/signpost:", width="stretch")
        if allowed(person, Action.REVIEW):
            st.button(t("help.practice"), key="practice_open", on_click=practice_screen.begin, icon=":material/school:", width="stretch")
