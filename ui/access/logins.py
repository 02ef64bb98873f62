"""The person that a token stands for, as the database has it at this moment."""

from __future__ import annotations

from datetime import timedelta

from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.store.accounts import people, sessions
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store


def session_limits(settings: Settings) -> tuple[timedelta, timedelta]:
    """Return how long a session may be idle, and how long it lasts in all."""
    return timedelta(minutes=settings.session_minutes), timedelta(hours=settings.session_hours)


def find_person(store: Store, settings: Settings, token: str) -> Person | None:
    """Return the person whose login is open, or None."""
    with store.read() as conn:
        stored = sessions.find_session(conn, token)
        if stored is None or stored.has_expired(utc_now(), *session_limits(settings)):
            return None
        return people.find_person(conn, stored.login)


def end_replaced_login(store: Store, token: str) -> None:
    """End the login that another one in the same browser replaces."""
    with store.begin() as conn:
        sessions.end_session(conn, token, utc_now(), "replaced")
