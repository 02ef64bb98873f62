"""List, add, change and close the accounts of members of staff, for the system administrator.

The system administrator sees neither paper nor clients. An account is closed, never removed, since
the person's events and decisions remain. Nobody may change the own account, nor another one of
their own, so that one administrator always remains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import UsageError, naming
from pipeline.domain.model import Person
from pipeline.domain.permissions import ROLES_WITH_PROFESSION, Action
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.access_notices import ChangeKind, note_change
from pipeline.store.accounts.login.access_changes import cancel_codes, request_change
from pipeline.store.accounts.login.password_hashes import (
    NO_PASSWORD,
    hash_password,
    make_sealed_password,
)
from pipeline.store.accounts.login.provider_links import linked_logins
from pipeline.store.accounts.login.second_factor import logins_with_second_factor
from pipeline.store.accounts.same_person import is_same_person
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import browser_session

_staff = paper.staff


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
    with naming(account.login):
        permissions.require_permission(person, Action.ACCOUNTS)
    _require_valid_account(conn, person, account)
    before = people.people_by_login(conn).get(account.login)
    # A closed account is opened first, so that a change is not mistaken for it
    if before and people.find_person(conn, account.login) is None:
        raise UsageError("account_closed_open_before")
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
        if not _require_other_account(conn, person, login).break_glass:
            raise UsageError("account_not_for_emergencies")
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
    with naming(login):
        permissions.require_permission(person, Action.ACCOUNTS)
    closed = _require_other_account(conn, person, login).login
    people.deactivate_person(conn, closed, by=person.login)
    cancel_codes(conn, closed, utc_now(), by=person.login)


def reopen_account(conn: Connection, person: Person, login: str) -> None:
    """Open a closed account again. Raises as `close_account`."""
    with naming(login):
        permissions.require_permission(person, Action.ACCOUNTS)
    conn.execute(
        update(_staff)
        .where(_staff.c.login == _require_other_account(conn, person, login).login)
        .values(active=True)
    )
    record(conn, person.login, "open_account", login)


def _require_valid_account(conn: Connection, person: Person, account: Person) -> None:
    if not account.login.strip() or not account.name.strip() or not account.title.strip():
        raise UsageError("account_login_name_title")
    if is_same_person(conn, person.login, {account.login}) or (
        account.key and account.key == person.key
    ):
        raise UsageError("nobody_changes_own_account")
    if account.all_units - set(client_register.areas_by_unit(conn)):
        raise UsageError("no_such_unit")
    for one in account.assignments:
        if one.role in ROLES_WITH_PROFESSION and not one.areas:
            raise UsageError("title_no_known_profession_choose_areas")


def _require_other_account(conn: Connection, person: Person, login: str) -> Person:
    account = people.people_by_login(conn).get(login)
    if account is None:
        raise UsageError("no_such_account")
    if is_same_person(conn, person.login, {login}):
        raise UsageError("nobody_changes_own_account")
    return account
