"""Record and acknowledge the use of emergency accounts (nödkonton).

Each use has a reason and is shown as a warning to managers and log reviewers until one of them has
acknowledged it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.accounts.same_person import is_same_person
from pipeline.store.event_log.events import record
from pipeline.store.schema import registers
from pipeline.store.schema.accounts import break_glass_use

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
