"""The area ADM came after the four areas of care: whoever had all of them has it too."""

from __future__ import annotations

from sqlalchemy import Connection, update

from pipeline.professions import ALL_AREAS
from pipeline.store import tables
from pipeline.template import Area

_EVERY_AREA = " ".join(sorted(ALL_AREAS))
_EVERY_AREA_BEFORE = " ".join(sorted(ALL_AREAS - {Area.ADM.value}))


def widen_areas(conn: Connection) -> None:
    """Give the new area to the accounts that were given all areas: who scans a unit's stack, or answers for it, sees all that lies in it."""
    areas = tables.staff.c.areas
    conn.execute(update(tables.staff).where(areas == _EVERY_AREA_BEFORE).values(areas=_EVERY_AREA))
