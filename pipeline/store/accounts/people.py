"""Members of staff and their accounts.

Passwords are kept as Argon2id hashes only, which are computed before a transaction begins
(`pipeline/login/passwords.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, insert, select, union, update

from pipeline.domain.errors import PersonalNumberLoginError, UsageError
from pipeline.domain.law.permissions import ROLE_ACTIONS, Action, default_areas
from pipeline.domain.model import Assignment, Person, Role
from pipeline.store.accounts import sessions
from pipeline.store.accounts.access_notices import ChangeKind, note_change
from pipeline.store.database.engines import upsert_rows
from pipeline.store.event_log.events import contains_pid, record
from pipeline.store.schema import registers
from pipeline.store.schema.clock import utc_now

_staff_table = registers.staff


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """The hash of a password, as stored."""

    text: str = field(repr=False)


NO_PASSWORD = PasswordHash("!")
"""The hash of an account whose person has not chosen a password yet: nothing matches it."""


def save_person(
    conn: Connection,
    person: Person,
    password: PasswordHash | None,
    by: str = "system",
    *,
    must_change: bool = False,
) -> None:
    """Add or change an account and its assignments.

    Without the hash of a password, an existing account keeps the one it has, and so whether it has
    to be changed. A new password ends the account's sessions.

    Args:
        must_change: another person knows the password, so that the first login asks for a new one.

    Raises:
        UsageError: the account is new and has no password, or its login differs from another one
            by capitals alone.
        PersonalNumberLoginError: the login or the person's key is a personal number.
    """
    if contains_pid(person.login) or contains_pid(person.key):
        raise PersonalNumberLoginError("login_is_personal_number")
    old_digest: str | None = conn.execute(
        select(_staff_table.c.password_hash).where(_staff_table.c.login == person.login)
    ).scalar_one_or_none()
    if old_digest is None and (taken := find_login(conn, person.login)) != person.login:
        raise UsageError("login_taken_in_other_letters", login=taken)
    digest = password.text if password is not None else old_digest
    if digest is None:
        raise UsageError("new_account_without_password", login=person.login)
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
        note_change(conn, person.login, ChangeKind.PASSWORD, by, utc_now())
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
    main_unit, assignment, unit = (
        registers.staff_unit,
        registers.assignment,
        registers.assignment_unit,
    )
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


def find_login(conn: Connection, typed: str) -> str:
    """Return the login that is meant by a typed one, in capitals or not.

    What is typed exactly comes first, since accounts of earlier versions may differ by that alone.
    What nobody has, or two have, is returned as it is typed.
    """
    logins = conn.execute(select(_staff_table.c.login)).scalars().all()
    alike = [login for login in logins if login.casefold() == typed.casefold()]
    return alike[0] if len(alike) == 1 and typed not in alike else typed


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


def units_with_someone(conn: Connection, action: Action) -> frozenset[str]:
    """Return the units in which somebody with an account in use may do this.

    Emergency accounts do not count.
    """
    roles = [role.value for role, actions in ROLE_ACTIONS.items() if action in actions]
    further, unit = registers.assignment.c, registers.assignment_unit.c
    in_use = (_staff_table.c.active, _staff_table.c.break_glass.is_(False))
    # By the main assignment, and by the further ones
    main = (
        select(registers.staff_unit.c.unit)
        .join(_staff_table, _staff_table.c.login == registers.staff_unit.c.login)
        .where(*in_use, _staff_table.c.role.in_(roles))
    )
    others = (
        select(unit.unit)
        .join(
            registers.assignment, and_(further.login == unit.login, further.number == unit.number)
        )
        .join(_staff_table, _staff_table.c.login == unit.login)
        .where(*in_use, further.role.in_(roles))
    )
    return frozenset(conn.execute(union(main, others)).scalars())


def password_digest(conn: Connection, login: str) -> PasswordHash | None:
    """Return the hash of an account's password, or None if there is no such account."""
    text: str | None = conn.execute(
        select(registers.staff.c.password_hash).where(registers.staff.c.login == login)
    ).scalar_one_or_none()
    return None if text is None else PasswordHash(text)


def set_password(conn: Connection, login: str, digest: PasswordHash, *, must_change: bool) -> None:
    """Set the password of an account."""
    conn.execute(
        update(_staff_table)
        .where(_staff_table.c.login == login)
        .values(password_hash=digest.text, must_change=must_change)
    )


def _must_change(conn: Connection, login: str) -> bool:
    return bool(
        conn.execute(
            select(_staff_table.c.must_change).where(_staff_table.c.login == login)
        ).scalar_one_or_none()
    )


def _person_from_row(conn: Connection, row: RowMapping | dict[str, Any]) -> Person:
    unit = registers.staff_unit.c
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
    assignment, unit = registers.assignment, registers.assignment_unit
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
