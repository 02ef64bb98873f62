"""Account for issued sheets: issued = returned + unused + reserve + missing, per unit and form.

A sheet is returned when a page with its serial has been scanned, even if it was registered as
unused before: paper that is there counts more than a list. It is in reserve while its pack has not
been opened (`store/registers/packs.py`): only then can it be missing. Sheets that were printed for
a unit that is not known in this installation are accounted for too, by people who may print in any
unit.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from pipeline.domain.errors import UsageError
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.forms.fiducials import is_serial, normalize_serial
from pipeline.store.event_log.events import record
from pipeline.store.paper.tallies import count_printed_sheets
from pipeline.store.registers.packs import is_in_open_pack
from pipeline.store.schema import paper, registers
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.registers import issued_row, issued_sheet, unused_sheet
from pipeline.store.schema.tally import outstanding_sheet

_issued_table, _page_table = issued_sheet, paper.page
NO_UNIT = ""
"""Stands for every unit that is not known in this installation."""
_unit_expression = func.coalesce(registers.unit.c.name, literal_column("''"))
_issued_with_unit = _issued_table.outerjoin(
    registers.unit, registers.unit.c.name == _issued_table.c.unit
)
_IS_ACTIVE = unused_sheet.c.undone_at.is_(None)


@dataclass(frozen=True, slots=True)
class SheetBalance:
    """Issued sheets: `issued` = `returned` + `unused` + `missing` + `reserve`."""

    unit: str
    form: str
    issued: int
    returned: int
    unused: int
    missing: int
    reserve: int


@dataclass(frozen=True, slots=True)
class MissingSheet:
    """An issued sheet of an open pack that is neither returned nor registered as unused.

    `prefilled`: it has a client's name and number printed on it.
    """

    serial: str
    unit: str
    form: str
    issued_at: datetime
    prefilled: bool


@dataclass(frozen=True, slots=True)
class UnusedSheets:
    """Sheets that were registered as unused together. `by` is a login."""

    id: str
    unit: str
    sheets: int
    by: str
    at: datetime


def count_sheets(conn: Connection, units: Collection[str]) -> list[SheetBalance]:
    """Count issued sheets of these units, by unit and form; `NO_UNIT` may be one of them."""
    known = set(conn.execute(select(registers.unit.c.name)).scalars())
    issued, unused = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    missing, reserve = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for (unit, form), sheets in count_printed_sheets(conn).items():
        issued[unit if unit in known else NO_UNIT, form] += sheets
    # Every sheet that has not come back is in one of three groups.
    keys = (outstanding_sheet.c.unit, outstanding_sheet.c.form)
    is_unused = outstanding_sheet.c.serial.in_(select(unused_sheet.c.serial).where(_IS_ACTIVE))
    is_open = is_in_open_pack(outstanding_sheet.c.pack)
    inner = select(*keys, is_unused.label("unused"), is_open.label("open")).subquery()
    columns: list[ColumnElement[Any]] = [*inner.c, func.count()]
    for row in conn.execute(select(*columns).group_by(*inner.c)):
        unit, form, is_back, is_in_use, sheets = row
        group = unused if is_back else missing if is_in_use else reserve
        group[unit if unit in known else NO_UNIT, form] += sheets
    return [
        SheetBalance(
            *key,
            issued=sheets,
            returned=sheets - unused[key] - missing[key] - reserve[key],
            unused=unused[key],
            missing=missing[key],
            reserve=reserve[key],
        )
        for key, sheets in sorted(issued.items())
        if sheets and key[0] in units
    ]


def has_unknown_unit_sheets(conn: Connection) -> bool:
    """Return whether there are issued sheets of units that are not known here."""
    # Any issued sheet of a unit that is not in the table of units.
    return (
        conn.execute(select(_issued_table.c.serial).where(_is_of_unit(NO_UNIT)).limit(1)).first()
        is not None
    )


def list_accounted_units(person: Person, action: Action) -> frozenset[str]:
    """Return the units whose issued sheets the person counts or prints, by the action.

    Also `NO_UNIT` for a person who prints. A sheet of `NO_UNIT` shows only its serial and form.
    """
    units = permitted_units(person, action)
    return units | {NO_UNIT} if is_allowed(person, Action.PRINT) else units


def list_missing_sheets(conn: Connection, person: Person) -> list[MissingSheet]:
    """Return the missing sheets of the person's units, by unit and form in the order of printing.

    Sheets with a client's name come first in their unit.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    # Printed for a client, or with a row that was.
    has_client = or_(
        _issued_table.c.client_pid.is_not(None),
        exists().where(issued_row.c.serial == _issued_table.c.serial),
    )
    query = select(
        _issued_table.c.serial,
        _unit_expression,
        _issued_table.c.form,
        _issued_table.c.issued_at,
        has_client,
    ).select_from(
        outstanding_sheet.join(
            _issued_table, _issued_table.c.serial == outstanding_sheet.c.serial
        ).outerjoin(registers.unit, registers.unit.c.name == _issued_table.c.unit)
    )
    # Of an open pack, and neither scanned nor registered as unused.
    query = query.where(
        _unit_expression.in_(sorted(list_accounted_units(person, Action.PROGRESS))),
        outstanding_sheet.c.serial.not_in(select(unused_sheet.c.serial).where(_IS_ACTIVE)),
        is_in_open_pack(outstanding_sheet.c.pack),
    )
    rows = conn.execute(
        query.order_by(
            _unit_expression,
            has_client.desc(),
            _issued_table.c.form,
            _issued_table.c.issued_at,
            _issued_table.c.serial,
        )
    )
    return [
        MissingSheet(serial, unit, form, at, bool(prefilled))
        for serial, unit, form, at, prefilled in rows
    ]


def _is_of_unit(unit: str) -> ColumnElement[bool]:
    """Whether a sheet is of this unit; `NO_UNIT`: of one that is not known."""
    return (
        _issued_table.c.unit == unit
        if unit
        else _issued_table.c.unit.not_in(select(registers.unit.c.name))
    )


def save_unused_sheets(
    conn: Connection, person: Person, unit: str, typed: str, now: datetime
) -> int:
    """Register issued sheets of a unit as unused, all or none; return how many are new.

    Args:
        unit: `NO_UNIT` for sheets of units that are not known here.
        typed: serials as people write them or a hand-held scanner sends them, between blanks,
            commas, semicolons or line ends. `A–B` or `A..B` means these two and all sheets of
            the same form that were printed between them: serials themselves are in no order.

    Raises:
        NotAllowedError: the person does not print for this unit.
        UsageError: a serial is wrong, not of this unit, or was returned with writing on it. The
            message names serials, which say nothing about clients.
    """
    require_permission(person, Action.PRINT, unit or None)
    serials = _parse_serials(conn, unit, typed)
    # A sheet that was scanned is not unused.
    if returned := sorted(_filter_listed(conn, _page_table.c.serial, serials)):
        raise UsageError("sheet_scanned_already", back=", ".join(returned))
    # Sheets that are registered already stay in their registration.
    new = sorted(set(serials) - _filter_listed(conn, unused_sheet.c.serial, serials, _IS_ACTIVE))
    if new:
        registration_id = secrets.token_hex(8)
        conn.execute(
            insert(unused_sheet),
            [
                {"serial": serial, "lot": registration_id, "by": person.login, "at": now}
                for serial in new
            ],
        )
        record(
            conn, person.login, "return_unused", registration_id, unit=unit or None, count=len(new)
        )
    return len(new)


def undo_unused_sheets(
    conn: Connection, person: Person, registration_id: str, now: datetime
) -> int:
    """Take a registration back and return how many sheets are missing again; the rows stay.

    Raises:
        NotAllowedError: the person does not print for the sheets' unit.
        UsageError: there is no such active registration.
    """
    require_permission(person, Action.PRINT)
    # The units of the sheets in the registration; all must allow the person.
    unit_query = (
        select(_unit_expression)
        .distinct()
        .select_from(
            _issued_with_unit.join(unused_sheet, unused_sheet.c.serial == _issued_table.c.serial)
        )
        .where(_is_active_lot(registration_id))
    )
    units = conn.execute(unit_query).scalars().all()
    if not units:
        raise UsageError("no_such_registration")
    for unit in units:
        require_permission(person, Action.PRINT, unit or None)
    undone = conn.execute(
        update(unused_sheet)
        .where(_is_active_lot(registration_id))
        .values(undone_by=person.login, undone_at=now)
    ).rowcount
    record(conn, person.login, "undo_unused", registration_id, unit=units[0] or None, count=undone)
    return undone


def list_unused_sheets(conn: Connection, person: Person) -> list[UnusedSheets]:
    """Return the active registrations of the person's units, newest first.

    Raises:
        NotAllowedError: the person does not print.
    """
    require_permission(person, Action.PRINT)
    keys = (unused_sheet.c.lot, _unit_expression, unused_sheet.c.by, unused_sheet.c.at)
    sheets_with_registration = _issued_with_unit.join(
        unused_sheet, unused_sheet.c.serial == _issued_table.c.serial
    )
    # Sheets that have not been taken back, by registration.
    query = (
        select(*keys, func.count())
        .select_from(sheets_with_registration)
        .where(_IS_ACTIVE, _unit_expression.in_(sorted(list_accounted_units(person, Action.PRINT))))
    )
    registrations = conn.execute(
        query.group_by(*keys).order_by(unused_sheet.c.at.desc(), unused_sheet.c.lot)
    )
    return [
        UnusedSheets(registration_id, unit, sheets, by, at)
        for registration_id, unit, by, at, sheets in registrations
    ]


def _is_active_lot(registration_id: str) -> ColumnElement[bool]:
    """Whether a row is of this registration and has not been taken back."""
    return and_(unused_sheet.c.lot == registration_id, _IS_ACTIVE)


def _parse_serials(conn: Connection, unit: str, typed: str) -> list[str]:
    """Return the serials that are meant, each once.

    Raises:
        UsageError: there is none, or one is not a serial or not printed for the unit.
    """
    # Ranges become one word, separators become blanks.
    words = re.sub(r"[,;]", " ", re.sub(r"\s*(–|\.\.|\s-\s)\s*", "..", typed)).split()
    if not words:
        raise UsageError("no_serial_given")
    serials: dict[str, None] = {}
    for word in words:
        first, is_range, last = word.partition("..")
        ends = [_parse_serial(first)] + ([_parse_serial(last)] if is_range else [])
        printed = _filter_listed(conn, _issued_table.c.serial, ends, _is_of_unit(unit))
        if unknown := sorted(set(ends) - printed):
            raise UsageError("not_printed_for_unit", unknown=", ".join(unknown))
        serials |= dict.fromkeys(_serials_in_range(conn, unit, *ends) if is_range else ends)
    return list(serials)


def _parse_serial(word: str) -> str:
    """Return a serial in its normal form.

    Raises:
        UsageError: it is none.
    """
    serial = normalize_serial(word)
    if not is_serial(serial):
        raise UsageError("serial_mistyped")
    return serial


def _serials_in_range(conn: Connection, unit: str, first: str, last: str) -> list[str]:
    """Return the serials of a form between two of them, in the order of printing.

    The ends may be given in any order.

    Raises:
        UsageError: they are of different forms.
    """
    ends = conn.execute(
        select(_issued_table.c.form, _issued_table.c.issued_at)
        .where(_issued_table.c.serial.in_([first, last]))
        .order_by(_issued_table.c.issued_at)
    ).all()
    if len({row.form for row in ends}) != 1:
        raise UsageError("different_forms", first=first, last=last)
    # Sheets of the unit and form whose time of printing is between the two.
    is_between = and_(
        _is_of_unit(unit),
        _issued_table.c.form == ends[0].form,
        _issued_table.c.issued_at.between(ends[0].issued_at, ends[-1].issued_at),
    )
    return list(
        conn.execute(
            select(_issued_table.c.serial).where(is_between).order_by(_issued_table.c.issued_at)
        ).scalars()
    )


def _filter_listed(
    conn: Connection,
    column: Column[str],
    serials: Sequence[str],
    *conditions: ColumnElement[bool],
) -> set[str]:
    """Return those of the serials that a column has in a row with these conditions."""
    return {
        serial
        for part in chunk_ids(serials)
        for serial in conn.execute(select(column).where(column.in_(part), *conditions)).scalars()
    }
