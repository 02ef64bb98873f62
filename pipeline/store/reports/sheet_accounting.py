"""Sheets accounted for: printed = come back + returned unused + missing, per unit and form.

A sheet has come back when a page with its serial has. One that is registered as unused and then
scanned after all has come back: paper that is there speaks louder than a list.

Sheets that were printed for a unit that is not known here, as before there were any, are
accounted for too, by whoever prints in any unit.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
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
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed, require_permission
from pipeline.forms.fiducials import is_serial, normalize_serial
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import count_where
from pipeline.store.schema import paper
from pipeline.store.schema.paper import issued_row, unused_sheet

_issued_table, _page_table = paper.issued_sheet, paper.page
NO_UNIT = ""
"""Stands for every unit that is not known here."""
_unit_expression = func.coalesce(paper.unit.c.name, literal_column("''"))
_issued_with_unit = _issued_table.outerjoin(paper.unit, paper.unit.c.name == _issued_table.c.unit)
_IS_ACTIVE = unused_sheet.c.undone_at.is_(None)
_MAX_SERIALS = 500


@dataclass(frozen=True, slots=True)
class SheetBalance:
    """Printed sheets of one unit and form: `issued` = `back` + `unused` + `missing`."""

    unit: str
    form: str
    issued: int
    returned: int
    unused: int
    missing: int


@dataclass(frozen=True, slots=True)
class MissingSheet:
    """A printed sheet that has neither come back nor been returned unused. `prefilled`: it bears a
    client's name and number.
    """

    serial: str
    unit: str
    form: str
    issued_at: datetime
    prefilled: bool


@dataclass(frozen=True, slots=True)
class UnusedSheets:
    """Sheets that were registered as unused in one go."""

    id: str
    unit: str
    sheets: int
    by: str
    at: datetime


def count_sheets(conn: Connection, units: Collection[str]) -> list[SheetBalance]:
    """Printed sheets of these units, by unit and form; `NO_UNIT` may be one of them."""
    is_back, is_unused = _is_returned(), and_(~_is_returned(), _is_unused())
    keys = (_unit_expression, _issued_table.c.form)
    query = select(
        *keys,
        func.count(),
        count_where(is_back),
        count_where(is_unused),
        count_where(and_(~is_back, ~is_unused)),
    ).select_from(_issued_with_unit)
    query = query.where(_unit_expression.in_(sorted(units))).group_by(*keys).order_by(*keys)
    return [SheetBalance(*row) for row in conn.execute(query)]


def has_unknown_unit_sheets(conn: Connection) -> bool:
    """Whether there are printed sheets of units that are not known here."""
    return (
        conn.execute(select(_issued_table.c.serial).where(_is_of_unit(NO_UNIT)).limit(1)).first()
        is not None
    )


def list_accounted_units(person: Person) -> frozenset[str]:
    """The units whose printed sheets the person accounts for: the own, and for who prints
    `NO_UNIT`. A sheet there tells its serial and form only.
    """
    return person.units | {NO_UNIT} if is_allowed(person, Action.PRINT) else person.units


def list_missing_sheets(conn: Connection, person: Person) -> list[MissingSheet]:
    """The sheets of the person's units that are missing, by unit and form in the order of printing;
    those that bear a name first.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require_permission(person, Action.PROGRESS)
    named = or_(
        _issued_table.c.client_pid.is_not(None),
        exists().where(issued_row.c.serial == _issued_table.c.serial),
    )
    query = select(
        _issued_table.c.serial,
        _unit_expression,
        _issued_table.c.form,
        _issued_table.c.issued_at,
        named,
    ).select_from(_issued_with_unit)
    query = query.where(
        _unit_expression.in_(sorted(list_accounted_units(person))), ~_is_returned(), ~_is_unused()
    )
    rows = conn.execute(
        query.order_by(
            _unit_expression,
            named.desc(),
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
    return (
        _issued_table.c.unit == unit
        if unit
        else _issued_table.c.unit.not_in(select(paper.unit.c.name))
    )


def _is_returned() -> ColumnElement[bool]:
    return _issued_table.c.serial.in_(
        select(_page_table.c.serial).where(_page_table.c.serial.is_not(None))
    )


def _is_unused() -> ColumnElement[bool]:
    return _issued_table.c.serial.in_(select(unused_sheet.c.serial).where(_IS_ACTIVE))


def save_unused_sheets(
    conn: Connection, person: Person, unit: str, typed: str, now: datetime
) -> int:
    """Register printed sheets of a unit as returned unused; answers with how many are new. All or
    none.

    Args:
        unit: `NO_UNIT` for sheets of units that are not known here.
        typed: serials as people write them or a hand-held reader sends them, between blanks,
            commas, semicolons or line ends. `A–B` or `A..B` means these two and all sheets of
            the same form that were printed between them: serials themselves are in no order.

    Raises:
        NotAllowedError: the person does not print for this unit.
        UsageError: a serial is wrong, not of this unit, or has come back written on. The text
        names serials, which say nothing of anybody.
    """
    require_permission(person, Action.PRINT, unit or None)
    serials = _parse_serials(conn, unit, typed)
    if back := sorted(_filter_serials(conn, serials, returned=True)):
        raise UsageError("sheet_scanned", back=", ".join(back))
    new = sorted(set(serials) - _filter_unused(conn, serials))
    if new:
        lot = secrets.token_hex(8)
        conn.execute(
            insert(unused_sheet),
            [{"serial": serial, "lot": lot, "by": person.login, "at": now} for serial in new],
        )
        record(conn, person.login, "return_unused", lot, unit=unit or None, count=len(new))
    return len(new)


def undo_unused_sheets(
    conn: Connection, person: Person, registration_id: str, now: datetime
) -> int:
    """Take back a registration; answers with how many sheets are missing again. The rows stay.

    Raises:
        NotAllowedError: the person does not print for the sheets' unit.
        UsageError: there is no such registration that stands.
    """
    require_permission(person, Action.PRINT)
    of_lot = (
        select(_unit_expression)
        .distinct()
        .select_from(
            _issued_with_unit.join(unused_sheet, unused_sheet.c.serial == _issued_table.c.serial)
        )
        .where(_is_active_lot(registration_id))
    )
    units = conn.execute(of_lot).scalars().all()
    if not units:
        raise UsageError("no_such_registration_stands")
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
    """The registrations that stand for the person's units, newest first.

    Raises:
        NotAllowedError: the person does not print.
    """
    require_permission(person, Action.PRINT)
    keys = (unused_sheet.c.lot, _unit_expression, unused_sheet.c.by, unused_sheet.c.at)
    of_lots = _issued_with_unit.join(unused_sheet, unused_sheet.c.serial == _issued_table.c.serial)
    query = (
        select(*keys, func.count())
        .select_from(of_lots)
        .where(_IS_ACTIVE, _unit_expression.in_(sorted(list_accounted_units(person))))
    )
    found = conn.execute(
        query.group_by(*keys).order_by(unused_sheet.c.at.desc(), unused_sheet.c.lot)
    )
    return [UnusedSheets(lot, unit, sheets, by, at) for lot, unit, by, at, sheets in found]


def _is_active_lot(registration_id: str) -> ColumnElement[bool]:
    return and_(unused_sheet.c.lot == registration_id, _IS_ACTIVE)


def _parse_serials(conn: Connection, unit: str, typed: str) -> list[str]:
    """The serials that are meant, each once."""
    words = re.sub(r"[,;]", " ", re.sub(r"\s*(–|\.\.|\s-\s)\s*", "..", typed)).split()
    if not words:
        raise UsageError("no_serial_given")
    found: dict[str, None] = {}
    for word in words:
        first, is_range, last = word.partition("..")
        ends = [_parse_serial(first)] + ([_parse_serial(last)] if is_range else [])
        if unknown := sorted(set(ends) - _filter_serials(conn, ends, unit=unit)):
            raise UsageError("not_printed_unit", unknown=", ".join(unknown))
        found |= dict.fromkeys(_serials_in_range(conn, unit, *ends) if is_range else ends)
    return list(found)


def _parse_serial(word: str) -> str:
    serial = normalize_serial(word)
    if not is_serial(serial):
        raise UsageError("serial_eight_characters_one_these")
    return serial


def _serials_in_range(conn: Connection, unit: str, first: str, last: str) -> list[str]:
    """The sheets of a form from one serial to another, in the order in which they were printed,
    whichever end is given first.
    """
    ends = conn.execute(
        select(_issued_table.c.form, _issued_table.c.issued_at)
        .where(_issued_table.c.serial.in_([first, last]))
        .order_by(_issued_table.c.issued_at)
    ).all()
    if len({row.form for row in ends}) != 1:
        raise UsageError("different_forms", first=first, last=last)
    within = and_(
        _is_of_unit(unit),
        _issued_table.c.form == ends[0].form,
        _issued_table.c.issued_at.between(ends[0].issued_at, ends[-1].issued_at),
    )
    return list(
        conn.execute(
            select(_issued_table.c.serial).where(within).order_by(_issued_table.c.issued_at)
        ).scalars()
    )


def _filter_unused(conn: Connection, serials: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(serials), _MAX_SERIALS):
        some = serials[start : start + _MAX_SERIALS]
        found |= set(
            conn.execute(
                select(unused_sheet.c.serial).where(unused_sheet.c.serial.in_(some), _IS_ACTIVE)
            ).scalars()
        )
    return found


def _filter_serials(
    conn: Connection, serials: Sequence[str], unit: str | None = None, *, returned: bool = False
) -> set[str]:
    """Those of the serials that were printed for a unit, or, with `returned`, that have come back."""
    found: set[str] = set()
    for start in range(0, len(serials), _MAX_SERIALS):
        some = serials[start : start + _MAX_SERIALS]
        query = (
            select(_page_table.c.serial).where(_page_table.c.serial.in_(some))
            if returned
            else select(_issued_table.c.serial).where(_issued_table.c.serial.in_(some))
        )
        found |= set(
            conn.execute(
                query if unit is None or returned else query.where(_is_of_unit(unit))
            ).scalars()
        )
    return found
