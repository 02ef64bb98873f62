"""Who sits at the screen.

Streamlit's own login (OIDC) says who somebody is; what the person may do is read from the staff
table at every run, so that a withdrawn right works at once. Each browser's session has a row in
the database (`store/sessions.py`): logging out anywhere, closing the account,
`settings.session_minutes` without activity and `settings.session_hours` in all end it at the
next run.

What the cookie of the organisation's login (OIDC) proves of somebody, and whether it still lets
them in.

Streamlit's cookie lives 30 days whatever the provider says, so its own end (`exp`), the moment
of the login (`iat`) and whether that login has been ended here are minded by us.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import streamlit as st

from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.store.accounts import emergency_access, people, sessions
from pipeline.store.accounts.sessions import Session
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from ui.workspace import AppContext, StoreContext

_EMERGENCY_REASON_TIMEOUT = timedelta(minutes=5)
ContextType = TypeVar("ContextType", bound=StoreContext)
ActionParams = ParamSpec("ActionParams")


def verify_provider_login(
    store: Store, claims: Mapping[str, object], lifetime: timedelta
) -> tuple[str, datetime] | None:
    """Whose account, and when the login at the provider was, if it begins a session; None if not.

    Somebody without an account here stays outside, as do accounts for emergencies, a login that
    has been ended here, and one older than `lasts`.
    """
    login = claims.get("preferred_username") or claims.get("email")
    proved, expires, now = (
        _parse_timestamp(claims.get("iat")),
        _parse_timestamp(claims.get("exp")),
        utc_now(),
    )
    if (
        not isinstance(login, str)
        or proved is None
        or expires is None
        or expires <= now
        or now - proved > lifetime
    ):
        return None
    with store.read() as conn:
        person = people.find_person(conn, login)
        used_up = sessions.is_login_consumed(conn, login, proved)
    return (
        (login, proved) if person is not None and not person.break_glass and not used_up else None
    )


def _parse_timestamp(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None


_LOGIN_KEY, _TOKEN_KEY, _ACTIVE_AT_KEY, _EXPIRED_KEY, _LEFT_KEY, _TOUCHED_KEY = (
    "login",
    "session_token",
    "active_at",
    "session_expired",
    "left",
    "touched_at",
)


_EMERGENCY_LOGIN_KEY, _MUST_CHANGE_KEY, _DRAWN_FOR_KEY, _ACTED_KEY = (
    "emergency_login",
    "must_change_password",
    "drawn_for",
    "acted",
)


_KEYS_KEPT_AT_LOGOUT = {"language", _EXPIRED_KEY, _LEFT_KEY}


class LoginResult(Enum):
    """What came of a name and a password."""

    WRONG_PASSWORD = "wrong"
    LOGGED_IN = "logged in"
    REASON_REQUIRED = "an account for emergencies: the reason is to be given first"


class SessionEnd(StrEnum):
    """How a session ended, if not in this window by its person; also the key of its text."""

    IDLE = "ran_out"
    TOO_LONG = "ran_long"
    ELSEWHERE = "ended_elsewhere"


def current_person(context: AppContext, *, active: bool = True) -> Person | None:
    """The person who is logged in; None when nobody is, or the session has ended, here or
    elsewhere. `active` counts as activity.
    """
    if (
        context.settings.oidc
        and _TOKEN_KEY not in st.session_state
        and _LEFT_KEY not in st.session_state
    ):
        proved = verify_provider_login(
            context.store,
            st.user.to_dict() if st.user.is_logged_in else {},
            _session_limits(context.settings)[1],
        )
        if proved is not None:
            _start_session(context, *proved)
    token = st.session_state.get(_TOKEN_KEY)
    if token is None:
        return None
    now = utc_now()
    with context.store.read() as conn:
        held = sessions.find_session(conn, token)
        person = people.find_person(conn, held.login) if held else None
    if held is None or person is None:
        _end_session(SessionEnd.ELSEWHERE)
        return None
    if _has_run_out(context.settings, now) or held.has_expired(
        now, *_session_limits(context.settings)
    ):
        _end_expired_session(
            context, token, now, too_old=held.is_too_old(now, _session_limits(context.settings)[1])
        )
        return None
    st.session_state[_DRAWN_FOR_KEY] = person
    st.session_state[_MUST_CHANGE_KEY] = held.must_change and not context.settings.oidc
    if active:
        _note_active(context, held, now)
    return person


def log_in(context: AppContext, login: str, password: str) -> LoginResult:
    """Start a session with a local account. Where people log in through the organisation, only
    accounts for emergencies have a password.

    Raises:
        NotAllowedError: too many failed attempts.
    """
    with context.store.begin() as conn:
        person = people.authenticate(
            conn,
            login.strip(),
            password,
            address=_client_address(context.settings),
            emergencies_only=context.settings.oidc,
        )
    if person is None:
        return LoginResult.WRONG_PASSWORD
    if person.break_glass:
        st.session_state[_EMERGENCY_LOGIN_KEY] = (person.login, utc_now())
        return LoginResult.REASON_REQUIRED
    _start_session(context, person.login)
    return LoginResult.LOGGED_IN


def is_session_open(context: StoreContext) -> bool:
    """Whether the session of this window goes on, with the rights that the screen was drawn for.
    For callbacks, which run before `current_person`.
    """
    return _open_session(context, utc_now()) is not None


def note_activity(context: StoreContext) -> bool:
    """Count as activity what draws no whole screen, such as typing; answers whether the session
    goes on, as `is_open`.
    """
    now = utc_now()
    held = _open_session(context, now)
    if held is not None:
        _note_active(context, held, now)
    return held is not None


def _open_session(context: StoreContext, now: datetime) -> Session | None:
    token = st.session_state.get(_TOKEN_KEY)
    if token is None:
        return None
    with context.store.read() as conn:
        held = sessions.find_session(conn, token)
        person = people.find_person(conn, held.login) if held else None
    if (
        held is None
        or _has_run_out(context.settings, now)
        or held.has_expired(now, *_session_limits(context.settings))
    ):
        return None
    return (
        held
        if person is not None and person == st.session_state.get(_DRAWN_FOR_KEY, person)
        else None
    )


def _note_active(context: StoreContext, held: Session, now: datetime) -> None:
    st.session_state[_ACTIVE_AT_KEY] = now
    if now - held.active_at > sessions.TOUCH_INTERVAL:
        with context.store.begin() as conn:
            sessions.touch_session(conn, st.session_state[_TOKEN_KEY], now)


def requires_open_session(
    act: Callable[Concatenate[ContextType, ActionParams], None],
) -> Callable[Concatenate[ContextType, ActionParams], None]:
    """What a button or a key does, which is not done once the session has ended, here or elsewhere:
    as `is_open`.
    """

    @wraps(act)
    def done(
        context: ContextType, /, *args: ActionParams.args, **kwargs: ActionParams.kwargs
    ) -> None:
        if is_session_open(context):
            st.session_state[_ACTED_KEY] = True
            act(context, *args, **kwargs)

    return done


def begin_session_run() -> None:
    """The whole screen is drawn: it shows what every press before it has done."""
    st.session_state.pop(_ACTED_KEY, None)


def consume_acted() -> bool:
    """Whether a press has done something that the screen does not show yet; told once. A part of
    the screen that finds this in a run of its own has all drawn: what leaves the browser in one
    moment runs only the part that asked first.
    """
    return st.session_state.pop(_ACTED_KEY, False) is True


def is_emergency_reason_due() -> bool:
    """Whether somebody has given the password of an account for emergencies a moment ago, and not
    the reason.
    """
    _, at = st.session_state.get(_EMERGENCY_LOGIN_KEY, ("", datetime.min.replace(tzinfo=UTC)))
    return bool(utc_now() - at < _EMERGENCY_REASON_TIMEOUT)


def log_in_in_emergency(context: AppContext, reason: str) -> None:
    """Start the session of an account for emergencies.

    Raises:
        UsageError: the reason says too little.
    """
    login, _ = st.session_state[_EMERGENCY_LOGIN_KEY]
    with context.store.begin() as conn:
        emergency_access.start_emergency_use(conn, login, reason, utc_now())
    _start_session(context, login)


def is_password_change_due() -> bool:
    """Whether the person has to choose a password before anything else."""
    return bool(st.session_state.get(_MUST_CHANGE_KEY))


def log_out(context: AppContext) -> None:
    """End the session, those of the same person in other browsers, and forget everything of it."""
    login = st.session_state.get(_LOGIN_KEY)
    if login is not None:
        with context.store.begin() as conn:
            count = sessions.end_all_sessions(conn, login, utc_now(), "logged out")
            record(conn, login, "log_out", login, sessions=count)
    _clear_session_state()
    st.session_state[_LEFT_KEY] = True
    if context.settings.oidc and st.user.is_logged_in:
        st.logout()


def log_in_by_provider() -> None:
    """Go to the provider. A cookie that is there is of an earlier login, which has ended: it lets
    nobody in again.
    """
    st.session_state.pop(_LEFT_KEY, None)
    st.login()


def has_ended_here() -> bool:
    """Whether a session has ended in this window, so that the cookie of the provider counts no
    more.
    """
    return _LEFT_KEY in st.session_state


def last_session_end() -> SessionEnd | None:
    """How the last session ended, if not in this window by its person; told until somebody logs in."""
    found: SessionEnd | None = st.session_state.get(_EXPIRED_KEY)
    return found


@st.fragment(run_every="20s")
def watch_session(context: AppContext) -> None:
    """Take the screen away when the session has ended, here or elsewhere, while nobody touches
    anything.
    """
    token = st.session_state.get(_TOKEN_KEY)
    if token is None:
        return
    with context.store.read() as conn:
        held = sessions.find_session(conn, token)
    if held is None or _has_run_out(context.settings, utc_now()):
        st.rerun()


def _start_session(context: AppContext, login: str, proved_at: datetime | None = None) -> None:
    _clear_session_state()
    st.session_state.pop(_EXPIRED_KEY, None)
    now = utc_now()
    with context.store.begin() as conn:
        st.session_state[_TOKEN_KEY] = sessions.start_session(conn, login, now, proved_at)
    st.session_state[_LOGIN_KEY], st.session_state[_ACTIVE_AT_KEY] = login, now


def _end_expired_session(context: AppContext, token: str, now: datetime, *, too_old: bool) -> None:
    with context.store.begin() as conn:
        sessions.expire_session(conn, token, now)
    _end_session(SessionEnd.TOO_LONG if too_old else SessionEnd.IDLE)


def _end_session(how: SessionEnd) -> None:
    _clear_session_state()
    st.session_state[_EXPIRED_KEY], st.session_state[_LEFT_KEY] = how, True


def _clear_session_state() -> None:
    for key in [key for key in st.session_state if key not in _KEYS_KEPT_AT_LOGOUT]:
        del st.session_state[key]


def _has_run_out(settings: Settings, now: datetime) -> bool:
    active_at: datetime = st.session_state.get(_ACTIVE_AT_KEY, now)
    return now - active_at > timedelta(minutes=settings.session_minutes)


def _session_limits(settings: Settings) -> tuple[timedelta, timedelta]:
    return timedelta(minutes=settings.session_minutes), timedelta(hours=settings.session_hours)


def _client_address(settings: Settings) -> str:
    """Where the browser is: what the proxy in front says, where one is told of; empty on this
    machine itself.
    """
    given = (
        st.context.headers.get(settings.address_header)
        if settings.address_header
        else st.context.ip_address
    )
    return given if isinstance(given, str) else ""
