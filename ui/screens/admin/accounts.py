"""Konton: who may come in, what each does here, and in which units and areas of law. Nobody sees
paper or clients here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Area
from pipeline.domain.model import Person, Role
from pipeline.domain.permissions import default_areas
from pipeline.store.accounts import administration, people
from pipeline.store.accounts.administration import Account
from pipeline.store.database.clock import utc_now
from pipeline.store.registers import client_register
from ui.i18n import format_moment, t
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext

_CHOSEN_KEY, _SHOWN_KEY, _MESSAGE_KEY, _PASSWORD_KEY = (
    "account_chosen",
    "account_shown",
    "account_said",
    "account_password",
)
_NEW_ACCOUNT = ""


def show(context: AppContext, person: Person) -> None:
    """The screen."""
    screen_heading(context, person, t("accounts.title"), t("accounts.what"))
    with context.store.read() as conn:
        found = administration.list_accounts(conn, person)
        units = list(client_register.areas_by_unit(conn))
    _show_message()
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        st.button(
            t("accounts.add"),
            key="account_add",
            type="primary",
            icon=":material/person_add:",
            on_click=partial(_choose_account, _NEW_ACCOUNT),
        )
        if not any(account.person.login != person.login for account in found):
            st.info(t("accounts.empty"), icon=":material/info:")
        for account in found:
            _account_row(account, is_own=account.person.login == person.login)
    chosen = st.session_state.get(_CHOSEN_KEY)
    if chosen is None:
        return
    open_one = next((one for one in found if one.person.login == chosen), None)
    with right:
        if not units:
            st.info(t("accounts.no_units"), icon=":material/info:")
        _account_form(context, person, open_one, units)
        if open_one is not None:
            _account_actions(context, person, open_one)


def _show_message() -> None:
    """What became of the last choice; a new password is shown once and then gone."""
    if said := st.session_state.pop(_MESSAGE_KEY, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)
    if made := st.session_state.pop(_PASSWORD_KEY, None):
        login, password = made
        with st.container(border=True, key="account_password_box"):
            st.markdown(t("accounts.password_of", login=login))
            st.text(password)
            st.caption(t("accounts.password_once"))


def _account_row(account: Account, *, is_own: bool) -> None:
    who = account.person
    parts = [
        t(f"role.{who.role.name.lower()}"),
        ", ".join(sorted(who.units)) or t("accounts.no_unit"),
        ", ".join(sorted(who.areas)) or t("accounts.no_area"),
    ]
    marks = [
        text
        for text, holds in (
            (t("accounts.closed"), not account.active),
            (t("accounts.emergency"), who.break_glass),
            (t("accounts.not_changed"), account.must_change and account.active),
            (t("accounts.logged_in"), account.sessions > 0),
            (t("accounts.you"), is_own),
        )
        if holds
    ]
    seen = (
        t("accounts.last", at=format_moment(account.active_at))
        if account.active_at
        else t("accounts.never")
    )
    with st.container(border=True):
        text, button = st.columns([4, 1], vertical_alignment="center")
        text.markdown(
            f"**{who.name}** · {who.login} · {who.title}  \n{' · '.join(parts)}  \n:gray[{' · '.join([*marks, seen])}]"
        )
        button.button(
            t("accounts.change"),
            key=f"account_change-{who.login}",
            disabled=is_own,
            on_click=partial(_choose_account, who.login, who),
        )


def _account_form(
    context: AppContext, person: Person, account: Account | None, units: list[str]
) -> None:
    who, key = (
        account.person if account else None,
        f"account-{account.person.login}" if account else "account_new",
    )
    roles = list(Role)
    with st.form(f"form-{key}", border=True):
        st.header(
            t("accounts.change_of", name=who.name) if who else t("accounts.new"), anchor=False
        )
        login = st.text_input(
            t("accounts.login"),
            who.login if who else "",
            key=f"{key}-login",
            disabled=who is not None,
            max_chars=80,
        )
        name = st.text_input(
            t("accounts.name"), who.name if who else "", key=f"{key}-name", max_chars=120
        )
        title = st.text_input(
            t("accounts.profession"),
            who.title if who else "",
            key=f"{key}-profession",
            max_chars=80,
        )
        role = st.selectbox(
            t("accounts.role"),
            roles,
            roles.index(who.role) if who else 1,
            format_func=lambda one: t(f"role.{one.name.lower()}"),
            key=f"{key}-role",
        )
        of = st.multiselect(
            t("accounts.units"),
            units,
            sorted(who.units) if who else [],
            key=f"{key}-units",
            placeholder=t("accounts.choose"),
        )
        areas = st.multiselect(
            t("accounts.areas"),
            [area.value for area in Area],
            sorted(who.areas) if who else [],
            key=f"{key}-areas",
            placeholder=t("accounts.areas_default"),
            help=t("accounts.areas_help"),
        )
        emergency = st.checkbox(
            t("accounts.emergency_account"),
            who.break_glass if who else False,
            key=f"{key}-emergency",
        )
        sent = st.form_submit_button(
            t("accounts.save"),
            key=f"{key}-save",
            type="primary",
            width="stretch",
            disabled=account is not None and not account.active,
        )
    if sent:
        login = who.login if who else login.strip()
        with context.store.read() as conn:
            taken = who is None and login in people.people_by_login(conn)
        if taken:
            st.error(t("accounts.taken", login=login))
            return
        if who != st.session_state.get(_SHOWN_KEY):
            st.session_state[_MESSAGE_KEY], st.session_state[_CHOSEN_KEY] = (
                ("fault", t("accounts.changed_meanwhile", login=login)),
                None,
            )
            st.rerun()
        given = frozenset(areas) or default_areas(role, title)
        _save_account(
            context,
            person,
            Person(login, name.strip(), title.strip(), role, frozenset(of), given, emergency),
        )


def _save_account(context: AppContext, person: Person, account: Person) -> None:
    try:
        with context.store.begin() as conn:
            password = administration.save_account(conn, person, account)
    except EfterskriftError as error:
        st.error(error_text(error))
        return
    if password:
        st.session_state[_PASSWORD_KEY] = (account.login, password)
    st.session_state[_MESSAGE_KEY] = ("ok", t("accounts.saved", login=account.login))
    st.session_state[_CHOSEN_KEY] = None
    st.rerun()


def _account_actions(context: AppContext, person: Person, account: Account) -> None:
    login = account.person.login
    with st.container(horizontal=True):
        if account.active:
            st.button(
                t("accounts.new_password"),
                key=f"account_reset-{login}",
                on_click=partial(_reset_password, context, person, login),
                icon=":material/key:",
            )
            close = partial(
                _run_action,
                context,
                "accounts.is_closed",
                login,
                lambda conn: administration.close_account(conn, person, login),
            )
            st.button(
                t("accounts.close"),
                key=f"account_close-{login}",
                on_click=close,
                icon=":material/person_off:",
            )
        else:
            reopen = partial(
                _run_action,
                context,
                "accounts.is_open",
                login,
                lambda conn: administration.reopen_account(conn, person, login),
            )
            st.button(
                t("accounts.open"),
                key=f"account_open-{login}",
                on_click=reopen,
                icon=":material/person:",
            )


@requires_open_session
def _reset_password(context: AppContext, person: Person, login: str) -> None:
    def reset(conn: Connection) -> None:
        st.session_state[_PASSWORD_KEY] = (
            login,
            administration.reset_password(conn, person, login, utc_now()),
        )

    _run_action(context, "accounts.has_password", login, reset)


@requires_open_session
def _run_action(
    context: AppContext, success_key: str, login: str, action: Callable[[Connection], object]
) -> None:
    try:
        with context.store.begin() as conn:
            action(conn)
    except EfterskriftError as error:
        st.session_state.pop(_PASSWORD_KEY, None)
        st.session_state[_MESSAGE_KEY] = ("fault", error_text(error))
    else:
        st.session_state[_MESSAGE_KEY] = ("ok", t(success_key, login=login))


def _choose_account(login: str, shown: Person | None = None) -> None:
    st.session_state[_CHOSEN_KEY], st.session_state[_SHOWN_KEY] = login, shown
