"""Who is logged in where: a row for each browser's session, so that it can be ended from outside.

The token is known to the server's memory alone; the row has its digest. A session ends after a
time without activity, after the longest time there is, when the person logs out in any browser,
and when the account is closed. Streamlit's own cookie of a provider login lives for 30 days
whatever happens; the moment at which the person proved to the provider who it is tells whether
that cookie has been used up.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from pipeline.store.event_log.events import record
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import browser_session

_session_table = browser_session
TOUCH_INTERVAL = timedelta(minutes=1)
"""How old the last noted activity may become: not every run of a screen writes."""
_MAX_CLOCK_SKEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Session:
    """An open session."""

    login: str
    started_at: datetime
    active_at: datetime
    must_change: bool

    def has_expired(self, now: datetime, idle: timedelta, longest: timedelta) -> bool:
        """Whether nothing has happened for too long, or the session is too old."""
        return now - self.active_at > idle + TOUCH_INTERVAL or self.is_too_old(now, longest)

    def is_too_old(self, now: datetime, longest: timedelta) -> bool:
        """Whether the session has gone on for too long, whatever was done in it."""
        return now - self.started_at > longest


def start_session(
    conn: Connection, login: str, now: datetime, proved_at: datetime | None = None
) -> str:
    """Begin a session; answers with its token. `proved_at`: when the person logged in at the
    organisation's provider.
    """
    token = secrets.token_urlsafe(32)
    row = {
        "token_sha256": _token_digest(token),
        "login": login,
        "started_at": proved_at or now,
        "active_at": now,
        "proved_at": proved_at,
    }
    conn.execute(insert(_session_table).values(row))
    record(conn, login, "session", login, provider=proved_at is not None)
    return token


def find_session(conn: Connection, token: str) -> Session | None:
    """The session of a token, if it is still open."""
    query = select(
        _session_table.c.login,
        _session_table.c.started_at,
        _session_table.c.active_at,
        paper.staff.c.must_change,
    ).join(paper.staff, paper.staff.c.login == _session_table.c.login)
    row = conn.execute(
        query.where(
            _session_table.c.token_sha256 == _token_digest(token),
            _session_table.c.ended_at.is_(None),
        )
    ).one_or_none()
    return Session(*row) if row else None


def touch_session(conn: Connection, token: str, now: datetime) -> None:
    """Note that the person is active."""
    conn.execute(_update_open_sessions(token=token).values(active_at=now))


def expire_session(conn: Connection, token: str, now: datetime) -> None:
    """End one session that has run out. The provider login that began it lets nobody in again."""
    row = conn.execute(
        select(_session_table.c.login, _session_table.c.proved_at).where(
            _session_table.c.token_sha256 == _token_digest(token)
        )
    ).one_or_none()
    if row is None:
        return
    conn.execute(_update_open_sessions(token=token).values(_end_values(now, "ran out")))
    if row.proved_at is not None:
        _consume_logins_until(conn, row.login, row.proved_at)


def end_all_sessions(conn: Connection, login: str, now: datetime, reason: str) -> int:
    """End every session of a person, here and in other browsers; answers with how many were open.
    Provider logins until now are used up.
    """
    latest = select(
        func.max(_session_table.c.proved_at, type_=_session_table.c.proved_at.type)
    ).where(_session_table.c.login == login)
    proved: datetime | None = conn.execute(latest).scalar_one_or_none()
    ended = conn.execute(
        _update_open_sessions(login=login).values(_end_values(now, reason))
    ).rowcount
    _consume_logins_until(conn, login, max(filter(None, (proved, now - _MAX_CLOCK_SKEW))))
    return ended


def is_login_consumed(conn: Connection, login: str, proved_at: datetime) -> bool:
    """Whether a provider login of this moment was ended, by logging out or by running out."""
    until: datetime | None = conn.execute(
        select(paper.staff.c.refused_until).where(paper.staff.c.login == login)
    ).scalar_one_or_none()
    return until is not None and proved_at <= until


def _consume_logins_until(conn: Connection, login: str, moment: datetime) -> None:
    staff = paper.staff
    later = staff.c.refused_until.is_(None) | (staff.c.refused_until < moment)
    conn.execute(update(staff).where(staff.c.login == login, later).values(refused_until=moment))


def _update_open_sessions(**which: str) -> Any:  # noqa: ANN401 - SQLAlchemy's Update
    query = update(_session_table).where(_session_table.c.ended_at.is_(None))
    if "token" in which:
        return query.where(_session_table.c.token_sha256 == _token_digest(which["token"]))
    return query.where(_session_table.c.login == which["login"])


def _end_values(now: datetime, reason: str) -> Mapping[str, Any]:
    return {"ended_at": now, "ended_why": reason}


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
