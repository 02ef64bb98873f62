"""How many visits and shifts were planned, by unit and day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import Connection, select

from pipeline.access import Action, require
from pipeline.errors import UsageError
from pipeline.model import Person
from pipeline.planning import PlanKind, Planned
from pipeline.store.events import record
from pipeline.store.pack_tables import planned_day
from pipeline.store.registers import units
from pipeline.store.upsert import insert_new, upsert

_table = planned_day.c
_MOST_DAYS = 800
"""A plan that goes on for longer has a mistyped day."""


def save_planned(conn: Connection, person: Person, kind: PlanKind, counts: Planned) -> int:
    """Keep what was planned; later figures for a unit and day take the place of earlier ones. Answers with how many there were.

    On a day that they lack between a unit's first and last day nothing was planned, unless an earlier file says otherwise: to correct one day takes
    none of the others away. Of days between two plans nothing is known.

    Raises:
        NotAllowedError: the person may not see the figures of one of the units.
        UsageError: there is no such unit, or the figures go from one day to another years away.
    """
    require(person, Action.PROGRESS)
    here = sorted({unit for unit, _ in counts})
    if unknown := [unit for unit in here if unit not in units(conn)]:
        raise UsageError("no_unit_name_units", unknown=", ".join(unknown))
    for unit in here:
        require(person, Action.PROGRESS, unit)
    upsert(conn, planned_day, [{"unit": unit, "day": day, "kind": kind.value, "planned": count} for (unit, day), count in counts.items()])
    lacking = [(unit, day) for unit in here for day in _days(unit, counts) if (unit, day) not in counts]
    insert_new(conn, planned_day, [{"unit": unit, "day": day, "kind": kind.value, "planned": 0} for unit, day in lacking])
    for unit in here:
        record(conn, person.login, "save_planned", unit, unit=unit, kind=kind.value, count=sum(one == unit for one, _ in counts))
    return len(counts)


def planned(conn: Connection, of_units: Collection[str], kind: PlanKind) -> dict[str, dict[str, int]]:
    """Unit → day → how many were planned, of the units that something is known of."""
    query = select(_table.unit, _table.day, _table.planned).where(_table.unit.in_(sorted(of_units)), _table.kind == kind.value)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for unit, day, count in conn.execute(query.order_by(_table.unit, _table.day)):
        found[unit][day] = count
    return dict(found)


def _days(unit: str, counts: Planned) -> list[str]:
    """All days from the first to the last of a unit."""
    known = [date.fromisoformat(day) for one, day in counts if one == unit]
    first, length = min(known), (max(known) - min(known)).days
    if length >= _MOST_DAYS:
        raise UsageError("plan_goes", unit_name=unit, first=first, value=max(known))
    return [(first + timedelta(days=n)).isoformat() for n in range(length + 1)]
