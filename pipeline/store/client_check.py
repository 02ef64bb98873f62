"""Defence against the wrong person: the personal number that was typed is looked up before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from pipeline.client_search import NAME_AGREES, agreement
from pipeline.errors import MissingAnswerError, UnknownClientError
from pipeline.field_spec import Meaning
from pipeline.model import Person, State
from pipeline.review import Answer
from pipeline.store import sight
from pipeline.store.entries import Entry
from pipeline.store.issued import issued_sheet
from pipeline.store.registers import client, find_client
from pipeline.template import Form

_FULL_LENGTH = 12


def in_register(
    conn: Connection, person: Person, form: Form, row: int | None, answers: Mapping[str, Answer], *, outside_register: bool
) -> dict[str, Answer]:
    """The answers, with the client's number in full as the register has it.

    Raises:
        MissingAnswerError: the number is empty or illegible; nobody's record can take such an entry.
        UnknownClientError: the register has no such client, and the person has not said that this is right.
        BlockedClientError: the client is behind a block for this person.
    """
    spec = form.meaning(Meaning.CLIENT_PID, row)
    if spec is None or spec.name not in answers:
        return dict(answers)
    answer = answers[spec.name]
    if answer.state is not State.READ or not isinstance(answer.value, str):
        raise MissingAnswerError("An entry without a personal number cannot be confirmed.", "Find the client, or reject it.", (spec.name,))
    client = find_client(conn, answer.value)
    sight.require_client(conn, person, client.pid if client else answer.value)
    if client is not None:
        return {**answers, spec.name: replace(answer, value=client.pid)}
    if not outside_register or len(answer.value) != _FULL_LENGTH:
        remedy = "Look at the number again. If it is right, write all twelve characters and say that the client is not in the register."
        raise UnknownClientError("The personal number is not in the client register.", remedy, (spec.name,))
    return dict(answers)


def doubted_client(conn: Connection, form: Form, found: Entry, answers: Mapping[str, Answer]) -> str | None:
    """The field of the personal number, if the paper itself speaks for another client: the number may be rightly read and wrongly written.

    The sheet was printed for somebody else, or the name on it is not the client's.
    """
    spec, named = form.meaning(Meaning.CLIENT_PID, found.row), form.meaning(Meaning.CLIENT_NAME, found.row)
    pid = answers[spec.name].value if spec and spec.name in answers else None
    if spec is None or not isinstance(pid, str):
        return None
    issued = issued_sheet(conn, found.serial) if found.serial and spec.row is None else None
    name = answers[named.name].value if named and named.name in answers else None
    known = client(conn, pid)
    other_name = known is not None and isinstance(name, str) and agreement(name, known.name) < NAME_AGREES
    other_sheet = issued is not None and issued.client_pid not in (None, pid)
    return spec.name if other_name or other_sheet else None
