"""Logga in."""

from __future__ import annotations

import streamlit as st

from pipeline.errors import EfterskriftError, NotAllowedError
from pipeline.model import Person
from pipeline.store import people
from pipeline.store.emergencies import LEAST_REASON
from ui import session
from ui.components.faults import show_fault
from ui.components.heading import language_choice, person_menu
from ui.components.keyboard import keyboard
from ui.session import Entered
from ui.site import Site
from ui.text import t


def show(here: Site) -> None:
    """Ask for name and password, or send the person to the organisation's own login."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        st.title(t("login.name"), anchor=False)
        st.markdown(t("login.what", provider=here.settings.care_provider))
        _why(here)
        if session.asks_for_reason():
            _reason(here)
        elif here.settings.oidc:
            _organisation_login(here)
        else:
            _local_login(here)
        language_choice()


def _why(here: Site) -> None:
    """Why somebody who was logged in is asked again. Of a connection that was lost only the browser knows (style.css)."""
    if ended := session.ended():
        st.info(t(f"login.{ended}", minutes=here.settings.session_minutes, hours=here.settings.session_hours), icon=":material/schedule:")
    elif not session.has_left():
        with st.container(key="connection_lost"):
            st.info(t("login.connection_lost"), icon=":material/sync_problem:")


def choose_password(here: Site, person: Person) -> None:
    """The first login with a password that somebody else has made: the person chooses another."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        st.title(t("password.title"), anchor=False)
        st.markdown(t("password.what", count=people.SHORTEST_PASSWORD))
        with st.form("password_form", border=True):
            now = st.text_input(t("password.now"), key="password_now", type="password", autocomplete="current-password")
            new = st.text_input(t("password.new"), key="password_new", type="password", autocomplete="new-password")
            again = st.text_input(t("password.again"), key="password_again", type="password", autocomplete="new-password")
            sent = st.form_submit_button(t("password.save"), key="password_submit", type="primary", width="stretch")
        if sent:
            _change(here, person, now, new, again)
        person_menu(here, person)


def _change(here: Site, person: Person, now: str, new: str, again: str) -> None:
    if new != again:
        st.error(t("password.differ"), icon=":material/error:")
        return
    try:
        with here.store.begin() as conn:
            people.change_password(conn, person.login, now, new)
    except NotAllowedError:
        st.error(t("password.wrong"), icon=":material/error:")
    except EfterskriftError:
        st.error(t("password.short", count=people.SHORTEST_PASSWORD), icon=":material/error:")
    else:
        st.rerun()


def _organisation_login(here: Site) -> None:
    st.button(t("login.organisation"), key="login_oidc", type="primary", on_click=session.log_in_by_provider, width="stretch")
    if st.user.is_logged_in and not session.has_left():
        st.warning(t("login.no_account"))
    with st.expander(t("emergency.login"), icon=":material/emergency:"):
        st.caption(t("emergency.login_what"))
        _local_login(here)


def _local_login(here: Site) -> None:
    with st.form("login_form", border=True):
        name = st.text_input(t("login.login"), key="login_name", autocomplete="username")
        password = st.text_input(t("login.password"), key="login_password", type="password", autocomplete="current-password")
        sent = st.form_submit_button(t("login.enter"), key="login_submit", type="primary", width="stretch")
    keyboard("login", ["login_name", "login_password"])
    if not sent:
        return
    try:
        entered = session.log_in(here, name, password)
    except NotAllowedError as error:
        show_fault(error)
        return
    if entered is not Entered.NO:
        st.rerun()
    st.error(t("login.wrong"), icon=":material/error:")


def _reason(here: Site) -> None:
    """Why an account for emergencies is used: asked before it lets anybody in."""
    st.error(t("emergency.ask"), icon=":material/emergency:")
    with st.form("emergency_form", border=True):
        reason = st.text_area(t("emergency.reason"), key="emergency_reason", max_chars=500)
        sent = st.form_submit_button(t("emergency.enter"), key="emergency_submit", type="primary", width="stretch")
    if not sent:
        return
    try:
        session.enter_in_emergency(here, reason)
    except EfterskriftError:
        st.error(t("emergency.short", count=LEAST_REASON), icon=":material/error:")
    else:
        st.rerun()
