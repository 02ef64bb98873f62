"""Entry of the web interface: opens the workspace, asks who you are, and shows the screens of your
role.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import streamlit as st

from pipeline.domain.errors import EfterskriftError, SettingsError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed, require_permission
from pipeline.domain.settings import load_settings
from ui import session
from ui.browser.action_lock import action_lock
from ui.browser.document import document_settings
from ui.i18n import t
from ui.screens import practice
from ui.screens.admin import login
from ui.screens.menu import SCREENS, Screen
from ui.screens.review import prefetch
from ui.widgets.activity import track_typing
from ui.widgets.banner import emergency_banner
from ui.widgets.errors import show_error
from ui.widgets.heading import SCREEN_KEY, screen_heading, show_guide
from ui.widgets.view_log import reset_views
from ui.workspace import AppContext, open_app_context

STATIC = Path(__file__).with_name("static")


_START_SCREENS = ("review", "log", "progress", "accounts")
"""Which of the screens that a role has it begins with."""


_START_PATH = "in"
"""Stands for the screen that a person begins with, whose address is the app's own; so that its name
can lead to it too.
"""


def main() -> None:
    """One run of the script."""
    _set_default_language()
    st.set_page_config(
        page_title="Efterskrift",
        page_icon=str(STATIC / "icon.svg"),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    session.begin_session_run()
    prefetch.begin_slots()
    st.html(STATIC / "style.css")
    document_settings()
    action_lock()
    try:
        site = open_app_context()
        person = session.current_person(site)
    except EfterskriftError as error:
        show_error(error)
        return
    if person is None:
        _show_single_screen(partial(login.show, site), t("login.title"))
        return
    if session.is_password_change_due():
        _show_single_screen(partial(login.choose_password, site, person), t("password.title"))
        return
    page = st.navigation(_build_pages(site, person), position="top", expanded=True)
    with (
        st.container()
    ):  # in places of their own, so that what comes or goes there leaves the screen below as it is
        emergency_banner(site, person)
    with st.container():
        show_guide(site, person)
    page.run()
    session.watch_session(site)
    track_typing(site)


def _set_default_language() -> None:
    """The language of the settings until a person chooses one; Swedish where the settings are
    wrong, which another place tells.
    """
    if "language" not in st.session_state:
        with suppress(SettingsError):
            st.session_state["language"] = load_settings().language


def _show_single_screen(show: Callable[[], None], title: str) -> None:
    """One screen whatever the address says, so that whoever loads a screen anew and logs in is
    there again.
    """
    pages = [
        st.Page(show, title=title, url_path=_START_PATH, default=True),
        *(st.Page(show, title=title, url_path=name) for name, *_ in SCREENS),
    ]
    st.navigation(pages, position="hidden").run()


def _build_pages(context: AppContext, person: Person) -> list[st.Page]:
    """The screens of a role. That a screen is hidden guards nothing: every function of `pipeline`
    asks again who calls.

    The addresses of all others lead to the first one; Streamlit would say in English that there
    is no such page.
    """
    may = [one for one in SCREENS if is_allowed(person, one[1])]
    names = [one[0] for one in may]
    first = next((name for name in (*_START_SCREENS, *names) if name in names), "")
    shown = {
        name: _build_page(context, person, name, screen, action, icon, is_first=name == first)
        for name, action, icon, screen in may
    }
    start = (
        shown[first]
        if shown
        else st.Page(
            partial(_show_no_screen, context, person),
            title=t("start.title"),
            url_path=_START_PATH,
            default=True,
        )
    )
    elsewhere = [name for name, *_ in SCREENS if name == first or name not in shown]
    return [
        *(shown.values() or [start]),
        *(
            st.Page(partial(st.switch_page, start), title=name, url_path=name, visibility="hidden")
            for name in elsewhere
        ),
    ]


def _build_page(
    context: AppContext,
    person: Person,
    name: str,
    screen: Screen,
    action: Action,
    icon: str,
    *,
    is_first: bool,
) -> st.Page:
    run = partial(_run_screen, name, screen, action, context, person)
    return st.Page(
        run,
        title=t(f"{name}.title"),
        icon=icon,
        url_path=_START_PATH if is_first else name,
        default=is_first,
    )


def _show_no_screen(context: AppContext, person: Person) -> None:
    """For a role that has no screen yet."""
    screen_heading(context, person, t("start.no_screens"), t("start.no_screens_what"))


def _run_screen(
    name: str, screen: Screen, action: Action, context: AppContext, person: Person
) -> None:
    if st.session_state.get(SCREEN_KEY) != name:
        reset_views()  # who comes back to a picture looks at it again
    st.session_state[SCREEN_KEY] = name
    try:
        with context.store.recording_denials():
            if practice.is_practising():
                practice.show(context, person)
                return
            require_permission(person, action)
            screen(context, person)
    except EfterskriftError as error:
        show_error(error)


main()
