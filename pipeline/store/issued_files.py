"""Files of issued serials from packs printed elsewhere come in: each once, all or nothing, and what is odd about them is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, distinct, func, select, update

from pipeline.access import Action, require
from pipeline.errors import UsageError
from pipeline.field_spec import Meaning
from pipeline.model import IssuedSheet, Person, PrintedRow
from pipeline.pack.issue_file import read_issued
from pipeline.store import tables
from pipeline.store.events import record
from pipeline.store.issued import add_issued, printed_client
from pipeline.store.issued_row_tables import issued_row
from pipeline.store.registers import units
from pipeline.template import Forms

_sheet, _page, _entry = tables.issued_sheet, tables.page, tables.entry
_MOST = 500


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of a file: sheets that are `new`, that were `known` just so, that came back before the file did (`scanned_before`, of the new).

    `unknown_forms` are those of the file that are not in the forms folder, as "id version"; `unissued` counts scanned serials of the file's units
    that nobody has told of still.
    """

    new: int
    known: int
    scanned_before: int
    unknown_forms: tuple[str, ...]
    unissued: int


def take_in_issued(conn: Connection, forms: Forms, person: Person, data: bytes) -> TakenIn:
    """Register the sheets of a file that `pack.issue_file` has written. Nothing is registered if one of them cannot be.

    Raises:
        NotAllowedError: the person does not print for one of the units.
        UsageError: the file is not as it was written; a unit is unknown; or a serial is known with another form, unit or client.
    """
    require(person, Action.PRINT)
    found = read_issued(data)
    here = sorted({sheet.unit for sheet in found.sheets})
    if unknown := [unit for unit in here if unit not in units(conn)]:
        raise UsageError("no_unit_add_first", unknown=", ".join(unknown))
    for unit in here:
        require(person, Action.PRINT, unit)
    known = _known(conn, [sheet.serial for sheet in found.sheets])
    if odd := [sheet.serial for sheet in found.sheets if known.get(sheet.serial, _named(sheet)) != _named(sheet)]:
        raise UsageError("known_another_form_unit_client", odd=", ".join(odd))
    new = [sheet for sheet in found.sheets if sheet.serial not in known]
    add_issued(conn, new, person.login)
    _name_clients(conn, forms, new)
    for unit in here:
        record(conn, person.login, "take_in_issued", found.sheets[0].serial, unit=unit, sheets=sum(sheet.unit == unit for sheet in new))
    missing = sorted({f"{sheet.form} {sheet.version}" for sheet in found.sheets if (sheet.form, sheet.version) not in forms})
    return TakenIn(len(new), len(known), _scanned(conn, [sheet.serial for sheet in new]), tuple(missing), unissued(conn, here))


def _name_clients(conn: Connection, forms: Forms, new: Sequence[IssuedSheet]) -> None:
    """Entries of sheets that were scanned before the file came: only now is it known whom they were printed for, which blocks and protection need."""
    told = {sheet.serial: sheet for sheet in new if sheet.client_pid is not None or sheet.rows}
    for some in _parts(list(told)):
        untold = select(_entry.c.id, _entry.c.serial, _entry.c.row).where(_entry.c.serial.in_(some), _entry.c.client_pid.is_(None))
        for entry_id, serial, row in conn.execute(untold).all():
            sheet = told[serial]
            form = forms.get((sheet.form, sheet.version))
            number = form.meaning(Meaning.CLIENT_PID, row) if form else None
            if pid := printed_client(sheet, number, row):
                conn.execute(update(_entry).where(_entry.c.id == entry_id).values(client_pid=pid, likely_pid=pid))


def unissued(conn: Connection, of_units: Collection[str]) -> int:
    """How many serials on scanned pages of these units are not registered as issued."""
    of_nobody = _page.c.serial.is_not(None) & _page.c.serial.not_in(select(_sheet.c.serial))
    return int(conn.execute(select(func.count(distinct(_page.c.serial))).where(_page.c.unit.in_(sorted(of_units)), of_nobody)).scalar_one())


def _known(conn: Connection, serials: Sequence[str]) -> dict[str, IssuedSheet]:
    """What the store knows of these, as `_named`."""
    columns = select(_sheet.c.serial, _sheet.c.form, _sheet.c.version, _sheet.c.unit, _sheet.c.client_pid)
    found = {
        one["serial"]: IssuedSheet(**one) for some in _parts(serials) for one in conn.execute(columns.where(_sheet.c.serial.in_(some))).mappings()
    }
    whose = select(issued_row.c.serial, issued_row.c.row, issued_row.c.client_pid).order_by(issued_row.c.serial, issued_row.c.row)
    for some in _parts(serials):
        for serial, row, pid in conn.execute(whose.where(issued_row.c.serial.in_(some))):
            found[serial] = replace(found[serial], rows=(*found[serial].rows, PrintedRow(row, pid)))
    return found


def _named(sheet: IssuedSheet) -> IssuedSheet:
    """The sheet with nothing of its rows but whom they were printed for, which is all that a file says."""
    return replace(sheet, rows=tuple(PrintedRow(one.row, one.client_pid) for one in sorted(sheet.rows, key=lambda one: one.row)))


def _scanned(conn: Connection, serials: Sequence[str]) -> int:
    query = select(func.count(distinct(_page.c.serial)))
    return sum(conn.execute(query.where(_page.c.serial.in_(some))).scalar_one() for some in _parts(serials))


def _parts(serials: Sequence[str]) -> list[Sequence[str]]:
    return [serials[start : start + _MOST] for start in range(0, len(serials), _MOST)]
