"""What is told of access: changes of a person's way in, and uses of emergency accounts.

A change is told at every login for two weeks, not once: whoever logs in with a code that was meant
for another must not be able to make the notice disappear.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, or_, select, update

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.accounts.visibility import is_same_person
from pipeline.store.event_log.events import record
from pipeline.store.schema import registers
from pipeline.store.schema.accounts import access_change, break_glass_use

TOLD_FOR = timedelta(days=14)
"""How long after a change the person is told of it at every login."""
LISTED_FOR = timedelta(days=90)
"""How far back the changes go that are told together with it."""


class ChangeKind(StrEnum):
    """What another person changed."""

    FIRST = "first"
    """The first password of a new account, which the person chooses with a code."""
    PASSWORD = "password"
    SECOND_FACTOR = "second_factor"
    """The second factor is removed."""
    PROVIDER = "provider"
    """The link to the identity at the organisation's provider is removed."""


@dataclass(frozen=True, slots=True)
class AccessNotice:
    """A change that is told; `by` is the name of who made it, or an account of the computer."""

    id: str
    kind: ChangeKind
    by: str
    at: datetime
    is_done: bool


def note_change(conn: Connection, login: str, kind: ChangeKind, by: str, now: datetime) -> None:
    """Store a change that is made already, so that the person is told."""
    row = {
        "id": secrets.token_hex(8),
        "login": login,
        "kind": kind.value,
        "at": now,
        "by": by,
        "needs_approval": False,
        "done_at": now,
    }
    conn.execute(insert(access_change).values(row))


def list_notices(conn: Connection, login: str, now: datetime) -> list[AccessNotice]:
    """Return the changes that the person is told of, newest first; none if none is recent."""
    change = access_change.c
    rows = conn.execute(
        select(change.id, change.kind, change.by, change.at, change.done_at, registers.staff.c.name)
        .outerjoin(registers.staff, registers.staff.c.login == change.by)
        .where(
            change.login == login,
            change.kind != ChangeKind.FIRST.value,
            change.cancelled_at.is_(None),
            or_(change.done_at.is_not(None), change.expires_at > now),
            change.at > now - LISTED_FOR,
        )
        .order_by(change.at.desc(), change.id)
    ).all()
    if not any((row.done_at or row.at) > now - TOLD_FOR for row in rows):
        return []
    return [
        AccessNotice(
            row.id, ChangeKind(row.kind), row.name or row.by, row.at, row.done_at is not None
        )
        for row in rows
    ]


# Record and acknowledge the use of emergency accounts (nödkonton).
#
# Each use has a reason and is shown as a warning to managers and log reviewers until one of them
# has acknowledged it.

MIN_REASON_LENGTH = 10
"""The fewest characters of a reason."""


@dataclass(frozen=True, slots=True)
class EmergencyUse:
    """A login with an emergency account that has not been acknowledged."""

    id: str
    login: str
    name: str
    at: datetime
    reason: str


def start_emergency_use(conn: Connection, login: str, reason: str, now: datetime) -> str:
    """Record a login with an emergency account and its reason; return the use's id.

    Raises:
        UsageError: the reason is shorter than `MIN_REASON_LENGTH`.
    """
    if len(reason.strip()) < MIN_REASON_LENGTH:
        raise UsageError("emergency_reason_missing", least_reason=MIN_REASON_LENGTH)
    use_id = secrets.token_hex(8)
    conn.execute(
        insert(break_glass_use).values(id=use_id, login=login, at=now, reason=reason.strip()[:500])
    )
    record(conn, login, "break_glass", use_id)
    return use_id


def list_unacknowledged(conn: Connection, person: Person) -> list[EmergencyUse]:
    """Return the uses that nobody has acknowledged, oldest first.

    Raises:
        NotAllowedError: the person is neither a manager nor a log reviewer.
    """
    permissions.require_permission(person, Action.ALARM)
    query = select(
        break_glass_use.c.id,
        break_glass_use.c.login,
        registers.staff.c.name,
        break_glass_use.c.at,
        break_glass_use.c.reason,
    ).join(registers.staff, registers.staff.c.login == break_glass_use.c.login)
    # Only uses that nobody has acknowledged
    return [
        EmergencyUse(*row)
        for row in conn.execute(
            query.where(break_glass_use.c.seen_at.is_(None)).order_by(
                break_glass_use.c.at, break_glass_use.c.id
            )
        )
    ]


def acknowledge_use(conn: Connection, person: Person, use_id: str, now: datetime) -> None:
    """Acknowledge a use; a second acknowledgement changes nothing.

    Raises:
        NotAllowedError: as `list_unacknowledged`, or the person used the account.
    """
    permissions.require_permission(person, Action.ALARM)
    login = select(break_glass_use.c.login).where(break_glass_use.c.id == use_id)
    used_by = conn.execute(login).scalar_one_or_none()
    if is_same_person(conn, person.login, {used_by}):
        raise NotAllowedError(
            "emergency_use_own", by=person.login, action=Action.ALARM.value, subject=use_id
        )
    # The first acknowledgement counts, so a use that has one is not matched
    open_use = update(break_glass_use).where(
        break_glass_use.c.id == use_id, break_glass_use.c.seen_at.is_(None)
    )
    if conn.execute(open_use.values(seen_by=person.login, seen_at=now)).rowcount:
        record(conn, person.login, "break_glass_seen", use_id)
