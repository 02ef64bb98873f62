"""The rules of review: what is asked, when two readings of the same ink agree, and who has to look
again.

The machine is the second keyer. A critical field is typed by a person who has not seen what the
machine read; if both say the same, two independent keyings agree and the field is settled. If
not, another person decides. Other fields are shown as read and may be changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.confidence import prefill_from
from pipeline.domain.errors import InvalidAnswerError, MissingAnswerError
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import EntryState, Reading, State, Value
from pipeline.domain.review.field_values import misfit_error, normalize_value

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
"""Why an entry is rejected. The paper and its picture stay."""
GAPLESS_REASONS = frozenset({"främmande sida", "dubblett", "tom rad"})
"""Reasons that leave the record whole. After any other one it lacks what the paper says, until that
is entered or somebody makes the entry void.
"""

REQUIRED_FACTS: Mapping[str, frozenset[Meaning]] = {
    "client": frozenset({Meaning.CLIENT_PID}),
    "event_date": frozenset({Meaning.EVENT_DATE}),
    "event_time": frozenset({Meaning.EVENT_TIME}),
    "author": frozenset({Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE}),
}
"""What a record has to say (PDL 3:6): whom it is about, when it happened and who wrote. One field
of each set is enough.
"""

UNLIKELY_EVIDENCE = frozenset({IssueCode.OUTSIDE_OUTAGE, IssueCode.IMPLAUSIBLE})
"""Reasons of a reading that make another person look, although the first and the machine agree."""
_MICROGRAM = re.compile(r"(?<![^\W\d_])(?:ug|mcg|mikrogram)(?![^\W_])")
"""Other ways to write µg; no keyboard shows where that sign is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says that a field says. Only READ (and CANCELLED, for a struck mark) carries a
    value.
    """

    value: Value
    state: State = State.READ


def asked_fields(form: Form, row: int | None) -> list[FieldSpec]:
    """The fields of an entry that a person answers for: all but what we printed ourselves."""
    return [spec for spec in form.entry_fields(row) if spec.traits.filled_by_hand]


def normalize_answer(spec: FieldSpec, answer: Answer) -> Answer:
    """The answer as it is stored. A blank text is no answer: whoever means "tomt" says so.

    Raises:
        MissingAnswerError: read, but nothing is said.
        InvalidAnswerError: the value or state does not fit the field.
    """
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
        raise MissingAnswerError("field_no_answer", fields=(spec.name,))
    value = normalize_value(spec, answer.value)
    return Answer(value, State.EMPTY if value is False else State.READ)


def complete_answers(
    specs: Iterable[FieldSpec], answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """One stored answer for each field.

    Raises:
        MissingAnswerError: names every field without an answer.
        InvalidAnswerError: names every field whose answer does not fit.
    """
    done: dict[str, Answer] = {}
    missing: list[str] = []
    wrong: list[str] = []
    for spec in specs:
        try:
            done[spec.name] = normalize_answer(spec, answers[spec.name])
        except (KeyError, MissingAnswerError):
            missing.append(spec.name)
        except InvalidAnswerError:
            wrong.append(spec.name)
    if missing:
        raise MissingAnswerError("fields_no_answer", number=len(missing), fields=tuple(missing))
    if wrong:
        raise InvalidAnswerError(
            "answers_do_not_fit_fields", number=len(wrong), fields=tuple(wrong)
        )
    return done


def agrees_with_reading(spec: FieldSpec, answer: Answer, reading: Reading | None) -> bool:
    """Whether person and machine say the same, apart from case, blanks and ways to write a date,
    time or number.
    """
    if reading is None or reading.state is not answer.state:
        return False
    if answer.state is not State.READ:
        return True
    return _comparison_value(spec, answer.value) == _comparison_value(spec, reading.value)


def is_settled(spec: FieldSpec, answer: Answer, reading: Reading | None) -> bool:
    """Whether one person's answer is enough: where it was typed unseen, only if the machine read
    the same.

    An unlikely number or date is not, even then: another person is told. A name that is typed is
    enough: names are read too badly to be compared.
    """
    if not needs_blind_keying(spec, reading) or (spec.traits.is_handwriting and not spec.critical):
        return True
    return (
        agrees_with_reading(spec, answer, reading)
        and _is_within_bounds(spec, answer)
        and not is_unlikely(reading)
    )


def fields_for_second_reviewer(
    forms: Forms, form: Form, specs: Iterable[FieldSpec], answers: Mapping[str, Answer]
) -> set[str]:
    """The fields that another person looks at whatever the first and the machine say: what is
    critical and written on a form of `double_check`.

    A box without a mark says something too, as that a sum has not been paid yet.
    """
    if form.id not in forms.double_check:
        return set()
    return {
        spec.name
        for spec in specs
        if spec.critical
        and (spec.traits.is_check_box or answers[spec.name].state is not State.EMPTY)
    }


def needs_blind_keying(spec: FieldSpec, reading: Reading | None) -> bool:
    """Whether a field is typed by somebody who has not been shown what was read: critical ones, and
    those whose reading is doubtful.

    People overlook wrong values that they are shown (docs/review.md). Free text is always shown:
    its doubtful words are marked in it.
    """
    if spec.critical or reading is None or spec.traits.is_multiline:
        return spec.critical
    return reading.p < prefill_from(spec)


def is_unlikely(reading: Reading | None) -> bool:
    """Whether the machine found what it read odd: a date outside the outage, a number that is not
    plausible.
    """
    return reading is not None and not UNLIKELY_EVIDENCE.isdisjoint(reading.evidence)


def fill_left_empty(
    specs: Sequence[FieldSpec], answers: Mapping[str, Answer], readings: Mapping[str, Reading]
) -> dict[str, Answer]:
    """The answers, and tomt for each field that the person left alone, that may be left out, and
    that the machine finds empty too.

    A field left alone in which the machine sees ink stays unanswered, so that the person is
    asked to look again.
    """
    left = [spec.name for spec in specs if spec.name not in answers and not spec.required]
    empty = [name for name in left if name in readings and readings[name].is_seen_empty]
    return {**dict.fromkeys(empty, Answer(None, State.EMPTY)), **answers}


def next_state(open_fields: int) -> EntryState:
    """Where an entry goes when the first person has answered."""
    return EntryState.SECOND if open_fields else EntryState.CONFIRMED


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
        return True  # the machine says whether somebody signed, and only proposes who
    try:
        same = normalize_value(spec, value)
    except InvalidAnswerError:
        same = value
    plain = re.sub(r"\s+", " ", str(same)).strip().casefold()
    return _MICROGRAM.sub("µg", plain).casefold() if spec.format is Format.DOSE else plain
