"""Accounts for emergencies (nödkonton): each use has a reason, and shouts at managers and log reviewers until one of them has seen it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import UsageError
from pipeline.model import Person
from pipeline.store import tables
from pipeline.store.account_tables import break_glass_use
from pipeline.store.events import record

LEAST_REASON = 10
_use = break_glass_use


@dataclass(frozen=True, slots=True)
class Use:
    """A login with an account for emergencies that nobody has seen yet."""

    id: str
    login: str
    name: str
    at: datetime
    reason: str


def begin_use(conn: Connection, login: str, reason: str, now: datetime) -> str:
    """Note that somebody has logged in with such an account, and why; answers with the use's id.

    Raises:
        UsageError: the reason says too little.
    """
    if len(reason.strip()) < LEAST_REASON:
        raise UsageError("account_emergencies_used_reason", least_reason=LEAST_REASON)
    use_id = secrets.token_hex(8)
    conn.execute(insert(_use).values(id=use_id, login=login, at=now, reason=reason.strip()[:500]))
    record(conn, login, "break_glass", use_id)
    return use_id


def unseen(conn: Connection, person: Person) -> list[Use]:
    """The uses that nobody has seen, oldest first.

    Raises:
        NotAllowedError: the person is neither a manager nor a log reviewer.
    """
    access.require(person, Action.ALARM)
    query = select(_use.c.id, _use.c.login, tables.staff.c.name, _use.c.at, _use.c.reason).join(tables.staff, tables.staff.c.login == _use.c.login)
    return [Use(*row) for row in conn.execute(query.where(_use.c.seen_at.is_(None)).order_by(_use.c.at, _use.c.id))]


def acknowledge(conn: Connection, person: Person, use_id: str, now: datetime) -> None:
    """Say that one has seen a use. Whoever comes second changes nothing.

    Raises:
        NotAllowedError: as `unseen`.
    """
    access.require(person, Action.ALARM)
    open_use = update(_use).where(_use.c.id == use_id, _use.c.seen_at.is_(None))
    if conn.execute(open_use.values(seen_by=person.login, seen_at=now)).rowcount:
        record(conn, person.login, "break_glass_seen", use_id)
