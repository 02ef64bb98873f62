"""Members of staff, their local accounts and logins.

Passwords are kept as Argon2id hashes only. A generated password consists of words that can be read
out and typed; it is shown once and changed at the first login.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable
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
from pipeline.domain.model import Assignment, Person, Role
from pipeline.domain.permissions import default_areas
from pipeline.domain.settings import ROOT
from pipeline.store.accounts import sessions
from pipeline.store.database.clock import utc_now
from pipeline.store.database.engines import upsert_rows
from pipeline.store.event_log.events import contains_pid, record
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import address_failure, login_failure

MAX_FAILURES = 5
"""How many logins of one account may fail within `FAILURE_WINDOW`."""
MAX_ADDRESS_FAILURES = 30
"""A whole ward may share one address, so more of its attempts may fail than of one person."""
FAILURE_WINDOW = timedelta(minutes=5)

MIN_PASSWORD_LENGTH = 10
PASSWORD_WORDS = 4
"""Drawn from over a thousand words: 40 bits, enough for a password changed at once, with attempts
limited.
"""
SEALED_PASSWORD_WORDS = 6
"""For a password that is kept in a sealed envelope for months."""

_VOCABULARY = ROOT / "data" / "vocabulary"
_WORD = re.compile(r"[a-zåäö]{4,9}")
_staff_table = paper.staff
_hasher = PasswordHasher()


def save_person(
    conn: Connection,
    person: Person,
    password: str | None,
    by: str = "system",
    *,
    must_change: bool = False,
) -> None:
    """Add or change an account and its assignments.

    Without a password, an existing account keeps the one it has, and so whether it has to be
    changed. A new password ends the account's sessions.

    Args:
        must_change: another person knows the password, so that the first login asks for a new one.

    Raises:
        UsageError: the password is too short, or the account is new and has none.
        PersonalNumberLoginError: the login or the person's key is a personal number.
    """
    if contains_pid(person.login) or contains_pid(person.key):
        raise PersonalNumberLoginError("login_must_not_personal_number")
    if password is not None:
        _require_password_length(password)
    # An existing account keeps its password unless a new one is given
    old_digest = _password_hash(conn, person.login)
    digest = _hasher.hash(password) if password is not None else old_digest
    if digest is None:
        raise UsageError("account_new_needs_password", login=person.login)
    row = {
        "login": person.login,
        "name": person.name,
        "title": person.title,
        "role": person.role.value,
        "areas": " ".join(sorted(person.areas)),
        "break_glass": person.break_glass,
        "person_key": person.key or None,
        "must_change": must_change if password is not None else _must_change(conn, person.login),
        "password_hash": digest,
        "active": True,
    }
    upsert_rows(conn, _staff_table, [row])
    _replace_assignments(conn, person)
    # A changed password ends the sessions that the old one began
    if password is not None and old_digest is not None:
        sessions.end_all_sessions(conn, person.login, utc_now(), "password")
        record(conn, by, "new_password", person.login)
    record(
        conn,
        by,
        "save_person",
        person.login,
        role=", ".join(person.roles),
        units=len(person.all_units),
        areas=" ".join(sorted(person.all_areas)),
    )


def _replace_assignments(conn: Connection, person: Person) -> None:
    main_unit, assignment, unit = paper.staff_unit, paper.assignment, paper.assignment_unit
    # The new units and assignments replace all earlier ones
    for table in (main_unit, unit, assignment):
        conn.execute(delete(table).where(table.c.login == person.login))
    if person.units:
        rows = [{"login": person.login, "unit": name} for name in sorted(person.units)]
        conn.execute(insert(main_unit), rows)
    for number, one in enumerate(person.further, start=1):
        key = {"login": person.login, "number": number}
        areas = " ".join(sorted(one.areas))
        values = {"role": one.role.value, "title": one.title, "areas": areas}
        conn.execute(insert(assignment).values(key | values))
        if one.units:
            conn.execute(insert(unit), [key | {"unit": name} for name in sorted(one.units)])


def deactivate_person(conn: Connection, login: str, by: str = "system") -> None:
    """Close an account and end its sessions. The row is kept for what the person did."""
    conn.execute(update(_staff_table).where(_staff_table.c.login == login).values(active=False))
    sessions.end_all_sessions(conn, login, utc_now(), "closed")
    record(conn, by, "deactivate", login)


def find_person(conn: Connection, login: str) -> Person | None:
    """Return the active member of staff with this login, or None.

    Call it again at every request: rights may have been withdrawn.
    """
    # A closed account is treated as no account
    row = (
        conn.execute(
            select(_staff_table).where(_staff_table.c.login == login, _staff_table.c.active)
        )
        .mappings()
        .one_or_none()
    )
    return _person_from_row(conn, row) if row else None


def people_by_login(conn: Connection) -> dict[str, Person]:
    """Return all members of staff by login, closed accounts included."""
    return {
        row["login"]: _person_from_row(conn, row)
        for row in conn.execute(select(_staff_table)).mappings()
    }


def list_people(conn: Connection) -> list[Person]:
    """Return all active members of staff, by login."""
    return [
        _person_from_row(conn, row)
        for row in conn.execute(
            select(_staff_table).where(_staff_table.c.active).order_by(_staff_table.c.login)
        ).mappings()
    ]


def names_by_login(conn: Connection) -> dict[str, str]:
    """Return the names of all members of staff by login, closed accounts included."""
    return {
        row.login: row.name
        for row in conn.execute(select(_staff_table.c.login, _staff_table.c.name))
    }


def set_password(conn: Connection, login: str, password: str, *, must_change: bool) -> None:
    """Set the password of an account.

    Raises:
        UsageError: the password is too short.
    """
    _require_password_length(password)
    conn.execute(
        update(_staff_table)
        .where(_staff_table.c.login == login)
        .values(password_hash=_hasher.hash(password), must_change=must_change)
    )


def change_password(conn: Connection, login: str, password: str, new: str) -> None:
    """Change the person's own password.

    Raises:
        NotAllowedError: the current password is wrong.
        UsageError: the new password is too short, or equals the current one.
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
    """Return the person if login and password are right, else None.

    An unknown login takes as long as a known one. A failure is stored as a row, so call this in a
    transaction that is then committed.

    Args:
        address: where the attempt comes from, if known. Failures are counted for it too.
        emergencies_only: accept emergency accounts only; all others log in at the organisation's
            provider.

    Raises:
        NotAllowedError: too many recent failures; the message says how long to wait.
    """
    moment = now or utc_now()
    # Refuse before the password is checked, so that guessing is slowed down
    login_sha256, address_sha256 = _digest(login.strip().casefold()), _digest(address)
    _refuse_guessing(
        conn, login_failure.c.at, login_failure.c.login_sha256 == login_sha256, MAX_FAILURES, moment
    )
    if address:
        _refuse_guessing(
            conn,
            address_failure.c.at,
            address_failure.c.address_sha256 == address_sha256,
            MAX_ADDRESS_FAILURES,
            moment,
        )
    # A login that does not exist is checked against a dummy hash, for equal timing
    person = find_person(conn, login.strip())
    if person and emergencies_only and not person.break_glass:
        person = None
    digest = _password_hash(conn, person.login) if person else None
    if _matches(digest or _dummy_hash(), password) and person:
        conn.execute(delete(login_failure).where(login_failure.c.login_sha256 == login_sha256))
        record(conn, person.login, "login", person.login)
        return person
    # Count the failure, and forget failures of addresses that no longer matter
    conn.execute(insert(login_failure).values(login_sha256=login_sha256, at=moment))
    if address:
        conn.execute(delete(address_failure).where(address_failure.c.at < moment - FAILURE_WINDOW))
        conn.execute(insert(address_failure).values(address_sha256=address_sha256, at=moment))
    # A typed login may be a password or a personal number, so only an existing one is logged
    record(conn, "system", "login_failed", person.login if person else "unknown")
    return None


def _refuse_guessing(
    conn: Connection,
    failed_at: Column[datetime],
    same_source: ColumnElement[bool],
    limit: int,
    now: datetime,
) -> None:
    # Failures of this login or address within the window, and the first of them
    count, first_at = conn.execute(
        select(func.count(), func.min(failed_at, type_=failed_at.type)).where(
            same_source, failed_at > now - FAILURE_WINDOW
        )
    ).one()
    if count >= limit:
        seconds = max(1, int((first_at + FAILURE_WINDOW - now).total_seconds()))
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
    """Return a hash that no password matches: the work done for a login that does not exist."""
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
    units = conn.execute(select(unit.unit).where(unit.login == row["login"])).scalars()
    main = _make_assignment(row, units)
    return Person(
        row["login"],
        row["name"],
        main.title,
        main.role,
        main.units,
        main.areas,
        row["break_glass"],
        _load_further(conn, row["login"]),
        row["person_key"] or "",
    )


def _load_further(conn: Connection, login: str) -> tuple[Assignment, ...]:
    """Return the assignments of an account other than the main one, in their order."""
    assignment, unit = paper.assignment, paper.assignment_unit
    units: dict[int, list[str]] = defaultdict(list)
    for row in conn.execute(select(unit.c.number, unit.c.unit).where(unit.c.login == login)):
        units[row.number].append(row.unit)
    query = select(assignment).where(assignment.c.login == login).order_by(assignment.c.number)
    return tuple(
        _make_assignment(row, units[row["number"]]) for row in conn.execute(query).mappings()
    )


def _make_assignment(row: RowMapping | dict[str, Any], units: Iterable[str]) -> Assignment:
    role = Role(row["role"])
    # Without areas of its own the assignment has those of the profession
    areas = (
        default_areas(role, row["title"])
        if row["areas"] is None
        else frozenset(row["areas"].split())
    )
    return Assignment(role, row["title"], frozenset(units), areas)


def make_word_password(count: int = PASSWORD_WORDS) -> str:
    """Return a password of words drawn at random from the vocabulary, separated by spaces."""
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
