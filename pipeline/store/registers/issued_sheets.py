"""Issued sheets: every printed sheet is accounted for until a page of it comes back.

Files of serials that were issued by another installation are imported once, completely or not at
all; what is unusual about them is reported.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, distinct, func, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import IssuedSheet, Person, PrintedRow
from pipeline.files.documents import TYPED_PNG
from pipeline.registers.issued_serials import parse_issued_file
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import (
    areas_by_unit,
    issued_sheets_query,
    printed_client_pid,
)
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.id_chunks import chunk_ids, rows_of_ids
from pipeline.store.schema.registers import issued_row, issued_sheet

_issued_table, _page_table, _entry_table = issued_sheet, paper.page, paper.entry


@dataclass(frozen=True, slots=True)
class IssuedFileResult:
    """The result of importing a file: sheets that are new, and sheets that were known already.

    `scanned_before` of the new sheets came back before the file did. `unknown_forms` of the file
    are not in the forms folder, as "id version". `unissued` scanned serials of the file's units are
    still not registered as issued.
    """

    new: int
    known: int
    scanned_before: int
    unknown_forms: tuple[str, ...]
    unissued: int


def save_issued_sheets(conn: Connection, sheets: Sequence[IssuedSheet], by: str) -> None:
    """Register printed sheets.

    Raises:
        StoreError: a serial is issued twice; nothing is registered.
    """
    if not sheets:
        return
    now = utc_now()
    # What is printed together for a unit is its pack.
    packs = {unit: secrets.token_hex(8) for unit in {sheet.unit for sheet in sheets}}
    # A microsecond apart, so that the order of printing is kept: serials are in no order.
    rows = [
        {
            "serial": s.serial,
            "form": s.form,
            "version": s.version,
            "unit": s.unit,
            "client_pid": s.client_pid,
            "issued_at": now + timedelta(microseconds=place),
            "issued_by": by,
            "pack": packs[s.unit],
        }
        for place, s in enumerate(sheets)
    ]
    conn.execute(insert(_issued_table), rows)
    # One event for all sheets of a unit and form.
    serials_by_form: dict[tuple[str, str], list[str]] = {}
    for sheet in sheets:
        serials_by_form.setdefault((sheet.unit, sheet.form), []).append(sheet.serial)
    for (unit, form), serials in serials_by_form.items():
        record(conn, by, "issue", serials[0], unit=unit or None, form=form, count=len(serials))
    # Rows that were printed for a client each.
    printed = [
        {
            "serial": sheet.serial,
            "row": row.row,
            "client_pid": row.client_pid,
            "printed": dict(row.printed),
        }
        for sheet in sheets
        for row in sheet.rows
    ]
    if printed:
        conn.execute(insert(issued_row), printed)
    # A sheet with a client's name is logged on its own.
    for sheet in sheets:
        if sheet.client_pid is not None or sheet.rows:
            record(
                conn, by, "print_for_client", sheet.serial, unit=sheet.unit or None, form=sheet.form
            )


def import_issued_file(
    conn: Connection, forms: Forms, person: Person, data: bytes
) -> IssuedFileResult:
    """Register the sheets of a file of issued serials; nothing if one of them cannot be registered.

    Raises:
        NotAllowedError: the person does not print for one of the units.
        UsageError: the file is not as it was written; a unit is unknown; or a serial is known
            with another form, unit or client.
    """
    require_permission(person, Action.PRINT)
    issued_file = parse_issued_file(data)
    units = sorted({sheet.unit for sheet in issued_file.sheets})
    if unknown := [unit for unit in units if unit not in areas_by_unit(conn)]:
        raise UsageError("add_unit_first", unknown=", ".join(unknown))
    for unit in units:
        require_permission(person, Action.PRINT, unit)
    # A known sheet must be the same in everything that the file says.
    known = _known_sheets(conn, [sheet.serial for sheet in issued_file.sheets])
    if conflicting := [
        sheet.serial
        for sheet in issued_file.sheets
        if known.get(sheet.serial, _without_row_details(sheet)) != _without_row_details(sheet)
    ]:
        raise UsageError("known_otherwise", odd=", ".join(conflicting))
    new = [sheet for sheet in issued_file.sheets if sheet.serial not in known]
    save_issued_sheets(conn, new, person.login)
    # Sheets may have been scanned before the file came.
    _set_printed_clients(conn, forms, new)
    for unit in units:
        record(
            conn,
            person.login,
            "take_in_issued",
            issued_file.sheets[0].serial,
            unit=unit,
            sheets=sum(sheet.unit == unit for sheet in new),
        )
    missing = sorted(
        {
            f"{sheet.form} {sheet.version}"
            for sheet in issued_file.sheets
            if (sheet.form, sheet.version) not in forms
        }
    )
    return IssuedFileResult(
        len(new),
        len(known),
        _count_scanned(conn, [sheet.serial for sheet in new]),
        tuple(missing),
        count_unissued(conn, units),
    )


def _set_printed_clients(conn: Connection, forms: Forms, new: Sequence[IssuedSheet]) -> None:
    """Set the client of entries whose sheets were scanned before the file came.

    Only now it is known for whom they were printed, which blocks and protection need.
    """
    named_sheets = {
        sheet.serial: sheet for sheet in new if sheet.client_pid is not None or sheet.rows
    }
    table = _entry_table.c
    # Entries of these sheets that nobody has given a client.
    query = select(table.id, table.serial, table.row).where(table.client_pid.is_(None))
    for entry_id, serial, row in list(rows_of_ids(conn, query, table.serial, list(named_sheets))):
        sheet = named_sheets[serial]
        form = forms.get((sheet.form, sheet.version))
        number = form.meaning(Meaning.CLIENT_PID, row) if form else None
        if pid := printed_client_pid(sheet, number, row):
            is_entry = table.id == entry_id
            conn.execute(
                update(_entry_table).where(is_entry).values(client_pid=pid, likely_pid=pid)
            )


def count_unissued(conn: Connection, of_units: Collection[str]) -> int:
    """Return how many serials on scanned pages of these units are not registered as issued.

    A form without paper draws its serial when it is saved: nobody issues it.
    """
    # Serials without an issued sheet; counted once, however many pages have them.
    is_unissued = (
        _page_table.c.serial.is_not(None)
        & _page_table.c.serial.not_in(select(_issued_table.c.serial))
        & (func.coalesce(_page_table.c.media_type, "") != TYPED_PNG)
    )
    return int(
        conn.execute(
            select(func.count(distinct(_page_table.c.serial))).where(
                _page_table.c.unit.in_(sorted(of_units)), is_unissued
            )
        ).scalar_one()
    )


def _known_sheets(conn: Connection, serials: Sequence[str]) -> dict[str, IssuedSheet]:
    """Return what the store knows of these serials, as `_without_row_details` gives it."""
    query = issued_sheets_query()
    sheets = {
        row["serial"]: IssuedSheet(**row)
        for chunk in chunk_ids(serials)
        for row in conn.execute(query.where(_issued_table.c.serial.in_(chunk))).mappings()
    }
    # The clients of their rows, in the order of the rows.
    row_query = select(issued_row.c.serial, issued_row.c.row, issued_row.c.client_pid).order_by(
        issued_row.c.serial, issued_row.c.row
    )
    for serial, row, pid in rows_of_ids(conn, row_query, issued_row.c.serial, serials):
        sheet = sheets[serial]
        sheets[serial] = replace(sheet, rows=(*sheet.rows, PrintedRow(row, pid)))
    return sheets


def _without_row_details(sheet: IssuedSheet) -> IssuedSheet:
    """Return the sheet with only the clients of its rows, which is all that a file says of them."""
    rows = sorted(sheet.rows, key=lambda row: row.row)
    return replace(sheet, rows=tuple(PrintedRow(row.row, row.client_pid) for row in rows))


def _count_scanned(conn: Connection, serials: Sequence[str]) -> int:
    """Return how many of these serials are on scanned pages."""
    query = select(func.count(distinct(_page_table.c.serial)))
    # Each serial once, however many pages have it.
    return sum(
        conn.execute(query.where(_page_table.c.serial.in_(chunk))).scalar_one()
        for chunk in chunk_ids(serials)
    )
