"""The rules of review: asked fields, agreement of person and machine, second reviewers.

The machine is the second keyer. A critical field is keyed blind by the reviewer; if the machine
read the same, two independent keyings agree and the field is settled. If not, a second reviewer
decides. Other fields are prefilled with the reading and may be changed.

What its author typed was never read: it is shown, and confirmed by a look. Author and reviewer are
two persons who agree; where the reviewer changes a critical field, a second reviewer decides.

Routine fields are reviewed in batches: grids of similar field images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.domain.errors import InvalidAnswerError, MissingAnswerError
from pipeline.domain.form.confidence import (
    GRID_BOX_SIGNED_FROM,
    PREFILL_CLIENT_FROM,
    PREFILL_FROM,
    PREFILL_FROM_BY_KIND,
    PREFILL_ROUTINE_FROM,
)
from pipeline.domain.form.field import BoxCode, FieldSpec, Format, Meaning, addend_names
from pipeline.domain.form.form import EntriesPer, Form, Forms
from pipeline.domain.issues import Issue, IssueCode, parse_issues
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.field_values import (
    NUMBER_PATTERN,
    misfit_error,
    normalize_value,
    without_grouping,
)

REJECTION_REASONS = (
    "oläsligt",
    "fel person",
    "främmande sida",
    "annan enhet",
    "dubblett",
    "saknar identitet",
    "tom rad",
    "fråga författaren",
)
"""The reasons to reject an entry, as they are stored. The paper and its image stay."""
GAPLESS_REASONS = frozenset({"främmande sida", "dubblett", "tom rad"})
"""Reasons that leave no gap in the client's record.

After any other the record lacks the entry until it is entered or made void.
"""

REQUIRED_FACTS: Mapping[str, frozenset[Meaning]] = {
    "client": frozenset({Meaning.CLIENT_PID}),
    "event_date": frozenset({Meaning.EVENT_DATE}),
    "event_time": frozenset({Meaning.EVENT_TIME}),
    "author": frozenset({Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE}),
}
"""The facts that a record needs (PDL 3:6): client, time of the event and author.

One field of each set is enough.
"""

UNLIKELY_EVIDENCE = frozenset({IssueCode.OUTSIDE_OUTAGE, IssueCode.IMPLAUSIBLE})
"""Evidence that needs a second reviewer although the first and the machine agree."""
_DIGITS = frozenset("0123456789")
_MICROGRAM = re.compile(r"(?<![^\W\d_])(?:ug|mcg|mikrogram)(?![^\W_])")
"""Other ways to write µg, which is hard to find on a keyboard."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reviewer's answer for a field.

    Only READ (and CANCELLED, for a struck mark) has a value.
    """

    value: Value
    state: State = State.READ


def asked_fields(form: Form, row: int | None) -> list[FieldSpec]:
    """Return the fields of an entry that a person answers: all but those printed beforehand."""
    return [spec for spec in form.entry_fields(row) if spec.traits.filled_by_hand]


def normalize_answer(spec: FieldSpec, answer: Answer) -> Answer:
    """Return the answer as it is stored. A blank text is no answer: "tomt" is a choice of its own.

    Raises:
        MissingAnswerError: the state is READ but there is no value.
        InvalidAnswerError: the value or state does not fit the field.
    """
    # States without a typed value: a cancelled mark, empty, illegible.
    if answer.state is State.CANCELLED:
        if not spec.traits.is_check_box:
            raise misfit_error(spec)
        return Answer(False, State.CANCELLED)
    if answer.state is not State.READ:
        return Answer(
            False if spec.traits.is_check_box and answer.state is State.EMPTY else None,
            answer.state,
        )
    if answer.value is None or (isinstance(answer.value, str) and not answer.value.strip()):
        raise MissingAnswerError("field_unanswered", fields=(spec.name,))
    value = normalize_value(spec, answer.value)
    return Answer(value, State.EMPTY if value is False else State.READ)


def complete_answers(
    specs: Iterable[FieldSpec], answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """Normalize one answer for each field.

    Raises:
        MissingAnswerError: names every field without an answer.
        InvalidAnswerError: names every field whose answer does not fit.
    """
    complete: dict[str, Answer] = {}
    missing: list[str] = []
    wrong: list[str] = []
    # All fields are checked first, so that the error names every one.
    for spec in specs:
        try:
            complete[spec.name] = normalize_answer(spec, answers[spec.name])
        except (KeyError, MissingAnswerError):
            missing.append(spec.name)
        except InvalidAnswerError:
            wrong.append(spec.name)
    if missing:
        raise MissingAnswerError("fields_unanswered", number=len(missing), fields=tuple(missing))
    if wrong:
        raise InvalidAnswerError(
            "answers_do_not_fit_fields", number=len(wrong), fields=tuple(wrong)
        )
    return complete


def agrees_with_reading(spec: FieldSpec, answer: Answer, reading: Reading | None) -> bool:
    """Whether answer and reading are the same, apart from case, blanks and format of the value."""
    if reading is None or reading.state is not answer.state:
        return False
    if answer.state is not State.READ:
        return True
    return _comparison_value(spec, answer.value) == _comparison_value(spec, reading.value)


def is_settled(spec: FieldSpec, answer: Answer, reading: Reading | None) -> bool:
    """Whether one reviewer's answer is enough: if keyed blind, only if the machine read the same.

    Even then an unlikely number or date needs a second reviewer. A name that is keyed is enough:
    names are read too badly to be compared. So is a box that nobody acts on alone.
    """
    if spec.takes_code:
        return _is_box_settled(spec, answer, reading)
    is_alone_enough = (spec.traits.is_handwriting or spec.routine) and not spec.critical
    is_typed_and_critical = spec.critical and reading is not None and reading.is_typed
    if is_alone_enough or not (is_typed_and_critical or needs_blind_keying(spec, reading)):
        return True
    return (
        agrees_with_reading(spec, answer, reading)
        and _is_within_bounds(spec, answer)
        and not is_unlikely(reading)
    )


def fields_for_second_reviewer(
    forms: Forms, form: Form, specs: Iterable[FieldSpec], answers: Mapping[str, Answer]
) -> set[str]:
    """Return the fields that always need a second reviewer.

    These are the critical fields of a form of `double_check` that are not empty. A check box
    without a mark is information too, such as that a sum has not been paid yet.
    """
    if form.id not in forms.double_check:
        return set()
    return {
        spec.name
        for spec in specs
        if spec.critical
        and (spec.traits.is_check_box or answers[spec.name].state is not State.EMPTY)
    }


def prefill_from(spec: FieldSpec) -> float:
    """Return the p from which a reading of this field is prefilled."""
    if spec.means is Meaning.CLIENT_PID:
        return PREFILL_CLIENT_FROM
    if spec.routine and spec.traits.is_check_box:
        return PREFILL_ROUTINE_FROM
    return PREFILL_FROM_BY_KIND.get(spec.kind, PREFILL_FROM)


def needs_blind_keying(spec: FieldSpec, reading: Reading | None) -> bool:
    """Whether a field is keyed blind: critical ones, those read with low confidence or not at all.

    People overlook wrong values that they are shown (docs/review.md). Free text is always shown,
    with its words of low confidence marked. What its author typed is never keyed again.
    """
    if reading is not None and reading.is_typed:
        return False
    if spec.takes_code and reading is not None:
        return says_something_else(reading) and not reading.is_seen_empty
    if spec.critical or reading is None or spec.traits.is_multiline:
        return spec.critical
    return reading.state is State.ILLEGIBLE or reading.p < prefill_from(spec)


def says_something_else(reading: Reading | None) -> bool:
    """Whether a box for initials or a code seems to say something else than initials."""
    if reading is None or reading.state is not State.READ:
        return True
    return reading.p < GRID_BOX_SIGNED_FROM or has_digit(reading.value)


def has_digit(value: Value) -> bool:
    """Whether a value has a digit, as a code has and initials do not."""
    return isinstance(value, str) and not _DIGITS.isdisjoint(value)


def is_read_as_printed(spec: FieldSpec, printed: str | None, reading: Reading | None) -> bool:
    """Whether the client's number was printed by the program, and is read for certain as printed.

    Such a number is shown with its client, and confirmed by a look: typing print catches nothing.
    """
    return (
        spec.means is Meaning.CLIENT_PID
        and bool(printed)
        and reading is not None
        and reading.value == printed
        and reading.p >= prefill_from(spec)
        and not is_unlikely(reading)
    )


def is_unlikely(reading: Reading | None) -> bool:
    """Whether the value read is odd: a date outside the outage, a number that is not plausible."""
    return reading is not None and not UNLIKELY_EVIDENCE.isdisjoint(reading.evidence)


def fill_left_empty(
    specs: Sequence[FieldSpec], answers: Mapping[str, Answer], readings: Mapping[str, Reading]
) -> dict[str, Answer]:
    """Add the answer empty for optional fields without an answer that the machine read as empty.

    A field without an answer in which the machine found ink stays unanswered, so that the reviewer
    is asked to check it.
    """
    open_names = [spec.name for spec in specs if spec.name not in answers and not spec.required]
    empty = [name for name in open_names if name in readings and readings[name].is_seen_empty]
    return {**dict.fromkeys(empty, Answer(None, State.EMPTY)), **answers}


def _is_box_settled(spec: FieldSpec, answer: Answer, reading: Reading | None) -> bool:
    """Whether one person is enough for a box: a code only if the machine read the same code.

    Initials in a box that the machine was not sure of would say that a dose was given.
    """
    if reading is None:
        return not has_digit(answer.value)
    if answer.state is State.READ and not has_digit(answer.value):
        return not says_something_else(reading)
    return agrees_with_reading(spec, answer, reading)


def _is_within_bounds(spec: FieldSpec, answer: Answer) -> bool:
    if spec.format is not Format.NUMBER or not isinstance(answer.value, str):
        return True
    number = float(answer.value)
    return (spec.minimum is None or number >= spec.minimum) and (
        spec.maximum is None or number <= spec.maximum
    )


def _comparison_value(spec: FieldSpec, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    if spec.traits.names_signer:
        # The machine decides whether the field is signed, and only proposes by whom; a code counts.
        return value if spec.takes_code and has_digit(value) else True
    try:
        normalized = normalize_value(spec, value)
    except InvalidAnswerError:
        normalized = value
    plain = re.sub(r"\s+", " ", str(normalized)).strip().casefold()
    plain = without_grouping(spec.format, plain)
    return _MICROGRAM.sub("µg", plain).casefold() if spec.format is Format.DOSE else plain


def answered_text(
    form: Form, row: int | None, answers: Mapping[str, Answer], meaning: Meaning
) -> str:
    """Return the text that an entry's answers give to a meaning; empty if there is none."""
    spec = form.meaning(meaning, row)
    value = answers[spec.name].value if spec and spec.name in answers else None
    return value if isinstance(value, str) else ""


# While a page is read sums are evidence for its values (`resolve/values.py`). Here the answers are
# checked, so that a wrong sum on the paper, or a typing error, is found before the decision.


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


_ROUTINE_STATES = frozenset({State.READ, State.EMPTY})


def is_routine(
    form: Form, spec: FieldSpec, reading: Reading | None, issues: Iterable[str] = ()
) -> bool:
    """Whether a field may be collapsed or batched: not keyed blind; in class A a routine box only.

    It is no critical field, nor that of the client, a time or the author.

    Args:
        issues: those of the page, as stored; a field that one of them names is not routine.
    """
    # Fields that are too important.
    if form.criticality == "A" and not spec.routine:
        return False
    if spec.means is not None or not spec.traits.can_be_batched:
        return False
    if any(spec.column in (one.day, one.met) for one in form.all_deadlines):
        return False
    # Readings that need more attention.
    if (
        reading is None
        or reading.state not in _ROUTINE_STATES
        or needs_blind_keying(spec, reading)
        or is_unlikely(reading)
    ):
        return False
    if spec.required and reading.state is State.EMPTY:
        return False
    return all(issue.field != spec.name for issue in parse_issues(issues))


def form_area(form: Form | None) -> str | None:
    """Return the area of law of a form; None where that of the unit applies.

    That is the case for unknown forms and for forms that every unit uses, such as the free note.
    """
    return None if form is None or form.rules.every_area else form.area.value


def confirmed_area(form: Form, answers: Mapping[str, Answer]) -> str | None:
    """Return the area of law of an entry with these answers.

    A note of every area gives its own; if it gives no valid one, that of its unit applies.
    """
    answer = answers.get(form.rules.area_field) if form.rules.every_area else None
    return form.rules.areas.get(answer.value) if answer else form_area(form)


def record_area(form: Form, answers: Mapping[str, Answer], area: str) -> str:
    """Return the area of law that the record of an entry is of: LSS where the paper says so.

    LSS has a personal file of its own. Who may see the entry follows from its area alone, so that
    no entry leaves those who work with it.
    """
    answer = None if form.rules.every_area else answers.get(form.rules.area_field)
    return form.rules.areas.get(answer.value, area) if answer else area


def is_grid_box(form: Form, spec: FieldSpec) -> bool:
    """Whether a field is a box of a grid: initials, wanted only where something is planned.

    Such a box says "as planned" with initials and a deviation with a code, or by being empty.
    """
    return form.entries is EntriesPer.SHEET and spec.takes_code


def unanswered_fields(form: Form, row: int | None, answered: Iterable[str]) -> list[FieldSpec]:
    """Return the fields of an entry that its paper has and nobody has typed."""
    known = set(answered)
    return [spec for spec in asked_fields(form, row) if spec.name not in known]


def list_codes(form: Form, spec: FieldSpec) -> tuple[BoxCode, ...]:
    """Return the codes that may be written in a field, as the form prints them; none elsewhere."""
    if spec.codes or spec.format is not Format.NUMBER or spec.cell_count > 1:
        return spec.codes
    for grid in (grid for page in form.pages for grid in page.grids):
        numbers = [int(code.value) for code in grid.days.codes]
        if numbers and (spec.minimum, spec.maximum) == (min(numbers), max(numbers)):
            return grid.days.codes
    return ()
