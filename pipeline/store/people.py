"""Members of staff with local accounts. Passwords are kept as Argon2id hashes only."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from pipeline.errors import NotAllowedError, UsageError
from pipeline.model import Person, Role
from pipeline.store import tables
from pipeline.store.clock import utc_now
from pipeline.store.events import record
from pipeline.store.upsert import upsert

FAILURES = 5
WINDOW = timedelta(minutes=5)
SHORTEST_PASSWORD = 10

_staff = tables.staff
_failure = tables.login_failure
_hasher = PasswordHasher()


def save_person(conn: Connection, person: Person, password: str | None, by: str = "system") -> None:
    """Add or change an account and its units. Without a password, a known account keeps the one it has.

    Raises:
        UsageError: the password is short, or the account is new and has none.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise UsageError(f"The password is shorter than {SHORTEST_PASSWORD} characters.", "Choose a longer one, such as four words.")
    digest = _hasher.hash(password) if password is not None else _hash_of(conn, person.login)
    if digest is None:
        raise UsageError(f"The account {person.login} is new and needs a password.")
    row = {"login": person.login, "name": person.name, "title": person.title, "role": person.role.value}
    upsert(conn, _staff, [row | {"password_hash": digest, "active": True}])
    conn.execute(delete(tables.staff_unit).where(tables.staff_unit.c.login == person.login))
    if person.units:
        conn.execute(insert(tables.staff_unit), [{"login": person.login, "unit": unit} for unit in sorted(person.units)])
    record(conn, by, "save_person", person.login, role=person.role.value, units=len(person.units))


def deactivate(conn: Connection, login: str, by: str = "system") -> None:
    """Close an account. It stays, since what the person did stays."""
    conn.execute(update(_staff).where(_staff.c.login == login).values(active=False))
    record(conn, by, "deactivate", login)


def person(conn: Connection, login: str) -> Person | None:
    """The active member of staff with this login. Ask again at every request: rights may have been withdrawn."""
    row = conn.execute(select(_staff).where(_staff.c.login == login, _staff.c.active)).mappings().one_or_none()
    return _person(conn, row) if row else None


def people(conn: Connection) -> list[Person]:
    """All active members of staff, by login."""
    return [_person(conn, row) for row in conn.execute(select(_staff).where(_staff.c.active).order_by(_staff.c.login)).mappings()]


def names(conn: Connection) -> dict[str, str]:
    """The names of all members of staff by login, also of those whose account is closed: what they did stays."""
    return {row.login: row.name for row in conn.execute(select(_staff.c.login, _staff.c.name))}


def authenticate(conn: Connection, login: str, password: str, now: datetime | None = None) -> Person | None:
    """The person, if login and password are right. Takes as long for a login that does not exist.

    A failure is a row, so call this in a transaction that is then committed.

    Raises:
        NotAllowedError: too many failures lately; the text says how long to wait.
    """
    moment = now or utc_now()
    who = hashlib.sha256(login.strip().casefold().encode()).hexdigest()
    _refuse_guessing(conn, who, moment)
    found = person(conn, login.strip())
    digest = _hash_of(conn, found.login) if found else None
    if _matches(digest or _nobody(), password) and found:
        conn.execute(delete(_failure).where(_failure.c.login_sha256 == who))
        record(conn, found.login, "login", found.login)
        return found
    conn.execute(insert(_failure).values(login_sha256=who, at=moment))
    return None


def _refuse_guessing(conn: Connection, who: str, now: datetime) -> None:
    recent = select(func.count(), func.min(_failure.c.at, type_=_failure.c.at.type))
    count, first = conn.execute(recent.where(_failure.c.login_sha256 == who, _failure.c.at > now - WINDOW)).one()
    if count >= FAILURES:
        seconds = max(1, int((first + WINDOW - now).total_seconds()))
        raise NotAllowedError("Too many failed logins.", f"Wait {seconds} seconds and try again.")


def _matches(digest: str, password: str) -> bool:
    try:
        return _hasher.verify(digest, password)
    except VerifyMismatchError:
        return False


@cache
def _nobody() -> str:
    """A hash that no password is meant to fit: work for logins that do not exist."""
    return _hasher.hash(hashlib.sha256(b"nobody").hexdigest())


def _hash_of(conn: Connection, login: str) -> str | None:
    digest: str | None = conn.execute(select(_staff.c.password_hash).where(_staff.c.login == login)).scalar_one_or_none()
    return digest


def _person(conn: Connection, row: RowMapping | dict[str, Any]) -> Person:
    unit = tables.staff_unit.c
    units = frozenset(conn.execute(select(unit.unit).where(unit.login == row["login"])).scalars())
    return Person(row["login"], row["name"], row["title"], Role(row["role"]), units)
