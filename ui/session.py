"""Who sits at the screen.

Streamlit's own login (OIDC) says who somebody is; what the person may do is read from the staff table at every run,
so that a withdrawn right works at once. Each browser's session has a row in the database (`store/sessions.py`): logging out anywhere, closing the
account, `settings.session_minutes` without activity and `settings.session_hours` in all end it at the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import streamlit as st

from pipeline.model import Person
from pipeline.settings import Settings
from pipeline.store import emergencies, people, sessions
from pipeline.store.clock import utc_now
from pipeline.store.events import record
from pipeline.store.sessions import Session
from ui.provider_claims import proved_login
from ui.site import HasStore, Site

_LOGIN, _TOKEN, _ACTIVE, _EXPIRED, _LEFT, _TOUCHED = "login", "session_token", "active_at", "session_expired", "left", "touched_at"
_EMERGENCY, _MUST_CHANGE, _DRAWN_FOR, _ACTED = "emergency_login", "must_change_password", "drawn_for", "acted"
_KEPT = {"language", _EXPIRED, _LEFT}
_REASON_WITHIN = timedelta(minutes=5)


_H = TypeVar("_H", bound=HasStore)
_P = ParamSpec("_P")


class Entered(Enum):
    """What came of a name and a password."""

    NO = "wrong"
    YES = "logged in"
    REASON = "an account for emergencies: the reason is to be given first"


class Ended(StrEnum):
    """How a session ended, if not in this window by its person; also the key of its text."""

    IDLE = "ran_out"
    TOO_LONG = "ran_long"
    ELSEWHERE = "ended_elsewhere"


def current_person(here: Site, *, active: bool = True) -> Person | None:
    """The person who is logged in; None when nobody is, or the session has ended, here or elsewhere. `active` counts as activity."""
    if here.settings.oidc and _TOKEN not in st.session_state and _LEFT not in st.session_state:
        proved = proved_login(here.store, st.user.to_dict() if st.user.is_logged_in else {}, _limits(here.settings)[1])
        if proved is not None:
            _start(here, *proved)
    token = st.session_state.get(_TOKEN)
    if token is None:
        return None
    now = utc_now()
    with here.store.read() as conn:
        held = sessions.held(conn, token)
        person = people.person(conn, held.login) if held else None
    if held is None or person is None:
        _end(Ended.ELSEWHERE)
        return None
    if _has_run_out(here.settings, now) or held.has_run_out(now, *_limits(here.settings)):
        _end_run_out(here, token, now, too_old=held.is_too_old(now, _limits(here.settings)[1]))
        return None
    st.session_state[_DRAWN_FOR] = person
    st.session_state[_MUST_CHANGE] = held.must_change and not here.settings.oidc
    if active:
        _mark_active(here, held, now)
    return person


def log_in(here: Site, login: str, password: str) -> Entered:
    """Start a session with a local account. Where people log in through the organisation, only accounts for emergencies have a password.

    Raises:
        NotAllowedError: too many failed attempts.
    """
    with here.store.begin() as conn:
        person = people.authenticate(conn, login.strip(), password, address=_address(here.settings), emergencies_only=here.settings.oidc)
    if person is None:
        return Entered.NO
    if person.break_glass:
        st.session_state[_EMERGENCY] = (person.login, utc_now())
        return Entered.REASON
    _start(here, person.login)
    return Entered.YES


def is_open(here: HasStore) -> bool:
    """Whether the session of this window goes on, with the rights that the screen was drawn for. For callbacks, which run before `current_person`."""
    return _open_session(here, utc_now()) is not None


def note_activity(here: HasStore) -> bool:
    """Count as activity what draws no whole screen, such as typing; answers whether the session goes on, as `is_open`."""
    now = utc_now()
    held = _open_session(here, now)
    if held is not None:
        _mark_active(here, held, now)
    return held is not None


def _open_session(here: HasStore, now: datetime) -> Session | None:
    token = st.session_state.get(_TOKEN)
    if token is None:
        return None
    with here.store.read() as conn:
        held = sessions.held(conn, token)
        person = people.person(conn, held.login) if held else None
    if held is None or _has_run_out(here.settings, now) or held.has_run_out(now, *_limits(here.settings)):
        return None
    return held if person is not None and person == st.session_state.get(_DRAWN_FOR, person) else None


def _mark_active(here: HasStore, held: Session, now: datetime) -> None:
    st.session_state[_ACTIVE] = now
    if now - held.active_at > sessions.TOUCHED_AFTER:
        with here.store.begin() as conn:
            sessions.touch(conn, st.session_state[_TOKEN], now)


def while_open(act: Callable[Concatenate[_H, _P], None]) -> Callable[Concatenate[_H, _P], None]:
    """What a button or a key does, which is not done once the session has ended, here or elsewhere: as `is_open`."""

    @wraps(act)
    def done(here: _H, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        if is_open(here):
            st.session_state[_ACTED] = True
            act(here, *args, **kwargs)

    return done


def begin_run() -> None:
    """The whole screen is drawn: it shows what every press before it has done."""
    st.session_state.pop(_ACTED, None)


def has_acted() -> bool:
    """Whether a press has done something that the screen does not show yet; told once. A part of the screen that finds this in a run of its own has
    all drawn: what leaves the browser in one moment runs only the part that asked first."""
    return st.session_state.pop(_ACTED, False) is True


def asks_for_reason() -> bool:
    """Whether somebody has given the password of an account for emergencies a moment ago, and not the reason."""
    _, at = st.session_state.get(_EMERGENCY, ("", datetime.min.replace(tzinfo=UTC)))
    return bool(utc_now() - at < _REASON_WITHIN)


def enter_in_emergency(here: Site, reason: str) -> None:
    """Start the session of an account for emergencies.

    Raises:
        UsageError: the reason says too little.
    """
    login, _ = st.session_state[_EMERGENCY]
    with here.store.begin() as conn:
        emergencies.begin_use(conn, login, reason, utc_now())
    _start(here, login)


def must_change_password() -> bool:
    """Whether the person has to choose a password before anything else."""
    return bool(st.session_state.get(_MUST_CHANGE))


def log_out(here: Site) -> None:
    """End the session, those of the same person in other browsers, and forget everything of it."""
    login = st.session_state.get(_LOGIN)
    if login is not None:
        with here.store.begin() as conn:
            count = sessions.end_all(conn, login, utc_now(), "logged out")
            record(conn, login, "log_out", login, sessions=count)
    _forget()
    st.session_state[_LEFT] = True
    if here.settings.oidc and st.user.is_logged_in:
        st.logout()


def log_in_by_provider() -> None:
    """Go to the provider. A cookie that is there is of an earlier login, which has ended: it lets nobody in again."""
    st.session_state.pop(_LEFT, None)
    st.login()


def has_left() -> bool:
    """Whether a session has ended in this window, so that the cookie of the provider counts no more."""
    return _LEFT in st.session_state


def ended() -> Ended | None:
    """How the last session ended, if not in this window by its person; told until somebody logs in."""
    found: Ended | None = st.session_state.get(_EXPIRED)
    return found


@st.fragment(run_every="20s")
def watch_session(here: Site) -> None:
    """Take the screen away when the session has ended, here or elsewhere, while nobody touches anything."""
    token = st.session_state.get(_TOKEN)
    if token is None:
        return
    with here.store.read() as conn:
        held = sessions.held(conn, token)
    if held is None or _has_run_out(here.settings, utc_now()):
        st.rerun()


def _start(here: Site, login: str, proved_at: datetime | None = None) -> None:
    _forget()
    st.session_state.pop(_EXPIRED, None)
    now = utc_now()
    with here.store.begin() as conn:
        st.session_state[_TOKEN] = sessions.start(conn, login, now, proved_at)
    st.session_state[_LOGIN], st.session_state[_ACTIVE] = login, now


def _end_run_out(here: Site, token: str, now: datetime, *, too_old: bool) -> None:
    with here.store.begin() as conn:
        sessions.run_out(conn, token, now)
    _end(Ended.TOO_LONG if too_old else Ended.IDLE)


def _end(how: Ended) -> None:
    _forget()
    st.session_state[_EXPIRED], st.session_state[_LEFT] = how, True


def _forget() -> None:
    for key in [key for key in st.session_state if key not in _KEPT]:
        del st.session_state[key]


def _has_run_out(settings: Settings, now: datetime) -> bool:
    active_at: datetime = st.session_state.get(_ACTIVE, now)
    return now - active_at > timedelta(minutes=settings.session_minutes)


def _limits(settings: Settings) -> tuple[timedelta, timedelta]:
    return timedelta(minutes=settings.session_minutes), timedelta(hours=settings.session_hours)


def _address(settings: Settings) -> str:
    """Where the browser is: what the proxy in front says, where one is told of; empty on this machine itself."""
    given = st.context.headers.get(settings.address_header) if settings.address_header else st.context.ip_address
    return given if isinstance(given, str) else ""
