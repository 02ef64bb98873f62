"""Add, change and close the accounts of members of staff, for the system administrator.

The system administrator sees neither paper nor clients. An account is closed, never removed, since
the person's events and decisions remain. Nobody may change the own account, nor another one of
their own, so that one administrator always remains.
"""

from __future__ import annotations

from datetime import datetime

import pyotp
from sqlalchemy import Connection

from pipeline.domain.errors import UsageError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import ROLES_WITH_PROFESSION, Action, naming
from pipeline.domain.model import Person
from pipeline.login.passwords import hash_password, make_sealed_password
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.access_notices import ChangeKind, note_change
from pipeline.store.accounts.login import limits
from pipeline.store.accounts.login.access_changes import (
    cancel_codes,
    request_change,
    require_other_account,
)
from pipeline.store.accounts.login.limits import Attempt, LoginRequest, Proof
from pipeline.store.accounts.login.second_factor import (
    remove_second_factor,
    replace_recovery_codes,
    use_code,
)
from pipeline.store.accounts.people import NO_PASSWORD
from pipeline.store.accounts.visibility import is_same_person
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now


def save_account(conn: Connection, person: Person, account: Person, now: datetime) -> str | None:
    """Add or change an account; return the code by which the person of a new one gets in.

    The person chooses the password with that code, which is shown once. None for an account that
    is there already, and for one for emergencies: `seal_password` gives it a password. An account
    never becomes one for emergencies, nor the other way: either would give an administrator a way
    in that no other approved.

    Raises:
        UsageError: a value is empty or unknown, the account is closed, it is the person's own, or
            it would become one for emergencies or an ordinary one.
    """
    permissions.require_permission_for(account.login, person, Action.ACCOUNTS)
    _require_valid_account(conn, person, account)
    before = people.people_by_login(conn).get(account.login)
    # A closed account is opened first, so that a change is not mistaken for it
    if before and people.find_person(conn, account.login) is None:
        raise UsageError("account_closed_before_change")
    if before and before.break_glass != account.break_glass:
        raise UsageError("account_kind_is_fixed")
    people.save_person(conn, account, None if before else NO_PASSWORD, by=person.login)
    if before or account.break_glass:
        return None
    return request_change(conn, person, account.login, ChangeKind.FIRST, now).code


def seal_password(store: Store, person: Person, login: str, now: datetime) -> str:
    """Give an account for emergencies a new password, end its sessions and return the password.

    Raises:
        UsageError: there is no such account, it is none for emergencies, or the person's own; or
            too many others are logging in.
    """
    password = make_sealed_password()
    with store.recording_denials(), naming(login):
        permissions.require_permission(person, Action.ACCOUNTS)
    digest = hash_password(password)
    with store.begin() as conn:
        if not require_other_account(conn, person, login).break_glass:
            raise UsageError("not_an_emergency_account")
        people.set_password(conn, login, digest, must_change=False)
        sessions.end_all_sessions(conn, login, now, "password")
        note_change(conn, login, ChangeKind.PASSWORD, person.login, now)
        record(conn, person.login, "new_password", login)
    return password


def close_account(conn: Connection, person: Person, login: str) -> None:
    """Close an account, end its sessions and cancel its codes.

    Raises:
        UsageError: there is no such account, or it is the person's own.
    """
    permissions.require_permission_for(login, person, Action.ACCOUNTS)
    closed = require_other_account(conn, person, login).login
    people.deactivate_person(conn, closed, by=person.login)
    cancel_codes(conn, closed, utc_now(), by=person.login)


def _require_valid_account(conn: Connection, person: Person, account: Person) -> None:
    if not account.login.strip() or not account.name.strip() or not account.title.strip():
        raise UsageError("account_incomplete")
    if is_same_person(conn, person.login, {account.login}) or (
        account.key and account.key == person.key
    ):
        raise UsageError("own_account_not_changed")
    if account.all_units - set(client_register.areas_by_unit(conn)):
        raise UsageError("no_such_unit")
    for one in account.assignments:
        if one.role in ROLES_WITH_PROFESSION and not one.areas:
            raise UsageError("title_unknown_choose_areas")


# What a person does with the own second factor: show an app, renew the codes, remove it.

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
