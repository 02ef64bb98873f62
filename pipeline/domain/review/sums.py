"""Check the sums of an entry's answers.

While a page is read sums are evidence for its values (`resolve/values.py`). This checks the
reviewer's answers, so that a wrong sum on the paper, or a typing error, is flagged before the entry
is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pipeline.domain.form.field import addend_names
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import State
from pipeline.domain.review.field_values import NUMBER_PATTERN
from pipeline.domain.review.rules import Answer


@dataclass(frozen=True, slots=True)
class AnswerNumbers:
    """The answers of an entry as numbers, by field."""

    answers: Mapping[str, Answer]

    def number(self, name: str) -> Decimal | None:
        """Return the number of a field; None if it is empty, illegible or no number."""
        answer = self.answers.get(name)
        if answer is None or answer.state is not State.READ or not isinstance(answer.value, str):
            return None
        # The answer is not validated yet: it may be any text, even "inf".
        plain = answer.value.replace(",", ".").replace(" ", "")
        return Decimal(plain) if NUMBER_PATTERN.fullmatch(plain) else None

    def addend(self, name: str) -> Decimal | None:
        """Return the number of a field, 0 if it is empty; None if it is not known."""
        answer = self.answers.get(name)
        if answer is None or answer.state is State.EMPTY:
            return Decimal(0)
        return self.number(name)

    def total(self, names: tuple[str, ...]) -> Decimal | None:
        """Return the sum of fields; None if one is not known."""
        parts = [self.addend(name) for name in names]
        if None in parts:
            return None
        return sum((part for part in parts if part is not None), Decimal(0))

    def text(self, name: str) -> str:
        """Return the value of a choice or text; empty if there is none."""
        answer = self.answers.get(name)
        return answer.value if answer is not None and isinstance(answer.value, str) else ""

    def marked(self, name: str) -> bool:
        """Whether a check box is ticked."""
        answer = self.answers.get(name)
        return answer is not None and answer.value is True


def check_sums(form: Form, row: int | None, numbers: AnswerNumbers) -> list[Issue]:
    """Find each written sum that is not that of its parts.

    An empty sum, and one with an illegible part, cannot be checked.
    """
    findings = []
    entry_names = {spec.name for spec in form.entry_fields(row)}
    for spec in form.entry_fields(row):
        parts = addend_names(spec, form.fields)
        # A sum over several rows is not of one entry.
        if not parts or not entry_names.issuperset(parts):
            continue
        written, total = numbers.number(spec.name), numbers.total(parts)
        if written is not None and total is not None and written != total:
            findings.append(Issue(IssueCode.SUM, spec.name, str(total)))
    return findings
