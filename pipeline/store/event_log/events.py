"""What happened, who did it, where and when. Only ever added to, and never with the value of a
field or a personal number.

A view of a sheet is in the log under the id of its page, entry or run, which lead to the clients
through the tables: whose sheet it is may be known only later, or be corrected. Only where
somebody looked for a person is the subject a keyed digest of the number (`client_subject`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.domain.identity_numbers import normalize_pid
from pipeline.store.database.clock import utc_now
from pipeline.store.event_log.hash_chain import Detail, LogRow, append_rows, digest_key
from pipeline.store.schema import paper

_PENDING_KEY = "efterskrift_recorded"
_PID_PATTERN = re.compile(r"(?<![0-9A-Za-z])(?:\d{2})?\d{6}[-+]?\d{4}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log. `unit` is the one whose paper it was about, if any."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Detail]
    unit: str | None = None


def record(
    conn: Connection,
    by: str,
    action: str,
    subject: str,
    *,
    unit: str | None = None,
    **detail: Detail,
) -> None:
    """Add to the log; the row is written when the transaction ends.

    Args:
        by: the login of a member of staff, or "system".
        action: a verb, such as "view_page". The catalogue of the screens has a word for each
            (`log.action.<action>`).
        subject: the id of what it was done to.
        unit: whose paper or client it was done to, if anybody's.
        detail: counts, states and field names. Never what a field says.

    Raises:
        ValueError: a personal number stands in the subject or the detail; that is a mistake in
        the program.
    """
    if any(contains_pid(text) for text in (subject, *detail.values()) if isinstance(text, str)):
        raise ValueError(f"the event {action} holds a personal number")
    _pending_rows(conn).append(LogRow(0, utc_now(), by, action, subject, unit, detail, None, None))


def write_pending(conn: Connection) -> None:
    """Write what this transaction has recorded, as the last thing that it does."""
    append_rows(conn, _mark_emergency_use(conn, _pending_rows(conn)))
    discard_pending(conn)


def discard_pending(conn: Connection) -> None:
    """Begin anew: what a transaction recorded that was rolled back did not happen."""
    conn.info.pop(_PENDING_KEY, None)


def _mark_emergency_use(conn: Connection, rows: list[LogRow]) -> list[LogRow]:
    """All that an account for emergencies did is marked."""
    if not rows:
        return rows
    staff = paper.staff.c
    sealed = set(
        conn.execute(
            select(staff.login).where(staff.login.in_({row.by for row in rows}), staff.break_glass)
        ).scalars()
    )
    return [
        replace(row, detail=dict(row.detail) | {"break_glass": True}) if row.by in sealed else row
        for row in rows
    ]


def list_events(conn: Connection, subject: str) -> list[Event]:
    """All that happened to one thing, oldest first, with what this transaction itself has recorded."""
    table = paper.event.c
    query = (
        select(table.at, table.by, table.action, table.subject, table.detail, table.unit)
        .where(table.subject == subject)
        .order_by(table.id)
    )
    own = [row for row in _pending_rows(conn) if row.subject == subject]
    return [Event(*row) for row in conn.execute(query)] + [
        Event(row.at, row.by, row.action, row.subject, row.detail, row.unit) for row in own
    ]


def client_log_subject(conn: Connection, pid: str) -> str:
    """How the log names a person that somebody looked for: no personal number, and no digest that
    could be found by trying all numbers.
    """
    return "client:" + hmac.digest(digest_key(conn), pid.encode(), "sha256").hex()[:40]


def _pending_rows(conn: Connection) -> list[LogRow]:
    rows: list[LogRow] = conn.info.setdefault(_PENDING_KEY, [])
    return rows


def contains_pid(text: str) -> bool:
    """Whether a text holds a personal number."""
    return any(normalize_pid(match[0]).valid for match in _PID_PATTERN.finditer(text))
