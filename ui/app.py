"""Entry of the web interface: opens the workspace, asks who you are, and shows the screens of your role."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import streamlit as st

from pipeline.access import Action, allowed, require
from pipeline.errors import EfterskriftError, SettingsError
from pipeline.model import Person
from pipeline.settings import load_settings
from ui import session
from ui.components import form_slots
from ui.components.activity import typing_is_activity
from ui.components.alarms import alarms
from ui.components.document import document
from ui.components.faults import show_fault
from ui.components.guide import guide
from ui.components.heading import heading
from ui.components.one_press import one_press
from ui.components.screen_help import SCREEN
from ui.components.showing import forget_looks
from ui.screens import (
    accounts_screen,
    archive_screen,
    backlog_screen,
    export_screen,
    follow_up_screen,
    forms_screen,
    key_in_screen,
    log_screen,
    login_screen,
    own_work_screen,
    pack_screen,
    paper_days_screen,
    payments_screen,
    practice_screen,
    progress_screen,
    quality_screen,
    queue_screen,
    review_screen,
    scan_screen,
    signing_screen,
)
from ui.site import Site, open_site
from ui.text import t

Screen = Callable[[Site, Person], None]
SCREENS: tuple[tuple[str, Action, str, Screen], ...] = (
    ("scan", Action.SCAN, ":material/document_scanner:", scan_screen.show),
    ("review", Action.REVIEW, ":material/fact_check:", review_screen.show),
    ("signing", Action.SIGN, ":material/signature:", signing_screen.show),
    ("follow_up", Action.FOLLOW_UP, ":material/assignment_return:", follow_up_screen.show),
    ("own_work", Action.REVIEW, ":material/person_check:", own_work_screen.show),
    ("progress", Action.PROGRESS, ":material/monitoring:", progress_screen.show),
    ("paper_days", Action.PROGRESS, ":material/calendar_month:", paper_days_screen.show),
    ("backlog", Action.BACKLOG, ":material/inventory:", backlog_screen.show),
    ("quality", Action.QUALITY, ":material/verified:", quality_screen.show),
    ("queue", Action.PULL, ":material/low_priority:", queue_screen.show),
    ("export", Action.EXPORT, ":material/outbox:", export_screen.show),
    ("key_in", Action.RECEIPT, ":material/keyboard:", key_in_screen.show),
    ("payments", Action.APPROVE_PAYMENT, ":material/payments:", payments_screen.show),
    ("archive", Action.ARCHIVE, ":material/archive:", archive_screen.show),
    ("pack", Action.PACK, ":material/inventory_2:", pack_screen.show),
    ("forms", Action.FORMS, ":material/description:", forms_screen.show),
    ("accounts", Action.ACCOUNTS, ":material/manage_accounts:", accounts_screen.show),
    ("log", Action.LOG, ":material/policy:", log_screen.show),
)


_FIRST = ("review", "log", "progress", "accounts")
"""Which of the screens that a role has it begins with."""


_START = "in"
"""Stands for the screen that a person begins with, whose address is the app's own; so that its name can lead to it too."""


def main() -> None:
    """One run of the script."""
    _begin_language()
    st.set_page_config(
        page_title="Efterskrift", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", initial_sidebar_state="collapsed"
    )
    session.begin_run()
    form_slots.begin_run()
    st.html(Path(__file__).with_name("style.css"))
    document()
    one_press()
    try:
        site = open_site()
        person = session.current_person(site)
    except EfterskriftError as error:
        show_fault(error)
        return
    if person is None:
        _alone(partial(login_screen.show, site), t("login.title"))
        return
    if session.must_change_password():
        _alone(partial(login_screen.choose_password, site, person), t("password.title"))
        return
    page = st.navigation(_pages(site, person), position="top", expanded=True)
    with st.container():  # in places of their own, so that what comes or goes there leaves the screen below as it is
        alarms(site, person)
    with st.container():
        guide(site, person)
    page.run()
    session.watch_session(site)
    typing_is_activity(site)


def _begin_language() -> None:
    """The language of the settings until a person chooses one; Swedish where the settings are wrong, which another place tells."""
    if "language" not in st.session_state:
        with suppress(SettingsError):
            st.session_state["language"] = load_settings().language


def _alone(show: Callable[[], None], title: str) -> None:
    """One screen whatever the address says, so that whoever loads a screen anew and logs in is there again."""
    pages = [st.Page(show, title=title, url_path=_START, default=True), *(st.Page(show, title=title, url_path=name) for name, *_ in SCREENS)]
    st.navigation(pages, position="hidden").run()


def _pages(here: Site, person: Person) -> list[st.Page]:
    """The screens of a role. That a screen is hidden guards nothing: every function of `pipeline` asks again who calls.

    The addresses of all others lead to the first one; Streamlit would say in English that there is no such page.
    """
    may = [one for one in SCREENS if allowed(person, one[1])]
    names = [one[0] for one in may]
    first = next((name for name in (*_FIRST, *names) if name in names), "")
    shown = {name: _page(here, person, name, screen, action, icon, is_first=name == first) for name, action, icon, screen in may}
    start = shown[first] if shown else st.Page(partial(_nothing, here, person), title=t("start.title"), url_path=_START, default=True)
    elsewhere = [name for name, *_ in SCREENS if name == first or name not in shown]
    return [
        *(shown.values() or [start]),
        *(st.Page(partial(st.switch_page, start), title=name, url_path=name, visibility="hidden") for name in elsewhere),
    ]


def _page(here: Site, person: Person, name: str, screen: Screen, action: Action, icon: str, *, is_first: bool) -> st.Page:
    run = partial(_run, name, screen, action, here, person)
    return st.Page(run, title=t(f"{name}.title"), icon=icon, url_path=_START if is_first else name, default=is_first)


def _nothing(here: Site, person: Person) -> None:
    """For a role that has no screen yet."""
    heading(here, person, t("start.no_screens"), t("start.no_screens_what"))


def _run(name: str, screen: Screen, action: Action, here: Site, person: Person) -> None:
    if st.session_state.get(SCREEN) != name:
        forget_looks()  # who comes back to a picture looks at it again
    st.session_state[SCREEN] = name
    try:
        with here.store.noting_denials():
            if practice_screen.is_open():
                practice_screen.show(here, person)
                return
            require(person, action)
            screen(here, person)
    except EfterskriftError as error:
        show_fault(error)


main()
