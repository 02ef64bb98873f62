"""The registers of units and of their clients, and the sheets that were printed for them.

Units and clients are copied from files of other systems. A client that is in none of them has a
temporary identity here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.identity_numbers import is_hsa_id, normalize_pid
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Client, IssuedSheet, Person, PrintedRow, register_columns
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import upsert_rows
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.schema import paper, registers
from pipeline.store.schema.registers import issued_row, issued_sheet
from pipeline.store.schema.review import client_choice, temporary_identity

_client_table = registers.client
_TEN_DIGITS = 10
_MAX_PIDS = 500
_COLUMNS = register_columns(Client)
_HIDDEN: dict[str, Any] = {
    column.field: column.empty_value
    for column in _COLUMNS
    if column.field not in {"pid", "protected"}
}
"""Values that replace those of a client whom the person may not see.

The number, which the person has, and the protection remain.
"""


def save_units(
    conn: Connection,
    units: Mapping[str, str],
    by: str = "system",
    hsa_ids: Mapping[str, str] | None = None,
) -> None:
    """Add or change units: name → area of law (HSL, SoL, LSS, IFO, ADM).

    Units that `hsa_ids` does not name keep theirs.

    Raises:
        UsageError: an HSA-id has another form.
    """
    upsert_rows(
        conn, registers.unit, [{"name": name, "area": area} for name, area in units.items()]
    )
    for name, hsa_id in (hsa_ids or {}).items():
        if hsa_id and not is_hsa_id(hsa_id):
            raise UsageError("hsa_id_wrong", where=name)
        conn.execute(
            update(registers.unit).where(registers.unit.c.name == name).values(hsa_id=hsa_id)
        )
    for name, area in units.items():
        record(conn, by, "save_unit", name, unit=name, area=area)


def areas_by_unit(conn: Connection) -> dict[str, str]:
    """Return all units with their area of law, by name."""
    rows = conn.execute(
        select(registers.unit.c.name, registers.unit.c.area).order_by(registers.unit.c.name)
    )
    return {row.name: row.area for row in rows}


def save_clients(
    conn: Connection,
    clients: Iterable[Client],
    by: str = "system",
    missing_columns: Collection[str] = (),
) -> int:
    """Add or change clients and return how many there were.

    Columns that the file lacks (`missing_columns`) stay as they are: no protection is lost by it.
    """
    known = {row["pid"]: dict(row) for row in conn.execute(_clients_query()).mappings()}
    # Values of missing columns are copied from the stored rows.
    rows = [{column.field: getattr(c, column.field) for column in _COLUMNS} for c in clients]
    rows = [
        row | {fact: known[row["pid"]][fact] for fact in missing_columns if row["pid"] in known}
        for row in rows
    ]
    # The log covers each row that is written: those that are the same are not
    upsert_rows(conn, _client_table, [row for row in rows if row != known.get(row["pid"])])
    record(conn, by, "save_clients", "clients", count=len(rows))
    return len(rows)


def list_clients(conn: Connection, units: Iterable[str] | None = None) -> list[Client]:
    """Return the register, of all or some units, by personal number."""
    query = _clients_query().order_by(_client_table.c.pid)
    if units is not None:
        query = query.where(_client_table.c.unit.in_(list(units)))
    return [Client(**row) for row in conn.execute(query).mappings()]


def is_register_empty(conn: Connection) -> bool:
    """Return whether no client of any unit has been imported: no number can be compared."""
    return conn.execute(select(_client_table.c.pid).limit(1)).first() is None


def client_register_version(conn: Connection) -> int:
    """Return the number of the log row of the last import or the last codes, 0 before any.

    While it is the same, the register and its codes are unchanged.
    """
    # The latest event of the client register.
    imported = select(func.max(paper.event.c.id)).where(
        paper.event.c.subject == "clients",
        paper.event.c.action.in_(("save_clients", "give_client_codes")),
    )
    number: int | None = conn.execute(imported).scalar_one()
    return number or 0


def load_client(conn: Connection, pid: str) -> Client | None:
    """Return the client with this personal number (12 characters), or None."""
    row = conn.execute(_clients_query().where(_client_table.c.pid == pid)).mappings().one_or_none()
    return Client(**row) if row else None


def filter_known_clients(conn: Connection, pids: Collection[str]) -> list[Client]:
    """Return those of these personal numbers (12 characters) that are registered, in order."""
    numbers = sorted(pids)
    # In chunks: databases limit the number of parameters.
    parts = (numbers[start : start + _MAX_PIDS] for start in range(0, len(numbers), _MAX_PIDS))
    return [
        Client(**row)
        for part in parts
        for row in conn.execute(
            _clients_query().where(_client_table.c.pid.in_(part)).order_by(_client_table.c.pid)
        ).mappings()
    ]


def restrict_client(conn: Connection, client: Client, person: Person) -> Client:
    """Return a client as the person may see it.

    Of a blocked client, or of one with protected identity whom the person does not review, only
    number and protection are shown.
    """
    blocked = visibility.is_client_blocked(conn, person, client.pid)
    hidden = blocked or (
        client.protected and not permissions.is_allowed(person, Action.REVIEW, client.unit)
    )
    return replace(client, **_HIDDEN, blocked=blocked) if hidden else client


def look_up_client(
    conn: Connection, person: Person, typed: str, *, first: bool = True
) -> Client | None:
    """Return the client meant by a number that a reviewer types, as that person may see it.

    The first look-up is logged, with a digest of the number.

    Raises:
        NotAllowedError: the person does not review.
    """
    subject = typed_client_subject(conn, typed)
    permissions.require_permission_for(subject, person, Action.REVIEW)
    client = find_client(conn, typed)
    if first:
        record(
            conn,
            person.login,
            "look_up_client",
            subject,
            unit=client.unit if client else None,
            found=client is not None,
        )
    return restrict_client(conn, client, person) if client else None


def typed_client_subject(conn: Connection, typed: str) -> str:
    """Return the log's name of the client meant by a number that somebody types."""
    client = find_client(conn, typed)
    return client_log_subject(conn, client.pid if client else strip_pid_separators(typed))


def find_client(conn: Connection, typed: str) -> Client | None:
    """Return the client meant by a personal number as people write it, or None.

    Twelve characters are looked up as they are. Ten digits leave the century out, which in elderly
    care is no formality (1912 or 2012): they are accepted only if exactly one client matches.
    """
    pid = strip_pid_separators(typed)
    # A complete number.
    if len(pid) != _TEN_DIGITS or not pid.isdecimal():
        return load_client(conn, pid)
    # A plus sign instead of the hyphen means a hundred years or older.
    is_over_hundred = "+" in typed
    numbers = (
        normalize_pid(typed).candidates
        if is_over_hundred
        else [century + pid for century in ("18", "19", "20")]
    )
    # The clients with one of the possible numbers.
    matches = (
        conn.execute(_clients_query().where(_client_table.c.pid.in_(numbers))).mappings().all()
    )
    return Client(**matches[0]) if len(matches) == 1 else None


def strip_pid_separators(typed: str) -> str:
    """Return a personal number as it is stored, without separators.

    A plus sign gives the century (100 years or older).
    """
    if "+" in typed and (aged := normalize_pid(typed).value12):
        return aged
    return re.sub(r"[\s+–-]", "", typed).upper()


def _clients_query() -> Select[Any]:
    return select(*(_client_table.c[column.field] for column in _COLUMNS))


def find_issued_sheet(conn: Connection, serial: str | None) -> IssuedSheet | None:
    """Return the printed sheet of a serial with its printed rows, or None if it was not issued."""
    if serial is None:
        return None
    row = (
        conn.execute(issued_sheets_query().where(issued_sheet.c.serial == serial))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    table = issued_row.c
    # The rows that were printed for a client each.
    rows = conn.execute(
        select(table.row, table.client_pid, table.printed)
        .where(table.serial == serial)
        .order_by(table.row)
    )
    return IssuedSheet(
        **row,
        rows=tuple(
            PrintedRow(line.row, line.client_pid, tuple(line.printed.items())) for line in rows
        ),
    )


def printed_client_pid(
    issued: IssuedSheet | None, number: FieldSpec | None, row: int | None
) -> str | None:
    """Return the number of the client that an entry's part of a sheet was printed for, or None.

    It is that of the row, else of the sheet. Where each row has a number of its own, a client's
    sheet has only the first row filled in; the other rows may be of any client.

    Args:
        number: the entry's field for the personal number, if its form has one.
    """
    if issued is None:
        return None
    has_row_numbers = number is not None and number.row is not None
    row_pid = next(
        (line.client_pid for line in issued.rows if has_row_numbers and line.row == row), None
    )
    return row_pid or (issued.client_pid if not has_row_numbers or row == 1 else None)


def issued_sheets_query() -> Select[Any]:
    """Return the query of issued sheets, without their rows."""
    table = issued_sheet.c
    return select(table.serial, table.form, table.version, table.unit, table.client_pid)


def count_namesakes(conn: Connection, client: Client | None) -> int:
    """Return how many other clients of the client's unit have the same name.

    Only the own unit is counted, so that the count reveals no protected client of another one.
    """
    if client is None or not client.name:
        return 0
    table = registers.client.c
    others = select(func.count()).where(
        table.name == client.name, table.pid != client.pid, table.unit == client.unit
    )
    return int(conn.execute(others).scalar_one())


def client_names_of_unit(conn: Connection, number: str, unit: str) -> Sequence[str]:
    """Return the names of the other clients of a unit."""
    table = registers.client.c
    return (
        conn.execute(
            select(table.name)
            .where(table.unit == unit, table.pid != number, table.name != "")
            .distinct()
        )
        .scalars()
        .all()
    )


def is_temporary_identity_issued(conn: Connection, number: str, units: Collection[str]) -> bool:
    """Return whether a temporary identity was issued or is used in one of these units.

    The entry that it was issued for may have been transferred since.
    """
    used = (
        select(paper.entry.c.id)
        .where(paper.entry.c.client_pid == number, paper.entry.c.unit.in_(units))
        .limit(1)
    )
    return (
        first_given_name(conn, number, units) is not None or conn.execute(used).first() is not None
    )


def first_given_name(conn: Connection, number: str, units: Collection[str]) -> str | None:
    """Return the name that a temporary identity was first issued with in these units, or None.

    Later names do not change it.
    """
    identity = temporary_identity.c
    # Rows of this number for entries of the units; the oldest counts
    names = (
        select(identity.name)
        .join(paper.entry, paper.entry.c.id == identity.entry)
        .where(identity.number == number, paper.entry.c.unit.in_(units))
    )
    name: str | None = conn.execute(names.order_by(identity.id).limit(1)).scalar_one_or_none()
    return name


def has_open_identity(conn: Connection, entry_id: str, number: str | None = None) -> bool:
    """Return whether an entry has an identity, or this one, that is not settled."""
    query = select(temporary_identity.c.id).where(
        temporary_identity.c.entry == entry_id, temporary_identity.c.settled_at.is_(None)
    )
    if number is not None:
        query = query.where(temporary_identity.c.number == number)
    return conn.execute(query.limit(1)).first() is not None


def add_identity(conn: Connection, row: Mapping[str, object]) -> None:
    """Store an identity outside the register."""
    conn.execute(insert(temporary_identity).values(row))


def settle_identities(conn: Connection, entry_id: str, login: str, now: datetime) -> bool:
    """Settle the open identities of an entry; return whether there were any."""
    is_open = (
        temporary_identity.c.entry == entry_id,
        temporary_identity.c.settled_at.is_(None),
    )
    settled = {"settled_by": login, "settled_at": now}
    return bool(conn.execute(update(temporary_identity).where(*is_open).values(settled)).rowcount)


def add_client_choice(conn: Connection, row: Mapping[str, object]) -> None:
    """Store what a person answered where the sheet contradicts the client."""
    conn.execute(insert(client_choice).values(row))
