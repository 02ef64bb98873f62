"""Limit failed logins so that whoever guesses pays, and nobody else.

A failure is charged to the source that it came from: the network of its address. A source that
failed on an account waits there, longer each time; one that fails on many accounts has a budget a
minute. Only strangers, who are in a browser and a network that nobody knows, meet the limits of
all sources together, and those are fair: who has used less than an equal share still gets in.

An attempt counts as a failure before its password is checked, so that attempts at the same time do
not slip through; a refused one costs no hash and no write. Browsers in which the person has logged
in before are counted on their own, whatever happens elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, delete, func, insert, select

from pipeline.domain.errors import LoginError
from pipeline.domain.settings import Settings
from pipeline.store.database.engines import upsert_rows
from pipeline.store.database.store import Store, lock_keys
from pipeline.store.schema.accounts import known_device, login_failure

FAILURE_MEMORY = timedelta(hours=1)
"""How long a failure counts."""
FIRST_DELAY = timedelta(seconds=2)
"""The wait after the first failure above the limit; each further one doubles it."""
BUDGET_WINDOW = timedelta(minutes=1)
"""The time in which the failures of a source, and those of all strangers, are counted."""
STRANGERS_AN_ACCOUNT = 300
"""Failures of strangers on one account within `FAILURE_MEMORY` that are shared out by source.

One source reaches 70 by the default settings.
"""
DEVICE_MEMORY = timedelta(days=365)
"""How long a browser is known after the person's last login in it."""
_IPV6_SOURCE_BITS = 64
"""One subscriber has all addresses of such a network."""
_failure = login_failure.c


class Proof(StrEnum):
    """What an attempt proves the person by."""

    PASSWORD = "password"
    FACTOR = "factor"
    """A code of the second factor: asked for once the password was right, and short."""
    CODE = "code"
    """A code of an administrator: too long to guess, so that no guesser makes its person wait."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Where a hash queues: each source has a lane of its own, and strangers come after the known.

    Those who are logged in share a lane.
    """

    source: str = ""
    is_stranger: bool = False


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
    """An attempt that is counted as a failure until it is settled.

    `lane` is where it queues for its hash.
    """

    id: int
    login: str
    request: LoginRequest
    lane: Lane


@dataclass(frozen=True, slots=True)
class _Guess:
    """What an attempt is counted by, as digests; `device` is None in a browser not yet known."""

    account: str
    source: str
    device: str | None
    proof: Proof
    is_stranger: bool


def begin_attempt(request: LoginRequest, login: str, proof: Proof = Proof.PASSWORD) -> Attempt:
    """Count an attempt as a failure, before anything is checked.

    Raises:
        LoginError: too many have failed; the message says how long to wait. This is not in
            the log, which an attacker could otherwise fill; the failures before it are.
    """
    # Refuse without waiting for those who write
    with request.store.read() as conn:
        _require_no_delay(conn, request, _describe_guess(conn, request, login, proof))
    with request.store.begin() as conn:
        lock_keys(conn, "login attempts")
        guess = _describe_guess(conn, request, login, proof)
        _require_no_delay(conn, request, guess)
        conn.execute(delete(login_failure).where(_failure.at < request.now - FAILURE_MEMORY))
        row = {
            "login_sha256": guess.account,
            "at": request.now,
            "address_sha256": guess.source,
            "device_sha256": guess.device,
        }
        inserted = conn.execute(insert(login_failure).values(row).returning(_failure.id))
        lane = Lane(guess.device or guess.source, guess.is_stranger)
        return Attempt(inserted.scalar_one(), login, request, lane)


def forget_failures(conn: Connection, attempt: Attempt) -> None:
    """Forget an attempt that succeeded, and those before it of the same source.

    What failed elsewhere still counts there. The browser is known from now on.
    """
    source, now = attempt.request.source, attempt.request.now
    device = _known_device(conn, attempt.login, source.device)
    same_source = and_(
        _failure.login_sha256.in_([_account_digest(attempt.login, proof) for proof in Proof]),
        _failure.device_sha256 == device if device else _failure.device_sha256.is_(None),
        _failure.address_sha256 == _digest(find_network(source.address)),
    )
    conn.execute(delete(login_failure).where((_failure.id == attempt.id) | same_source))
    if source.device:
        row = {"login": attempt.login, "device_sha256": _digest(source.device), "used_at": now}
        upsert_rows(conn, known_device, [row])
    conn.execute(delete(known_device).where(known_device.c.used_at < now - DEVICE_MEMORY))


def forget_attempt(conn: Connection, attempt: Attempt) -> None:
    """Forget one attempt: its password was right, but a code is still to come."""
    conn.execute(delete(login_failure).where(_failure.id == attempt.id))


def find_network(address: str) -> str:
    """Return what an address is charged by: an IPv4 address, or the /64 of an IPv6 address.

    Of a list, which proxies append to, the last counts. All that is no address is one source.
    """
    found = _parse_address(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, _IPV6_SOURCE_BITS), strict=False))
    return str(found) if found else "?" if address else ""


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.rpartition(",")[2].strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_known_network(settings: Settings, source: LoginSource) -> bool:
    """Return whether the settings name the network, or the browser is on the server itself.

    What comes through the proxy has an address; who sits at the server's console has none.
    """
    if not source.address:
        return bool(settings.address_header)
    address = _parse_address(source.address)
    return address is not None and any(address in each for each in settings.known_networks)


def _describe_guess(conn: Connection, request: LoginRequest, login: str, proof: Proof) -> _Guess:
    source = request.source
    device = _known_device(conn, login, source.device)
    return _Guess(
        account=_account_digest(login, proof),
        source=_digest(find_network(source.address)),
        device=device,
        proof=proof,
        is_stranger=device is None and not _is_known_network(request.settings, source),
    )


def _require_no_delay(conn: Connection, request: LoginRequest, guess: _Guess) -> None:
    until = max(_delay_ends(conn, request, guess))
    if until > request.now:
        seconds = max(1, int((until - request.now).total_seconds()))
        raise LoginError("too_many_failed_logins", seconds=seconds)


def _delay_ends(conn: Connection, request: LoginRequest, guess: _Guess) -> list[datetime]:
    """Return until when each limit that applies refuses an attempt."""
    settings = request.settings
    account = _failure.login_sha256 == guess.account
    # A known browser has a count of its own and meets no other limit
    if guess.device is not None:
        own = and_(account, _failure.device_sha256 == guess.device)
        return [_delay_end(conn, request, own)]
    unknown = _failure.device_sha256.is_(None)
    here = and_(unknown, _failure.address_sha256 == guess.source)
    source_budget = _Budget(here, _failure.login_sha256, settings.login_failures_address)
    ends = [source_budget.end(conn, guess.account, BUDGET_WINDOW, request.now)]
    if guess.proof is Proof.PASSWORD:
        ends.append(_delay_end(conn, request, and_(account, here)))
    elif guess.proof is Proof.FACTOR:
        # Only who has the password gets here: all sources count together
        ends.append(_delay_end(conn, request, and_(account, unknown)))
    if guess.is_stranger:
        by_source = _failure.address_sha256
        total = _Budget(unknown, by_source, settings.login_failures_total)
        ends.append(total.end(conn, guess.source, BUDGET_WINDOW, request.now))
        if guess.proof is Proof.PASSWORD:
            siege = _Budget(and_(account, unknown), by_source, STRANGERS_AN_ACCOUNT)
            ends.append(siege.end(conn, guess.source, FAILURE_MEMORY, request.now))
    return ends


def _delay_end(conn: Connection, request: LoginRequest, failures: ColumnElement[bool]) -> datetime:
    """Return until when attempts wait after these failures: longer with each, up to a limit."""
    settings, now = request.settings, request.now
    count, last_at = conn.execute(
        select(func.count(), func.max(_failure.at, type_=_failure.at.type)).where(
            failures, _failure.at > now - FAILURE_MEMORY
        )
    ).one()
    above = count - settings.login_failures_account
    if above < 0:
        return now
    # Doubling is cut off before the number of seconds gets too large to hold
    longest = timedelta(seconds=settings.login_delay_seconds)
    delay: timedelta = min(FIRST_DELAY * 2 ** min(above, 20), longest)
    end: datetime = last_at + delay
    return end


@dataclass(frozen=True, slots=True)
class _Budget:
    """Failures that may happen within a window, shared out fairly where they are many.

    Until `allowed` have failed, everybody may try. From then on only who has used less than an
    equal share, and nobody once twice as many have failed.
    """

    failures: ColumnElement[bool]
    shared_by: Column[Any]
    allowed: int

    def end(self, conn: Connection, own: str, window: timedelta, now: datetime) -> datetime:
        """Return until when whoever has this digest waits."""
        # The newest failures; more than these change nothing
        newest = conn.execute(
            select(_failure.at, self.shared_by)
            .where(self.failures, _failure.at > now - window)
            .order_by(_failure.at.desc(), _failure.id.desc())
            .limit(2 * self.allowed)
        ).all()
        if len(newest) < self.allowed:
            return now
        share = max(1, self.allowed // len({own, *(by for _, by in newest)}))
        used = [at for at, by in newest if by == own]
        share_ends = used[share - 1] + window if len(used) >= share else now
        is_full = len(newest) == 2 * self.allowed
        full_ends = newest[-1][0] + window if is_full else now
        crowd_ends: datetime = newest[self.allowed - 1][0] + window
        return min(crowd_ends, max(share_ends, full_ends))


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


def _account_digest(login: str, proof: Proof) -> str:
    name = login.casefold()
    return _digest(name if proof is Proof.PASSWORD else f"{proof}\n{name}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
