"""How many visits and shifts were planned, by unit and day.

How many sheets of each form a unit wants in its outage pack, as somebody has written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, delete, insert, select

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.registers.pack_quantities import SheetQuantity, require_valid_quantities
from pipeline.registers.planned_visits import PlanKind, PlannedCounts
from pipeline.store.database.engines import insert_missing, upsert_rows
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.paper import pack_number, planned_day

_planned_day_columns = planned_day.c
_MAX_DAYS = 800
"""A plan that goes on for longer has a mistyped day."""
_pack_number_columns = pack_number.c


def save_planned(conn: Connection, person: Person, kind: PlanKind, counts: PlannedCounts) -> int:
    """Keep what was planned; later figures for a unit and day take the place of earlier ones.
    Answers with how many there were.

    On a day that they lack between a unit's first and last day nothing was planned, unless an
    earlier file says otherwise: to correct one day takes none of the others away. Of days
    between two plans nothing is known.

    Raises:
        NotAllowedError: the person may not see the figures of one of the units.
        UsageError: there is no such unit, or the figures go from one day to another years away.
    """
    require_permission(person, Action.PROGRESS)
    here = sorted({unit for unit, _ in counts})
    if unknown := [unit for unit in here if unit not in areas_by_unit(conn)]:
        raise UsageError("no_unit_name_units", unknown=", ".join(unknown))
    for unit in here:
        require_permission(person, Action.PROGRESS, unit)
    upsert_rows(
        conn,
        planned_day,
        [
            {"unit": unit, "day": day, "kind": kind.value, "planned": count}
            for (unit, day), count in counts.items()
        ],
    )
    lacking = [
        (unit, day)
        for unit in here
        for day in _days_in_range(unit, counts)
        if (unit, day) not in counts
    ]
    insert_missing(
        conn,
        planned_day,
        [{"unit": unit, "day": day, "kind": kind.value, "planned": 0} for unit, day in lacking],
    )
    for unit in here:
        record(
            conn,
            person.login,
            "save_planned",
            unit,
            unit=unit,
            kind=kind.value,
            count=sum(one == unit for one, _ in counts),
        )
    return len(counts)


def planned_counts(
    conn: Connection, of_units: Collection[str], kind: PlanKind
) -> dict[str, dict[str, int]]:
    """Unit → day → how many were planned, of the units that something is known of."""
    query = select(
        _planned_day_columns.unit, _planned_day_columns.day, _planned_day_columns.planned
    ).where(
        _planned_day_columns.unit.in_(sorted(of_units)), _planned_day_columns.kind == kind.value
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for unit, day, count in conn.execute(
        query.order_by(_planned_day_columns.unit, _planned_day_columns.day)
    ):
        found[unit][day] = count
    return dict(found)


def _days_in_range(unit: str, counts: PlannedCounts) -> list[str]:
    """All days from the first to the last of a unit."""
    known = [date.fromisoformat(day) for one, day in counts if one == unit]
    first, length = min(known), (max(known) - min(known)).days
    if length >= _MAX_DAYS:
        raise UsageError("plan_goes", unit_name=unit, first=first, value=max(known))
    return [(first + timedelta(days=n)).isoformat() for n in range(length + 1)]


def load_pack_quantities(conn: Connection, person: Person, unit: str) -> list[SheetQuantity]:
    """The unit's own numbers; empty if nobody has written any.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    require_permission(person, Action.PACK, unit)
    query = (
        select(
            _pack_number_columns.form, _pack_number_columns.sheets, _pack_number_columns.each_client
        )
        .where(_pack_number_columns.unit == unit)
        .order_by(_pack_number_columns.form)
    )
    return [SheetQuantity(*row) for row in conn.execute(query)]


def save_pack_quantities(
    conn: Connection, person: Person, unit: str, quantities: Sequence[SheetQuantity]
) -> None:
    """Make these the unit's numbers; none at all means the default ones again.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: a number cannot be printed.
    """
    require_permission(person, Action.PACK, unit)
    conn.execute(delete(pack_number).where(_pack_number_columns.unit == unit))
    if rows := [
        {"unit": unit, "form": one.form, "sheets": one.sheets, "each_client": one.per_client}
        for one in require_valid_quantities(quantities)
    ]:
        conn.execute(insert(pack_number), rows)
    record(conn, person.login, "save_pack_numbers", unit, unit=unit, count=len(rows))
