"""How many sheets of each form a unit wants in its outage pack, as somebody has written."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from pipeline.access import Action, require
from pipeline.model import Person
from pipeline.pack.numbers import Need, checked
from pipeline.store.events import record
from pipeline.store.pack_tables import pack_number

_table = pack_number.c


def pack_numbers(conn: Connection, person: Person, unit: str) -> list[Need]:
    """The unit's own numbers; empty if nobody has written any.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    require(person, Action.PACK, unit)
    query = select(_table.form, _table.sheets, _table.each_client).where(_table.unit == unit).order_by(_table.form)
    return [Need(*row) for row in conn.execute(query)]


def save_pack_numbers(conn: Connection, person: Person, unit: str, needs: Sequence[Need]) -> None:
    """Make these the unit's numbers; none at all means the default ones again.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: a number cannot be printed.
    """
    require(person, Action.PACK, unit)
    conn.execute(delete(pack_number).where(_table.unit == unit))
    if rows := [{"unit": unit, "form": one.form, "sheets": one.sheets, "each_client": one.each_client} for one in checked(needs)]:
        conn.execute(insert(pack_number), rows)
    record(conn, person.login, "save_pack_numbers", unit, unit=unit, count=len(rows))
