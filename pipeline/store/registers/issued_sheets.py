"""Sheets that were printed. Each is accounted for until a page of it comes back.

Files of issued serials from packs printed elsewhere come in: each once, all or nothing, and what
is odd about them is told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, distinct, exists, func, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import IssuedSheet, Person, PrintedRow
from pipeline.domain.permissions import Action, require_permission
from pipeline.registers.issued_serials import parse_issued_file
from pipeline.store.database.clock import utc_now
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema import paper
from pipeline.store.schema.paper import issued_row

_issued_table = paper.issued_sheet
_MAX_SERIALS = 500


def save_issued_sheets(conn: Connection, sheets: Sequence[IssuedSheet], by: str) -> None:
    """Register printed sheets. A serial that is issued twice makes the whole transaction fail
    (`StoreError`).
    """
    if not sheets:
        return
    now = utc_now()
    # A microsecond apart, so that the order of printing is kept: serials are in none.
    rows = [
        {
            "serial": s.serial,
            "form": s.form,
            "version": s.version,
            "unit": s.unit,
            "client_pid": s.client_pid,
            "issued_at": now + timedelta(microseconds=place),
            "issued_by": by,
        }
        for place, s in enumerate(sheets)
    ]
    conn.execute(insert(_issued_table), rows)
    alike: dict[tuple[str, str], list[str]] = {}
    for sheet in sheets:
        alike.setdefault((sheet.unit, sheet.form), []).append(sheet.serial)
    for (unit, form), serials in alike.items():
        record(conn, by, "issue", serials[0], unit=unit or None, form=form, count=len(serials))
    printed = [
        {
            "serial": sheet.serial,
            "row": one.row,
            "client_pid": one.client_pid,
            "printed": dict(one.printed),
        }
        for sheet in sheets
        for one in sheet.rows
    ]
    if printed:
        conn.execute(insert(issued_row), printed)
    for sheet in sheets:
        if (
            sheet.client_pid is not None or sheet.rows
        ):  # a sheet that bears a client's name is in the log by itself
            record(
                conn, by, "print_for_client", sheet.serial, unit=sheet.unit or None, form=sheet.form
            )


def find_issued_sheet(conn: Connection, serial: str) -> IssuedSheet | None:
    """The printed sheet of a serial, if it was printed here, with the rows that were printed for a
    client each.
    """
    row = (
        conn.execute(_issued_query().where(_issued_table.c.serial == serial))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    table = issued_row.c
    rows = conn.execute(
        select(table.row, table.client_pid, table.printed)
        .where(table.serial == serial)
        .order_by(table.row)
    )
    return IssuedSheet(
        **row,
        rows=tuple(PrintedRow(one.row, one.client_pid, tuple(one.printed.items())) for one in rows),
    )


def printed_client_pid(
    issued: IssuedSheet | None, number: FieldSpec | None, row: int | None
) -> str | None:
    """The number of the client that an entry's part of a sheet was printed for: of its row, else of
    the sheet.

    Where each row has a number of its own, a client's sheet has the first row filled in
    (`printing`); the other rows are anybody's.

    Args:
        number: the entry's field for the personal number, if its form has one.
    """
    if issued is None:
        return None
    by_row = number is not None and number.row is not None
    own = next((one.client_pid for one in issued.rows if by_row and one.row == row), None)
    return own or (issued.client_pid if not by_row or row == 1 else None)


def list_outstanding(conn: Connection, unit: str | None = None) -> list[IssuedSheet]:
    """Printed sheets of which no page has come back, by serial, without their rows.

    Those that were returned unused are among them (`accounting.sheet_counts`).
    """
    query = (
        _issued_query()
        .where(~exists().where(paper.page.c.serial == _issued_table.c.serial))
        .order_by(_issued_table.c.serial)
    )
    if unit is not None:
        query = query.where(_issued_table.c.unit == unit)
    return [IssuedSheet(**row) for row in conn.execute(query).mappings()]


def _issued_query() -> Select[Any]:
    return select(
        _issued_table.c.serial,
        _issued_table.c.form,
        _issued_table.c.version,
        _issued_table.c.unit,
        _issued_table.c.client_pid,
    )


_issued_sheet, _page_table, _entry_table = paper.issued_sheet, paper.page, paper.entry


@dataclass(frozen=True, slots=True)
class IssuedFileResult:
    """What came of a file: sheets that are `new`, that were `known` just so, that came back before
    the file did (`scanned_before`, of the new).

    `unknown_forms` are those of the file that are not in the forms folder, as "id version";
    `unissued` counts scanned serials of the file's units that nobody has told of still.
    """

    new: int
    known: int
    scanned_before: int
    unknown_forms: tuple[str, ...]
    unissued: int


def import_issued_file(
    conn: Connection, forms: Forms, person: Person, data: bytes
) -> IssuedFileResult:
    """Register the sheets of a file that `pack.issue_file` has written. Nothing is registered if
    one of them cannot be.

    Raises:
        NotAllowedError: the person does not print for one of the units.
        UsageError: the file is not as it was written; a unit is unknown; or a serial is known
        with another form, unit or client.
    """
    require_permission(person, Action.PRINT)
    found = parse_issued_file(data)
    here = sorted({sheet.unit for sheet in found.sheets})
    if unknown := [unit for unit in here if unit not in areas_by_unit(conn)]:
        raise UsageError("no_unit_add_first", unknown=", ".join(unknown))
    for unit in here:
        require_permission(person, Action.PRINT, unit)
    known = _known_sheets(conn, [sheet.serial for sheet in found.sheets])
    if odd := [
        sheet.serial
        for sheet in found.sheets
        if known.get(sheet.serial, _without_row_details(sheet)) != _without_row_details(sheet)
    ]:
        raise UsageError("known_another_form_unit_client", odd=", ".join(odd))
    new = [sheet for sheet in found.sheets if sheet.serial not in known]
    save_issued_sheets(conn, new, person.login)
    _set_printed_clients(conn, forms, new)
    for unit in here:
        record(
            conn,
            person.login,
            "take_in_issued",
            found.sheets[0].serial,
            unit=unit,
            sheets=sum(sheet.unit == unit for sheet in new),
        )
    missing = sorted(
        {
            f"{sheet.form} {sheet.version}"
            for sheet in found.sheets
            if (sheet.form, sheet.version) not in forms
        }
    )
    return IssuedFileResult(
        len(new),
        len(known),
        _count_scanned(conn, [sheet.serial for sheet in new]),
        tuple(missing),
        count_unissued(conn, here),
    )


def _set_printed_clients(conn: Connection, forms: Forms, new: Sequence[IssuedSheet]) -> None:
    """Entries of sheets that were scanned before the file came: only now is it known whom they were
    printed for, which blocks and protection need.
    """
    told = {sheet.serial: sheet for sheet in new if sheet.client_pid is not None or sheet.rows}
    for some in _chunk_serials(list(told)):
        untold = select(_entry_table.c.id, _entry_table.c.serial, _entry_table.c.row).where(
            _entry_table.c.serial.in_(some), _entry_table.c.client_pid.is_(None)
        )
        for entry_id, serial, row in conn.execute(untold).all():
            sheet = told[serial]
            form = forms.get((sheet.form, sheet.version))
            number = form.meaning(Meaning.CLIENT_PID, row) if form else None
            if pid := printed_client_pid(sheet, number, row):
                conn.execute(
                    update(_entry_table)
                    .where(_entry_table.c.id == entry_id)
                    .values(client_pid=pid, likely_pid=pid)
                )


def count_unissued(conn: Connection, of_units: Collection[str]) -> int:
    """How many serials on scanned pages of these units are not registered as issued."""
    of_nobody = _page_table.c.serial.is_not(None) & _page_table.c.serial.not_in(
        select(_issued_sheet.c.serial)
    )
    return int(
        conn.execute(
            select(func.count(distinct(_page_table.c.serial))).where(
                _page_table.c.unit.in_(sorted(of_units)), of_nobody
            )
        ).scalar_one()
    )


def _known_sheets(conn: Connection, serials: Sequence[str]) -> dict[str, IssuedSheet]:
    """What the store knows of these, as `_named`."""
    columns = select(
        _issued_sheet.c.serial,
        _issued_sheet.c.form,
        _issued_sheet.c.version,
        _issued_sheet.c.unit,
        _issued_sheet.c.client_pid,
    )
    found = {
        one["serial"]: IssuedSheet(**one)
        for some in _chunk_serials(serials)
        for one in conn.execute(columns.where(_issued_sheet.c.serial.in_(some))).mappings()
    }
    whose = select(issued_row.c.serial, issued_row.c.row, issued_row.c.client_pid).order_by(
        issued_row.c.serial, issued_row.c.row
    )
    for some in _chunk_serials(serials):
        for serial, row, pid in conn.execute(whose.where(issued_row.c.serial.in_(some))):
            found[serial] = replace(found[serial], rows=(*found[serial].rows, PrintedRow(row, pid)))
    return found


def _without_row_details(sheet: IssuedSheet) -> IssuedSheet:
    """The sheet with nothing of its rows but whom they were printed for, which is all that a file
    says.
    """
    return replace(
        sheet,
        rows=tuple(
            PrintedRow(one.row, one.client_pid)
            for one in sorted(sheet.rows, key=lambda one: one.row)
        ),
    )


def _count_scanned(conn: Connection, serials: Sequence[str]) -> int:
    query = select(func.count(distinct(_page_table.c.serial)))
    return sum(
        conn.execute(query.where(_page_table.c.serial.in_(some))).scalar_one()
        for some in _chunk_serials(serials)
    )


def _chunk_serials(serials: Sequence[str]) -> list[Sequence[str]]:
    return [serials[start : start + _MAX_SERIALS] for start in range(0, len(serials), _MAX_SERIALS)]
