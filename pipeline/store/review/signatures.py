"""Signatures, and the entries that wait for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select

from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import (
    Entry,
    select_entries,
)
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.schema import paper
from pipeline.store.schema.review import signature

_entry_table = paper.entry


def list_waiting_for_signature(conn: Connection, person: Person) -> list[Entry]:
    """Return confirmed, unsigned entries that the person can see; critical and old ones first."""
    query = select(_entry_table).where(_is_waiting_condition(conn, person, Action.SIGN))
    return select_entries(
        conn,
        query.order_by(
            _entry_table.c.criticality, _entry_table.c.event_on.nulls_last(), _entry_table.c.id
        ),
    )


def list_unsigned_forms(
    conn: Connection, person: Person, unit: str | None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return form, version, unit and area of each unsigned entry, of one unit or of all."""
    query = select(
        _entry_table.c.form, _entry_table.c.version, _entry_table.c.unit, _entry_table.c.area
    ).where(_is_waiting_condition(conn, person, Action.EXPORT))
    return conn.execute(query.where(_entry_table.c.unit == unit) if unit else query).all()


def add_signature(conn: Connection, row: Mapping[str, object]) -> None:
    """Store a signature, or that one is taken back."""
    conn.execute(insert(signature).values(row))


def list_last_signed(conn: Connection, person: Person) -> list[Entry]:
    """Return the entries that the person signed in the last act and can take back.

    Raises:
        NotAllowedError: the person does not sign.
    """
    require_permission(person, Action.SIGN)
    # The signatures that hold now, on entries that the person can still see; the last act of them.
    signed = (
        select(_entry_table.c.id, signature.c.act, signature.c.id.label("signature"))
        .join(signature, signature.c.entry == _entry_table.c.id)
        .where(
            paper.IS_SIGNED,
            _entry_table.c.signed_by == person.login,
            signature.c.revision == _entry_table.c.revision - 1,
            signature.c.taken_back.is_(False),
            visibility.visible_entries_condition(conn, person, Action.SIGN),
        )
        .subquery()
    )
    last_act = select(signed.c.act).order_by(signed.c.signature.desc()).limit(1)
    entries = select_entries(
        conn,
        select(_entry_table)
        .where(_entry_table.c.id.in_(select(signed.c.id).where(signed.c.act.in_(last_act))))
        .order_by(_entry_table.c.id),
    )
    # One of several routes may have some of them already.
    exported = latest_exports(conn, [entry.id for entry in entries])
    return [entry for entry in entries if entry.id not in exported]


def _is_waiting_condition(conn: Connection, person: Person, action: Action) -> ColumnElement[bool]:
    """Select confirmed, unsigned entries that are not void and that the person can see."""
    return and_(
        paper.IS_READY,
        visibility.visible_entries_condition(conn, person, action),
        _entry_table.c.voided.is_(None),
    )
