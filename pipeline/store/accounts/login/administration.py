"""The accounts of members of staff, as the system administrator sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from pipeline.domain.errors import UsageError, naming
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.accounts import people
from pipeline.store.accounts.login.access_changes import linked_logins
from pipeline.store.accounts.login.second_factor import logins_with_second_factor
from pipeline.store.accounts.people import NO_PASSWORD
from pipeline.store.accounts.same_person import is_same_person
from pipeline.store.event_log.events import record
from pipeline.store.schema import registers
from pipeline.store.schema.accounts import browser_session

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
    with naming(login):
        permissions.require_permission(person, Action.ACCOUNTS)
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
