"""Sums of a confirmed entry: what a person has answered, added up again. Pure; says what differs
and changes nothing.

Reading weighs sums while the page is read (`resolve.arithmetic`). This looks at what people said
the paper says, so that a wrong sum on the paper, or a slip of whoever typed, is seen before it
is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pipeline.domain.form.field import addend_names
from pipeline.domain.form.form import Form
from pipeline.domain.model import State
from pipeline.domain.review.field_values import NUMBER_PATTERN
from pipeline.domain.review.rules import Answer


@dataclass(frozen=True, slots=True)
class ArithmeticFinding:
    """What does not add up: a kind (a code, in words in the UI's catalogue), the field that it is
    about, and what it should be, if that is known.
    """

    kind: str
    field: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class AnswerNumbers:
    """The answers of an entry as numbers, by field."""

    answers: Mapping[str, Answer]

    def number(self, name: str) -> Decimal | None:
        """What stands there; None for what is empty, illegible or no number."""
        answer = self.answers.get(name)
        if answer is None or answer.state is not State.READ or not isinstance(answer.value, str):
            return None
        plain = answer.value.replace(",", ".").replace(" ", "")
        return (
            Decimal(plain) if NUMBER_PATTERN.fullmatch(plain) else None
        )  # not yet checked: whoever types may have written anything, even "inf"

    def addend(self, name: str) -> Decimal | None:
        """As `number`, but an empty field adds nothing; None if nobody knows what stands there."""
        answer = self.answers.get(name)
        if answer is None or answer.state is State.EMPTY:
            return Decimal(0)
        return self.number(name)

    def total(self, names: tuple[str, ...]) -> Decimal | None:
        """The sum; None if a part is not known."""
        parts = [self.addend(name) for name in names]
        return (
            sum((part for part in parts if part is not None), Decimal(0))
            if None not in parts
            else None
        )

    def text(self, name: str) -> str:
        """What a choice or text says; empty if nothing."""
        answer = self.answers.get(name)
        return answer.value if answer is not None and isinstance(answer.value, str) else ""

    def marked(self, name: str) -> bool:
        """Whether a box is ticked."""
        answer = self.answers.get(name)
        return answer is not None and answer.value is True


def check_sums(form: Form, row: int | None, figures: AnswerNumbers) -> list[ArithmeticFinding]:
    """Each written sum that is not that of its parts. An empty sum, and one with a part that nobody
    can read, says nothing.
    """
    found = []
    own = {spec.name for spec in form.entry_fields(row)}
    for spec in form.entry_fields(row):
        parts = addend_names(spec, form.fields)
        if not parts or not own.issuperset(parts):
            continue
        written, right = figures.number(spec.name), figures.total(parts)
        if written is not None and right is not None and written != right:
            found.append(ArithmeticFinding("sum", spec.name, str(right)))
    return found
