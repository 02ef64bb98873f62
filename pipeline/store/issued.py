"""Sheets that were printed. Each is accounted for until a page of it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, insert, select

from pipeline.model import IssuedSheet
from pipeline.store import tables
from pipeline.store.clock import utc_now
from pipeline.store.events import record

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
    for sheet in sheets:
        if sheet.client_pid is not None:  # a sheet that bears a client's name is in the log by itself
            record(conn, by, "print_for_client", sheet.serial, unit=sheet.unit or None, form=sheet.form)


def issued_sheet(conn: Connection, serial: str) -> IssuedSheet | None:
    """The printed sheet of a serial, if it was printed here."""
    row = conn.execute(_columns().where(_sheet.c.serial == serial)).mappings().one_or_none()
    return IssuedSheet(**row) if row else None


def outstanding(conn: Connection, unit: str | None = None) -> list[IssuedSheet]:
    """Printed sheets of which no page has come back, by serial. Those that were returned unused are among them (`accounting.sheet_counts`)."""
    query = _columns().where(~exists().where(tables.page.c.serial == _sheet.c.serial)).order_by(_sheet.c.serial)
    if unit is not None:
        query = query.where(_sheet.c.unit == unit)
    return [IssuedSheet(**row) for row in conn.execute(query).mappings()]


def _columns() -> Select[Any]:
    return select(_sheet.c.serial, _sheet.c.form, _sheet.c.version, _sheet.c.unit, _sheet.c.client_pid)
