"""Printed sheets that are still out."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from pipeline.domain.model import IssuedSheet
from pipeline.store.schema import paper
from pipeline.store.schema.registers import issued_sheet


def list_outstanding(conn: Connection, unit: str | None = None) -> list[IssuedSheet]:
    """Return printed sheets of which no page has come back, by serial, without their rows."""
    issued = issued_sheet
    query = (
        select(issued.c.serial, issued.c.form, issued.c.version, issued.c.unit, issued.c.client_pid)
        .where(~exists().where(paper.page.c.serial == issued.c.serial))
        .order_by(issued.c.serial)
    )
    if unit is not None:
        query = query.where(issued.c.unit == unit)
    return [IssuedSheet(**row) for row in conn.execute(query).mappings()]
