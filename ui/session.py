"""Who sits at the screen, and what the screens work with.

Streamlit's own login (OIDC) says who somebody is; what the person may do is read from the staff table at every run,
so that a withdrawn right works at once. A session ends after `settings.session_minutes` without activity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from pipeline.model import Person
from pipeline.settings import Settings, load_settings
from pipeline.store import people
from pipeline.store.clock import utc_now
from pipeline.store.database import Store, open_store
from pipeline.store.events import record
from pipeline.template import Forms

_LOGIN, _ACTIVE, _EXPIRED, _LEFT = "login", "active_at", "session_expired", "left"
_KEPT = {"language", _EXPIRED, _LEFT}


@dataclass(frozen=True)
class Site:
    """One workspace: its settings, its store and its forms."""

    settings: Settings
    store: Store
    forms: Forms


def site() -> Site:
    """The workspace that `EFTERSKRIFT_WORKSPACE` names.

    Raises:
        UsageError: the settings are wrong.
        StoreError: there is no store, or it cannot be opened.
    """
    settings = load_settings()
    return _opened(settings.model_dump_json(), settings)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(key: str, _settings: Settings) -> Site:
    del key
    return Site(_settings, open_store(_settings), Forms.load(_settings.forms))


def current_person(here: Site, *, active: bool = True) -> Person | None:
    """The person who is logged in; None when nobody is, or the session has run out. `active` counts as activity."""
    if here.settings.oidc and _LOGIN not in st.session_state and _LEFT not in st.session_state:
        _take_oidc_login(st.user.to_dict() if st.user.is_logged_in else {})
    login = st.session_state.get(_LOGIN)
    if login is None:
        return None
    now = utc_now()
    if _has_run_out(here.settings, now):
        _forget()
        st.session_state[_EXPIRED] = st.session_state[_LEFT] = True
        return None
    if active:
        st.session_state[_ACTIVE] = now
    with here.store.read() as conn:
        return people.person(conn, login)


def log_in(here: Site, login: str, password: str) -> bool:
    """Start a session with a local account; False when name and password do not fit.

    Raises:
        NotAllowedError: too many failed attempts.
    """
    with here.store.begin() as conn:
        person = people.authenticate(conn, login.strip(), password)
    if person is None:
        return False
    _start(person.login)
    return True


def log_out(here: Site) -> None:
    """End the session and forget everything of it."""
    login = st.session_state.get(_LOGIN)
    if login is not None:
        with here.store.begin() as conn:
            record(conn, login, "log_out", login)
    _forget()
    st.session_state[_LEFT] = True
    if here.settings.oidc and st.user.is_logged_in:
        st.logout()


def log_in_by_provider() -> None:
    """Come back after the session here ended, or go to the provider. Until the person asks for it, the provider's cookie lets nobody in again."""
    st.session_state.pop(_LEFT, None)
    if not st.user.is_logged_in:
        st.login()


def ran_out() -> bool:
    """Whether the last session ended by itself; asked once."""
    return bool(st.session_state.pop(_EXPIRED, False))


@st.fragment(run_every="20s")
def watch_session(here: Site) -> None:
    """Take the screen away when the session runs out while nobody touches anything."""
    if _LOGIN in st.session_state and _has_run_out(here.settings, utc_now()):
        st.rerun()


def _start(login: str) -> None:
    _forget()
    st.session_state[_LOGIN] = login
    st.session_state[_ACTIVE] = utc_now()


def _forget() -> None:
    for key in [key for key in st.session_state if key not in _KEPT]:
        del st.session_state[key]


def _has_run_out(settings: Settings, now: datetime) -> bool:
    active_at: datetime = st.session_state.get(_ACTIVE, now)
    return now - active_at > timedelta(minutes=settings.session_minutes)


def _take_oidc_login(claims: Mapping[str, object]) -> None:
    """Streamlit's cookie lives 30 days whatever the provider says, so its own end (`exp`) is minded here."""
    expires = claims.get("exp")
    login = claims.get("preferred_username") or claims.get("email")
    if isinstance(login, str) and isinstance(expires, int | float) and expires > utc_now().timestamp():
        _start(login)
