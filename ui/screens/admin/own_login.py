"""Min inloggning: change the own password, and set up the second factor with its recovery codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import segno
import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.login.accounts import (
    make_secret,
    remove_own_second_factor,
    renew_recovery_codes,
    secret_uri,
)
from pipeline.login.passwords import MIN_PASSWORD_LENGTH
from pipeline.store.accounts.login import second_factor
from pipeline.store.accounts.login.second_factor import has_second_factor
from ui import session
from ui.i18n import t
from ui.markdown import md
from ui.screens.admin import login
from ui.screens.admin.login import password_form
from ui.session import requires_open_session
from ui.widgets.heading import OWN_LOGIN_KEY, person_menu
from ui.widgets.messages import show_error
from ui.workspace import AppContext

_STEP_KEY, _SECRET_KEY, _CODES_KEY = "own_login_step", "own_login_secret", "own_login_codes"
_MESSAGE_KEY = "own_login_message"
_QR_SIDE_PX = 220


def show(context: AppContext, person: Person) -> None:
    """Show what the user's own login consists of, or one step of changing it."""
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        if codes := st.session_state.get(_CODES_KEY):
            _show_codes(codes)
            return
        match st.session_state.get(_STEP_KEY):
            case "password":
                _password_step(context, person)
            case "add":
                _add_step(context, person)
            case "renew" | "remove" as step:
                _code_step(context, person, step)
            case _:
                _overview(context, person)


def show_required(context: AppContext, person: Person) -> None:
    """Ask a user whose role demands it to set up the second factor before anything else."""
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        _add_step(context, person, is_required=True)
        person_menu(context, person)


def are_codes_shown() -> bool:
    """Return whether recovery codes are on the screen, which are shown only once."""
    return _CODES_KEY in st.session_state


def _overview(context: AppContext, person: Person) -> None:
    st.title(t("own_login.title"), anchor=False)
    if message := st.session_state.pop(_MESSAGE_KEY, None):
        st.success(t(message), icon=":material/check:")
    with context.store.read() as conn:
        has_code = second_factor.has_second_factor(conn, person.login)
        count = second_factor.count_recovery_codes(conn, person.login)
    with st.container(border=True):
        st.header(t("own_login.second_factor"), anchor=False)
        if has_code:
            st.markdown(t("own_login.is_on"))
            st.markdown(md("own_login.codes_left", count=count))
            with st.container(horizontal=True):
                _step_button("renew", ":material/receipt_long:")
                _step_button("remove", ":material/no_encryption:")
        else:
            st.markdown(t("own_login.is_off"))
            _step_button("add", ":material/phonelink_lock:", is_primary=True)
    with st.container(border=True):
        st.header(t("own_login.password_title"), anchor=False)
        st.markdown(t("own_login.password_what"))
        _step_button("password", ":material/key:")
    st.button(t("own_login.close"), key="own_login_close", on_click=_close)


def _step_button(step: str, icon: str, *, is_primary: bool = False) -> None:
    st.button(
        t(f"own_login.{step}"),
        key=f"own_login_{step}",
        icon=icon,
        type="primary" if is_primary else "secondary",
        on_click=partial(st.session_state.__setitem__, _STEP_KEY, step),
    )


def _password_step(context: AppContext, person: Person) -> None:
    st.title(t("own_login.password"), anchor=False)
    st.markdown(md("own_login.password_rules", count=MIN_PASSWORD_LENGTH))
    if password_form(context, person, "own_login.password_now"):
        _finish_step("own_login.password_done")
    _back_button()


def _add_step(context: AppContext, person: Person, *, is_required: bool = False) -> None:
    """Show the secret to the user's app, and ask for a code to prove that it has it."""
    st.title(t("own_login.add"), anchor=False)
    if is_required:
        st.info(t("own_login.required"), icon=":material/info:")
    secret = st.session_state.setdefault(_SECRET_KEY, make_secret())
    st.markdown(t("own_login.add_app"))
    picture = segno.make(secret_uri(secret, person.login)).svg_data_uri(scale=5)
    st.html(
        f'<img src="{picture}" width="{_QR_SIDE_PX}" height="{_QR_SIDE_PX}"'
        f' alt="{t("own_login.qr")}" style="background:#fff">'
    )
    with st.expander(t("own_login.by_hand")):
        st.code(" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)), None)
    with st.form("own_login_form", border=True):
        code = st.text_input(
            t("own_login.add_code"), key="own_login_code", autocomplete="one-time-code"
        )
        is_sent = st.form_submit_button(
            t("own_login.confirm"), key="own_login_submit", type="primary", width="stretch"
        )
    if not is_required:
        _back_button()
    if is_sent:
        _run_step(partial(_add, context, person, secret, code))


@requires_open_session
def _add(context: AppContext, person: Person, secret: str, code: str) -> None:
    st.session_state[_CODES_KEY] = second_factor.add_second_factor(
        login.login_request(context), person.login, secret, code, session.session_token()
    )
    del st.session_state[_SECRET_KEY]


def _code_step(context: AppContext, person: Person, step: str) -> None:
    """Ask for a code before the recovery codes are renewed or the second factor is removed."""
    st.title(t(f"own_login.{step}"), anchor=False)
    st.markdown(t(f"own_login.{step}_what"))
    with st.form("own_login_form", border=True):
        code = st.text_input(
            t("code_login.code"), key="own_login_code", autocomplete="one-time-code"
        )
        is_sent = st.form_submit_button(
            t(f"own_login.{step}_confirm"), key="own_login_submit", type="primary", width="stretch"
        )
    _back_button()
    if is_sent:
        _run_step(partial(_renew if step == "renew" else _remove, context, person, code))


@requires_open_session
def _renew(context: AppContext, person: Person, code: str) -> None:
    request = login.login_request(context)
    codes = renew_recovery_codes(request, person.login, code)
    if codes is None:
        st.error(t("code_login.wrong"), icon=":material/error:")
        return
    st.session_state[_CODES_KEY] = codes


@requires_open_session
def _remove(context: AppContext, person: Person, code: str) -> None:
    request = login.login_request(context)
    if not remove_own_second_factor(request, person.login, code):
        st.error(t("code_login.wrong"), icon=":material/error:")
        return
    _finish_step("own_login.remove_done")


def _run_step(step: Callable[[], None]) -> None:
    try:
        step()
    except EfterskriftError as error:
        show_error(error)
        return
    # The codes have a screen of their own, which the app chooses before it draws anything.
    if are_codes_shown():
        st.rerun()


def _show_codes(codes: tuple[str, ...]) -> None:
    """Show new recovery codes, once, until the user says that they are on paper."""
    st.title(t("own_login.codes_title"), anchor=False)
    st.markdown(t("own_login.codes_what"))
    with st.container(border=True, key="recovery_codes"):
        for row in range(0, len(codes), 2):
            for column, code in zip(st.columns(2), codes[row : row + 2], strict=True):
                column.text(code)
    st.button(
        t("own_login.codes_kept"),
        key="own_login_kept",
        type="primary",
        on_click=_forget_codes,
        width="stretch",
    )


def _forget_codes() -> None:
    st.session_state.pop(_CODES_KEY, None)
    st.session_state.pop(_STEP_KEY, None)
    st.session_state[_MESSAGE_KEY] = "own_login.codes_done"


def _finish_step(message: str) -> None:
    st.session_state.pop(_STEP_KEY, None)
    st.session_state[_MESSAGE_KEY] = message
    st.rerun()


def _back_button() -> None:
    st.button(
        t("login.back"),
        key="own_login_back",
        on_click=partial(st.session_state.pop, _STEP_KEY, None),
    )


def _close() -> None:
    for key in (OWN_LOGIN_KEY, _STEP_KEY, _SECRET_KEY, _MESSAGE_KEY):
        st.session_state.pop(key, None)


def is_second_factor_due(context: AppContext, person: Person) -> bool:
    """Return whether the user's role demands a second factor that the account lacks."""
    if context.settings.oidc or person.break_glass:
        return False
    if context.settings.second_factor_roles.isdisjoint(person.roles):
        return False
    return not context.store.query(has_second_factor, person.login)
