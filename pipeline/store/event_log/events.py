"""Record and list events: what happened, who did it, where and when.

Events are only added, and never hold the value of a field or a personal number. A view of a sheet
is logged under the id of its page, entry or run, from which the tables lead to the clients, since
whose sheet it is may be known only later, or be corrected. Only a search for a person is logged
under a keyed digest of the personal number (`client_log_subject`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Executable,
    Insert,
    Table,
    Update,
    event,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.visitors import replacement_traverse

from pipeline.domain.identity_numbers import normalize_pid
from pipeline.store.event_log.hash_chain import Detail, LogRow, append_rows, digest_key
from pipeline.store.event_log.records import RECORD_KINDS, RecordKey, RecordKind
from pipeline.store.schema import paper, registers
from pipeline.store.schema.clock import utc_now

DENIED_ACTION = "denied"
"""Its subject is what somebody reached for, and the detail `right` what was lacking.

Where nothing was named, as in rows of earlier versions, the subject is the right.
"""
IMPORT_ACTION = "add_page"
"""A page that was taken in with others: nobody has looked at it, or decided on it, by that."""
_PENDING_KEY = "efterskrift_recorded"
_CHANGES_KEY = "efterskrift_changed_records"
_QUERY_CONDITIONS = 50
"""How many conditions of a statement with many parameters one query has."""
_PID_PATTERN = re.compile(r"(?<![0-9A-Za-z])(?:\d{2})?\d{6}[-+]?\d{4}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log; `unit` is the one whose paper or client it was about, if any."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Detail]
    unit: str | None = None


def record(
    conn: Connection,
    /,
    by: str,
    action: str,
    subject: str,
    *,
    unit: str | None = None,
    **detail: Detail,
) -> None:
    """Record an event; the row is written when the transaction ends.

    Args:
        by: the login of a member of staff, or "system".
        action: a verb, such as "view_page". The text catalogue has a name for each
            (`log.action.<action>`).
        subject: the id of what it was done to.
        unit: the unit whose paper or client it was done to, if any.
        detail: counts, states and field names; never the value of a field.

    Raises:
        ValueError: the subject or the detail contains a personal number, which is a programming
            error.
    """
    if any(contains_pid(text) for text in (subject, *detail.values()) if isinstance(text, str)):
        raise ValueError(f"the event {action} holds a personal number")
    _pending_rows(conn).append(LogRow(0, utc_now(), by, action, subject, unit, detail, None, None))


def write_pending(conn: Connection) -> None:
    """Write what this transaction has recorded, as the last thing it does.

    The log covers what the transaction changed in the record, also if it recorded nothing.
    """
    rows, changes = _mark_emergency_use(conn, _pending_rows(conn)), take_changes(conn)
    if changes and not rows:
        rows = [LogRow(0, utc_now(), "system", "update_record", "record", None, {}, None, None)]
    append_rows(conn, rows, changes)
    discard_pending(conn)


def discard_pending(conn: Connection) -> None:
    """Discard recorded events: what a rolled back transaction recorded did not happen."""
    conn.info.pop(_PENDING_KEY, None)
    take_changes(conn)


def _mark_emergency_use(conn: Connection, rows: list[LogRow]) -> list[LogRow]:
    """Mark the events of emergency accounts."""
    if not rows:
        return rows
    staff = registers.staff.c
    # Which of the events' authors use an emergency account
    emergency_logins = set(
        conn.execute(
            select(staff.login).where(staff.login.in_({row.by for row in rows}), staff.break_glass)
        ).scalars()
    )
    return [
        replace(row, detail=dict(row.detail) | {"break_glass": True})
        if row.by in emergency_logins
        else row
        for row in rows
    ]


def list_events(conn: Connection, subject: str) -> list[Event]:
    """Return all events of one subject, oldest first, with those pending in this transaction.

    Denials are left out: they are no step of the work, and for log reviewers only.
    """
    table = paper.event.c
    # Written events by their order in the log; pending ones follow
    query = (
        select(table.at, table.by, table.action, table.subject, table.detail, table.unit)
        .where(table.subject == subject, table.action != DENIED_ACTION)
        .order_by(table.id)
    )
    pending = [row for row in _pending_rows(conn) if row.subject == subject]
    return [Event(*row) for row in conn.execute(query)] + [
        Event(row.at, row.by, row.action, row.subject, row.detail, row.unit) for row in pending
    ]


def client_log_subject(conn: Connection, pid: str) -> str:
    """Return the log's name of a client that was searched for.

    It is a keyed digest, so that no personal number is stored, nor revealed by trying all numbers.
    """
    return "client:" + hmac.digest(digest_key(conn), pid.encode(), "sha256").hex()[:40]


def _pending_rows(conn: Connection) -> list[LogRow]:
    """Return the events recorded in the connection's transaction and not yet written."""
    rows: list[LogRow] = conn.info.setdefault(_PENDING_KEY, [])
    return rows


def contains_pid(text: str) -> bool:
    """Return whether a text contains a personal number."""
    return any(normalize_pid(match[0]).valid for match in _PID_PATTERN.finditer(text))


# Which rows of the record the statements of a transaction change.


def watch_changes(engine: Engine) -> None:
    """Note for every statement of the engine's connections what it changes in the record."""
    event.listen(engine, "before_execute", _note_changes)


def take_changes(conn: Connection) -> set[RecordKey]:
    """Return what the connection's transaction has changed so far, and forget it."""
    changes: set[RecordKey] = conn.info.pop(_CHANGES_KEY, set())
    return changes


def _note_changes(
    conn: Connection,
    statement: Executable,
    rows: Sequence[Mapping[str, Any]],
    row: Mapping[str, Any],
    options: object,
) -> None:
    """Note the owners of rows that a statement is about to add, change or remove."""
    del options
    if not isinstance(statement, Insert | Update | Delete) or not isinstance(
        statement.table, Table
    ):
        return
    name = statement.table.name
    kind = RECORD_KINDS.get(name)
    if kind is None or kind.table is not statement.table:
        return
    parameters = list(rows) or [row]
    values: Mapping[Any, Any] = getattr(statement, "_values", None) or {}
    if isinstance(statement, Insert):
        given = {_column_name(key): value for key, value in values.items()}
        owners = {_owner_value(one, given, kind.owner.name) for one in parameters}
    else:
        names = {_column_name(key) for key in values} | {name for one in parameters for name in one}
        if isinstance(statement, Update) and names.isdisjoint(c.name for c in kind.columns):
            return
        owners = _owners_of(conn, kind, statement, parameters)
    changes: set[RecordKey] = conn.info.setdefault(_CHANGES_KEY, set())
    changes |= {RecordKey(name, str(owner)) for owner in owners}


def _column_name(key: Any) -> str:  # noqa: ANN401 - a column or its name
    return str(getattr(key, "name", key))


def _owner_value(parameters: Mapping[str, Any], given: Mapping[str, Any], name: str) -> object:
    """Return the owner of an inserted row, from the statement's parameters or its own values."""
    value = parameters.get(name, given.get(name))
    return getattr(value, "value", value)


def _owners_of(
    conn: Connection,
    kind: RecordKind,
    statement: Update | Delete,
    parameters: Sequence[Mapping[str, Any]],
) -> set[object]:
    """Return the owners of the rows that a statement changes, and lock these rows before it does.

    Otherwise another transaction could change on PostgreSQL which rows these are.
    """
    query = select(kind.owner).with_for_update(key_share=True, of=kind.table)
    condition = statement.whereclause
    if condition is None:
        return set(conn.execute(query).scalars())
    if len(parameters) == 1:
        return set(conn.execute(query.where(condition), parameters[0]).scalars())
    # Many at once, so that a file of thousands does not take thousands of queries
    owners = set[object]()
    for start in range(0, len(parameters), _QUERY_CONDITIONS):
        part = parameters[start : start + _QUERY_CONDITIONS]
        either = or_(*(_with_values(condition, one) for one in part))
        owners |= set(conn.execute(query.where(either)).scalars())
    return owners


def _with_values(condition: ColumnElement[bool], values: Mapping[str, Any]) -> ColumnElement[bool]:
    """Return a condition with the values of its parameters in place of these."""

    def replace_parameter(element: object, **_: object) -> ColumnElement[Any] | None:
        if isinstance(element, BindParameter) and element.key in values:
            return literal(values[element.key], element.type)
        return None

    return replacement_traverse(condition, {}, replace_parameter)
