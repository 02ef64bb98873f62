"""Entry of the web interface: opens the workspace, asks who you are, and shows the screens of your role."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from pipeline.access import Action, allowed, require
from pipeline.errors import EfterskriftError
from pipeline.model import Person
from ui import session
from ui.components import form_slots
from ui.components.alarms import alarms
from ui.components.document import document
from ui.components.faults import show_fault
from ui.components.guide import guide
from ui.components.heading import heading
from ui.components.screen_help import SCREEN
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
from ui.session import Site
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


def main() -> None:
    """One run of the script."""
    st.session_state.setdefault("language", "sv")
    st.set_page_config(
        page_title="Efterskrift", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", initial_sidebar_state="collapsed"
    )
    form_slots.begin_run()
    st.html(Path(__file__).with_name("style.css"))
    document()
    try:
        site = session.site()
        person = session.current_person(site)
    except EfterskriftError as error:
        show_fault(error)
        return
    if person is None:
        st.navigation([st.Page(partial(login_screen.show, site), title=t("login.title"), url_path="in")], position="hidden").run()
        return
    if session.must_change_password():
        st.navigation(
            [st.Page(partial(login_screen.choose_password, site, person), title=t("password.title"), url_path="in")], position="hidden"
        ).run()
        return
    page = st.navigation(_pages(site, person), position="top")
    alarms(site, person)
    guide(site, person)
    page.run()
    session.watch_session(site)


def _pages(here: Site, person: Person) -> list[st.Page]:
    """The screens of a role. That a screen is hidden guards nothing: every function of `pipeline` asks again who calls."""
    may = {name for name, action, _, _ in SCREENS if allowed(person, action)}
    first = next((name for name in _FIRST if name in may), "")
    shown = [
        st.Page(partial(_run, name, screen, action, here, person), title=t(f"{name}.title"), icon=icon, url_path=name, default=name == first)
        for name, action, icon, screen in SCREENS
        if allowed(person, action)
    ]
    return shown or [st.Page(partial(_nothing, here, person), title=t("start.title"), url_path="in")]


def _nothing(here: Site, person: Person) -> None:
    """For a role that has no screen yet."""
    heading(here, person, t("start.no_screens"), t("start.no_screens_what"))


def _run(name: str, screen: Screen, action: Action, here: Site, person: Person) -> None:
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
