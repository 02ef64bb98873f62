"""What a person does with the own second factor: show an app, renew the codes, remove it."""

from __future__ import annotations

import pyotp
from sqlalchemy import Connection

from pipeline.store.accounts.login import limits
from pipeline.store.accounts.login.limits import Attempt, LoginRequest, Proof
from pipeline.store.accounts.login.second_factor import (
    remove_second_factor,
    replace_recovery_codes,
    use_code,
)
from pipeline.store.event_log.events import record

ISSUER = "Efterskrift"


def make_secret() -> str:
    """Return a new secret to show to the person's app."""
    return pyotp.random_base32()


def secret_uri(secret: str, login: str) -> str:
    """Return the address that an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def renew_recovery_codes(request: LoginRequest, login: str, code: str) -> tuple[str, ...] | None:
    """Replace the recovery codes of a person who gives a right code; None if it is wrong.

    Raises:
        NotAllowedError: too many recent failures.
        StoreError: the key is missing or is another.
    """
    attempt = limits.begin_attempt(request, login, Proof.FACTOR)
    with request.store.begin() as conn:
        if not _confirm(conn, attempt, code):
            return None
        record(conn, login, "renew_recovery_codes", login)
        return replace_recovery_codes(conn, login)


def remove_own_second_factor(request: LoginRequest, login: str, code: str) -> bool:
    """Remove the second factor of a person who gives a right code; return whether it was right.

    Raises as `renew_recovery_codes`.
    """
    attempt = limits.begin_attempt(request, login, Proof.FACTOR)
    with request.store.begin() as conn:
        if not _confirm(conn, attempt, code):
            return False
        remove_second_factor(conn, login)
        record(conn, login, "remove_second_factor", login)
    return True


def _confirm(conn: Connection, attempt: Attempt, code: str) -> bool:
    """Return whether a code is right, which was counted as an attempt."""
    if use_code(conn, attempt.request, attempt.login, code) is None:
        record(conn, "system", "login_failed", attempt.login, kind="second_factor")
        return False
    limits.forget_attempt(conn, attempt)
    return True
