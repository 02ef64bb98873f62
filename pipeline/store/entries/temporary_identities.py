"""Clients that the register lacks: their temporary identities, followed up until it has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Client, EntryState, Person
from pipeline.registers.clients import MIN_NAME_SIMILARITY, text_similarity
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import DECIDED_STATES, Entry
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers.client_register import (
    list_clients,
    load_client,
)
from pipeline.store.schema import paper, registers
from pipeline.store.schema.review import client_choice, temporary_identity

_MAX_IDENTITIES, _MAX_CANDIDATES = 200, 4
"""How many temporary identities are listed, and how many clients are proposed for one."""


@dataclass(frozen=True, slots=True)
class TemporaryIdentity:
    """One identity that the register lacks, with its entry.

    `candidates` are clients of the register who may be meant, most likely first.
    """

    id: int
    entry: Entry
    number: str
    name: str
    reason: str
    by: str
    at: datetime
    candidates: tuple[Client, ...]


def list_temporary_identities(conn: Connection, person: Person) -> list[TemporaryIdentity]:
    """Return the identities of the person's units that have to be followed up, oldest first.

    Raises:
        NotAllowedError: the person may not follow up.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    states = [state.value for state in (*DECIDED_STATES, EntryState.SECOND)]
    # Open identities of visible entries that are decided or in second review, and not void
    query = (
        select(
            temporary_identity, *(column.label(f"entry_{column.name}") for column in paper.entry.c)
        )
        .join(paper.entry, paper.entry.c.id == temporary_identity.c.entry)
        .where(
            temporary_identity.c.settled_at.is_(None),
            visibility.visible_entries_condition(conn, person, Action.FOLLOW_UP),
        )
        .where(paper.entry.c.state.in_(states), paper.entry.c.voided.is_(None))
        .order_by(temporary_identity.c.at)
        .limit(_MAX_IDENTITIES)
    )
    identities, rows = [], conn.execute(query).mappings().all()
    # By now the register may have the client, with a protected identity
    hidden = find_hidden_pids(conn, person, [row["number"] for row in rows])
    for row in rows:
        # The columns of the entry have a prefix, since both tables have an id
        entry = Entry.from_row(
            {
                name.removeprefix("entry_"): value
                for name, value in row.items()
                if name.startswith("entry_")
            }
        )
        number, name = ("", "") if row["number"] in hidden else (row["number"], row["name"])
        candidates = _find_candidates(conn, person, number, name, entry.unit) if number else ()
        identities.append(
            TemporaryIdentity(
                row["id"], entry, number, name, row["reason"], row["by"], row["at"], candidates
            )
        )
    return identities


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


def _find_candidates(
    conn: Connection, person: Person, number: str, name: str, unit: str
) -> tuple[Client, ...]:
    """Return clients of the register who may be meant, most likely first.

    The client of that very number comes first, if the register has one by now, then those of the
    unit with a similar name.
    """
    same_number = load_client(conn, number)
    scored = (
        [(text_similarity(name, client.name), client) for client in list_clients(conn, [unit])]
        if name
        else []
    )
    similar = [
        client
        for score, client in sorted(scored, key=lambda pair: -pair[0])
        if score >= MIN_NAME_SIMILARITY
    ]
    candidates = [*([same_number] if same_number else []), *similar]
    # Protected clients are proposed to reviewers of their unit only
    return tuple(
        client
        for client in dict.fromkeys(candidates)
        if not client.protected or permissions.is_allowed(person, Action.REVIEW, client.unit)
    )[:_MAX_CANDIDATES]
