"""The top of a screen: its title, a line about it, and the person's own menu."""

from __future__ import annotations

import streamlit as st

from pipeline.model import Person
from pipeline.texts import LANGUAGES
from ui import session
from ui.components.screen_help import screen_help
from ui.site import Site
from ui.text import t


def heading(here: Site, person: Person, title: str, line: str = "") -> None:
    """Title to the left, the menu with language and log-out to the right."""
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left, st.container(gap=None):
        st.title(title, anchor=False)
        if line:
            st.caption(line)
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        person_menu(here, person)


def person_menu(here: Site, person: Person) -> None:
    """Help with the screen; who is logged in, the language, and the way out."""
    screen_help(here, person)
    with st.popover(person.name, icon=":material/person:", key="person_menu"):
        st.caption(t("menu.who", title=person.title, role=t(f"role.{person.role.name.lower()}")))
        st.caption(t("menu.units", units=", ".join(sorted(person.units))))
        st.caption(t("menu.areas", areas=", ".join(sorted(person.areas)) or t("menu.no_areas")))
        language_choice()
        st.button(t("menu.log_out"), key="log_out", on_click=session.log_out, args=(here,), icon=":material/logout:", width="stretch")


def choose_files_in_words() -> None:
    """The word on the uploader's button, which Streamlit has in English only."""
    st.html(f'<style>:root {{ --ef-choose: "{t("scan.choose")}"; }}</style>')


def language_choice() -> None:
    """Swedish or English, for this session."""

    def chosen() -> None:
        st.session_state["language"] = st.session_state["language_choice"]

    languages = list(LANGUAGES)
    index = languages.index(st.session_state.get("language", "sv"))
    st.radio(t("menu.language"), languages, index=index, format_func=LANGUAGES.__getitem__, horizontal=True, key="language_choice", on_change=chosen)
