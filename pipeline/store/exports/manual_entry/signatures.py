"""Signatures that a client's entries are keyed in, until they have become receipts.

A signature can be undone for some minutes. Then each of its entries gets its receipt, which is
final.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from pipeline.store.schema.manual_entry import key_in_signature

_table = key_in_signature.c
_IS_OPEN = and_(_table.undone_at.is_(None), _table.settled_at.is_(None))
"""The condition that a signature can be undone, and its entries have no receipt by it."""


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry of a run that a person has signed as keyed in."""

    run: str
    entry_id: str
    revision: int
    by: str
    at: datetime


def save_signature(
    conn: Connection,
    login: str,
    run_id: str,
    revisions: Sequence[tuple[str, int]],
    now: datetime,
) -> str:
    """Store that these entries are keyed in, and return the name of the press.

    An entry's revision has one signature at a time: the database refuses a second (StoreError).
    """
    turn = secrets.token_hex(8)
    rows = [
        {
            "turn": turn,
            "run": run_id,
            "entry": entry_id,
            "revision": revision,
            "by": login,
            "at": now,
        }
        for entry_id, revision in revisions
    ]
    conn.execute(insert(key_in_signature), rows)
    return turn


def list_signed(conn: Connection, run_id: str) -> set[tuple[str, int]]:
    """Return the entries and revisions of a run that are signed, with or without a receipt."""
    query = select(_table.entry, _table.revision).where(
        _table.run == run_id, _table.undone_at.is_(None)
    )
    return {(row.entry, row.revision) for row in conn.execute(query)}


def list_open_turn(conn: Connection, login: str) -> tuple[str, list[SignedEntry]]:
    """Return the person's latest press that can be undone, with its entries; or none."""
    own = (_table.by == login) & _IS_OPEN
    latest = select(_table.turn).where(own).order_by(_table.id.desc()).limit(1)
    turn = conn.execute(latest).scalar_one_or_none() or ""
    return turn, _load(conn, _table.turn == turn) if turn else []


def undo_turn(conn: Connection, login: str, turn: str, now: datetime) -> int:
    """End the person's signatures of a press, and return how many entries wait again."""
    open_rows = update(key_in_signature).where(_table.turn == turn, _table.by == login, _IS_OPEN)
    return conn.execute(open_rows.values(undone_at=now)).rowcount


def has_due(conn: Connection, before: datetime) -> bool:
    """Return whether there are open signatures from before a moment."""
    query = select(_table.id).where(_table.at <= before, _IS_OPEN).limit(1)
    return conn.execute(query).first() is not None


def take_due(conn: Connection, before: datetime) -> list[SignedEntry]:
    """Return the open signatures from before a moment, oldest first, and lock them."""
    return _load(conn, _table.at <= before, lock=True)


def mark_settled(conn: Connection, revisions: Collection[tuple[str, int]], now: datetime) -> None:
    """Store that these entries have their receipts: their signatures are final."""
    for entry_id, revision in revisions:
        is_one = (_table.entry == entry_id) & (_table.revision == revision)
        conn.execute(update(key_in_signature).where(is_one, _IS_OPEN).values(settled_at=now))


def _load(
    conn: Connection, condition: ColumnElement[bool], *, lock: bool = False
) -> list[SignedEntry]:
    query = select(_table.run, _table.entry, _table.revision, _table.by, _table.at)
    query = query.where(condition, _IS_OPEN).order_by(_table.id)
    rows = conn.execute(query.with_for_update() if lock else query)
    return [SignedEntry(*row) for row in rows]
