"""Limit failed logins by account, by network address and in total, without locking anybody out.

After some failures the next attempt waits, longer each time, up to a limit. An attempt counts as a
failure before its password is checked, so that attempts at the same time do not slip through; a
refused one costs no hash and no write. Browsers in which the person has logged in before are
counted on their own: whoever guesses from elsewhere does not make the person wait there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from pipeline.domain.errors import LoginError
from pipeline.domain.settings import Settings
from pipeline.store.database.engines import upsert_rows
from pipeline.store.database.store import Store, lock_keys
from pipeline.store.schema.accounts import known_device, login_failure

FAILURE_MEMORY = timedelta(hours=1)
"""How long a failure counts."""
FIRST_DELAY = timedelta(seconds=2)
"""The wait after the first failure above the limit; each further one doubles it."""
TOTAL_WINDOW = timedelta(minutes=1)
"""The time in which all failures together are counted."""
DEVICE_MEMORY = timedelta(days=365)
"""How long a browser is known after the person's last login in it."""
_failure = login_failure.c


@dataclass(frozen=True, slots=True)
class LoginSource:
    """Where an attempt comes from: network address and the browser's cookie; empty if unknown."""

    address: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What every step of a login needs: the workspace, the time, and where it comes from."""

    store: Store
    settings: Settings
    now: datetime
    source: LoginSource = LoginSource()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is counted as a failure until it is settled."""

    id: int
    login: str
    request: LoginRequest


def begin_attempt(request: LoginRequest, login: str) -> Attempt:
    """Count an attempt as a failure, before anything is checked.

    Raises:
        LoginError: too many have failed; the message says how long to wait. This is not in
            the log, which an attacker could otherwise fill; the failures before it are.
    """
    source = request.source
    # Refuse without waiting for those who write
    with request.store.read() as conn:
        _require_no_delay(conn, request, login)
    with request.store.begin() as conn:
        lock_keys(conn, "login attempts")
        _require_no_delay(conn, request, login)
        conn.execute(delete(login_failure).where(_failure.at < request.now - FAILURE_MEMORY))
        row = {
            "login_sha256": _digest(login.casefold()),
            "at": request.now,
            "address_sha256": _digest(source.address) if source.address else None,
            "device_sha256": _known_device(conn, login, source.device),
        }
        inserted = conn.execute(insert(login_failure).values(row).returning(_failure.id))
        return Attempt(inserted.scalar_one(), login, request)


def forget_failures(conn: Connection, attempt: Attempt) -> None:
    """Forget an attempt that succeeded, and those before it of the same source.

    What failed elsewhere still counts there. The browser is known from now on.
    """
    source, now = attempt.request.source, attempt.request.now
    device = _known_device(conn, attempt.login, source.device)
    address = _digest(source.address) if source.address else None
    same_source = and_(
        _failure.login_sha256 == _digest(attempt.login.casefold()),
        _failure.device_sha256 == device if device else _failure.device_sha256.is_(None),
        _failure.address_sha256 == address if address else _failure.address_sha256.is_(None),
    )
    conn.execute(delete(login_failure).where((_failure.id == attempt.id) | same_source))
    if source.device:
        row = {"login": attempt.login, "device_sha256": _digest(source.device), "used_at": now}
        upsert_rows(conn, known_device, [row])
    conn.execute(delete(known_device).where(known_device.c.used_at < now - DEVICE_MEMORY))


def forget_attempt(conn: Connection, attempt: Attempt) -> None:
    """Forget one attempt: its password was right, but a code is still to come."""
    conn.execute(delete(login_failure).where(_failure.id == attempt.id))


def _require_no_delay(conn: Connection, request: LoginRequest, login: str) -> None:
    until = max(_delay_ends(conn, request, login))
    if until > request.now:
        seconds = max(1, int((until - request.now).total_seconds()))
        raise LoginError("too_many_failed_logins", seconds=seconds)


def _delay_ends(conn: Connection, request: LoginRequest, login: str) -> list[datetime]:
    """Return until when each limit that applies refuses an attempt."""
    settings, source, now = request.settings, request.source, request.now
    account = _failure.login_sha256 == _digest(login.casefold())
    per_account = settings.login_failures_account
    longest = timedelta(seconds=settings.login_delay_seconds)
    # A known browser has a count of its own and meets no other limit
    device = _known_device(conn, login, source.device)
    if device is not None:
        own = and_(account, _failure.device_sha256 == device)
        return [_delay_end(conn, own, per_account, longest, now)]
    unknown = _failure.device_sha256.is_(None)
    ends = [
        _delay_end(conn, and_(account, unknown), per_account, longest, now),
        _total_end(conn, unknown, settings.login_failures_total, now),
    ]
    if source.address:
        here = and_(_failure.address_sha256 == _digest(source.address), unknown)
        ends.append(_delay_end(conn, here, settings.login_failures_address, longest, now))
    return ends


def _delay_end(
    conn: Connection,
    failures: ColumnElement[bool],
    allowed: int,
    longest: timedelta,
    now: datetime,
) -> datetime:
    """Return until when attempts wait after these failures: longer with each, up to a limit."""
    count, last_at = conn.execute(
        select(func.count(), func.max(_failure.at, type_=_failure.at.type)).where(
            failures, _failure.at > now - FAILURE_MEMORY
        )
    ).one()
    if count < allowed:
        return now
    # Doubling is cut off before the number of seconds gets too large to hold
    delay: timedelta = min(FIRST_DELAY * 2 ** min(count - allowed, 20), longest)
    end: datetime = last_at + delay
    return end


def _total_end(
    conn: Connection, failures: ColumnElement[bool], allowed: int, now: datetime
) -> datetime:
    """Return until when attempts of unknown browsers wait: so many may fail within a window."""
    # The oldest of the last failures that fill the limit
    oldest: datetime | None = conn.execute(
        select(_failure.at)
        .where(failures, _failure.at > now - TOTAL_WINDOW)
        .order_by(_failure.at.desc(), _failure.id.desc())
        .offset(allowed - 1)
        .limit(1)
    ).scalar_one_or_none()
    return now if oldest is None else oldest + TOTAL_WINDOW


def _known_device(conn: Connection, login: str, device: str) -> str | None:
    """Return the digest of a browser in which this person has logged in before, or None."""
    if not device:
        return None
    digest: str | None = conn.execute(
        select(known_device.c.device_sha256).where(
            known_device.c.login == login, known_device.c.device_sha256 == _digest(device)
        )
    ).scalar_one_or_none()
    return digest


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
