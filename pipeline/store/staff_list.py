"""The staff list (signaturförtydligande) of each unit, kept elsewhere and copied in."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from pipeline.model import StaffMember
from pipeline.store import tables
from pipeline.store.events import record

_signs = tables.staff_signature


def save_staff(conn: Connection, members: Iterable[StaffMember], by: str = "system") -> int:
    """Make these the staff lists of their units; lists of other units stay. Answers with how many lines there were."""
    rows = [{"unit": m.unit, "signature": m.signature, "name": m.name, "title": m.title} for m in members]
    if rows:
        conn.execute(delete(_signs).where(_signs.c.unit.in_({row["unit"] for row in rows})))
        conn.execute(insert(_signs), rows)
        record(conn, by, "save_staff_list", "staff", count=len(rows))
    return len(rows)


def staff_list(conn: Connection) -> list[StaffMember]:
    """Who signs, of all units."""
    query = select(_signs.c.name, _signs.c.title, _signs.c.signature, _signs.c.unit).order_by(_signs.c.unit, _signs.c.signature, _signs.c.name)
    return [StaffMember(**row) for row in conn.execute(query).mappings()]
