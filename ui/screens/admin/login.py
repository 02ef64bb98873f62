"""Logga in: the login, the reason for using an emergency account, and the first password."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.errors import EfterskriftError, NotAllowedError
from pipeline.domain.model import Person
from pipeline.store.accounts import people
from pipeline.store.accounts.emergency_access import MIN_REASON_LENGTH
from ui import session
from ui.browser.keyboard import keyboard
from ui.i18n import t
from ui.markdown import md
from ui.session import LoginResult
from ui.widgets.errors import show_error
from ui.widgets.heading import language_choice, person_menu
from ui.workspace import AppContext


def show(context: AppContext) -> None:
    """Ask for name and password, or send the user to the organisation's own login."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        st.title(t("login.name"), anchor=False)
        st.markdown(md("login.what", provider=context.settings.care_provider))
        _show_logout_reason(context)
        if session.is_emergency_reason_due():
            _emergency_reason_form(context)
        elif context.settings.oidc:
            _organisation_login_button(context)
        else:
            _local_login_form(context)
        language_choice()


def _show_logout_reason(context: AppContext) -> None:
    """Show why a user who was logged in is asked again.

    Only the browser knows of a lost connection (style.css).
    """
    if end := session.last_session_end():
        st.info(
            md(
                f"login.{end}",
                minutes=context.settings.session_minutes,
                hours=context.settings.session_hours,
            ),
            icon=":material/schedule:",
        )
    elif not session.has_ended_here():
        with st.container(key="connection_lost"):
            st.info(t("login.connection_lost"), icon=":material/sync_problem:")


def choose_password(context: AppContext, person: Person) -> None:
    """Ask for a new password at the first login with a password made by an administrator."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        st.title(t("password.title"), anchor=False)
        st.markdown(md("password.what", count=people.MIN_PASSWORD_LENGTH))
        with st.form("password_form", border=True):
            current = st.text_input(
                t("password.now"),
                key="password_now",
                type="password",
                autocomplete="current-password",
            )
            new_password = st.text_input(
                t("password.new"), key="password_new", type="password", autocomplete="new-password"
            )
            repeated = st.text_input(
                t("password.again"),
                key="password_again",
                type="password",
                autocomplete="new-password",
            )
            is_sent = st.form_submit_button(
                t("password.save"), key="password_submit", type="primary", width="stretch"
            )
        if is_sent:
            _change_password(context, person, current, new_password, repeated)
        person_menu(context, person)


def _change_password(
    context: AppContext, person: Person, current: str, new_password: str, repeated: str
) -> None:
    if new_password != repeated:
        st.error(t("password.differ"), icon=":material/error:")
        return
    try:
        with context.store.begin() as conn:
            people.change_password(conn, person.login, current, new_password)
    except NotAllowedError:
        st.error(t("password.wrong"), icon=":material/error:")
    except EfterskriftError:
        st.error(md("password.short", count=people.MIN_PASSWORD_LENGTH), icon=":material/error:")
    else:
        st.rerun()


def _organisation_login_button(context: AppContext) -> None:
    st.button(
        t("login.organisation"),
        key="login_oidc",
        type="primary",
        on_click=session.log_in_by_provider,
        width="stretch",
    )
    if st.user.is_logged_in and not session.has_ended_here():
        st.warning(t("login.no_account"))
    with st.expander(t("emergency.login"), icon=":material/emergency:"):
        st.caption(t("emergency.login_what"))
        _local_login_form(context)


def _local_login_form(context: AppContext) -> None:
    with st.form("login_form", border=True):
        name = st.text_input(t("login.login"), key="login_name", autocomplete="username")
        password = st.text_input(
            t("login.password"),
            key="login_password",
            type="password",
            autocomplete="current-password",
        )
        is_sent = st.form_submit_button(
            t("login.enter"), key="login_submit", type="primary", width="stretch"
        )
    keyboard("login", ["login_name", "login_password"])
    if not is_sent:
        return
    try:
        result = session.log_in(context, name, password)
    except NotAllowedError as error:
        show_error(error)
        return
    if result is not LoginResult.WRONG_PASSWORD:
        st.rerun()
    st.error(t("login.wrong"), icon=":material/error:")


def _emergency_reason_form(context: AppContext) -> None:
    """Ask why an emergency account is used; without a reason it starts no session."""
    st.error(t("emergency.ask"), icon=":material/emergency:")
    with st.form("emergency_form", border=True):
        reason = st.text_area(t("emergency.reason"), key="emergency_reason", max_chars=500)
        is_sent = st.form_submit_button(
            t("emergency.enter"), key="emergency_submit", type="primary", width="stretch"
        )
    if not is_sent:
        return
    try:
        session.log_in_in_emergency(context, reason)
    except EfterskriftError:
        st.error(md("emergency.short", count=MIN_REASON_LENGTH), icon=":material/error:")
    else:
        st.rerun()
