"""Members of staff with local accounts. Passwords are kept as Argon2id hashes only.

A password of words that can be read out and typed: shown once, changed by the person at the
first login.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    func,
    insert,
    select,
    update,
)

from pipeline.domain.errors import NotAllowedError, PersonalNumberLoginError, UsageError
from pipeline.domain.model import Person, Role
from pipeline.domain.permissions import default_areas
from pipeline.domain.settings import ROOT
from pipeline.store.accounts import sessions
from pipeline.store.database.clock import utc_now
from pipeline.store.database.engines import upsert_rows
from pipeline.store.event_log.events import contains_pid, record
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import address_failure, login_failure

MAX_FAILURES = 5
MAX_ADDRESS_FAILURES = 30
"""A whole ward may come from one address, so more of its attempts may fail than of one person."""
FAILURE_WINDOW = timedelta(minutes=5)
MIN_PASSWORD_LENGTH = 10
_staff_table = paper.staff
_hasher = PasswordHasher()
PASSWORD_WORDS = 4
"""Of more than a thousand: 40 bits, enough where wrong attempts are slowed down and the password is
changed at once.
"""
SEALED_PASSWORD_WORDS = 6
"""For what lies in an envelope for months."""
_VOCABULARY = ROOT / "data" / "vocabulary"
_WORD = re.compile(r"[a-zåäö]{4,9}")


_login_failure, _address_failure = login_failure, address_failure


def save_person(
    conn: Connection,
    person: Person,
    password: str | None,
    by: str = "system",
    *,
    must_change: bool = False,
) -> None:
    """Add or change an account, its units and its areas of law. Without a password, a known account
    keeps the one it has; another ends its sessions.

    `must_change`: the password is known to somebody else, so the person chooses another before
    anything else. A password that is kept stays so too.

    Raises:
        UsageError: the password is short, or the account is new and has none.
        PersonalLoginError: the login is a personal number.
    """
    if contains_pid(person.login):
        raise PersonalNumberLoginError("login_must_not_personal_number")
    if password is not None:
        _require_password_length(password)
    known = _password_hash(conn, person.login)
    digest = _hasher.hash(password) if password is not None else known
    if digest is None:
        raise UsageError("account_new_needs_password", login=person.login)
    row = {
        "login": person.login,
        "name": person.name,
        "title": person.title,
        "role": person.role.value,
        "break_glass": person.break_glass,
    }
    must_change = must_change if password is not None else _must_change(conn, person.login)
    row |= {"areas": " ".join(sorted(person.areas)), "must_change": must_change}
    upsert_rows(conn, _staff_table, [row | {"password_hash": digest, "active": True}])
    conn.execute(delete(paper.staff_unit).where(paper.staff_unit.c.login == person.login))
    if person.units:
        conn.execute(
            insert(paper.staff_unit),
            [{"login": person.login, "unit": unit} for unit in sorted(person.units)],
        )
    if password is not None and known is not None:
        sessions.end_all_sessions(conn, person.login, utc_now(), "password")
        record(conn, by, "new_password", person.login)
    record(
        conn,
        by,
        "save_person",
        person.login,
        role=person.role.value,
        units=len(person.units),
        areas=row["areas"],
    )


def deactivate_person(conn: Connection, login: str, by: str = "system") -> None:
    """Close an account and end its sessions. It stays, since what the person did stays."""
    conn.execute(update(_staff_table).where(_staff_table.c.login == login).values(active=False))
    sessions.end_all_sessions(conn, login, utc_now(), "closed")
    record(conn, by, "deactivate", login)


def find_person(conn: Connection, login: str) -> Person | None:
    """The active member of staff with this login. Ask again at every request: rights may have been
    withdrawn.
    """
    row = (
        conn.execute(
            select(_staff_table).where(_staff_table.c.login == login, _staff_table.c.active)
        )
        .mappings()
        .one_or_none()
    )
    return _person_from_row(conn, row) if row else None


def people_by_login(conn: Connection) -> dict[str, Person]:
    """All members of staff, also those whose account is closed, by login."""
    return {
        row["login"]: _person_from_row(conn, row)
        for row in conn.execute(select(_staff_table)).mappings()
    }


def list_people(conn: Connection) -> list[Person]:
    """All active members of staff, by login."""
    return [
        _person_from_row(conn, row)
        for row in conn.execute(
            select(_staff_table).where(_staff_table.c.active).order_by(_staff_table.c.login)
        ).mappings()
    ]


def names_by_login(conn: Connection) -> dict[str, str]:
    """The names of all members of staff by login, also of those whose account is closed: what they
    did stays.
    """
    return {
        row.login: row.name
        for row in conn.execute(select(_staff_table.c.login, _staff_table.c.name))
    }


def set_password(conn: Connection, login: str, password: str, *, must_change: bool) -> None:
    """Give an account another password.

    Raises:
        UsageError: it is short.
    """
    _require_password_length(password)
    conn.execute(
        update(_staff_table)
        .where(_staff_table.c.login == login)
        .values(password_hash=_hasher.hash(password), must_change=must_change)
    )


def change_password(conn: Connection, login: str, password: str, new: str) -> None:
    """Let a person choose another password.

    Raises:
        NotAllowedError: the password of now is wrong.
        UsageError: the new one is short, or is the one of now.
    """
    digest = _password_hash(conn, login)
    if digest is None or not _matches(digest, password):
        raise NotAllowedError("password_wrong", by=login, action="login")
    if new == password:
        raise UsageError("new_password_old_one")
    set_password(conn, login, new, must_change=False)
    record(conn, login, "change_password", login)


def authenticate(
    conn: Connection,
    login: str,
    password: str,
    now: datetime | None = None,
    *,
    address: str = "",
    emergencies_only: bool = False,
) -> Person | None:
    """The person, if login and password are right. Takes as long for a login that does not exist.

    A failure is a row, so call this in a transaction that is then committed.

    Args:
        address: where the attempt comes from, if that is known. Failures are counted for it too.
        emergencies_only: only accounts for emergencies have a password that counts; all others
            log in at the organisation's provider.

    Raises:
        NotAllowedError: too many failures lately; the text says how long to wait.
    """
    moment = now or utc_now()
    who, place = _digest(login.strip().casefold()), _digest(address)
    _refuse_guessing(
        conn, _login_failure.c.at, _login_failure.c.login_sha256 == who, MAX_FAILURES, moment
    )
    if address:
        _refuse_guessing(
            conn,
            _address_failure.c.at,
            _address_failure.c.address_sha256 == place,
            MAX_ADDRESS_FAILURES,
            moment,
        )
    found = find_person(conn, login.strip())
    if found and emergencies_only and not found.break_glass:
        found = None
    digest = _password_hash(conn, found.login) if found else None
    if _matches(digest or _dummy_hash(), password) and found:
        conn.execute(delete(_login_failure).where(_login_failure.c.login_sha256 == who))
        record(conn, found.login, "login", found.login)
        return found
    conn.execute(insert(_login_failure).values(login_sha256=who, at=moment))
    if address:
        conn.execute(
            delete(_address_failure).where(_address_failure.c.at < moment - FAILURE_WINDOW)
        )
        conn.execute(insert(_address_failure).values(address_sha256=place, at=moment))
    # What was typed may be a password, or a personal number: only a login that there is stands in
    # the log.
    record(conn, "system", "login_failed", found.login if found else "unknown")
    return None


def _refuse_guessing(
    conn: Connection, at: Column[datetime], same: ColumnElement[bool], most: int, now: datetime
) -> None:
    count, first = conn.execute(
        select(func.count(), func.min(at, type_=at.type)).where(same, at > now - FAILURE_WINDOW)
    ).one()
    if count >= most:
        seconds = max(1, int((first + FAILURE_WINDOW - now).total_seconds()))
        raise NotAllowedError(
            "too_many_failed_logins", seconds=seconds, by="system", action="login"
        )


def _require_password_length(password: str) -> None:
    if len(password) < MIN_PASSWORD_LENGTH:
        raise UsageError("password_shorter_than_characters", shortest_password=MIN_PASSWORD_LENGTH)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _matches(digest: str, password: str) -> bool:
    try:
        return _hasher.verify(digest, password)
    except VerifyMismatchError:
        return False


@cache
def _dummy_hash() -> str:
    """A hash that no password is meant to fit: work for logins that do not exist."""
    return _hasher.hash(hashlib.sha256(b"nobody").hexdigest())


def _password_hash(conn: Connection, login: str) -> str | None:
    digest: str | None = conn.execute(
        select(_staff_table.c.password_hash).where(_staff_table.c.login == login)
    ).scalar_one_or_none()
    return digest


def _must_change(conn: Connection, login: str) -> bool:
    return bool(
        conn.execute(
            select(_staff_table.c.must_change).where(_staff_table.c.login == login)
        ).scalar_one_or_none()
    )


def _person_from_row(conn: Connection, row: RowMapping | dict[str, Any]) -> Person:
    unit = paper.staff_unit.c
    units = frozenset(conn.execute(select(unit.unit).where(unit.login == row["login"])).scalars())
    role = Role(row["role"])
    areas = (
        default_areas(role, row["title"])
        if row["areas"] is None
        else frozenset(row["areas"].split())
    )
    return Person(row["login"], row["name"], row["title"], role, units, areas, row["break_glass"])


def make_word_password(count: int = PASSWORD_WORDS) -> str:
    """Some words of the trade's vocabulary, drawn by chance, with blanks between."""
    return " ".join(secrets.choice(_password_vocabulary()) for _ in range(count))


@cache
def _password_vocabulary() -> tuple[str, ...]:
    lines = [
        line
        for file in sorted(_VOCABULARY.glob("*.txt"))
        for line in file.read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    return tuple(sorted({word for line in lines for word in line.split() if _WORD.fullmatch(word)}))
