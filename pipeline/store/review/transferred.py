"""Entries that were sent to another unit: their transfers, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, exists, insert, select, update

from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.entry import (
    Entry,
)
from pipeline.store.event_log.events import list_events
from pipeline.store.schema import paper
from pipeline.store.schema.review import forwarding

_entry_table, _page_table, _transfer_table = paper.entry, paper.page, forwarding
_MAX_TRANSFERS = 200


@dataclass(frozen=True, slots=True)
class TransferredEntry:
    """An entry that was sent to another unit.

    `state` and `current_unit` say what has become of it; its answers are the other unit's. A unit,
    and why it rejected the entry, is empty where it must not be shown. `is_waiting_there`: it may
    still be taken back.
    """

    entry_id: str
    form: str
    version: int
    serial: str | None
    row: int | None
    from_unit: str
    to_unit: str
    reason: str
    by: str
    at: datetime
    state: EntryState
    current_unit: str
    current_reason: str
    is_waiting_there: bool


def add_transfer(conn: Connection, row: Mapping[str, object]) -> None:
    """Store that an entry was sent to another unit."""
    conn.execute(insert(_transfer_table).values(row))


def find_last_transfer(conn: Connection, entry_id: str) -> Row[Any] | None:
    """Return the row of the latest transfer of an entry."""
    query = select(_transfer_table).where(_transfer_table.c.entry == entry_id)
    return conn.execute(query.order_by(_transfer_table.c.id.desc()).limit(1)).one_or_none()


def move_sheet_pages(conn: Connection, sheet: str, unit: str) -> None:
    """Give the pages of a sheet to a unit."""
    conn.execute(update(_page_table).where(_page_table.c.sheet == sheet).values(unit=unit))


def is_untouched_since_transfer(conn: Connection, entry: Entry) -> bool:
    """Return whether nothing was done with an entry, nor typed in it, since it was sent."""
    draft = paper.draft.c
    typed = exists().where(draft.entry == entry.id, draft.revision >= entry.revision)
    is_typed: bool = conn.execute(select(typed)).scalar_one()
    last = next(reversed(list_events(conn, entry.id)), None)
    return (
        entry.state is EntryState.REVIEW
        and not is_typed
        and last is not None
        and last.action == "forward"
    )


def list_transferred(conn: Connection, person: Person) -> list[TransferredEntry]:
    """Return what the person's units have sent to others, the latest first.

    Nothing is listed of other areas of law or of blocked clients.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    require_permission(person, Action.FOLLOW_UP)
    names = people.names_by_login(conn)
    columns = (
        _entry_table.c.id,
        _entry_table.c.form,
        _entry_table.c.version,
        _entry_table.c.serial,
        _entry_table.c.row,
    )
    query = select(
        *columns,
        _transfer_table,
        _has_protected_transfer().label("secret_since"),
        _entry_table.c.state,
        _entry_table.c.unit.label("unit_now"),
        _entry_table.c.reason,
    )
    # Transfers from the person's units, as far as these could see the entries.
    query = query.join(_entry_table, _entry_table.c.id == _transfer_table.c.entry).where(
        visibility.visible_entries_condition(
            conn, person, Action.FOLLOW_UP, unit=_transfer_table.c.from_unit
        )
    )
    rows = conn.execute(
        query.order_by(_transfer_table.c.at.desc(), _transfer_table.c.id.desc()).limit(
            _MAX_TRANSFERS
        )
    ).mappings()
    return [
        TransferredEntry(
            entry_id=row["entry"],
            form=row["form"],
            version=row["version"],
            serial=row["serial"],
            row=row["row"],
            from_unit=row["from_unit"],
            to_unit=""
            if row["secret"] and row["to_unit"] not in permitted_units(person, Action.FOLLOW_UP)
            else row["to_unit"],
            reason=row["why"],
            by=names.get(row["by"], row["by"]),
            at=row["at"],
            state=EntryState(row["state"]),
            current_unit=row["unit_now"] if _may_show_current_unit(row, person) else "",
            current_reason=row["reason"]
            if row["state"] == EntryState.REJECTED and _may_show_current_unit(row, person)
            else "",
            is_waiting_there=row["state"] == EntryState.REVIEW
            and row["unit_now"] == row["to_unit"]
            and not row["secret"],
        )
        for row in rows
    ]


def _has_protected_transfer() -> ColumnElement[bool]:
    """Whether an entry was sent because of a protected identity, now or later, by any unit."""
    later = forwarding.alias()
    # This transfer or a later one of the same entry.
    return exists().where(
        later.c.entry == _transfer_table.c.entry, later.c.id >= _transfer_table.c.id, later.c.secret
    )


def _may_show_current_unit(row: RowMapping, person: Person) -> bool:
    """Return whether the person can be shown where an entry is now.

    Not if that reveals which unit cares for a client with a protected identity.
    """
    return row["unit_now"] in permitted_units(person, Action.FOLLOW_UP) or not row["secret_since"]
