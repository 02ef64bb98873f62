"""The login that each Streamlit session belongs to, and the tickets that give a browser its cookie.

A Streamlit session id is in addresses and logs, so it proves nothing. What proves a login is
the token in an HttpOnly cookie. A script cannot set a cookie: it issues a ticket, which the browser
that sent the password posts back, once and within a minute, for a response with the cookie.

Both are in the memory of one server process, as Streamlit's sessions and uploads are: a proxy in
front of several processes has to send a browser to the same one. The logins themselves are rows in
the database, valid in all processes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

TICKET_SECONDS = 60.0
"""How long a ticket may be redeemed; the browser posts it at once."""
_MAX_SESSIONS = 20_000
"""Bindings kept in memory; the session that was used longest ago is forgotten first."""


def hash_token(token: str) -> str:
    """Return the digest under which a token is known here."""
    return hashlib.sha256(token.encode()).hexdigest()


class SessionBindings:
    """Streamlit session ids with the digest of the token that each belongs to."""

    def __init__(self) -> None:
        self._digests: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def bind(self, session_id: str, token: str) -> None:
        """Bind a session to a login, whatever it belonged to before."""
        with self._lock:
            self._digests[session_id] = hash_token(token)
            self._digests.move_to_end(session_id)
            if len(self._digests) > _MAX_SESSIONS:
                self._digests.popitem(last=False)

    def release(self, session_id: str) -> None:
        """Forget a session: nothing is accepted for it any longer."""
        with self._lock:
            self._digests.pop(session_id, None)

    def is_bound(self, session_id: str, token: str) -> bool:
        """Return whether the session belongs to the login of this token."""
        with self._lock:
            digest = self._digests.get(session_id)
        return digest is not None and hmac.compare_digest(digest, hash_token(token))

    def sessions_of(self, token: str) -> list[str]:
        """Return the sessions of one login: the windows of one browser."""
        digest = hash_token(token)
        with self._lock:
            return [session for session, bound in self._digests.items() if bound == digest]


class TicketState(Enum):
    """Whether a ticket has given its browser the cookie."""

    PENDING = "pending"
    REDEEMED = "redeemed"
    UNKNOWN = "never issued, or too old"


@dataclass
class _Ticket:
    token: str | None
    """None once it is redeemed."""
    expires_at: float


class Tickets:
    """One-time tickets; only their digests are kept."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._tickets: dict[str, _Ticket] = {}
        self._lock = threading.Lock()
        self._now = now

    def issue(self, token: str) -> str:
        """Return a new ticket for the login of this token."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._drop_expired()
            self._tickets[hash_token(ticket)] = _Ticket(token, self._now() + TICKET_SECONDS)
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """Return the token of a ticket, once; None if it is unknown, too old or redeemed."""
        with self._lock:
            self._drop_expired()
            found = self._tickets.get(hash_token(ticket))
            if found is None:
                return None
            token, found.token = found.token, None
            return token

    def state(self, ticket: str) -> TicketState:
        """Return what has become of a ticket."""
        with self._lock:
            self._drop_expired()
            found = self._tickets.get(hash_token(ticket))
        if found is None:
            return TicketState.UNKNOWN
        return TicketState.REDEEMED if found.token is None else TicketState.PENDING

    def _drop_expired(self) -> None:
        now = self._now()
        for digest in [key for key, one in self._tickets.items() if one.expires_at <= now]:
            del self._tickets[digest]


BINDINGS = SessionBindings()
TICKETS = Tickets()
