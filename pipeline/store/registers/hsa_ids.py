"""HSA-ids of units and staff, role codes and care providers, as the administrator types them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import is_hsa_id, is_role_code
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person, StaffMember
from pipeline.domain.record import CareProvider
from pipeline.registers.staff import find_shared_hsa_id
from pipeline.store.accounts.people import people_by_login
from pipeline.store.database.engines import upsert_rows
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.staff import load_staff_list, staff_rows
from pipeline.store.schema import registers
from pipeline.store.schema.registers import unit_provider


def hsa_ids_by_unit(conn: Connection) -> dict[str, str]:
    """Return the HSA-ids of the units that have one."""
    table = registers.unit.c
    query = select(table.name, table.hsa_id).where(table.hsa_id != "").order_by(table.name)
    return {row.name: row.hsa_id for row in conn.execute(query)}


def hsa_ids_by_login(conn: Connection, staff: Iterable[StaffMember]) -> dict[str, str]:
    """Return the HSA-ids of accounts: the key of the person, else by name in the staff list.

    The list counts if the members of that name in the account's units have one id.
    """
    ids_by_name: dict[tuple[str, str], set[str]] = defaultdict(set)
    for member in staff:
        ids_by_name[member.unit, _fold_name(member.name)].add(member.hsa_id)
    found = {}
    for login, person in people_by_login(conn).items():
        listed = set[str]().union(
            *(ids_by_name.get((unit, _fold_name(person.name)), ()) for unit in person.all_units)
        )
        if is_hsa_id(person.key):
            found[login] = person.key
        elif len(listed) == 1:
            found[login] = listed.pop()
    return {login: hsa_id for login, hsa_id in found.items() if hsa_id}


def save_hsa_ids(
    conn: Connection, person: Person, unit_ids: Mapping[str, str], members: Sequence[StaffMember]
) -> int:
    """Store ids of units, by name, and ids and role codes of staff, and return how many changed.

    What is empty removes what was stored. A member who is only on paper becomes one of the list.

    Raises:
        NotAllowedError: the person does not keep the table.
        UsageError: a unit or member is gone, or an id has another form or is another person's.
    """
    require_permission(person, Action.OFFICE)
    for where, hsa_id in [*unit_ids.items(), *((_place(one), one.hsa_id) for one in members)]:
        if hsa_id and not is_hsa_id(hsa_id):
            raise UsageError("hsa_id_wrong", where=where)
    for one in members:
        if one.role_code and not is_role_code(one.role_code):
            raise UsageError("role_code_wrong", where=_place(one))
    # Only what differs from the stored ids is written.
    query = select(registers.unit.c.name, registers.unit.c.hsa_id)
    known = {row.name: row.hsa_id for row in conn.execute(query)}
    if gone := sorted(set(unit_ids) - set(known)):
        raise UsageError("no_units_of_names", unknown=", ".join(gone))
    changed_units = {unit: hsa_id for unit, hsa_id in unit_ids.items() if known[unit] != hsa_id}
    changed_members = _changed_members(conn, members)
    for unit, hsa_id in changed_units.items():
        conn.execute(
            update(registers.unit).where(registers.unit.c.name == unit).values(hsa_id=hsa_id)
        )
    upsert_rows(conn, registers.staff_signature, staff_rows(changed_members))
    count = len(changed_units) + len(changed_members)
    if count:
        units, rows = len(changed_units), len(changed_members)
        record(conn, person.login, "save_hsa_ids", "staff", units=units, rows=rows)
    return count


def _changed_members(conn: Connection, members: Iterable[StaffMember]) -> list[StaffMember]:
    """Return the members whose id or role code differs from the stored one."""
    stored = {_key(member): member for member in load_staff_list(conn)}
    given = {_key(member): member for member in members}
    if given.keys() - stored.keys():
        raise UsageError("staff_member_gone")
    if shared := find_shared_hsa_id((stored | given).values()):
        raise UsageError("hsa_id_shared", where=_place(shared))
    return [member for key, member in given.items() if stored[key] != member]


def _key(member: StaffMember) -> tuple[str, str, str]:
    return member.unit, member.signature, member.name


def _place(member: StaffMember) -> str:
    return f"{member.signature}, {member.unit}"


def _fold_name(name: str) -> str:
    return " ".join(name.casefold().split())


# The care providers of units that are not the organisation's own, such as private home care.

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
