"""Planned visits and shifts by unit and day, sheets of a pack, and when systems were away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.record import OutageKind
from pipeline.registers.outages import ALL, OutagePeriod, load_systems, overlaps
from pipeline.registers.pack_quantities import SheetQuantity, require_valid_quantities
from pipeline.registers.planned_visits import PlanKind, PlannedCounts
from pipeline.store.database.engines import insert_missing, upsert_rows
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import Detail
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.registers import outage, pack_number, planned_day

_planned_day_columns, _pack_number_columns = planned_day.c, pack_number.c
_MAX_DAYS = 800
"""A plan that covers more days has a mistyped day."""


def save_planned(conn: Connection, person: Person, kind: PlanKind, counts: PlannedCounts) -> int:
    """Store what was planned, replacing earlier numbers, and return how many there were.

    On a day that is missing between a unit's first and last day nothing was planned, unless an
    earlier file says otherwise: correcting one day removes none of the others. Nothing is known of
    days between two plans.

    Raises:
        NotAllowedError: the person may not see the metrics of one of the units.
        UsageError: there is no such unit, or the numbers cover too many days.
    """
    require_permission(person, Action.PROGRESS)
    units = sorted({unit for unit, _ in counts})
    if unknown := [unit for unit in units if unit not in areas_by_unit(conn)]:
        raise UsageError("no_units_of_names", unknown=", ".join(unknown))
    for unit in units:
        require_permission(person, Action.PROGRESS, unit)
    # New numbers replace stored ones.
    upsert_rows(
        conn,
        planned_day,
        [
            {"unit": unit, "day": day, "kind": kind.value, "planned": count}
            for (unit, day), count in counts.items()
        ],
    )
    # Days in between get zero where nothing is stored.
    missing = [
        (unit, day)
        for unit in units
        for day in _days_in_range(unit, counts)
        if (unit, day) not in counts
    ]
    insert_missing(
        conn,
        planned_day,
        [{"unit": unit, "day": day, "kind": kind.value, "planned": 0} for unit, day in missing],
    )
    for unit in units:
        record(
            conn,
            person.login,
            "save_planned",
            unit,
            unit=unit,
            kind=kind.value,
            count=sum(planned_unit == unit for planned_unit, _ in counts),
        )
    return len(counts)


def planned_counts(
    conn: Connection, of_units: Collection[str], kind: PlanKind
) -> dict[str, dict[str, int]]:
    """Return unit → day → planned number, for the units of which something is known."""
    # All stored days of these units for one kind of plan.
    query = select(
        _planned_day_columns.unit, _planned_day_columns.day, _planned_day_columns.planned
    ).where(
        _planned_day_columns.unit.in_(sorted(of_units)), _planned_day_columns.kind == kind.value
    )
    by_unit: dict[str, dict[str, int]] = defaultdict(dict)
    for unit, day, count in conn.execute(
        query.order_by(_planned_day_columns.unit, _planned_day_columns.day)
    ):
        by_unit[unit][day] = count
    return dict(by_unit)


def _days_in_range(unit: str, counts: PlannedCounts) -> list[str]:
    """Return all days from the first to the last of a unit."""
    planned_days = [date.fromisoformat(day) for planned_unit, day in counts if planned_unit == unit]
    first, length = min(planned_days), (max(planned_days) - min(planned_days)).days
    if length >= _MAX_DAYS:
        raise UsageError(
            "plan_outside_period", unit_name=unit, first=first, value=max(planned_days)
        )
    return [(first + timedelta(days=n)).isoformat() for n in range(length + 1)]


def load_pack_quantities(conn: Connection, person: Person, unit: str) -> list[SheetQuantity]:
    """Return the unit's own quantities; empty if none have been saved.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    require_permission(person, Action.PACK, unit)
    # The unit's stored quantities, by form.
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
    """Replace the unit's quantities; none at all restores the default ones.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: a quantity cannot be printed.
    """
    require_permission(person, Action.PACK, unit)
    # Replace all of the unit's quantities.
    conn.execute(delete(pack_number).where(_pack_number_columns.unit == unit))
    if rows := [
        {"unit": unit, "form": item.form, "sheets": item.sheets, "each_client": item.per_client}
        for item in require_valid_quantities(quantities)
    ]:
        conn.execute(insert(pack_number), rows)
    record(conn, person.login, "save_pack_numbers", unit, unit=unit, count=len(rows))


# The table of outages by unit and system, as the administrator keeps it.

_SUBJECT = "outage"


def list_outages(conn: Connection) -> list[OutagePeriod]:
    """Return all outages that hold, the first first."""
    table = outage.c
    columns = (table.unit, table.system, table.kind, table.start, table.end, table.id, table.by)
    query = select(*columns).where(table.undone_at.is_(None)).order_by(table.start, table.id)
    return [
        OutagePeriod(row.unit, row.system, OutageKind(row.kind), row.start, row.end, row.id, row.by)
        for row in conn.execute(query)
    ]


def save_outage(conn: Connection, person: Person, period: OutagePeriod, now: datetime) -> None:
    """Add an outage.

    Raises:
        NotAllowedError: the person does not keep the table.
        UsageError: there is no such unit or system, it ends before it begins or begins in the
            future, or the table says something else of that time.
    """
    require_permission(person, Action.OFFICE)
    if period.unit != ALL and period.unit not in areas_by_unit(conn):
        raise UsageError("no_units_of_names", unknown=period.unit)
    if period.system != ALL and period.system not in {each.id for each in load_systems()}:
        raise UsageError("outage_no_system", system=period.system)
    if period.end is not None and period.end <= period.start:
        raise UsageError("outage_ends_first")
    if period.start > now:
        raise UsageError("outage_in_future")
    if overlaps(period, list_outages(conn)):
        raise UsageError("outage_overlaps")
    values = {
        "unit": period.unit,
        "system": period.system,
        "kind": period.kind.value,
        "start": period.start,
        "end": period.end,
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(outage).values(values))
    unit = period.unit or None
    record(conn, person.login, "save_outage", _SUBJECT, unit=unit, **_facts(period))


def end_outage(
    conn: Connection, person: Person, outage_id: int, end: datetime, now: datetime
) -> None:
    """Say when a system was back in service: a new row replaces the open one.

    Errors as `save_outage`; also UsageError where the row is not open any more.
    """
    require_permission(person, Action.OFFICE)
    period = _load_row(conn, outage_id)
    if period.end is not None:
        raise UsageError("outage_gone")
    undo_outage(conn, person, outage_id, now)
    save_outage(conn, person, replace(period, end=end), now)


def undo_outage(conn: Connection, person: Person, outage_id: int, now: datetime) -> None:
    """Take an outage out of the table; the row stays.

    Raises:
        NotAllowedError: the person does not keep the table.
        UsageError: it is out of it already.
    """
    require_permission(person, Action.OFFICE)
    period = _load_row(conn, outage_id)
    conn.execute(
        update(outage).where(outage.c.id == outage_id).values(undone_by=person.login, undone_at=now)
    )
    unit = period.unit or None
    record(conn, person.login, "undo_outage", _SUBJECT, unit=unit, **_facts(period))


def _load_row(conn: Connection, outage_id: int) -> OutagePeriod:
    found = next((row for row in list_outages(conn) if row.id == outage_id), None)
    if found is None:
        raise UsageError("outage_gone")
    return found


def _facts(period: OutagePeriod) -> dict[str, Detail]:
    """Return what the log says of an outage."""
    return {
        "system": period.system,
        "kind": period.kind.value,
        "start": period.start.isoformat(),
        "end": period.end.isoformat() if period.end else None,
    }
