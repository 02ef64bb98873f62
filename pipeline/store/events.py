"""What happened, who did it, where and when. Only ever added to, and never with the value of a field or a personal number.

A view of a sheet is in the log under the id of its page, entry or run, which lead to the clients through the tables: whose sheet it is may be
known only later, or be corrected. Only where somebody looked for a person is the subject a keyed digest of the number (`client_subject`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.identity import normal_pid
from pipeline.store import tables
from pipeline.store.chain import Detail, LogRow
from pipeline.store.chain_rows import append, key
from pipeline.store.clock import utc_now

__all__ = ["Detail", "Event", "client_subject", "events_of", "forget_recorded", "names_somebody", "record", "write_recorded"]

_RECORDED = "efterskrift_recorded"
_LIKE_A_PID = re.compile(r"(?<![0-9A-Za-z])(?:\d{2})?\d{6}[-+]?\d{4}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log. `unit` is the one whose paper it was about, if any."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Detail]
    unit: str | None = None


def record(conn: Connection, by: str, action: str, subject: str, *, unit: str | None = None, **detail: Detail) -> None:
    """Add to the log; the row is written when the transaction ends.

    Args:
        by: the login of a member of staff, or "system".
        action: a verb, such as "view_page". The catalogue of the screens has a word for each (`log.action.<action>`).
        subject: the id of what it was done to.
        unit: whose paper or client it was done to, if anybody's.
        detail: counts, states and field names. Never what a field says.

    Raises:
        ValueError: a personal number stands in the subject or the detail; that is a mistake in the program.
    """
    if any(names_somebody(text) for text in (subject, *detail.values()) if isinstance(text, str)):
        raise ValueError(f"the event {action} holds a personal number")
    _recorded(conn).append(LogRow(0, utc_now(), by, action, subject, unit, detail, None, None))


def write_recorded(conn: Connection) -> None:
    """Write what this transaction has recorded, as the last thing that it does."""
    append(conn, _flagged(conn, _recorded(conn)))
    forget_recorded(conn)


def forget_recorded(conn: Connection) -> None:
    """Begin anew: what a transaction recorded that was rolled back did not happen."""
    conn.info.pop(_RECORDED, None)


def _flagged(conn: Connection, rows: list[LogRow]) -> list[LogRow]:
    """All that an account for emergencies did is marked."""
    if not rows:
        return rows
    staff = tables.staff.c
    sealed = set(conn.execute(select(staff.login).where(staff.login.in_({row.by for row in rows}), staff.break_glass)).scalars())
    return [replace(row, detail=dict(row.detail) | {"break_glass": True}) if row.by in sealed else row for row in rows]


def events_of(conn: Connection, subject: str) -> list[Event]:
    """All that happened to one thing, oldest first, with what this transaction itself has recorded."""
    table = tables.event.c
    query = select(table.at, table.by, table.action, table.subject, table.detail, table.unit).where(table.subject == subject).order_by(table.id)
    own = [row for row in _recorded(conn) if row.subject == subject]
    return [Event(*row) for row in conn.execute(query)] + [Event(row.at, row.by, row.action, row.subject, row.detail, row.unit) for row in own]


def client_subject(conn: Connection, pid: str) -> str:
    """How the log names a person that somebody looked for: no personal number, and no digest that could be found by trying all numbers."""
    return "client:" + hmac.digest(key(conn), pid.encode(), "sha256").hex()[:40]


def _recorded(conn: Connection) -> list[LogRow]:
    rows: list[LogRow] = conn.info.setdefault(_RECORDED, [])
    return rows


def names_somebody(text: str) -> bool:
    """Whether a text holds a personal number."""
    return any(normal_pid(match[0]).valid for match in _LIKE_A_PID.finditer(text))
