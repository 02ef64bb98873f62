"""Set, lift and list blocks (spärrar, PDL 4:4): a unit hides a client's paper from other units.

What a block hides is decided in `visibility.py`. Several units may block one client; each of them
still sees its own paper. Setting and lifting need a reason and are recorded in the event log under
the block's id, since the log holds no personal number.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from pipeline.domain.errors import NoSuchClientError, UsageError
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import find_client, typed_client_subject
from pipeline.store.schema.accounts import client_block


@dataclass(frozen=True, slots=True)
class Block:
    """An active block."""

    id: str
    client_pid: str
    unit: str
    set_at: datetime
    set_by: str
    reason: str


def set_block(
    conn: Connection, person: Person, unit: str, typed: str, reason: str, now: datetime
) -> str:
    """Block a client for all units but this one and return the block's id.

    A block that is already active stays as it is.

    Args:
        typed: the personal number as it was typed.

    Raises:
        NotAllowedError: the person may not block, or not in this unit.
        UsageError: the reason is empty, or there is no such client.
    """
    permissions.require_permission_for(
        typed_client_subject(conn, typed), person, Action.BLOCK, unit
    )
    pid = _resolve_pid(conn, typed)
    # The unit's block is already active
    if active_id := conn.execute(_active_block_query(unit, pid)).scalar_one_or_none():
        return str(active_id)
    block_id = secrets.token_hex(8)
    row = {
        "id": block_id,
        "client_pid": pid,
        "unit": unit,
        "set_at": now,
        "set_by": person.login,
        "reason": _require_reason(reason),
    }
    conn.execute(insert(client_block).values(row))
    record(conn, person.login, "block", block_id, unit=unit)
    return block_id


def lift_block(
    conn: Connection, person: Person, unit: str, typed: str, reason: str, now: datetime
) -> str:
    """Lift the block that this unit has set for a client and return its id. The row is kept.

    Raises:
        NotAllowedError: the person may not block, or not in this unit.
        UsageError: the reason is empty, or this unit has not blocked this client.
    """
    permissions.require_permission_for(
        typed_client_subject(conn, typed), person, Action.BLOCK, unit
    )
    # Only the unit's own block; those of other units stay active
    block_id = conn.execute(
        _active_block_query(unit, _resolve_pid(conn, typed))
    ).scalar_one_or_none()
    if block_id is None:
        raise UsageError("client_not_blocked_by_unit")
    lifted = {"lifted_at": now, "lifted_by": person.login, "lifted_reason": _require_reason(reason)}
    conn.execute(update(client_block).where(client_block.c.id == block_id).values(lifted))
    record(conn, person.login, "lift_block", str(block_id), unit=unit)
    return str(block_id)


def list_blocks(conn: Connection, person: Person) -> list[Block]:
    """Return the active blocks that the person's units have set, oldest first.

    Raises:
        NotAllowedError: the person may not handle blocks.
    """
    permissions.require_permission(person, Action.BLOCK)
    table = client_block.c
    query = select(table.id, table.client_pid, table.unit, table.set_at, table.set_by, table.reason)
    # Active blocks of the person's own units only
    active = query.where(
        table.lifted_at.is_(None),
        table.unit.in_(sorted(permissions.permitted_units(person, Action.BLOCK))),
    )
    return [Block(*row) for row in conn.execute(active.order_by(table.set_at, table.id))]


def _active_block_query(unit: str, pid: str) -> Select[Any]:
    table = client_block.c
    # A unit has at most one block of a client that is not lifted
    return select(table.id).where(
        table.client_pid == pid, table.unit == unit, table.lifted_at.is_(None)
    )


def _resolve_pid(conn: Connection, typed: str) -> str:
    """Return the client's full number; a client outside the register needs a complete one."""
    if client := find_client(conn, typed):
        return client.pid
    number = normalize_pid(typed)
    if not number.valid or not number.value12:
        raise NoSuchClientError("no_such_client")
    return number.value12


def _require_reason(reason: str) -> str:
    if not reason.strip():
        raise UsageError("block_needs_reason")
    return reason.strip()[:500]
