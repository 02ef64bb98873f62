"""Sheets that were printed. Each is accounted for until a page of it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, insert, select

from pipeline.field_spec import FieldSpec
from pipeline.model import IssuedSheet, PrintedRow
from pipeline.store import tables
from pipeline.store.clock import utc_now
from pipeline.store.events import record
from pipeline.store.issued_row_tables import issued_row

_sheet = tables.issued_sheet


def add_issued(conn: Connection, sheets: Sequence[IssuedSheet], by: str) -> None:
    """Register printed sheets. A serial that is issued twice makes the whole transaction fail (`StoreError`)."""
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
    conn.execute(insert(_sheet), rows)
    alike: dict[tuple[str, str], list[str]] = {}
    for sheet in sheets:
        alike.setdefault((sheet.unit, sheet.form), []).append(sheet.serial)
    for (unit, form), serials in alike.items():
        record(conn, by, "issue", serials[0], unit=unit or None, form=form, count=len(serials))
    printed = [
        {"serial": sheet.serial, "row": one.row, "client_pid": one.client_pid, "printed": dict(one.printed)} for sheet in sheets for one in sheet.rows
    ]
    if printed:
        conn.execute(insert(issued_row), printed)
    for sheet in sheets:
        if sheet.client_pid is not None or sheet.rows:  # a sheet that bears a client's name is in the log by itself
            record(conn, by, "print_for_client", sheet.serial, unit=sheet.unit or None, form=sheet.form)


def issued_sheet(conn: Connection, serial: str) -> IssuedSheet | None:
    """The printed sheet of a serial, if it was printed here, with the rows that were printed for a client each."""
    row = conn.execute(_columns().where(_sheet.c.serial == serial)).mappings().one_or_none()
    if row is None:
        return None
    table = issued_row.c
    rows = conn.execute(select(table.row, table.client_pid, table.printed).where(table.serial == serial).order_by(table.row))
    return IssuedSheet(**row, rows=tuple(PrintedRow(one.row, one.client_pid, tuple(one.printed.items())) for one in rows))


def printed_client(issued: IssuedSheet | None, number: FieldSpec | None, row: int | None) -> str | None:
    """The number of the client that an entry's part of a sheet was printed for: of its row, else of the sheet.

    Where each row has a number of its own, a client's sheet has the first row filled in (`printing`); the other rows are anybody's.

    Args:
        number: the entry's field for the personal number, if its form has one.
    """
    if issued is None:
        return None
    by_row = number is not None and number.row is not None
    own = next((one.client_pid for one in issued.rows if by_row and one.row == row), None)
    return own or (issued.client_pid if not by_row or row == 1 else None)


def outstanding(conn: Connection, unit: str | None = None) -> list[IssuedSheet]:
    """Printed sheets of which no page has come back, by serial, without their rows.

    Those that were returned unused are among them (`accounting.sheet_counts`).
    """
    query = _columns().where(~exists().where(tables.page.c.serial == _sheet.c.serial)).order_by(_sheet.c.serial)
    if unit is not None:
        query = query.where(_sheet.c.unit == unit)
    return [IssuedSheet(**row) for row in conn.execute(query).mappings()]


def _columns() -> Select[Any]:
    return select(_sheet.c.serial, _sheet.c.form, _sheet.c.version, _sheet.c.unit, _sheet.c.client_pid)
