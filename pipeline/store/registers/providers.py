"""The care providers of units that are not the organisation's own, such as private home care."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import is_hsa_id
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.record import CareProvider
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.office import unit_provider

_ORGANISATION_NUMBER = re.compile(r"\d{6}-?\d{4}")


def providers_by_unit(conn: Connection) -> dict[str, CareProvider]:
    """Return the care providers of units that have one of their own."""
    table = unit_provider.c
    columns = (table.unit, table.name, table.hsa_id, table.organisation_number)
    query = select(*columns).where(table.undone_at.is_(None)).order_by(table.unit)
    return {row[0]: CareProvider(*row[1:]) for row in conn.execute(query)}


def save_unit_provider(
    conn: Connection, person: Person, unit: str, provider: CareProvider, now: datetime
) -> None:
    """Say who gives the care of a unit.

    Raises:
        NotAllowedError: the person does not keep the table.
        UsageError: there is no such unit, no name, or an id that is none.
    """
    require_permission(person, Action.OFFICE)
    if unit not in areas_by_unit(conn):
        raise UsageError("no_units_of_names", unknown=unit)
    if not provider.name.strip():
        raise UsageError("provider_no_name")
    if provider.hsa_id and not is_hsa_id(provider.hsa_id):
        raise UsageError("provider_hsa_id_wrong")
    if provider.organisation_number and not _ORGANISATION_NUMBER.fullmatch(
        provider.organisation_number
    ):
        raise UsageError("provider_number_wrong")
    _close(conn, person, unit, now)
    values = {
        "unit": unit,
        "name": provider.name.strip(),
        "hsa_id": provider.hsa_id,
        "organisation_number": provider.organisation_number,
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(unit_provider).values(values))
    record(conn, person.login, "save_provider", unit, unit=unit, hsa_id=provider.hsa_id)


def undo_unit_provider(conn: Connection, person: Person, unit: str, now: datetime) -> None:
    """Let a unit be the organisation's own again.

    Raises:
        NotAllowedError: the person does not keep the table.
        UsageError: it is so already.
    """
    require_permission(person, Action.OFFICE)
    if not _close(conn, person, unit, now):
        raise UsageError("provider_gone")
    record(conn, person.login, "undo_provider", unit, unit=unit)


def _close(conn: Connection, person: Person, unit: str, now: datetime) -> bool:
    """Close the row that holds for a unit, and return whether there was one."""
    open_row = update(unit_provider).where(
        unit_provider.c.unit == unit, unit_provider.c.undone_at.is_(None)
    )
    return bool(conn.execute(open_row.values(undone_by=person.login, undone_at=now)).rowcount)
