"""Other names of clients than their number: a unit's codes, and temporary identities to follow up.

A temporary identity is of a client that the register lacks; it is issued when its entry is
decided (`client_question`). A code (klientkod, four digits) is given once and never changes owner,
also when the client moves or dies: paper with it may come back at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import CLIENT_CODE_COUNT, is_client_code, make_client_code
from pipeline.domain.law.permissions import Action, is_allowed, require_permission
from pipeline.domain.model import Client, ClientCode, EntryState, Person
from pipeline.registers.client_check import MIN_NAME_SIMILARITY, text_similarity
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import DECIDED_STATES, Entry
from pipeline.store.event_log.events import record
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers.client_register import list_clients, load_client
from pipeline.store.schema import paper
from pipeline.store.schema.review import client_code, temporary_identity

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
    require_permission(person, Action.FOLLOW_UP)
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
        if not client.protected or is_allowed(person, Action.REVIEW, client.unit)
    )[:_MAX_CANDIDATES]


FIRST_CODE_NUMBER: Final = 100
"""The first codes have no leading zero, which people leave out."""


def list_client_codes(conn: Connection, unit: str | None = None) -> list[ClientCode]:
    """Return the codes of one unit, or of all, by unit and code."""
    query = select(client_code.c.unit, client_code.c.code, client_code.c.pid).order_by(
        client_code.c.unit, client_code.c.code
    )
    if unit is not None:
        query = query.where(client_code.c.unit == unit)
    return [ClientCode(*row) for row in conn.execute(query)]


def find_code_owner(conn: Connection, unit: str, code: str) -> str | None:
    """Return the number of the client whom a unit has given a code, None if nobody has it."""
    if not is_client_code(code):
        return None
    owner: str | None = conn.execute(
        select(client_code.c.pid).where(client_code.c.unit == unit, client_code.c.code == code)
    ).scalar_one_or_none()
    return owner


def give_client_codes(
    conn: Connection, unit: str, pids: Collection[str], now: datetime, by: str = "system"
) -> dict[str, str]:
    """Give a code to each client who has none, and return the codes of all of them by number.

    Raises:
        UsageError: the unit has no codes left.
    """
    known = {given.pid: given.code for given in list_client_codes(conn, unit)}
    new = [pid for pid in dict.fromkeys(pids) if pid not in known]
    # Numbers from 100 on, then those below it.
    used = set(known.values())
    numbers = (*range(FIRST_CODE_NUMBER, CLIENT_CODE_COUNT), *range(FIRST_CODE_NUMBER))
    free = [code for number in numbers if (code := make_client_code(number)) not in used]
    if len(new) > len(free):
        raise UsageError("no_client_codes_left", unit=unit)
    given = dict(zip(new, free, strict=False))
    if given:
        conn.execute(
            insert(client_code),
            [
                {"unit": unit, "code": code, "pid": pid, "given_at": now}
                for pid, code in given.items()
            ],
        )
        record(conn, by, "give_client_codes", "clients", unit=unit, count=len(given))
    return {pid: code for pid, code in (known | given).items() if pid in set(pids)}
