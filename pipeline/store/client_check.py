"""Defence against the wrong person: the personal number that was typed is looked up before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from pipeline.errors import MissingAnswerError, UnknownClientError
from pipeline.field_spec import Meaning
from pipeline.model import State
from pipeline.review import Answer
from pipeline.store.registers import find_client
from pipeline.template import Form

_FULL_LENGTH = 12


def in_register(conn: Connection, form: Form, row: int | None, answers: Mapping[str, Answer], *, outside_register: bool) -> dict[str, Answer]:
    """The answers, with the client's number in full as the register has it.

    Raises:
        MissingAnswerError: the number is empty or illegible; nobody's record can take such an entry.
        UnknownClientError: the register has no such client, and the person has not said that this is right.
    """
    spec = form.meaning(Meaning.CLIENT_PID, row)
    if spec is None or spec.name not in answers:
        return dict(answers)
    answer = answers[spec.name]
    if answer.state is not State.READ or not isinstance(answer.value, str):
        raise MissingAnswerError("An entry without a personal number cannot be confirmed.", "Find the client, or reject it.", (spec.name,))
    client = find_client(conn, answer.value)
    if client is not None:
        return {**answers, spec.name: replace(answer, value=client.pid)}
    if not outside_register or len(answer.value) != _FULL_LENGTH:
        remedy = "Look at the number again. If it is right, write all twelve characters and say that the client is not in the register."
        raise UnknownClientError("The personal number is not in the client register.", remedy, (spec.name,))
    return dict(answers)
