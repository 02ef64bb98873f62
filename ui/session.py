"""The session of the user at the screen: login, activity, and its end.

Streamlit's own login (OIDC) says who the user is; permissions are read from the staff table at
every run, so that a withdrawn permission takes effect at once. Each browser's session has a row in
the database (`store/accounts/sessions.py`): logging out anywhere, closing the account,
`settings.session_minutes` without activity and `settings.session_hours` in all end it at the next
run.

The browser proves its session by a cookie that it gets for a ticket (`ui/access/`). Until it has
the cookie, nothing but the exchange is drawn; a window that is opened or loaded again brings it and
is logged in. All windows of a browser share one session.

`ui/access/logins.py` checks what a provider says before a session starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.sessions import Session
from pipeline.store.event_log.events import record
from pipeline.store.schema.clock import utc_now
from ui.access.bindings import BINDINGS, TICKETS, TicketState
from ui.access.cookie import read_token
from ui.access.logins import session_limits, verify_provider_login
from ui.access.screen_socket import NAME_HEADER, set_logged_in
from ui.access.site import LOST_HEADER
from ui.workspace import AppContext, StoreContext

_LOGIN_KEY, _TOKEN_KEY, _ACTIVE_AT_KEY = "login", "session_token", "active_at"
_TICKET_KEY, _LOST_KEY = "cookie_ticket", "connection_lost"
_EXPIRED_KEY, _LEFT_KEY = "session_expired", "left"
_MUST_CHANGE_KEY = "must_change_password"
_DRAWN_FOR_KEY, _ACTED_KEY = "drawn_for", "acted"
_KEYS_KEPT_AT_LOGOUT = {"language", _EXPIRED_KEY, _LEFT_KEY}

ContextType = TypeVar("ContextType", bound=StoreContext)
ActionParams = ParamSpec("ActionParams")


class SessionEnd(StrEnum):
    """How a session ended, unless the user ended it in this window; also the key of its text."""

    IDLE = "ran_out"
    TOO_LONG = "ran_long"
    ELSEWHERE = "ended_elsewhere"


def current_person(context: AppContext, *, active: bool = True) -> Person | None:
    """Return the user who is logged in, or None if there is none or the session has ended.

    A session also ends by logging out elsewhere. `active`: count this call as activity.
    """
    # The cookie of a login that is open continues it in this window, unless that has just ended.
    if _TOKEN_KEY not in st.session_state and _LEFT_KEY not in st.session_state:
        _continue_session(context)
    # A valid login at the provider starts a session, unless one has just been ended here.
    if (
        context.settings.oidc
        and _TOKEN_KEY not in st.session_state
        and _LEFT_KEY not in st.session_state
    ):
        provider_login = verify_provider_login(
            context.store,
            st.user.to_dict() if st.user.is_logged_in else {},
            session_limits(context.settings)[1],
        )
        if provider_login is not None:
            start_session(context, *provider_login)
    token = st.session_state.get(_TOKEN_KEY)
    if token is None:
        return None
    now = utc_now()
    with context.store.read() as conn:
        stored = sessions.find_session(conn, token)
        person = people.find_person(conn, stored.login) if stored else None
    # Ended elsewhere, or too old, or too long without activity.
    if stored is None or person is None:
        _end_session(SessionEnd.ELSEWHERE)
        return None
    if _has_run_out(context.settings, stored, now) or stored.has_expired(
        now, *session_limits(context.settings)
    ):
        _end_expired_session(
            context,
            token,
            now,
            too_old=stored.is_too_old(now, session_limits(context.settings)[1]),
        )
        return None
    _bind_session(token)
    # Callbacks compare with the user that the screen was drawn for.
    st.session_state[_DRAWN_FOR_KEY] = person
    st.session_state[_MUST_CHANGE_KEY] = stored.must_change and not context.settings.oidc
    if active:
        _note_active(context, stored, now)
    return person


def session_token() -> str | None:
    """Return the token of this window's session."""
    token: str | None = st.session_state.get(_TOKEN_KEY)
    return token


def is_session_open(context: StoreContext) -> bool:
    """Return whether the session of this window is open, with unchanged permissions.

    For callbacks, which run before `current_person`: the permissions are compared with those that
    the screen was drawn for.
    """
    return _open_session(context, utc_now()) is not None


def note_activity(context: StoreContext) -> bool:
    """Count an act that draws no whole screen, such as typing, as activity.

    Return whether the session is open, as `is_session_open`.
    """
    now = utc_now()
    stored = _open_session(context, now)
    if stored is not None:
        _note_active(context, stored, now)
    return stored is not None


def _open_session(context: StoreContext, now: datetime) -> Session | None:
    token = st.session_state.get(_TOKEN_KEY)
    if token is None:
        return None
    with context.store.read() as conn:
        stored = sessions.find_session(conn, token)
        person = people.find_person(conn, stored.login) if stored else None
    if (
        stored is None
        or _has_run_out(context.settings, stored, now)
        or stored.has_expired(now, *session_limits(context.settings))
    ):
        return None
    # A changed account (role, units) makes the screen that was drawn invalid.
    is_unchanged = person is not None and person == st.session_state.get(_DRAWN_FOR_KEY, person)
    return stored if is_unchanged else None


def _note_active(context: StoreContext, stored: Session, now: datetime) -> None:
    st.session_state[_ACTIVE_AT_KEY] = now
    if now - stored.active_at > sessions.TOUCH_INTERVAL:
        with context.store.begin() as conn:
            sessions.touch_session(conn, st.session_state[_TOKEN_KEY], now)


def requires_open_session(
    act: Callable[Concatenate[ContextType, ActionParams], None],
) -> Callable[Concatenate[ContextType, ActionParams], None]:
    """Decorate a callback of a button or key so that it does nothing once the session has ended.

    See `is_session_open`.
    """

    @wraps(act)
    def run_if_open(
        context: ContextType, /, *args: ActionParams.args, **kwargs: ActionParams.kwargs
    ) -> None:
        if is_session_open(context):
            st.session_state[_ACTED_KEY] = True
            st.session_state.pop(_LOST_KEY, None)
            act(context, *args, **kwargs)

    return run_if_open


def begin_session_run() -> None:
    """Note that the whole screen is drawn: it shows what all earlier callbacks did."""
    st.session_state.pop(_ACTED_KEY, None)


def was_connection_lost() -> bool:
    """Return whether this window lost its screen with the connection, until the user acts again."""
    return _LOST_KEY in st.session_state


def consume_acted() -> bool:
    """Return, once, whether a callback has changed something that the screen does not show yet.

    A fragment that gets True in a run of its own has the whole screen drawn: of several events that
    leave the browser at the same moment, only the fragment of the first is run.
    """
    return st.session_state.pop(_ACTED_KEY, False) is True


@contextmanager
def drawing_own_acts() -> Iterator[None]:
    """Let acts within it change nothing for `consume_acted`: the caller draws what they do."""
    before = st.session_state.get(_ACTED_KEY, False)
    yield
    st.session_state[_ACTED_KEY] = before


def is_password_change_due() -> bool:
    """Return whether the user has to choose a password before anything else."""
    return bool(st.session_state.get(_MUST_CHANGE_KEY))


def log_out(context: AppContext) -> None:
    """End this session and the user's sessions in other browsers, and clear the session state."""
    login, owner = st.session_state.get(_LOGIN_KEY), ""
    if login is not None:
        with context.store.begin() as conn:
            owner = owner_of(sessions.unsent_key(conn, login))
            count = sessions.end_all_sessions(conn, login, utc_now(), sessions.LOGGED_OUT)
            record(conn, login, "log_out", login, sessions=count)
    _clear_session_state()
    st.session_state[_LEFT_KEY] = owner
    if context.settings.oidc and st.user.is_logged_in:
        st.logout()


def owner_of(key: bytes) -> str:
    """Return what the browser knows by whose the records of this key are."""
    return hashlib.sha256(key).hexdigest()[:16]


def left_owner() -> str:
    """Return whose records this browser has to forget: who has just logged out in this window."""
    return str(st.session_state.get(_LEFT_KEY, ""))


def log_in_by_provider() -> None:
    """Go to the login of the provider.

    A cookie that is there belongs to an earlier login, which has ended: it starts no session.
    """
    st.session_state.pop(_LEFT_KEY, None)
    st.login()


def has_ended_here() -> bool:
    """Return whether a session has ended in this window.

    The provider's cookie is then ignored.
    """
    return _LEFT_KEY in st.session_state


def last_session_end() -> SessionEnd | None:
    """Return how the last session ended, unless the user ended it in this window.

    Kept until the next login.
    """
    end: SessionEnd | None = st.session_state.get(_EXPIRED_KEY)
    return end


@st.fragment(run_every="20s")
def watch_session(context: AppContext) -> None:
    """Clear the screen when the session has ended, here or elsewhere, without waiting for input."""
    token = st.session_state.get(_TOKEN_KEY)
    if token is None:
        return
    with context.store.read() as conn:
        stored = sessions.find_session(conn, token)
    # A fragment cannot clear the screen around it.
    if stored is None or _has_run_out(context.settings, stored, utc_now()):
        st.rerun()


def start_session(context: AppContext, login: str, logged_in_at: datetime | None = None) -> None:
    """Start a session of this window; `logged_in_at` is when the login's provider was satisfied."""
    # First: what an earlier user of this window typed must not be found in widgets of the same key.
    _clear_session_state()
    st.session_state.pop(_EXPIRED_KEY, None)
    now = utc_now()
    with context.store.begin() as conn:
        token = sessions.start_session(conn, login, now, logged_in_at)
    st.session_state[_TOKEN_KEY] = token
    st.session_state[_LOGIN_KEY], st.session_state[_ACTIVE_AT_KEY] = login, now
    _bind_session(token)
    if is_cookie_required():
        st.session_state[_TICKET_KEY] = TICKETS.issue(token)


def is_cookie_required() -> bool:
    """Return whether this run is for a browser, which proves its login by a cookie."""
    return True


def browser_token() -> str | None:
    """Return the token of the cookie with which this window's connection was opened, or None."""
    return read_token(st.context.cookies, st.context.headers.get("Origin"))


def _bind_session(token: str) -> None:
    if (run := get_script_run_ctx()) is not None:
        BINDINGS.bind(run.session_id, token)
        set_logged_in(st.context.headers.get(NAME_HEADER), is_logged_in=True)


def _continue_session(context: AppContext) -> None:
    """Continue the login that this browser's cookie proves."""
    token = browser_token()
    if token is None:
        return
    with context.store.read() as conn:
        stored = sessions.find_session(conn, token)
    if stored is None or stored.has_expired(utc_now(), *session_limits(context.settings)):
        return
    st.session_state[_TOKEN_KEY], st.session_state[_LOGIN_KEY] = token, stored.login
    st.session_state[_ACTIVE_AT_KEY] = stored.active_at
    if st.context.headers.get(LOST_HEADER):
        st.session_state[_LOST_KEY] = True


def cookie_ticket() -> str | None:
    """Return the ticket that this browser still has to exchange for its cookie, or None."""
    ticket = st.session_state.get(_TICKET_KEY)
    if ticket is None:
        return None
    state = TICKETS.state(ticket)
    if state is TicketState.REDEEMED:
        del st.session_state[_TICKET_KEY]
        return None
    if state is TicketState.UNKNOWN:
        renew_ticket()
    return str(st.session_state[_TICKET_KEY])


def renew_ticket() -> None:
    """Issue another ticket for the login of this window."""
    st.session_state[_TICKET_KEY] = TICKETS.issue(st.session_state[_TOKEN_KEY])


def _end_expired_session(context: AppContext, token: str, now: datetime, *, too_old: bool) -> None:
    with context.store.begin() as conn:
        sessions.expire_session(conn, token, now)
    _end_session(SessionEnd.TOO_LONG if too_old else SessionEnd.IDLE)


def _end_session(end: SessionEnd) -> None:
    _clear_session_state()
    st.session_state[_EXPIRED_KEY], st.session_state[_LEFT_KEY] = end, ""


def _clear_session_state() -> None:
    if (run := get_script_run_ctx()) is not None:
        BINDINGS.release(run.session_id)
        set_logged_in(st.context.headers.get(NAME_HEADER), is_logged_in=False)
        run.uploaded_file_mgr.remove_session_files(run.session_id)
    for key in [key for key in st.session_state if key not in _KEYS_KEPT_AT_LOGOUT]:
        del st.session_state[key]


def _has_run_out(settings: Settings, stored: Session, now: datetime) -> bool:
    # The other windows of the browser share the session, and store their activity.
    active_at: datetime = max(st.session_state.get(_ACTIVE_AT_KEY, now), stored.active_at)
    return now - active_at > timedelta(minutes=settings.session_minutes)
