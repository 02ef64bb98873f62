"""The person that a token or a provider stands for, as the database has it at this moment.

Streamlit's OIDC cookie lives 30 days whatever the provider says. Its own end (`exp`), the moment of
the login (`iat`) and whether that login has been ended here are therefore checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.login import access_changes
from pipeline.store.accounts.login.access_changes import ProviderIdentity
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now


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
    store.change(sessions.end_session, token, utc_now(), "replaced")


def verify_provider_login(
    store: Store, claims: Mapping[str, object], lifetime: timedelta
) -> tuple[str, datetime] | None:
    """Return the login name and the moment of the provider login that starts a session, or None.

    The identity (`iss` and `sub`) decides whose account it is; the name only says it the first
    time. None for a user without an account here, an emergency account, an account with another
    identity, a login that has been ended here, and one older than `lifetime`.
    """
    # The claims must name an identity and two moments.
    identity = _provider_identity(claims)
    logged_in_at = _parse_timestamp(claims.get("iat"))
    expires_at = _parse_timestamp(claims.get("exp"))
    now = utc_now()
    if (
        identity is None
        or logged_in_at is None
        or expires_at is None
        or expires_at <= now
        or now - logged_in_at > lifetime
    ):
        return None
    with store.read() as conn:
        login = access_changes.find_linked_login(conn, identity)
        is_new = login is None and access_changes.find_unlinked_login(conn, identity) is not None
    if is_new:
        login = store.change(access_changes.link_by_name, identity, now)
    if login is None:
        return None
    # The user must have an open account here, and the login must not have been ended.
    with store.read() as conn:
        person = people.find_person(conn, login)
        is_consumed = sessions.is_login_consumed(conn, login, logged_in_at)
    if person is None or person.break_glass or is_consumed:
        return None
    return login, logged_in_at


def _provider_identity(claims: Mapping[str, object]) -> ProviderIdentity | None:
    """Return the identity of the claims; an address counts as a name only if it is verified."""
    name = claims.get("preferred_username")
    if not name and claims.get("email_verified") is True:
        name = claims.get("email")
    match claims.get("iss"), claims.get("sub"), name:
        case str(issuer), str(subject), name if issuer and subject:
            return ProviderIdentity(issuer, subject, name if isinstance(name, str) else "")
    return None


def _parse_timestamp(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None
