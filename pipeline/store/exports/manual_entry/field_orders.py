"""The order in which each receiving system asks for a form's fields, as an administrator set it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.store.event_log.events import record
from pipeline.store.schema.manual_entry import key_in_order


@dataclass(frozen=True, slots=True)
class FieldOrder:
    """The names of fields that the system has fields of its own for, and those of its note."""

    own: tuple[str, ...]
    note: tuple[str, ...]


def load_orders(conn: Connection, system: str) -> dict[str, FieldOrder]:
    """Return the order of each form that was set for a system, by form id."""
    table = key_in_order.c
    # In the order of their ids, so that later orders replace earlier ones
    query = select(table.form, table.own, table.note).where(table.system == system)
    return {
        row.form: FieldOrder(tuple(row.own), tuple(row.note))
        for row in conn.execute(query.order_by(table.id))
    }


def save_order(
    conn: Connection,
    person: Person,
    where: tuple[str, str],
    order: FieldOrder,
    now: datetime,
) -> None:
    """Set the order of a form's fields for a system.

    Args:
        where: the system's name, and the form's id.

    Raises:
        NotAllowedError: the person does not keep the tables of the office.
    """
    require_permission(person, Action.OFFICE)
    system, form = where
    values: dict[str, str | Sequence[str] | datetime] = {
        "system": system,
        "form": form,
        "own": list(order.own),
        "note": list(order.note),
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(key_in_order).values(values))
    record(conn, person.login, "key_in_order", form, system=system, own=len(order.own))
