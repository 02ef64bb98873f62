"""Packs of printed sheets: in reserve until a day or the first scanned sheet opens them.

A pack is what was printed together for a unit. Nobody misses a sheet of a pack that lies in its
safe.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    distinct,
    func,
    insert,
    or_,
    select,
    update,
)

from pipeline.domain.dates import swedish_day
from pipeline.domain.errors import UsageError
from pipeline.domain.law.permissions import (
    Action,
    require_permission,
    require_permission_for,
)
from pipeline.domain.model import Person
from pipeline.store.event_log.events import record
from pipeline.store.schema import registers
from pipeline.store.schema.registers import issued_sheet, pack_opening
from pipeline.store.schema.tally import outstanding_sheet, scanned_pack

_issued_table = issued_sheet
_is_active = pack_opening.c.undone_at.is_(None)


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack with its number of sheets, of which `scanned` have come back.

    `opened_on` is the day that somebody has named, empty if nobody has. `unit` may be one that is
    not known here.
    """

    id: str
    unit: str
    printed_at: datetime
    sheets: int
    scanned: int
    opened_on: str

    @property
    def is_open(self) -> bool:
        """Whether its sheets are in use, so that they can be missing."""
        return bool(self.scanned or self.opened_on)


def is_in_open_pack(pack: Column[str]) -> ColumnElement[bool]:
    """Return the condition that a pack is open: a sheet was scanned, or somebody has opened it."""
    opened = select(pack_opening.c.pack).where(_is_active)
    return or_(pack.in_(select(scanned_pack.c.pack)), pack.in_(opened))


def list_packs(conn: Connection, person: Person, units: Collection[str]) -> list[Pack]:
    """Return the packs of these units, newest first.

    Raises:
        NotAllowedError: the person does not print.
    """
    require_permission(person, Action.PRINT)
    keys = (_issued_table.c.pack, _issued_table.c.unit)
    printed_at = func.min(_issued_table.c.issued_at, type_=_issued_table.c.issued_at.type)
    query = (
        select(*keys, printed_at, func.count())
        .where(_issued_table.c.unit.in_(sorted(units)))
        .group_by(*keys)
        .order_by(printed_at.desc(), *keys)
    )
    out_keys = (outstanding_sheet.c.pack, outstanding_sheet.c.unit)
    out = {
        (pack, unit): sheets
        for pack, unit, sheets in conn.execute(select(*out_keys, func.count()).group_by(*out_keys))
    }
    opened = select(pack_opening.c.pack, pack_opening.c.day).where(_is_active)
    days = {row.pack: row.day for row in conn.execute(opened)}
    return [
        Pack(pack, unit, at, sheets, sheets - out.get((pack, unit), 0), days.get(pack, ""))
        for pack, unit, at, sheets in conn.execute(query)
    ]


def find_last_printing(
    conn: Connection, person: Person, units: Collection[str]
) -> dict[str, datetime]:
    """Return when the latest pack of each of these units was printed, for units that have one.

    Raises:
        NotAllowedError: the person makes no packs for one of the units.
    """
    for unit in units:
        require_permission(person, Action.PACK, unit)
    # Copies of one form are no pack of all paper that a unit needs.
    printed_at = func.min(_issued_table.c.issued_at, type_=_issued_table.c.issued_at.type)
    query = (
        select(_issued_table.c.unit, printed_at.label("printed_at"))
        .where(_issued_table.c.unit.in_(sorted(units)))
        .group_by(_issued_table.c.unit, _issued_table.c.pack)
        .having(func.count(distinct(_issued_table.c.form)) > 1)
        .order_by(printed_at)
    )
    # The latest comes last.
    return {row.unit: row.printed_at for row in conn.execute(query)}


def open_pack(conn: Connection, person: Person, pack_id: str, day: date, now: datetime) -> None:
    """Register that a pack is in use since a day; its sheets can be missing from now on.

    Raises:
        NotAllowedError: the person does not print for the pack's unit.
        UsageError: there is no such pack, it is open already, or the day is in the future.
    """
    unit = _require_pack_unit(conn, person, pack_id)
    if day > swedish_day(now):
        raise UsageError("pack_day_in_future", day=day.isoformat())
    if _find_opening(conn, pack_id) is not None:
        raise UsageError("pack_open_already")
    values = {"pack": pack_id, "day": day.isoformat(), "by": person.login, "at": now}
    conn.execute(insert(pack_opening).values(values))
    record(conn, person.login, "open_pack", pack_id, unit=unit)


def undo_open_pack(conn: Connection, person: Person, pack_id: str, now: datetime) -> None:
    """Register that the pack was not opened after all; the row stays.

    Raises:
        NotAllowedError: the person does not print for the pack's unit.
        UsageError: there is no such pack, or nobody has opened it.
    """
    unit = _require_pack_unit(conn, person, pack_id)
    found = _find_opening(conn, pack_id)
    if found is None:
        raise UsageError("pack_not_open")
    conn.execute(
        update(pack_opening)
        .where(pack_opening.c.id == found)
        .values(undone_by=person.login, undone_at=now)
    )
    record(conn, person.login, "undo_open_pack", pack_id, unit=unit)


def _find_opening(conn: Connection, pack_id: str) -> int | None:
    """Return the row that says that a pack is open; None if nobody has said so."""
    query = select(pack_opening.c.id).where(pack_opening.c.pack == pack_id, _is_active)
    return conn.execute(query).scalar_one_or_none()


def _require_pack_unit(conn: Connection, person: Person, pack_id: str) -> str | None:
    """Return the unit of a pack that the person prints for; None for one that is not known here."""
    require_permission_for(pack_id, person, Action.PRINT)
    # Every sheet of a pack is of the same unit.
    units = select(_issued_table.c.unit, registers.unit.c.name).select_from(
        _issued_table.outerjoin(registers.unit, registers.unit.c.name == _issued_table.c.unit)
    )
    found = conn.execute(units.where(_issued_table.c.pack == pack_id).limit(1)).one_or_none()
    if found is None or not pack_id:
        raise UsageError("no_such_pack")
    require_permission_for(pack_id, person, Action.PRINT, found.name)
    return str(found.name) if found.name else None
