"""Log in with a local account: password, then the second factor where the account has one.

Each step is a short transaction: count the attempt, read the hash, and write how it ended. The
password is checked between them, in no transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from pipeline.domain.errors import LoginError, UsageError
from pipeline.domain.model import Person
from pipeline.login.passwords import hash_new_password, matches_password
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.login import limits, second_factor
from pipeline.store.accounts.login.access_changes import (
    cancel_codes,
    find_by_code,
    is_open,
    mark_done,
)
from pipeline.store.accounts.login.limits import Attempt, LoginRequest, Proof
from pipeline.store.accounts.people import password_digest
from pipeline.store.event_log.events import record


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person types to log in."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A person whose password was right; `needs_code`: the second factor is still to come."""

    person: Person
    needs_code: bool


def check_password(request: LoginRequest, credentials: Credentials) -> PasswordLogin | None:
    """Return who logs in if login and password are right, else None.

    Capitals in the login do not matter. An unknown login takes as long as a known one. Where users
    log in at the organisation's provider, only emergency accounts are accepted.

    Raises:
        LoginError: too many recent failures; the message says how long to wait.
        UsageError: too many others are logging in at the same time.
    """
    login = request.store.query(people.find_login, credentials.login.strip())
    attempt = limits.begin_attempt(request, login)
    with request.store.read() as conn:
        person = people.find_person(conn, login)
        if person and request.settings.oidc and not person.break_glass:
            person = None
        digest = password_digest(conn, login) if person else None
    is_right = matches_password(digest, credentials.password, attempt.lane)
    with request.store.begin() as conn:
        if not is_right or person is None:
            # A typed login may be a password or a personal number: only an existing one is logged
            record(conn, "system", "login_failed", person.login if person else "unknown")
            return None
        if second_factor.has_second_factor(conn, login):
            limits.forget_attempt(conn, attempt)
            return PasswordLogin(person, needs_code=True)
        _finish_login(conn, attempt)
    return PasswordLogin(person, needs_code=False)


def check_code(request: LoginRequest, login: str, code: str) -> bool:
    """Return whether a code of the second factor, or a recovery code, is right; it then is used up.

    Call it only for a person whose password was right.

    Raises:
        LoginError: too many recent failures; the message says how long to wait.
        StoreError: the key of the second factors is missing or is another.
    """
    attempt = limits.begin_attempt(request, login, Proof.FACTOR)
    with request.store.begin() as conn:
        kind = second_factor.use_code(conn, request, login, code)
        if kind is None:
            record(conn, "system", "login_failed", login, kind="second_factor")
            return False
        _finish_login(conn, attempt)
    return True


def change_password(
    request: LoginRequest, credentials: Credentials, new_password: str, token: str | None
) -> None:
    """Change the person's own password and end all sessions but the one of `token`.

    Raises:
        LoginError: the current password is wrong, or was so too often.
        UsageError: the new password is too weak, or equals the current one.
    """
    login = credentials.login
    attempt = limits.begin_attempt(request, login)
    with request.store.read() as conn:
        person, digest = people.find_person(conn, login), password_digest(conn, login)
    is_right = matches_password(digest, credentials.password, attempt.lane)
    with request.store.begin() as conn:
        if not is_right or person is None:
            record(conn, "system", "login_failed", login if person else "unknown")
        else:
            limits.forget_attempt(conn, attempt)
    if not is_right or person is None:
        raise LoginError("password_wrong")
    if new_password == credentials.password:
        raise UsageError("password_unchanged")
    new_digest = hash_new_password(new_password, person, request.settings)
    with request.store.begin() as conn:
        # Another window may have changed it meanwhile
        if password_digest(conn, login) != digest:
            raise LoginError("password_wrong")
        people.set_password(conn, login, new_digest, must_change=False)
        sessions.end_other_sessions(conn, login, token, request.now)
        cancel_codes(conn, login, request.now)
        record(conn, login, "change_password", login)


def redeem_code(request: LoginRequest, login: str, code: str, new_password: str) -> bool:
    """Set the password that a person chooses with a code; return whether the code was right.

    All sessions of the person end. The second factor stays.

    Raises:
        LoginError: too many recent failures, or the change still waits for approval.
        UsageError: the password is too weak, or too many others are logging in.
    """
    login = request.store.query(people.find_login, login.strip())
    attempt = limits.begin_attempt(request, login, Proof.CODE)
    with request.store.read() as conn:
        person, row = people.find_person(conn, login), find_by_code(conn, login, code)
    if person is None or row is None or not is_open(row, request.now):
        with request.store.begin() as conn:
            subject = person.login if person else "unknown"
            record(conn, "system", "login_failed", subject, kind="code")
        return False
    request.store.change(limits.forget_attempt, attempt)
    if row.needs_approval and row.approved_at is None:
        raise LoginError("access_change_needs_approval")
    digest = hash_new_password(new_password, person, request.settings)
    with request.store.begin() as conn:
        # Somebody may have used or cancelled it meanwhile
        row = find_by_code(conn, login, code)
        if row is None or not is_open(row, request.now):
            return False
        people.set_password(conn, login, digest, must_change=False)
        sessions.end_all_sessions(conn, login, request.now, "password")
        mark_done(conn, row, request.now)
        # The browser is known from now on, however many guess the password from the same address
        limits.forget_failures(conn, attempt)
        record(conn, login, "redeem_code", login, kind=row.kind)
    return True


def _finish_login(conn: Connection, attempt: Attempt) -> None:
    limits.forget_failures(conn, attempt)
    record(conn, attempt.login, "login", attempt.login)
