"""Entry of the web interface: opens the workspace, asks who you are, and shows the screens of your role."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.errors import EfterskriftError
from pipeline.model import Person
from ui import session
from ui.components.faults import show_fault
from ui.screens import export_screen, login_screen, progress_screen, queue_screen, review_screen, scan_screen
from ui.session import Site
from ui.text import t

Screen = Callable[[Site, Person], None]
SCREENS: tuple[tuple[str, Action, str, Screen], ...] = (
    ("scan", Action.SCAN, ":material/document_scanner:", scan_screen.show),
    ("review", Action.REVIEW, ":material/fact_check:", review_screen.show),
    ("progress", Action.PROGRESS, ":material/monitoring:", progress_screen.show),
    ("queue", Action.PULL, ":material/low_priority:", queue_screen.show),
    ("export", Action.EXPORT, ":material/outbox:", export_screen.show),
)


def main() -> None:
    """One run of the script."""
    st.session_state.setdefault("language", "sv")
    st.set_page_config(
        page_title="Efterskrift", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", initial_sidebar_state="collapsed"
    )
    st.html(Path(__file__).with_name("style.css"))
    try:
        site = session.site()
        person = session.current_person(site)
    except EfterskriftError as error:
        show_fault(error)
        return
    if person is None:
        st.navigation([st.Page(partial(login_screen.show, site), title=t("login.title"), url_path="in")], position="hidden").run()
        return
    st.navigation(_pages(site, person), position="top").run()
    session.watch_session(site)


def _pages(here: Site, person: Person) -> list[st.Page]:
    """The screens of a role. That a screen is hidden guards nothing: every function of `pipeline` asks again who calls."""
    first = "review" if allowed(person, Action.REVIEW) else "progress"
    return [
        st.Page(partial(_run, screen, here, person), title=t(f"{name}.title"), icon=icon, url_path=name, default=name == first)
        for name, action, icon, screen in SCREENS
        if allowed(person, action)
    ]


def _run(screen: Screen, here: Site, person: Person) -> None:
    try:
        screen(here, person)
    except EfterskriftError as error:
        show_fault(error)


main()
