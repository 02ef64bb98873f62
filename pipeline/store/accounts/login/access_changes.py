"""Changes that a system administrator makes to another person's way in.

A password is never given by an administrator: the person chooses it with a code that holds once
and for some days. A code that is handed over could be used by who made it. So where there is
another administrator who is independent, that one approves first and never sees the code; the
person is told (`access_notices.py`), the old password works until the code is used, so that the
person can say no; and a change by one administrator alone is a finding of the log, as is a
signature soon after a change. Removing a second factor or a provider's identity goes the same way.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from pipeline.domain.errors import LoginError, UsageError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.access_notices import ChangeKind
from pipeline.store.accounts.login.second_factor import (
    code_digest,
    logins_with_second_factor,
    make_code,
    remove_second_factor,
)
from pipeline.store.accounts.people import NO_PASSWORD
from pipeline.store.accounts.visibility import find_own_logins, is_same_person
from pipeline.store.database.store import lock_keys
from pipeline.store.event_log.events import record
from pipeline.store.schema import registers
from pipeline.store.schema.accounts import access_change, browser_session, provider_link
from pipeline.store.schema.paper import event

# The identity of a person at the organisation's provider: `iss` and `sub`, which never change.
#
# A name can be given to another person, or be chosen by its owner. So it says only once which
# account a new identity belongs to; from then on the identity alone decides. A system administrator
# unlinks an account whose person has got another identity.


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """An identity at a provider, and the name by which its account is found the first time."""

    issuer: str
    subject: str
    name: str


def find_linked_login(conn: Connection, identity: ProviderIdentity) -> str | None:
    """Return the login of the account that this identity is linked to, or None."""
    link = provider_link.c
    login: str | None = conn.execute(
        select(link.login).where(link.issuer == identity.issuer, link.subject == identity.subject)
    ).scalar_one_or_none()
    return login


def find_unlinked_login(conn: Connection, identity: ProviderIdentity) -> str | None:
    """Return the login of the account of this name that may be linked to the identity, or None.

    None if there is no such account, it is for emergencies, or it has another identity.
    """
    person = people.find_person(conn, people.find_login(conn, identity.name))
    if person is None or person.break_glass:
        return None
    linked = select(provider_link.c.subject).where(provider_link.c.login == person.login)
    return person.login if conn.execute(linked).first() is None else None


def link_by_name(conn: Connection, identity: ProviderIdentity, now: datetime) -> str | None:
    """Link an identity that is new here to the account of its name; return the login, or None."""
    lock_keys(conn, "provider links")
    # Another window of the same person may have linked it meanwhile
    login = find_linked_login(conn, identity)
    if login is None and (login := find_unlinked_login(conn, identity)):
        row = {
            "login": login,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "linked_at": now,
        }
        conn.execute(insert(provider_link).values(row))
        record(conn, login, "link_identity", login)
    return login


def linked_logins(conn: Connection) -> frozenset[str]:
    """Return the logins of all accounts with an identity at a provider."""
    return frozenset(conn.execute(select(provider_link.c.login)).scalars())


def remove_link(conn: Connection, login: str) -> None:
    """Remove an account's identity; the caller records why."""
    conn.execute(delete(provider_link).where(provider_link.c.login == login))


CODE_LIFETIME = timedelta(days=3)
FIRST_CODE_LIFETIME = timedelta(days=14)
INDEPENDENCE = timedelta(days=30)
"""An administrator whose account another made or changed so recently does not approve for that
other: it may be the same person's.
"""
_MAKING_ACTIONS = ("save_person", "open_account", "new_password", "request_access_change")
_change = access_change.c


@dataclass(frozen=True, slots=True)
class RequestedChange:
    """A change that was asked for; the code, if any, is shown once."""

    id: str
    needs_approval: bool
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OpenChange:
    """A change that is neither made nor cancelled, and whether it waits for approval."""

    id: str
    login: str
    name: str
    kind: ChangeKind
    by: str
    at: datetime
    waits_for_approval: bool


def request_change(
    conn: Connection, person: Person, login: str, kind: ChangeKind, now: datetime
) -> RequestedChange:
    """Ask for a change of another person's way in; without a second administrator it is made.

    An earlier one of the same kind that is open is cancelled.

    Raises:
        NotAllowedError: the person may not manage accounts.
        UsageError: there is no such account, it is closed, for emergencies, or the person's own.
    """
    permissions.require_permission_for(login, person, Action.ACCOUNTS)
    account = people.find_person(conn, login)
    if account is None:
        raise UsageError("no_such_account")
    if is_same_person(conn, person.login, {login}):
        raise UsageError("own_account_not_changed")
    if account.break_glass and kind is ChangeKind.PASSWORD:
        raise UsageError("emergency_account_has_no_code")
    needs_approval = kind is not ChangeKind.FIRST and bool(
        independent_administrators(conn, person.login, login, now)
    )
    _cancel_open(conn, login, kind, person.login, now)
    is_coded = kind in {ChangeKind.FIRST, ChangeKind.PASSWORD}
    change = RequestedChange(secrets.token_hex(8), needs_approval, make_code() if is_coded else "")
    row = {
        "id": change.id,
        "login": login,
        "kind": kind.value,
        "at": now,
        "by": person.login,
        "needs_approval": needs_approval,
        "code_sha256": code_digest(login, change.code) if is_coded else None,
        "expires_at": now + (FIRST_CODE_LIFETIME if kind is ChangeKind.FIRST else CODE_LIFETIME),
    }
    conn.execute(insert(access_change).values(row))
    alone = kind is not ChangeKind.FIRST and not needs_approval
    record(conn, person.login, "request_access_change", login, kind=kind.value, alone=alone)
    if not needs_approval and not is_coded:
        _make_change(conn, _load(conn, change.id), person.login, now)
    return change


def approve_change(conn: Connection, person: Person, change_id: str, now: datetime) -> None:
    """Approve what another administrator asked for.

    Raises:
        NotAllowedError: the person may not manage accounts, or is not independent of the other.
        UsageError: the change is not open any more, or does not wait.
    """
    permissions.require_permission(person, Action.ACCOUNTS)
    row = _load(conn, change_id)
    if not is_open(row, now) or not row.needs_approval or row.approved_at is not None:
        raise UsageError("access_change_closed")
    if person.login not in independent_administrators(conn, row.by, row.login, now):
        raise LoginError("approver_not_independent", by=person.login, action="accounts")
    conn.execute(
        update(access_change)
        .where(_change.id == change_id)
        .values(approved_by=person.login, approved_at=now)
    )
    record(conn, person.login, "approve_access_change", row.login, kind=row.kind)
    if row.code_sha256 is None:
        _make_change(conn, _load(conn, change_id), person.login, now)


def cancel_change(conn: Connection, person: Person, change_id: str, now: datetime) -> None:
    """Cancel a change that is open. Raises as `approve_change`."""
    permissions.require_permission(person, Action.ACCOUNTS)
    _cancel(conn, _load(conn, change_id), person.login, now)


def refuse_own_change(conn: Connection, login: str, change_id: str, now: datetime) -> None:
    """Cancel an open change of one's own way in, which one has not asked for.

    Raises:
        UsageError: it is another person's or not open any more.
    """
    row = _load(conn, change_id)
    if row.login != login:
        raise UsageError("access_change_closed")
    _cancel(conn, row, login, now)


def cancel_codes(conn: Connection, login: str, now: datetime, by: str = "") -> None:
    """Cancel the codes of a person who has chosen another password, or whose account is closed.

    `by` is who closed it.
    """
    for kind in (ChangeKind.FIRST, ChangeKind.PASSWORD):
        _cancel_open(conn, login, kind, by or login, now)


def list_open_changes(conn: Connection, person: Person, now: datetime) -> list[OpenChange]:
    """Return the changes that are neither made, cancelled nor expired, oldest first.

    Raises:
        NotAllowedError: the person may not manage accounts.
    """
    permissions.require_permission(person, Action.ACCOUNTS)
    names = people.names_by_login(conn)
    rows = conn.execute(select(access_change).order_by(_change.at, _change.id)).all()
    return [
        OpenChange(
            row.id,
            row.login,
            names[row.login],
            ChangeKind(row.kind),
            row.by,
            row.at,
            row.needs_approval and row.approved_at is None,
        )
        for row in rows
        if is_open(row, now)
    ]


def independent_administrators(
    conn: Connection, by: str, login: str, now: datetime
) -> frozenset[str]:
    """Return who may approve what one administrator asks for about another person's account."""
    # Accounts that the administrator has made or changed lately may be the same person's
    made = (
        select(event.c.subject)
        .where(
            event.c.by == by,
            event.c.action.in_(_MAKING_ACTIONS),
            event.c.at > now - INDEPENDENCE,
        )
        .distinct()
    )
    made_lately = set(conn.execute(made).scalars())
    involved = find_own_logins(conn, by) | find_own_logins(conn, login) | made_lately
    return frozenset(
        person.login
        for person in people.list_people(conn)
        if permissions.is_allowed(person, Action.ACCOUNTS)
        and not person.break_glass
        and person.login not in involved
    )


def _make_change(conn: Connection, row: Row[Any], by: str, now: datetime) -> None:
    """Make a change that needs no code."""
    if row.kind == ChangeKind.SECOND_FACTOR:
        remove_second_factor(conn, row.login)
    else:
        remove_link(conn, row.login)
    sessions.end_all_sessions(conn, row.login, now, "access")
    mark_done(conn, row, now)
    record(conn, by, "make_access_change", row.login, kind=row.kind)


def mark_done(conn: Connection, row: Row[Any], now: datetime) -> None:
    """Store that a change was made."""
    conn.execute(update(access_change).where(_change.id == row.id).values(done_at=now))


def _cancel(conn: Connection, row: Row[Any], by: str, now: datetime) -> None:
    if not is_open(row, now):
        raise UsageError("access_change_closed")
    _cancel_open(conn, row.login, ChangeKind(row.kind), by, now)


def _cancel_open(conn: Connection, login: str, kind: ChangeKind, by: str, now: datetime) -> None:
    still_open = update(access_change).where(
        _change.login == login,
        _change.kind == kind.value,
        _change.done_at.is_(None),
        _change.cancelled_at.is_(None),
    )
    if conn.execute(still_open.values(cancelled_by=by, cancelled_at=now)).rowcount:
        record(conn, by, "cancel_access_change", login, kind=kind.value)


def is_open(row: Row[Any], now: datetime) -> bool:
    """Return whether a change is neither made nor cancelled, and its time has not run out."""
    return row.done_at is None and row.cancelled_at is None and bool(row.expires_at > now)


def _load(conn: Connection, change_id: str) -> Row[Any]:
    row = conn.execute(select(access_change).where(_change.id == change_id)).one_or_none()
    if row is None:
        raise UsageError("access_change_closed")
    return row


def find_by_code(conn: Connection, login: str, code: str) -> Row[Any] | None:
    """Return the change that a code is for, locked, or None."""
    return conn.execute(
        select(access_change)
        .where(_change.login == login, _change.code_sha256 == code_digest(login, code))
        .with_for_update()
    ).one_or_none()


# The accounts of members of staff, as the system administrator sees them.

_staff = registers.staff


@dataclass(frozen=True, slots=True)
class Account:
    """An account, how its person gets in, and its open sessions.

    `must_change`: the person has not chosen a password yet. `has_code`: it has a second factor;
    `is_linked`: it has an identity at a provider. `active_at`: the last known activity.
    """

    person: Person
    active: bool
    must_change: bool
    has_code: bool
    is_linked: bool
    sessions: int
    active_at: datetime | None


def list_accounts(conn: Connection, person: Person) -> list[Account]:
    """Return all accounts: active ones first, then by name.

    Raises:
        NotAllowedError: the person may not manage accounts; so too in the other functions here.
    """
    permissions.require_permission(person, Action.ACCOUNTS)
    # Count the open sessions of each login and find its latest activity
    open_sessions = func.count().filter(browser_session.c.ended_at.is_(None))
    last_activity = func.max(browser_session.c.active_at, type_=browser_session.c.active_at.type)
    session_by_login = {
        row[0]: row
        for row in conn.execute(
            select(browser_session.c.login, open_sessions, last_activity).group_by(
                browser_session.c.login
            )
        )
    }
    # Active accounts first, as the administrator looks for those
    rows = conn.execute(
        select(
            _staff.c.login, _staff.c.active, _staff.c.must_change, _staff.c.password_hash
        ).order_by(_staff.c.active.desc(), _staff.c.name)
    ).all()
    person_by_login = people.people_by_login(conn)
    with_code, linked = logins_with_second_factor(conn), linked_logins(conn)
    # A login without any session has no count and no activity
    return [
        Account(
            person_by_login[row.login],
            row.active,
            row.must_change or row.password_hash == NO_PASSWORD.text,
            row.login in with_code,
            row.login in linked,
            *(session_by_login.get(row.login) or (None, 0, None))[1:],
        )
        for row in rows
    ]


def reopen_account(conn: Connection, person: Person, login: str) -> None:
    """Open a closed account again. Raises as `close_account`."""
    permissions.require_permission_for(login, person, Action.ACCOUNTS)
    conn.execute(
        update(_staff)
        .where(_staff.c.login == require_other_account(conn, person, login).login)
        .values(active=True)
    )
    record(conn, person.login, "open_account", login)


def require_other_account(conn: Connection, person: Person, login: str) -> Person:
    """Return an account that the person may change.

    Raises:
        UsageError: there is no such account, or it is the person's own.
    """
    account = people.people_by_login(conn).get(login)
    if account is None:
        raise UsageError("no_such_account")
    if is_same_person(conn, person.login, {login}):
        raise UsageError("own_account_not_changed")
    return account
