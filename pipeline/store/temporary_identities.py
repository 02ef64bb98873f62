"""Entries about somebody whom the register lacks: why, and who has to be followed up until the register has the client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, insert, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.client_guard import AboutClient, Choice
from pipeline.client_search import NAME_AGREES, agreement
from pipeline.field_spec import Meaning
from pipeline.model import Client, EntryState, Person
from pipeline.review import Answer
from pipeline.store import sight, tables
from pipeline.store.client_check import weigh
from pipeline.store.entries import DECIDED, Entry
from pipeline.store.events import record
from pipeline.store.identity_tables import client_choice, temporary_identity
from pipeline.store.protection import hidden_numbers
from pipeline.store.registers import client, clients
from pipeline.template import Form

_identity = temporary_identity
_MOST, _MOST_CANDIDATES = 200, 4


@dataclass(frozen=True, slots=True)
class TemporaryIdentity:
    """One identity that the register lacks, with its entry. `candidates` are clients of the register who may be meant, the likeliest first."""

    id: int
    entry: Entry
    number: str
    name: str
    reason: str
    by: str
    at: datetime
    candidates: tuple[Client, ...]


def note_client(
    conn: Connection,
    person: Person,
    form: Form,
    found: Entry,
    given: Mapping[str, Answer],
    about: AboutClient,
    now: datetime,
    *,
    before: Mapping[str, Answer] = MappingProxyType({}),
) -> None:
    """After a decision about whom an entry is about: keep what the person said of it. `found` is the entry as it was before.

    Args:
        given: what the person answered; `before`: what the other fields say.
    """
    spec = form.meaning(Meaning.CLIENT_PID, found.row)
    if spec is None or spec.name not in given:
        return
    number = given[spec.name].value
    open_one = update(_identity).where(_identity.c.entry == found.id, _identity.c.settled_at.is_(None))
    if isinstance(number, str) and client(conn, number) is None:
        _add(conn, person, found, number, form, {**before, **given}, about, now)
    elif conn.execute(open_one.values(settled_by=person.login, settled_at=now)).rowcount:
        record(conn, person.login, "settle_identity", found.id, unit=found.unit)
    if about.choice not in (Choice.HAND_ON, Choice.ASK) and (verdict := weigh(conn, form, found, {**before, **given})) and verdict.conflicts:
        row = {"entry": found.id, "revision": found.revision + 1, "codes": list(verdict.conflicts), "choice": about.choice.value}
        conn.execute(insert(client_choice).values(row | {"why": about.why.strip()[:300], "by": person.login, "at": now}))
        record(conn, person.login, "client_choice", found.id, unit=found.unit, choice=about.choice.value, conflicts=", ".join(verdict.conflicts))


def temporary_identities(conn: Connection, person: Person) -> list[TemporaryIdentity]:
    """Identities of the person's units that still have to be followed up, oldest first.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    access.require(person, Action.FOLLOW_UP)
    states = [state.value for state in (*DECIDED, EntryState.SECOND)]
    query = (
        select(_identity, *(column.label(f"entry_{column.name}") for column in tables.entry.c))
        .join(tables.entry, tables.entry.c.id == _identity.c.entry)
        .where(_identity.c.settled_at.is_(None), sight.visible_entries(conn, person))
        .where(tables.entry.c.state.in_(states), tables.entry.c.voided.is_(None))
        .order_by(_identity.c.at)
        .limit(_MOST)
    )
    found, rows = [], conn.execute(query).mappings().all()
    hidden = hidden_numbers(conn, person, [row["number"] for row in rows])  # the register may know the client by now, as a protected one
    for row in rows:
        entry = Entry.of({name.removeprefix("entry_"): value for name, value in row.items() if name.startswith("entry_")})
        number, name = ("", "") if row["number"] in hidden else (row["number"], row["name"])
        candidates = _candidates(conn, person, number, name, entry.unit) if number else ()
        found.append(TemporaryIdentity(row["id"], entry, number, name, row["reason"], row["by"], row["at"], candidates))
    return found


def _add(
    conn: Connection, person: Person, found: Entry, number: str, form: Form, given: Mapping[str, Answer], about: AboutClient, now: datetime
) -> None:
    same = select(_identity.c.id).where(_identity.c.entry == found.id, _identity.c.number == number, _identity.c.settled_at.is_(None))
    if conn.execute(same).first() is not None:
        return
    named = form.meaning(Meaning.CLIENT_NAME, found.row)
    on_paper = given[named.name].value if named and named.name in given else ""
    conn.execute(
        update(_identity).where(_identity.c.entry == found.id, _identity.c.settled_at.is_(None)).values(settled_by=person.login, settled_at=now)
    )
    name = about.name.strip() or (on_paper if isinstance(on_paper, str) else "")
    row = {"entry": found.id, "number": number, "name": name[:120], "reason": about.outside, "by": person.login, "at": now}
    conn.execute(insert(_identity).values(row))
    record(conn, person.login, "temporary_identity", found.id, unit=found.unit)


def _candidates(conn: Connection, person: Person, number: str, name: str, unit: str) -> tuple[Client, ...]:
    """The client of that very number, if the register has one by now, and those of the unit who bear the name."""
    same = client(conn, number)
    alike = [(agreement(name, one.name), one) for one in clients(conn, [unit])] if name else []
    likely = [one for score, one in sorted(alike, key=lambda pair: -pair[0]) if score >= NAME_AGREES]
    found = [*([same] if same else []), *likely]
    return tuple(one for one in dict.fromkeys(found) if not one.protected or access.allowed(person, Action.REVIEW, one.unit))[:_MOST_CANDIDATES]
