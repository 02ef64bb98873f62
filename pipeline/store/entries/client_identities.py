"""Other names of clients than their number: a unit's codes, and temporary identities.

A temporary identity is of a client that the register lacks, and is followed up until it has the
client. A code (klientkod, four digits) is given once and never changes owner, also when the client
moves or dies: paper with it may come back at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from pipeline.domain.errors import InvalidAnswerError, UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import CLIENT_CODE_COUNT, is_client_code, make_client_code
from pipeline.domain.law.permissions import Action, is_allowed, require_permission
from pipeline.domain.model import Client, ClientCode, EntryState, Person, State
from pipeline.domain.review.rules import Answer, answered_text
from pipeline.registers.client_check import MIN_NAME_SIMILARITY, text_similarity
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import DECIDED_STATES, Entry
from pipeline.store.event_log.events import record
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers.client_register import find_issued_sheet, list_clients, load_client
from pipeline.store.schema import paper, registers
from pipeline.store.schema.review import client_choice, client_code, temporary_identity

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
        if not client.protected or is_allowed(person, Action.REVIEW, client.unit)
    )[:_MAX_CANDIDATES]


_table = client_code
FIRST_CODE_NUMBER: Final = 100
"""The first codes have no leading zero, which people leave out."""


def list_client_codes(conn: Connection, unit: str | None = None) -> list[ClientCode]:
    """Return the codes of one unit, or of all, by unit and code."""
    query = select(_table.c.unit, _table.c.code, _table.c.pid).order_by(
        _table.c.unit, _table.c.code
    )
    if unit is not None:
        query = query.where(_table.c.unit == unit)
    return [ClientCode(*row) for row in conn.execute(query)]


def find_code_owner(conn: Connection, unit: str, code: str) -> str | None:
    """Return the number of the client whom a unit has given a code, None if nobody has it."""
    if not is_client_code(code):
        return None
    owner: str | None = conn.execute(
        select(_table.c.pid).where(_table.c.unit == unit, _table.c.code == code)
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
            insert(_table),
            [
                {"unit": unit, "code": code, "pid": pid, "given_at": now}
                for pid, code in given.items()
            ],
        )
        record(conn, by, "give_client_codes", "clients", unit=unit, count=len(given))
    return {pid: code for pid, code in (known | given).items() if pid in set(pids)}


def find_client_of_code(conn: Connection, entry: Entry, code: str) -> str | None:
    """Return the number of the client whom a code on an entry's paper means, None if nobody.

    The code is one of the unit that the sheet was printed for, wherever the entry is now.
    """
    issued = find_issued_sheet(conn, entry.serial)
    return find_code_owner(conn, issued.unit if issued else entry.unit, code)


def check_client_code(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer], number: str
) -> tuple[str, ...]:
    """Return the finding that the code beside a number is that of another client, if it is."""
    code = answered_text(form, entry.row, answers, Meaning.CLIENT_CODE)
    owner = find_client_of_code(conn, entry, code) if code else None
    return ("code_other",) if owner not in (None, number) else ()


def answer_number_by_code(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """Return the answers with the number of the client whose code was typed instead of it.

    Raises:
        InvalidAnswerError: the check digit is wrong, or nobody has the code.
    """
    number, code = (
        form.meaning(means, entry.row) for means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
    )
    if number is None or code is None:
        return dict(answers)
    typed = answers.get(code.name)
    # A number that was typed, or that cannot be read, is not replaced.
    is_free = number.name not in answers or answers[number.name].state is State.EMPTY
    if not is_free or typed is None or not isinstance(typed.value, str):
        return dict(answers)
    plain = "".join(typed.value.split())
    pid = find_client_of_code(conn, entry, plain)
    if pid is None:
        if is_client_code(plain):
            raise InvalidAnswerError("client_code_unknown", fields=(code.name,))
        raise InvalidAnswerError("client_code_wrong", fields=(code.name,))
    return {**answers, number.name: Answer(pid)}
