"""Konton: who may log in, with which role, and in which units and areas of law.

No paper and no clients are shown here.
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
from ui.markdown import md, plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext

_CHOSEN_KEY, _SHOWN_KEY = "account_chosen", "account_shown"
_MESSAGE_KEY, _PASSWORD_KEY = "account_said", "account_password"
_NEW_ACCOUNT = ""
"""Chosen instead of a login name: an account that does not exist yet."""


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("accounts.title"), t("accounts.what"))
    with context.store.read() as conn:
        accounts = administration.list_accounts(conn, person)
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
        if not any(account.person.login != person.login for account in accounts):
            st.info(t("accounts.empty"), icon=":material/info:")
        for account in accounts:
            _account_row(account, is_own=account.person.login == person.login)
    chosen = st.session_state.get(_CHOSEN_KEY)
    if chosen is None:
        return
    open_account = next((account for account in accounts if account.person.login == chosen), None)
    with right:
        if not units:
            st.info(t("accounts.no_units"), icon=":material/info:")
        _account_form(context, person, open_account, units)
        if open_account is not None:
            _account_actions(context, person, open_account)


def _show_message() -> None:
    """Show the result of the last action; a new password is shown once and then gone."""
    if message := st.session_state.pop(_MESSAGE_KEY, None):
        kind, text = message
        (st.success if kind == "ok" else st.error)(plain_with_code(text))
    if new_password := st.session_state.pop(_PASSWORD_KEY, None):
        login, password = new_password
        with st.container(border=True, key="account_password_box"):
            st.markdown(md("accounts.password_of", login=login))
            st.text(password)
            st.caption(t("accounts.password_once"))


def _account_row(account: Account, *, is_own: bool) -> None:
    holder = account.person
    parts = [
        t(f"role.{holder.role.name.lower()}"),
        ", ".join(sorted(holder.units)) or t("accounts.no_unit"),
        ", ".join(sorted(holder.areas)) or t("accounts.no_area"),
    ]
    flags = [
        text
        for text, holds in (
            (t("accounts.closed"), not account.active),
            (t("accounts.emergency"), holder.break_glass),
            (t("accounts.not_changed"), account.must_change and account.active),
            (t("accounts.logged_in"), account.sessions > 0),
            (t("accounts.you"), is_own),
        )
        if holds
    ]
    last_login = (
        t("accounts.last", at=format_moment(account.active_at))
        if account.active_at
        else t("accounts.never")
    )
    with st.container(border=True):
        text, button = st.columns([4, 1], vertical_alignment="center")
        text.markdown(
            f"**{plain(holder.name)}** · {plain(holder.login)} · {plain(holder.title)}  \n"
            f"{plain(' · '.join(parts))}  \n"
            f":gray[{' · '.join([*map(plain, flags), plain(last_login)])}]"
        )
        button.button(
            t("accounts.change"),
            key=f"account_change-{holder.login}",
            disabled=is_own,
            on_click=partial(_choose_account, holder.login, holder),
        )


def _account_form(
    context: AppContext, person: Person, account: Account | None, units: list[str]
) -> None:
    holder = account.person if account else None
    key = f"account-{account.person.login}" if account else "account_new"
    with st.form(f"form-{key}", border=True):
        st.header(
            md("accounts.change_of", name=holder.name) if holder else t("accounts.new"),
            anchor=False,
        )
        entered = _account_fields(key, holder, units)
        is_sent = st.form_submit_button(
            t("accounts.save"),
            key=f"{key}-save",
            type="primary",
            width="stretch",
            disabled=account is not None and not account.active,
        )
    if is_sent:
        _check_and_save(context, person, holder, entered)


def _account_fields(key: str, holder: Person | None, units: list[str]) -> Person:
    """Draw the fields of an account, and return what they hold."""
    login = st.text_input(
        t("accounts.login"),
        holder.login if holder else "",
        key=f"{key}-login",
        disabled=holder is not None,
        max_chars=80,
    )
    name = st.text_input(
        t("accounts.name"), holder.name if holder else "", key=f"{key}-name", max_chars=120
    )
    title = st.text_input(
        t("accounts.profession"),
        holder.title if holder else "",
        key=f"{key}-profession",
        max_chars=80,
    )
    roles = list(Role)
    role = st.selectbox(
        t("accounts.role"),
        roles,
        roles.index(holder.role) if holder else 1,
        format_func=lambda role: t(f"role.{role.name.lower()}"),
        key=f"{key}-role",
    )
    own_units = st.multiselect(
        t("accounts.units"),
        units,
        sorted(holder.units) if holder else [],
        key=f"{key}-units",
        placeholder=t("accounts.choose"),
    )
    areas = st.multiselect(
        t("accounts.areas"),
        [area.value for area in Area],
        sorted(holder.areas) if holder else [],
        key=f"{key}-areas",
        placeholder=t("accounts.areas_default"),
        help=t("accounts.areas_help"),
    )
    emergency = st.checkbox(
        t("accounts.emergency_account"),
        holder.break_glass if holder else False,
        key=f"{key}-emergency",
    )
    return Person(
        holder.login if holder else login.strip(),
        name.strip(),
        title.strip(),
        role,
        frozenset(own_units),
        frozenset(areas) or default_areas(role, title),
        emergency,
    )


def _check_and_save(
    context: AppContext, person: Person, holder: Person | None, entered: Person
) -> None:
    """Save the account, unless its name is taken or it was changed meanwhile."""
    with context.store.read() as conn:
        is_taken = holder is None and entered.login in people.people_by_login(conn)
    if is_taken:
        st.error(md("accounts.taken", login=entered.login))
        return
    if holder != st.session_state.get(_SHOWN_KEY):
        st.session_state[_MESSAGE_KEY] = (
            "fault",
            t("accounts.changed_meanwhile", login=entered.login),
        )
        st.session_state[_CHOSEN_KEY] = None
        st.rerun()
    _save_account(context, person, entered)


def _save_account(context: AppContext, person: Person, account: Person) -> None:
    try:
        with context.store.begin() as conn:
            password = administration.save_account(conn, person, account)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
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
