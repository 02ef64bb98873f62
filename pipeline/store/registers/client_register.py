"""Registers kept elsewhere and copied in: units, and the clients of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from pipeline.domain import permissions
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import Client, Person, register_columns
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import upsert_rows
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.schema import paper

_client_table = paper.client
_TEN_DIGITS = 10
_MAX_PIDS = 500
_COLUMNS = register_columns(Client)
_HIDDEN: dict[str, Any] = {
    column.field: column.empty_value
    for column in _COLUMNS
    if column.field not in {"pid", "protected"}
}
"""What is shown of a client whom the person may not see: the number that the person has, and
whether the identity is protected.
"""


def save_units(conn: Connection, units: Mapping[str, str], by: str = "system") -> None:
    """Add or change units: name → area of law (HSL, SoL, LSS, IFO, ADM)."""
    upsert_rows(conn, paper.unit, [{"name": name, "area": area} for name, area in units.items()])
    for name, area in units.items():
        record(conn, by, "save_unit", name, unit=name, area=area)


def areas_by_unit(conn: Connection) -> dict[str, str]:
    """All units with their area of law, by name."""
    rows = conn.execute(select(paper.unit.c.name, paper.unit.c.area).order_by(paper.unit.c.name))
    return {row.name: row.area for row in rows}


def save_clients(
    conn: Connection,
    clients: Iterable[Client],
    by: str = "system",
    missing_columns: Collection[str] = (),
) -> int:
    """Add or change clients; answers with how many there were. What the file is `silent` of stays
    as it is: no protection is lost by it.
    """
    known = (
        {row["pid"]: row for row in conn.execute(_clients_query()).mappings()}
        if missing_columns
        else {}
    )
    rows = [{column.field: getattr(c, column.field) for column in _COLUMNS} for c in clients]
    rows = [
        row | {fact: known[row["pid"]][fact] for fact in missing_columns if row["pid"] in known}
        for row in rows
    ]
    upsert_rows(conn, _client_table, rows)
    record(conn, by, "save_clients", "clients", count=len(rows))
    return len(rows)


def list_clients(conn: Connection, units: Iterable[str] | None = None) -> list[Client]:
    """The register, whole or of some units, by personal number."""
    query = _clients_query().order_by(_client_table.c.pid)
    if units is not None:
        query = query.where(_client_table.c.unit.in_(list(units)))
    return [Client(**row) for row in conn.execute(query).mappings()]


def client_register_version(conn: Connection) -> int:
    """The number of the log's row of the last import, 0 before any: while it is the same, so is the
    register.
    """
    imported = select(func.max(paper.event.c.id)).where(
        paper.event.c.subject == "clients", paper.event.c.action == "save_clients"
    )
    number: int | None = conn.execute(imported).scalar_one()
    return number or 0


def load_client(conn: Connection, pid: str) -> Client | None:
    """The client with this personal number (12 characters)."""
    row = conn.execute(_clients_query().where(_client_table.c.pid == pid)).mappings().one_or_none()
    return Client(**row) if row else None


def filter_known_clients(conn: Connection, pids: Collection[str]) -> list[Client]:
    """Those of these personal numbers (12 characters) that the register has, in their order."""
    numbers = sorted(pids)
    parts = (numbers[start : start + _MAX_PIDS] for start in range(0, len(numbers), _MAX_PIDS))
    return [
        Client(**row)
        for part in parts
        for row in conn.execute(
            _clients_query().where(_client_table.c.pid.in_(part)).order_by(_client_table.c.pid)
        ).mappings()
    ]


def restrict_client(conn: Connection, client: Client, person: Person) -> Client:
    """A client as the person may see it: of one with protected identity whom the person does not
    review, or behind a block, only that.
    """
    blocked = visibility.is_client_blocked(conn, person, client.pid)
    hidden = blocked or (
        client.protected and not permissions.is_allowed(person, Action.REVIEW, client.unit)
    )
    return replace(client, **_HIDDEN, blocked=blocked) if hidden else client


def look_up_client(
    conn: Connection, person: Person, typed: str, *, first: bool = True
) -> Client | None:
    """The client meant by a number that a reviewer types, as that person may see it. The first look
    for it is an event, under a digest.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    found = find_client(conn, typed)
    if first:
        subject = client_log_subject(conn, found.pid if found else strip_pid_separators(typed))
        record(
            conn,
            person.login,
            "look_up_client",
            subject,
            unit=found.unit if found else None,
            found=found is not None,
        )
    return restrict_client(conn, found, person) if found else None


def find_client(conn: Connection, typed: str) -> Client | None:
    """The client meant by a personal number as people write it.

    Twelve characters are looked up as they are. Ten digits leave the century out, which in
    elderly care is no formality (1912 or 2012): they are only taken when exactly one client
    fits.
    """
    pid = strip_pid_separators(typed)
    if len(pid) != _TEN_DIGITS or not pid.isdecimal():
        return load_client(conn, pid)
    aged = "+" in typed  # of those who are a hundred years or older
    numbers = (
        normalize_pid(typed).candidates
        if aged
        else [century + pid for century in ("18", "19", "20")]
    )
    found = conn.execute(_clients_query().where(_client_table.c.pid.in_(numbers))).mappings().all()
    return Client(**found[0]) if len(found) == 1 else None


def strip_pid_separators(typed: str) -> str:
    """A personal number as it is stored, without what people put between its digits. A plus sign
    tells the century (100 years or older).
    """
    if "+" in typed and (aged := normalize_pid(typed).value12):
        return aged
    return re.sub(r"[\s+–-]", "", typed).upper()


def _clients_query() -> Select[Any]:
    return select(*(_client_table.c[column.field] for column in _COLUMNS))
