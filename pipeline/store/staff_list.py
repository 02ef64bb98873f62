"""The staff list (signaturförtydligande) of each unit, kept elsewhere and copied in."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from pipeline.model import StaffMember
from pipeline.register_columns import register_columns
from pipeline.store import tables
from pipeline.store.events import record
from pipeline.store.signature_keys import confirmed_signers

_signs = tables.staff_signature
_COLUMNS = register_columns(StaffMember)


def save_staff(conn: Connection, members: Iterable[StaffMember], by: str = "system") -> int:
    """Make these the staff lists of their units; lists of other units stay. Answers with how many lines there were."""
    rows = [{column.field: getattr(m, column.field) for column in _COLUMNS} for m in members]
    if rows:
        conn.execute(delete(_signs).where(_signs.c.unit.in_({row["unit"] for row in rows})))
        conn.execute(insert(_signs), rows)
        record(conn, by, "save_staff_list", "staff", count=len(rows))
    return len(rows)


def staff_list(conn: Connection) -> list[StaffMember]:
    """Who signs, of all units: by the lists that were taken in, and by the signature keys on paper that somebody has confirmed."""
    query = select(*(_signs.c[column.field] for column in _COLUMNS)).order_by(_signs.c.unit, _signs.c.signature, _signs.c.name)
    listed = [StaffMember(**row) for row in conn.execute(query).mappings()]
    known = {(member.unit, member.signature.upper(), member.name.casefold()) for member in listed}
    written = [one for one in confirmed_signers(conn) if (one.unit, one.signature, one.name.casefold()) not in known]
    return sorted([*listed, *written], key=lambda member: (member.unit, member.signature, member.name))
