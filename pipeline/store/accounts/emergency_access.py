"""Accounts for emergencies (nödkonton): each use has a reason, and shouts at managers and log
reviewers until one of them has seen it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import UsageError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from pipeline.store.event_log.events import record
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import break_glass_use

MIN_REASON_LENGTH = 10
_use_table = break_glass_use


@dataclass(frozen=True, slots=True)
class EmergencyUse:
    """A login with an account for emergencies that nobody has seen yet."""

    id: str
    login: str
    name: str
    at: datetime
    reason: str


def start_emergency_use(conn: Connection, login: str, reason: str, now: datetime) -> str:
    """Note that somebody has logged in with such an account, and why; answers with the use's id.

    Raises:
        UsageError: the reason says too little.
    """
    if len(reason.strip()) < MIN_REASON_LENGTH:
        raise UsageError("account_emergencies_used_reason", least_reason=MIN_REASON_LENGTH)
    use_id = secrets.token_hex(8)
    conn.execute(
        insert(_use_table).values(id=use_id, login=login, at=now, reason=reason.strip()[:500])
    )
    record(conn, login, "break_glass", use_id)
    return use_id


def list_unacknowledged(conn: Connection, person: Person) -> list[EmergencyUse]:
    """The uses that nobody has seen, oldest first.

    Raises:
        NotAllowedError: the person is neither a manager nor a log reviewer.
    """
    permissions.require_permission(person, Action.ALARM)
    query = select(
        _use_table.c.id,
        _use_table.c.login,
        paper.staff.c.name,
        _use_table.c.at,
        _use_table.c.reason,
    ).join(paper.staff, paper.staff.c.login == _use_table.c.login)
    return [
        EmergencyUse(*row)
        for row in conn.execute(
            query.where(_use_table.c.seen_at.is_(None)).order_by(_use_table.c.at, _use_table.c.id)
        )
    ]


def acknowledge_use(conn: Connection, person: Person, use_id: str, now: datetime) -> None:
    """Say that one has seen a use. Whoever comes second changes nothing.

    Raises:
        NotAllowedError: as `unseen`.
    """
    permissions.require_permission(person, Action.ALARM)
    open_use = update(_use_table).where(_use_table.c.id == use_id, _use_table.c.seen_at.is_(None))
    if conn.execute(open_use.values(seen_by=person.login, seen_at=now)).rowcount:
        record(conn, person.login, "break_glass_seen", use_id)
