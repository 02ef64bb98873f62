"""Logga in."""

from __future__ import annotations

import streamlit as st

from pipeline.errors import NotAllowedError
from ui import session
from ui.components.faults import show_fault
from ui.components.heading import language_choice
from ui.components.keyboard import keyboard
from ui.session import Site
from ui.text import t


def show(here: Site) -> None:
    """Ask for name and password, or send the person to the organisation's own login."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        st.title(t("login.name"), anchor=False)
        st.markdown(t("login.what", provider=here.settings.care_provider))
        if session.ran_out():
            st.info(t("login.ran_out", minutes=here.settings.session_minutes), icon=":material/schedule:")
        if here.settings.oidc:
            _organisation_login()
        else:
            _local_login(here)
        language_choice()


def _organisation_login() -> None:
    st.button(t("login.organisation"), key="login_oidc", type="primary", on_click=session.log_in_by_provider, width="stretch")
    if st.user.is_logged_in:
        st.warning(t("login.no_account"))


def _local_login(here: Site) -> None:
    with st.form("login_form", border=True):
        name = st.text_input(t("login.login"), key="login_name", autocomplete="username")
        password = st.text_input(t("login.password"), key="login_password", type="password", autocomplete="current-password")
        sent = st.form_submit_button(t("login.enter"), key="login_submit", type="primary", width="stretch")
    keyboard("login", ["login_name", "login_password"])
    if not sent:
        return
    try:
        if session.log_in(here, name, password):
            st.rerun()
        st.error(t("login.wrong"), icon=":material/error:")
    except NotAllowedError as error:
        show_fault(error)
