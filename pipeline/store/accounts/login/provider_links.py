"""The identity of a person at the organisation's provider: `iss` and `sub`, which never change.

A name can be given to another person, or be chosen by its owner. So it says only once which account
a new identity belongs to; from then on the identity alone decides. A system administrator unlinks
an account whose person has got another identity (`access_changes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from pipeline.store.accounts import people
from pipeline.store.database.store import lock_keys
from pipeline.store.event_log.events import record
from pipeline.store.schema.accounts import provider_link


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
