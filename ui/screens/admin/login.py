"""Logga in: password, second factor, reason for using an emergency account, and first password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.login.authentication import (
    Credentials,
    change_password,
    check_code,
    check_password,
    redeem_code,
)
from pipeline.login.passwords import MIN_PASSWORD_LENGTH
from pipeline.store.accounts import access_notices, people
from pipeline.store.accounts.access_notices import MIN_REASON_LENGTH
from pipeline.store.accounts.login.limits import LoginRequest, LoginSource
from pipeline.store.schema.clock import utc_now
from ui import session
from ui.access.cookie import DEVICE_COOKIE
from ui.access.site import SESSION_PATH, base_path
from ui.browser.assets import component, read_script
from ui.browser.keyboard import keyboard
from ui.i18n import t
from ui.markdown import md
from ui.session import start_session
from ui.widgets.brand import login_logo
from ui.widgets.heading import language_choice, person_menu
from ui.widgets.messages import show_error
from ui.workspace import AppContext, StoreContext

_EMERGENCY_LOGIN_KEY, _CODE_LOGIN_KEY = "emergency_login", "code_login"
_REDEEM_KEY, _REDEEMED_KEY = "redeem", "redeemed"
_STEP_TIMEOUT = timedelta(minutes=5)
"""How long after the password a code, or the reason for an emergency account, may be given."""
_MAX_TYPED = 1000
"""Characters of a field: a message of 64 kB from a person without a login ends the connection."""


class LoginResult(Enum):
    """Result of a login with name and password."""

    WRONG_PASSWORD = "wrong"
    LOGGED_IN = "logged in"
    CODE_REQUIRED = "a code of the second factor is to be given first"
    REASON_REQUIRED = "an account for emergencies: the reason is to be given first"


def show(context: AppContext) -> None:
    """Ask for name and password, or send the user to the organisation's own login."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        login_logo(context.settings)
        st.title(t("login.name"), anchor=False)
        st.markdown(md("login.what", provider=context.settings.care_provider))
        _show_logout_reason(context)
        if _was_just_given(_EMERGENCY_LOGIN_KEY):
            _emergency_reason_form(context)
        elif _was_just_given(_CODE_LOGIN_KEY):
            _code_form(context)
        elif st.session_state.get(_REDEEM_KEY):
            _redeem_form(context)
        elif context.settings.oidc:
            _organisation_login_button(context)
        else:
            _local_login_form(context)
            _redeem_button()
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
    """Ask for a new password at the first login with a password that another person made."""
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle:
        st.title(t("password.title"), anchor=False)
        st.markdown(md("password.what", count=MIN_PASSWORD_LENGTH))
        if password_form(context, person, "password.now"):
            st.rerun()
        person_menu(context, person)


def password_form(context: AppContext, person: Person, current_key: str) -> bool:
    """Ask for the current and a new password; return whether it was changed just now."""
    problem = st.container()  # above the form: below it, on a low screen, it is out of sight
    with st.form("password_form", border=True):
        current = st.text_input(
            t(current_key),
            key="password_now",
            type="password",
            max_chars=_MAX_TYPED,
            autocomplete="current-password",
        )
        new_password, repeated = _new_password_fields("password")
        is_sent = st.form_submit_button(
            t("password.save"), key="password_submit", type="primary", width="stretch"
        )
    if not is_sent:
        return False
    if new_password != repeated:
        problem.error(t("password.differ"), icon=":material/error:")
        return False
    try:
        change_password(
            login_request(context),
            Credentials(person.login, current),
            new_password,
            session.session_token(),
        )
    except EfterskriftError as error:
        with problem:
            show_error(error)
        return False
    return True


def _new_password_fields(key: str) -> tuple[str, str]:
    """Draw the fields of a new password, and return what they hold."""
    new_password, repeated = (
        st.text_input(
            t(f"password.{name}"),
            key=f"{key}_{name}",
            type="password",
            max_chars=_MAX_TYPED,
            autocomplete="new-password",
        )
        for name in ("new", "again")
    )
    return new_password, repeated


def _redeem_button() -> None:
    if st.session_state.pop(_REDEEMED_KEY, False):
        st.success(t("redeem.done"), icon=":material/check:")
    st.button(
        t("redeem.begin"),
        key="redeem_begin",
        icon=":material/key:",
        on_click=partial(st.session_state.__setitem__, _REDEEM_KEY, True),
    )


def _redeem_form(context: AppContext) -> None:
    """Let a person choose a password with a code from a system administrator."""
    st.markdown(md("redeem.what", count=MIN_PASSWORD_LENGTH))
    problem = st.container()
    with st.form("redeem_form", border=True):
        name = st.text_input(
            t("login.login"), key="redeem_login", max_chars=_MAX_TYPED, autocomplete="username"
        )
        code = st.text_input(
            t("redeem.code"), key="redeem_code", max_chars=_MAX_TYPED, autocomplete="one-time-code"
        )
        new_password, repeated = _new_password_fields("redeem")
        is_sent = st.form_submit_button(
            t("redeem.save"), key="redeem_submit", type="primary", width="stretch"
        )
    st.button(
        t("login.back"),
        key="redeem_back",
        on_click=partial(st.session_state.pop, _REDEEM_KEY, None),
    )
    keyboard("redeem", [f"redeem_{name}" for name in ("login", "code", "new", "again")])
    if not is_sent:
        return
    if new_password != repeated:
        problem.error(t("password.differ"), icon=":material/error:")
        return
    try:
        is_right = redeem_code(login_request(context), name, code, new_password)
    except EfterskriftError as error:
        with problem:
            show_error(error)
        return
    if not is_right:
        problem.error(t("redeem.wrong"), icon=":material/error:")
        return
    del st.session_state[_REDEEM_KEY]
    st.session_state[_REDEEMED_KEY] = True
    st.rerun()


def _code_form(context: AppContext) -> None:
    """Ask for the code of the second factor, after the password."""
    st.markdown(t("code_login.what"))
    with st.form("code_form", border=True):
        code = st.text_input(
            t("code_login.code"),
            key="login_code",
            max_chars=_MAX_TYPED,
            autocomplete="one-time-code",
        )
        is_sent = st.form_submit_button(
            t("login.enter"), key="code_submit", type="primary", width="stretch"
        )
    st.caption(t("code_login.recovery"))
    st.button(
        t("login.back"),
        key="code_back",
        on_click=partial(st.session_state.pop, _CODE_LOGIN_KEY, None),
    )
    keyboard("code", ["login_code"])
    if is_sent:
        _take_step(partial(log_in_with_code, context, code), t("code_login.wrong"))


def _take_step(step: Callable[[], LoginResult], wrong_markdown: str) -> None:
    """Take a step of the login; say why it is refused, or that what was given does not fit."""
    try:
        result = step()
    except EfterskriftError as error:
        show_error(error)
        return
    if result is not LoginResult.WRONG_PASSWORD:
        st.rerun()
    st.error(wrong_markdown, icon=":material/error:")


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
        name = st.text_input(
            t("login.login"), key="login_name", max_chars=_MAX_TYPED, autocomplete="username"
        )
        password = st.text_input(
            t("login.password"),
            key="login_password",
            type="password",
            max_chars=_MAX_TYPED,
            autocomplete="current-password",
        )
        is_sent = st.form_submit_button(
            t("login.enter"), key="login_submit", type="primary", width="stretch"
        )
    keyboard("login", ["login_name", "login_password"])
    if is_sent:
        _take_step(partial(log_in, context, name, password), t("login.wrong"))


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
        log_in_in_emergency(context, reason)
    except EfterskriftError:
        st.error(md("emergency.short", count=MIN_REASON_LENGTH), icon=":material/error:")
    else:
        st.rerun()


# The ticket of a login is exchanged for its cookie, which only a response of the server can set.


def exchange_ticket(ticket: str, renew_ticket: Callable[[], None]) -> None:
    """Let the browser post the ticket; the screen is drawn once it has the cookie."""
    result = component("login", read_script("login_cookie"))(
        key="login_cookie",
        data={"ticket": ticket, "path": base_path() + SESSION_PATH},
        height=1,
        on_answered_change=lambda: None,
    )
    if result.answered == "refused":
        st.error(t("login.no_cookie"), icon=":material/error:")
        st.button(t("login.try_again"), key="login_cookie_again", on_click=renew_ticket)


def log_in(context: AppContext, login: str, password: str) -> LoginResult:
    """Start a session with a local account, unless a code or a reason is to be given first.

    If users log in through the organisation, only emergency accounts have a password.

    Raises:
        NotAllowedError: too many failed attempts.
        UsageError: too many others are logging in.
    """
    found = check_password(login_request(context), Credentials(login, password))
    if found is None:
        return LoginResult.WRONG_PASSWORD
    if found.needs_code:
        st.session_state[_CODE_LOGIN_KEY] = (found.person.login, utc_now())
        return LoginResult.CODE_REQUIRED
    return _admit(context, found.person)


def log_in_with_code(context: AppContext, code: str) -> LoginResult:
    """Start the session of a person whose password was right, with a code of the second factor.

    Raises:
        NotAllowedError: too many failed attempts, or the account has been closed.
        StoreError: the key of the second factors is missing.
    """
    # The login comes from the password step, never from the browser a second time.
    login, _ = st.session_state[_CODE_LOGIN_KEY]
    if not check_code(login_request(context), login, code):
        return LoginResult.WRONG_PASSWORD
    st.session_state.pop(_CODE_LOGIN_KEY)
    person = context.store.query(people.find_person, login)
    return LoginResult.WRONG_PASSWORD if person is None else _admit(context, person)


def _admit(context: AppContext, person: Person) -> LoginResult:
    if person.break_glass:
        st.session_state[_EMERGENCY_LOGIN_KEY] = (person.login, utc_now())
        return LoginResult.REASON_REQUIRED
    start_session(context, person.login)
    return LoginResult.LOGGED_IN


def _was_just_given(key: str) -> bool:
    """Return whether the password was just given, and what this key waits for not yet."""
    _, at = st.session_state.get(key, ("", datetime.min.replace(tzinfo=UTC)))
    return bool(utc_now() - at < _STEP_TIMEOUT)


def login_request(context: StoreContext) -> LoginRequest:
    """Return what a step of a login needs, with the browser that it comes from."""
    device = st.context.cookies.get(DEVICE_COOKIE)
    source = LoginSource(
        _client_address(context.settings), device if isinstance(device, str) else ""
    )
    return LoginRequest(context.store, context.settings, utc_now(), source)


def log_in_in_emergency(context: AppContext, reason: str) -> None:
    """Start the session of an emergency account.

    Raises:
        UsageError: the reason is too short.
    """
    # As with the code: whose password was right is known here, and is not asked again.
    login, _ = st.session_state[_EMERGENCY_LOGIN_KEY]
    context.store.change(access_notices.start_emergency_use, login, reason, utc_now())
    start_session(context, login)


def _client_address(settings: Settings) -> str:
    """Return the browser's IP address: from the proxy's header if one is configured, else the peer.

    Empty if the browser is on the same machine and no proxy is between.
    """
    named = st.context.headers.get(settings.address_header) if settings.address_header else None
    return named or st.context.ip_address or ""
