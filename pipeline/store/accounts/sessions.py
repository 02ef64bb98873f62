"""Browser sessions: one row per session, so that it can be ended from outside.

Only the browser's cookie holds the token; the row holds its digest. A session ends when idle for
too long, at its maximum age, when the person logs out in any browser, and when the account is
closed. Streamlit's own cookie of a provider login lasts 30 days regardless, so the time at which
the person logged in at the provider decides whether that cookie still counts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from pipeline.store.database.sampling_key import sampling_key
from pipeline.store.event_log.events import record
from pipeline.store.schema import registers
from pipeline.store.schema.accounts import browser_session

LOGGED_OUT = "logged out"
"""Why a session has ended that its person ended."""
TOUCH_INTERVAL = timedelta(minutes=1)
"""How old the stored activity may become: not every run of a screen writes."""
_MAX_CLOCK_SKEW = timedelta(seconds=2)
"""By how much the clocks of the provider and the server may differ."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session."""

    login: str
    started_at: datetime
    active_at: datetime
    must_change: bool

    def has_expired(self, now: datetime, idle: timedelta, longest: timedelta) -> bool:
        """Return whether the session has been idle for too long or is too old."""
        return now - self.active_at > idle + TOUCH_INTERVAL or self.is_too_old(now, longest)

    def is_too_old(self, now: datetime, longest: timedelta) -> bool:
        """Return whether the session has passed its maximum age, active or not."""
        return now - self.started_at > longest


def start_session(
    conn: Connection, login: str, now: datetime, proved_at: datetime | None = None
) -> str:
    """Start a session and return its token.

    Args:
        proved_at: when the person logged in at the organisation's provider; None for a local
            account.
    """
    token = secrets.token_urlsafe(32)
    row = {
        "token_sha256": _token_digest(token),
        "login": login,
        "started_at": proved_at or now,
        "active_at": now,
        "proved_at": proved_at,
    }
    conn.execute(insert(browser_session).values(row))
    record(conn, login, "session", login, provider=proved_at is not None)
    return token


def find_session(conn: Connection, token: str) -> Session | None:
    """Return the session of a token, or None if it is not open."""
    query = select(
        browser_session.c.login,
        browser_session.c.started_at,
        browser_session.c.active_at,
        registers.staff.c.must_change,
    ).join(registers.staff, registers.staff.c.login == browser_session.c.login)
    # Only sessions that have not ended
    row = conn.execute(
        query.where(
            browser_session.c.token_sha256 == _token_digest(token),
            browser_session.c.ended_at.is_(None),
        )
    ).one_or_none()
    return Session(*row) if row else None


def touch_session(conn: Connection, token: str, now: datetime) -> None:
    """Store that the person is active."""
    conn.execute(_update_open_sessions(token=token).values(active_at=now))


def expire_session(conn: Connection, token: str, now: datetime) -> None:
    """End one session that has expired, and refuse the provider login that began it."""
    # When the person of this session logged in at the provider, if so
    row = conn.execute(
        select(browser_session.c.login, browser_session.c.proved_at).where(
            browser_session.c.token_sha256 == _token_digest(token)
        )
    ).one_or_none()
    if row is None:
        return
    end_session(conn, token, now, "ran out")
    if row.proved_at is not None:
        _consume_logins_until(conn, row.login, row.proved_at)


def end_session(conn: Connection, token: str, now: datetime, reason: str) -> None:
    """End one session; others of the person go on."""
    conn.execute(_update_open_sessions(token=token).values(_end_values(now, reason)))


def end_all_sessions(conn: Connection, login: str, now: datetime, reason: str) -> int:
    """End every session of a person in all browsers and return how many were open.

    Provider logins until now are refused.
    """
    # The latest provider login of any session, ended or not
    latest_proof = select(
        func.max(browser_session.c.proved_at, type_=browser_session.c.proved_at.type)
    ).where(browser_session.c.login == login)
    proved_at: datetime | None = conn.execute(latest_proof).scalar_one_or_none()
    ended = conn.execute(
        _update_open_sessions(login=login).values(_end_values(now, reason))
    ).rowcount
    _consume_logins_until(conn, login, max(filter(None, (proved_at, now - _MAX_CLOCK_SKEW))))
    return ended


def unsent_key(conn: Connection, login: str) -> bytes:
    """Return the key (32 bytes) of what a person's browser keeps until it is saved.

    The browser never stores it. Logging out makes another: what was kept before is unreadable.
    """
    left: datetime | None = conn.execute(
        select(func.max(browser_session.c.ended_at, type_=browser_session.c.ended_at.type)).where(
            browser_session.c.login == login, browser_session.c.ended_why == LOGGED_OUT
        )
    ).scalar_one_or_none()
    about = f"unsent saves\n{login}\n{left.isoformat() if left else ''}"
    return hmac.digest(sampling_key(conn).encode(), about.encode(), "sha256")


def end_other_sessions(conn: Connection, login: str, token: str | None, now: datetime) -> int:
    """End every session of a person but the one of `token`; return how many were open."""
    other = _update_open_sessions(login=login)
    if token is not None:
        other = other.where(browser_session.c.token_sha256 != _token_digest(token))
    ended: int = conn.execute(other.values(_end_values(now, "password"))).rowcount
    return ended


def is_login_consumed(conn: Connection, login: str, proved_at: datetime) -> bool:
    """Return whether a provider login of this time was ended by logout or expiry."""
    # The moment until which this person's provider logins are refused
    until: datetime | None = conn.execute(
        select(registers.staff.c.refused_until).where(registers.staff.c.login == login)
    ).scalar_one_or_none()
    return until is not None and proved_at <= until


def _consume_logins_until(conn: Connection, login: str, moment: datetime) -> None:
    staff = registers.staff
    # The limit only moves forward
    later = staff.c.refused_until.is_(None) | (staff.c.refused_until < moment)
    conn.execute(update(staff).where(staff.c.login == login, later).values(refused_until=moment))


def _update_open_sessions(**key: str) -> Any:  # noqa: ANN401 - SQLAlchemy's Update
    """Return an update of the open sessions of a `token` or a `login`."""
    # An ended session keeps its first time and reason
    query = update(browser_session).where(browser_session.c.ended_at.is_(None))
    if "token" in key:
        return query.where(browser_session.c.token_sha256 == _token_digest(key["token"]))
    return query.where(browser_session.c.login == key["login"])


def _end_values(now: datetime, reason: str) -> Mapping[str, Any]:
    return {"ended_at": now, "ended_why": reason}


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
