"""What a person is told about changes that others made to the person's way in.

A change is told at every login for two weeks, not once: whoever logs in with a code that was meant
for another must not be able to make the notice disappear.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, or_, select

from pipeline.store.schema import registers
from pipeline.store.schema.accounts import access_change

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
