"""What is asked about an entry's client when its number raises a doubt, and what was answered.

The sheet contradicts the client, the client is not in the register, or there is no number. A
question is about one number: what was answered counts for no other that is typed afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.errors import (
    AnswerError,
    ClientConflictError,
    InvalidAnswerError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field import Meaning
from pipeline.domain.review.field_values import normalize_value
from pipeline.registers.client_check import (
    NO_CLIENT,
    OUTSIDE_REASONS,
    ClientStatement,
    ConflictChoice,
    allowed_choices,
)
from pipeline.store.entries.entry_view import EntryView
from ui.screens.review.field_input import EMPTY_SIGN, ILLEGIBLE_SIGN

MAX_WHY_LENGTH, MAX_NAME_LENGTH = 200, 120
"""Characters of the texts that an answer may have."""
_NO_NUMBER = frozenset({"", EMPTY_SIGN, ILLEGIBLE_SIGN})
_NO_NUMBER_ERROR = "error.entry_without_personal_number"


class QuestionKind(StrEnum):
    """Why something is asked about the client."""

    CONFLICT = "conflict"
    OUTSIDE = "outside"
    TEMPORARY = "temporary"


_ERROR_TEXTS = {
    QuestionKind.CONFLICT: "guard.conflict",
    QuestionKind.OUTSIDE: "review.unknown_client",
    QuestionKind.TEMPORARY: "guard.no_number",
}


@dataclass(frozen=True, slots=True)
class ClientQuestion:
    """A question about the client of this number.

    `number` is the normal form of what was typed, empty if there is none. `codes` are the kinds of
    conflict, and `outside` the reason given earlier why the client is not in the register.
    """

    kind: QuestionKind
    number: str
    codes: tuple[str, ...] = ()
    outside: str = ""

    @property
    def error_key(self) -> str:
        """Return the key of the text at the number's field."""
        return _ERROR_TEXTS[self.kind]


def number_in(view: EntryView, typed: str) -> str:
    """Return the normal form of a typed number, so that two spellings of one are the same.

    Empty if nothing is typed, or a sign for an empty or illegible field.
    """
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    text = "".join(typed.split())
    if spec is None or text in _NO_NUMBER:
        return ""
    with suppress(InvalidAnswerError):
        return str(normalize_value(spec, text))
    return text


def question_of_error(
    view: EntryView, error: AnswerError, typed: str, outside: str
) -> ClientQuestion | None:
    """Return what has to be asked because nothing was saved for this error; None if nothing.

    `typed` is the number in the form, and `outside` what was stated with it.
    """
    # Only errors of the client's number raise a question.
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or spec.name not in error.fields:
        return None
    number = number_in(view, typed)
    if isinstance(error, ClientConflictError):
        return ClientQuestion(QuestionKind.CONFLICT, number, tuple(error.codes), outside)
    if isinstance(error, UnknownClientError):
        return ClientQuestion(QuestionKind.OUTSIDE, number)
    # An empty field may have been saved too early; only an answer that there is no number counts.
    if isinstance(error, MissingAnswerError) and error.key == _NO_NUMBER_ERROR:
        return ClientQuestion(QuestionKind.TEMPORARY, "")
    return None


def conflict_choices(view: EntryView, question: ClientQuestion) -> list[ConflictChoice]:
    """Return how a conflict may be resolved; a second reviewer hands nothing on."""
    return [
        choice
        for choice in allowed_choices(question.codes)
        if choice is not ConflictChoice.HAND_ON or not view.is_second_review
    ]


def missing_client_reasons(view: EntryView, question: ClientQuestion) -> tuple[str, ...]:
    """Return the possible reasons why the register has no such client, or there is no number.

    Paper whose form does not require a number may also be about no client.
    """
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if question.kind is not QuestionKind.TEMPORARY or spec is None or spec.required:
        return OUTSIDE_REASONS
    return (*OUTSIDE_REASONS, NO_CLIENT)


def statement_of(
    question: ClientQuestion | None, number: str, answers: Mapping[str, str]
) -> ClientStatement:
    """Return what the user has stated about the client of this number (in its normal form).

    `answers` are `choice`, `why`, `outside` and `name`. Without a statement a conflict is reported.
    """
    if question is None or question.number != number:
        return ClientStatement(choice=ConflictChoice.ASK)
    if question.kind is QuestionKind.CONFLICT:
        chosen = answers.get("choice")
        choice = ConflictChoice(chosen) if chosen in set(ConflictChoice) else ConflictChoice.ASK
        return ClientStatement(question.outside, choice=choice, why=answers.get("why") or "")
    return ClientStatement(
        answers.get("outside") or "",
        answers.get("name") or "",
        question.kind is QuestionKind.TEMPORARY,
        ConflictChoice.ASK,
    )
