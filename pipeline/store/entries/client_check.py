"""Defence against the wrong person: the personal number that was typed is looked up, and weighed
against the sheet, before anything is decided.

Entries about somebody whom the register lacks: why, and who has to be followed up until the
register has the client.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, func, insert, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import ClientConflictError, MissingAnswerError, UnknownClientError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.identity_numbers import is_local_pid, is_temporary_pid, new_temporary_pid
from pipeline.domain.model import Client, EntryState, Person, State
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer
from pipeline.registers import client_check
from pipeline.registers.client_check import ClientStatement, ConflictChoice, SheetFacts
from pipeline.registers.client_search import MIN_NAME_SIMILARITY, text_similarity
from pipeline.store.accounts import visibility
from pipeline.store.accounts.protected_identity import find_hidden_pids
from pipeline.store.entries.entry import DECIDED_STATES, Entry
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import (
    areas_by_unit,
    find_client,
    list_clients,
    load_client,
    restrict_client,
)
from pipeline.store.registers.issued_sheets import find_issued_sheet, printed_client_pid
from pipeline.store.schema import paper
from pipeline.store.schema.review import client_choice, temporary_identity

_FULL_PID_LENGTH = 12
_identity_table = temporary_identity


@dataclass(frozen=True, slots=True)
class ClientVerdict:
    """The client of a number, and what on the sheet speaks for and against. `conflicts` are those
    that have to be resolved.
    """

    field: str
    number: str
    client: Client | None
    findings: tuple[str, ...]

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Kinds of conflict."""
        return client_check.find_conflicts(self.findings)


def complete_client_numbers(
    conn: Connection,
    person: Person,
    form: Form,
    row: int | None,
    answers: Mapping[str, Answer],
    about: ClientStatement,
) -> dict[str, Answer]:
    """The answers, with the client's number in full as the register has it, or with a temporary
    one.

    Raises:
        MissingAnswerError: the number is empty or illegible, no temporary identity is asked for,
        and the entry may not be about nobody.
        UnknownClientError: the register has no such client, and the person has not said why.
        BlockedClientError: the client is behind a block for this person.
    """
    spec = form.meaning(Meaning.CLIENT_PID, row)
    if spec is None or spec.name not in answers:
        return dict(answers)
    answer = answers[spec.name]
    if answer.state is State.EMPTY and _may_be_about_nobody(form, spec, about):
        return dict(answers)
    if (
        about.temporary
        and about.outside
        and not about.is_about_no_client
        and answer.state is not State.READ
    ):
        return {**answers, spec.name: Answer(new_temporary_pid())}
    if answer.state is not State.READ or not isinstance(answer.value, str):
        raise MissingAnswerError("entry_without_personal_number_not", fields=(spec.name,))
    found = find_client(conn, answer.value)
    visibility.require_unblocked_client(conn, person, found.pid if found else answer.value)
    if found is not None:
        return {**answers, spec.name: replace(answer, value=found.pid)}
    if is_temporary_pid(answer.value):
        if not _is_temporary_identity_issued(conn, answer.value, person.units):
            raise UnknownClientError("temporary_identity_unknown", fields=(spec.name,))
        return dict(answers)
    if not about.outside or not (
        len(answer.value) == _FULL_PID_LENGTH or is_local_pid(answer.value)
    ):
        raise UnknownClientError("client_unknown", fields=(spec.name,))
    return dict(answers)


def _may_be_about_nobody(form: Form, spec: FieldSpec, about: ClientStatement) -> bool:
    """Forms about no client ask for a number only in case; on others a person has to say so, where
    the form does not require a number.
    """
    return (form.subject is Subject.NONE and not about.temporary) or (
        about.is_about_no_client and not spec.required
    )


def check_entry_client(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer]
) -> ClientVerdict | None:
    """What the paper itself says of the client who was typed: a number may be rightly read and
    wrongly written. None without a number.
    """
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    number = answers[spec.name].value if spec and spec.name in answers else None
    if spec is None or not isinstance(number, str):
        return None
    return check_client_number(
        conn,
        spec,
        entry,
        number,
        _text_answer(form, entry, answers, Meaning.CLIENT_NAME),
        _text_answer(form, entry, answers, Meaning.CLIENT_ADDRESS),
    )


def check_client_number(
    conn: Connection,
    spec: FieldSpec,
    entry: Entry,
    typed: str,
    name: str = "",
    address: str = "",
    *,
    viewer: Person | None = None,
) -> ClientVerdict:
    """As `weigh`, for a number and what else is on the paper; with `shown_to`, nothing is told of a
    client whose identity that person may not see.
    """
    known = find_client(conn, typed)
    if known is not None and viewer is not None:
        known = restrict_client(conn, known, viewer)
    number = known.pid if known else typed
    issued = find_issued_sheet(conn, entry.serial) if entry.serial else None
    sheet = SheetFacts(name, address, entry.unit, printed_client_pid(issued, spec, entry.row))
    areas = areas_by_unit(conn)
    same_area = (
        known is None or not known.unit or areas.get(known.unit) in (None, areas.get(entry.unit))
    )
    near = _client_names_of_unit(conn, number, entry.unit) if known is not None and name else ()
    kept = _first_given_name(conn, number, {entry.unit}) if is_temporary_pid(number) else None
    said = client_check.check_client(
        number,
        known,
        sheet,
        same_area=same_area,
        namesakes=_count_namesakes(conn, known),
        neighbours=near,
        temporary_name=kept,
    )
    return ClientVerdict(spec.name, number, known, said)


def find_contradicted_client_field(
    conn: Connection,
    form: Form,
    entry: Entry,
    answers: Mapping[str, Answer],
    about: ClientStatement,
) -> str | None:
    """The field of the personal number if another person has to look, because the sheet contradicts
    the client and nobody has said how it is.

    Raises:
        ClientConflictError: so it is, and the person wants to be told (`Choice.ASK`).
    """
    verdict = check_entry_client(conn, form, entry, answers)
    if (
        verdict is None
        or not verdict.conflicts
        or client_check.is_resolved(verdict.conflicts, about)
    ):
        return None
    if about.choice is not ConflictChoice.HAND_ON:
        raise ClientConflictError(
            "sheet_contradicts_client", fields=(verdict.field,), codes=verdict.conflicts
        )
    return verdict.field


def _text_answer(form: Form, entry: Entry, answers: Mapping[str, Answer], meaning: Meaning) -> str:
    spec = form.meaning(meaning, entry.row)
    value = answers[spec.name].value if spec and spec.name in answers else None
    return value if isinstance(value, str) else ""


def _count_namesakes(conn: Connection, known: Client | None) -> int:
    """How many others of the client's unit bear the name; a protected one tells nothing by being
    counted, since only the own unit's are.
    """
    if known is None or not known.name:
        return 0
    table = paper.client.c
    others = select(func.count()).where(
        table.name == known.name, table.pid != known.pid, table.unit == known.unit
    )
    return int(conn.execute(others).scalar_one())


def _client_names_of_unit(conn: Connection, number: str, unit: str) -> Sequence[str]:
    """The names of the other clients of a unit."""
    table = paper.client.c
    return (
        conn.execute(
            select(table.name)
            .where(table.unit == unit, table.pid != number, table.name != "")
            .distinct()
        )
        .scalars()
        .all()
    )


def _is_temporary_identity_issued(conn: Connection, number: str, of_units: Collection[str]) -> bool:
    """Whether a temporary identity was given in one of these units, or an entry there is about it:
    the first may have been sent on since.
    """
    about = (
        select(paper.entry.c.id)
        .where(paper.entry.c.client_pid == number, paper.entry.c.unit.in_(of_units))
        .limit(1)
    )
    return (
        _first_given_name(conn, number, of_units) is not None
        or conn.execute(about).first() is not None
    )


def _first_given_name(conn: Connection, number: str, of_units: Collection[str]) -> str | None:
    """The name that a temporary identity was first given with in one of these units, whatever was
    said of it later; None if there is no such one.
    """
    given = temporary_identity.c
    named = (
        select(given.name)
        .join(paper.entry, paper.entry.c.id == given.entry)
        .where(given.number == number, paper.entry.c.unit.in_(of_units))
    )
    name: str | None = conn.execute(named.order_by(given.id).limit(1)).scalar_one_or_none()
    return name


_MAX_IDENTITIES, _MAX_CANDIDATES = 200, 4


@dataclass(frozen=True, slots=True)
class TemporaryIdentity:
    """One identity that the register lacks, with its entry. `candidates` are clients of the
    register who may be meant, the likeliest first.
    """

    id: int
    entry: Entry
    number: str
    name: str
    reason: str
    by: str
    at: datetime
    candidates: tuple[Client, ...]


def save_client_choice(
    conn: Connection,
    person: Person,
    form: Form,
    entry: Entry,
    answers: Mapping[str, Answer],
    about: ClientStatement,
    now: datetime,
    *,
    before: Mapping[str, Answer] = MappingProxyType({}),
) -> None:
    """After a decision about whom an entry is about: keep what the person said of it. `found` is
    the entry as it was before.

    Args:
        given: what the person answered; `before`: what the other fields say.
    """
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    if spec is None or spec.name not in answers:
        return
    number = answers[spec.name].value
    open_one = update(_identity_table).where(
        _identity_table.c.entry == entry.id, _identity_table.c.settled_at.is_(None)
    )
    if isinstance(number, str) and load_client(conn, number) is None:
        _add_identity(conn, person, entry, number, form, {**before, **answers}, about, now)
    elif conn.execute(open_one.values(settled_by=person.login, settled_at=now)).rowcount:
        record(conn, person.login, "settle_identity", entry.id, unit=entry.unit)
    if (
        about.choice not in (ConflictChoice.HAND_ON, ConflictChoice.ASK)
        and (verdict := check_entry_client(conn, form, entry, {**before, **answers}))
        and verdict.conflicts
    ):
        row = {
            "entry": entry.id,
            "revision": entry.revision + 1,
            "codes": list(verdict.conflicts),
            "choice": about.choice.value,
        }
        conn.execute(
            insert(client_choice).values(
                row | {"why": about.why.strip()[:300], "by": person.login, "at": now}
            )
        )
        record(
            conn,
            person.login,
            "client_choice",
            entry.id,
            unit=entry.unit,
            choice=about.choice.value,
            conflicts=", ".join(verdict.conflicts),
        )


def list_temporary_identities(conn: Connection, person: Person) -> list[TemporaryIdentity]:
    """Identities of the person's units that still have to be followed up, oldest first.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    states = [state.value for state in (*DECIDED_STATES, EntryState.SECOND)]
    query = (
        select(_identity_table, *(column.label(f"entry_{column.name}") for column in paper.entry.c))
        .join(paper.entry, paper.entry.c.id == _identity_table.c.entry)
        .where(
            _identity_table.c.settled_at.is_(None),
            visibility.visible_entries_condition(conn, person),
        )
        .where(paper.entry.c.state.in_(states), paper.entry.c.voided.is_(None))
        .order_by(_identity_table.c.at)
        .limit(_MAX_IDENTITIES)
    )
    found, rows = [], conn.execute(query).mappings().all()
    hidden = find_hidden_pids(
        conn, person, [row["number"] for row in rows]
    )  # the register may know the client by now, as a protected one
    for row in rows:
        entry = Entry.from_row(
            {
                name.removeprefix("entry_"): value
                for name, value in row.items()
                if name.startswith("entry_")
            }
        )
        number, name = ("", "") if row["number"] in hidden else (row["number"], row["name"])
        candidates = _find_candidates(conn, person, number, name, entry.unit) if number else ()
        found.append(
            TemporaryIdentity(
                row["id"], entry, number, name, row["reason"], row["by"], row["at"], candidates
            )
        )
    return found


def _add_identity(
    conn: Connection,
    person: Person,
    entry: Entry,
    number: str,
    form: Form,
    answers: Mapping[str, Answer],
    about: ClientStatement,
    now: datetime,
) -> None:
    same = select(_identity_table.c.id).where(
        _identity_table.c.entry == entry.id,
        _identity_table.c.number == number,
        _identity_table.c.settled_at.is_(None),
    )
    if conn.execute(same).first() is not None:
        return
    named = form.meaning(Meaning.CLIENT_NAME, entry.row)
    on_paper = answers[named.name].value if named and named.name in answers else ""
    conn.execute(
        update(_identity_table)
        .where(_identity_table.c.entry == entry.id, _identity_table.c.settled_at.is_(None))
        .values(settled_by=person.login, settled_at=now)
    )
    name = about.name.strip() or (on_paper if isinstance(on_paper, str) else "")
    row = {
        "entry": entry.id,
        "number": number,
        "name": name[:120],
        "reason": about.outside,
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(_identity_table).values(row))
    record(conn, person.login, "temporary_identity", entry.id, unit=entry.unit)


def _find_candidates(
    conn: Connection, person: Person, number: str, name: str, unit: str
) -> tuple[Client, ...]:
    """The client of that very number, if the register has one by now, and those of the unit who
    bear the name.
    """
    same = load_client(conn, number)
    alike = (
        [(text_similarity(name, one.name), one) for one in list_clients(conn, [unit])]
        if name
        else []
    )
    likely = [
        one
        for score, one in sorted(alike, key=lambda pair: -pair[0])
        if score >= MIN_NAME_SIMILARITY
    ]
    found = [*([same] if same else []), *likely]
    return tuple(
        one
        for one in dict.fromkeys(found)
        if not one.protected or permissions.is_allowed(person, Action.REVIEW, one.unit)
    )[:_MAX_CANDIDATES]
