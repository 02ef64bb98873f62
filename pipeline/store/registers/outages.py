"""The table of outages by unit and system, as the administrator keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.record import OutageKind
from pipeline.registers.outages import ALL, OutagePeriod, load_systems, overlaps
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import Detail
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.registers import outage

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
