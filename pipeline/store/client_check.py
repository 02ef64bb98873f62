"""Defence against the wrong person: the personal number that was typed is looked up, and weighed against the sheet, before anything is decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from pipeline import client_guard
from pipeline.client_guard import AboutClient, Choice, Sheet
from pipeline.errors import ClientConflictError, MissingAnswerError, UnknownClientError
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.identity import is_local, is_temporary, new_temporary
from pipeline.model import Client, Person, State
from pipeline.review import Answer
from pipeline.store import sight, tables
from pipeline.store.entries import Entry
from pipeline.store.identity_tables import temporary_identity
from pipeline.store.issued import issued_sheet, printed_client
from pipeline.store.registers import find_client, shown_client, units
from pipeline.template import Form, Subject

_FULL_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """The client of a number, and what on the sheet speaks for and against. `conflicts` are those that have to be resolved."""

    field: str
    number: str
    client: Client | None
    findings: tuple[str, ...]

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Kinds of conflict."""
        return client_guard.conflicts(self.findings)


def in_register(
    conn: Connection, person: Person, form: Form, row: int | None, answers: Mapping[str, Answer], about: AboutClient
) -> dict[str, Answer]:
    """The answers, with the client's number in full as the register has it, or with a temporary one.

    Raises:
        MissingAnswerError: the number is empty or illegible, no temporary identity is asked for, and the entry may not be about nobody.
        UnknownClientError: the register has no such client, and the person has not said why.
        BlockedClientError: the client is behind a block for this person.
    """
    spec = form.meaning(Meaning.CLIENT_PID, row)
    if spec is None or spec.name not in answers:
        return dict(answers)
    answer = answers[spec.name]
    if answer.state is State.EMPTY and _may_be_about_nobody(form, spec, about):
        return dict(answers)
    if about.temporary and about.outside and not about.nobody and answer.state is not State.READ:
        return {**answers, spec.name: Answer(new_temporary())}
    if answer.state is not State.READ or not isinstance(answer.value, str):
        raise MissingAnswerError("entry_without_personal_number_not", fields=(spec.name,))
    found = find_client(conn, answer.value)
    sight.require_client(conn, person, found.pid if found else answer.value)
    if found is not None:
        return {**answers, spec.name: replace(answer, value=found.pid)}
    if is_temporary(answer.value):
        if not _is_given(conn, answer.value, person.units):
            raise UnknownClientError("temporary_identity_unknown", fields=(spec.name,))
        return dict(answers)
    if not about.outside or not (len(answer.value) == _FULL_LENGTH or is_local(answer.value)):
        raise UnknownClientError("client_unknown", fields=(spec.name,))
    return dict(answers)


def _may_be_about_nobody(form: Form, spec: FieldSpec, about: AboutClient) -> bool:
    """Forms about no client ask for a number only in case; on others a person has to say so, where the form does not require a number."""
    return (form.subject is Subject.NONE and not about.temporary) or (about.nobody and not spec.required)


def weigh(conn: Connection, form: Form, found: Entry, answers: Mapping[str, Answer]) -> Verdict | None:
    """What the paper itself says of the client who was typed: a number may be rightly read and wrongly written. None without a number."""
    spec = form.meaning(Meaning.CLIENT_PID, found.row)
    number = answers[spec.name].value if spec and spec.name in answers else None
    if spec is None or not isinstance(number, str):
        return None
    return weighed(conn, spec, found, number, _said(form, found, answers, Meaning.CLIENT_NAME), _said(form, found, answers, Meaning.CLIENT_ADDRESS))


def weighed(
    conn: Connection, spec: FieldSpec, found: Entry, typed: str, name: str = "", address: str = "", *, shown_to: Person | None = None
) -> Verdict:
    """As `weigh`, for a number and what else is on the paper; with `shown_to`, nothing is told of a client whose identity that person may not see."""
    known = find_client(conn, typed)
    if known is not None and shown_to is not None:
        known = shown_client(conn, known, shown_to)
    number = known.pid if known else typed
    issued = issued_sheet(conn, found.serial) if found.serial else None
    sheet = Sheet(name, address, found.unit, printed_client(issued, spec, found.row))
    areas = units(conn)
    same_area = known is None or not known.unit or areas.get(known.unit) in (None, areas.get(found.unit))
    near = _neighbours(conn, number, found.unit) if known is not None and name else ()
    kept = _kept_name(conn, number, {found.unit}) if is_temporary(number) else None
    said = client_guard.findings(number, known, sheet, same_area=same_area, namesakes=_namesakes(conn, known), neighbours=near, kept=kept)
    return Verdict(spec.name, number, known, said)


def doubted_client(conn: Connection, form: Form, found: Entry, answers: Mapping[str, Answer], about: AboutClient) -> str | None:
    """The field of the personal number if another person has to look, because the sheet contradicts the client and nobody has said how it is.

    Raises:
        ClientConflictError: so it is, and the person wants to be told (`Choice.ASK`).
    """
    verdict = weigh(conn, form, found, answers)
    if verdict is None or not verdict.conflicts or client_guard.resolved(verdict.conflicts, about):
        return None
    if about.choice is not Choice.HAND_ON:
        raise ClientConflictError("sheet_contradicts_client", fields=(verdict.field,), codes=verdict.conflicts)
    return verdict.field


def _said(form: Form, found: Entry, answers: Mapping[str, Answer], means: Meaning) -> str:
    spec = form.meaning(means, found.row)
    value = answers[spec.name].value if spec and spec.name in answers else None
    return value if isinstance(value, str) else ""


def _namesakes(conn: Connection, known: Client | None) -> int:
    """How many others of the client's unit bear the name; a protected one tells nothing by being counted, since only the own unit's are."""
    if known is None or not known.name:
        return 0
    table = tables.client.c
    others = select(func.count()).where(table.name == known.name, table.pid != known.pid, table.unit == known.unit)
    return int(conn.execute(others).scalar_one())


def _neighbours(conn: Connection, number: str, unit: str) -> Sequence[str]:
    """The names of the other clients of a unit."""
    table = tables.client.c
    return conn.execute(select(table.name).where(table.unit == unit, table.pid != number, table.name != "").distinct()).scalars().all()


def _is_given(conn: Connection, number: str, of_units: Collection[str]) -> bool:
    """Whether a temporary identity was given in one of these units, or an entry there is about it: the first may have been sent on since."""
    about = select(tables.entry.c.id).where(tables.entry.c.client_pid == number, tables.entry.c.unit.in_(of_units)).limit(1)
    return _kept_name(conn, number, of_units) is not None or conn.execute(about).first() is not None


def _kept_name(conn: Connection, number: str, of_units: Collection[str]) -> str | None:
    """The name that a temporary identity was first given with in one of these units, whatever was said of it later; None if there is no such one."""
    given = temporary_identity.c
    named = select(given.name).join(tables.entry, tables.entry.c.id == given.entry).where(given.number == number, tables.entry.c.unit.in_(of_units))
    name: str | None = conn.execute(named.order_by(given.id).limit(1)).scalar_one_or_none()
    return name
