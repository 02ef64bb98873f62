"""How the answers of a first review came about, and which of them are settled by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Reading
from pipeline.domain.review import rules
from pipeline.domain.review.rules import Answer
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
)
from pipeline.store.entries.batch_answers import BatchAnswers


def first_review_answers(
    specs: Iterable[FieldSpec],
    answers: Mapping[str, Answer],
    readings: Mapping[str, Reading],
    shared: Mapping[str, Answer],
    in_groups: BatchAnswers,
    *,
    doubt: Collection[str | None],
    answered: Collection[str],
) -> dict[str, DecidedAnswer]:
    """Return each field's answer with its origin and whether it is settled.

    Args:
        specs: the fields that were answered.
        answers: the answer of each.
        readings: what the reading said.
        shared: the answers of confirmed rows of the same sheet; they settle what is not in doubt.
        in_groups: the answers of batches; a person who has `answered` the field on the sheet
            overrides them.
        doubt: fields that another person has to see whatever the answer is.
        answered: the fields that the person answered on the sheet.
    """
    decided = {}
    for spec in specs:
        name = spec.name
        # Confirmed in a batch and not touched on the sheet: the batch's reviewer answers for it.
        if name in in_groups.confirmed and name not in answered and name not in doubt:
            decided[name] = DecidedAnswer(
                answers[name], AnswerOrigin.BATCH, True, in_groups.confirmed_by(name)
            )
        else:
            origin = _answer_origin(
                spec, answers[name], readings.get(name), odd=name in in_groups.odd_fields
            )
            # Settled: as on a confirmed row of the sheet, or as read.
            settled = answers[name] == shared.get(name) or rules.is_settled(
                spec, answers[name], readings.get(name)
            )
            decided[name] = DecidedAnswer(answers[name], origin, settled and name not in doubt)
    return decided


def printed_number_answers(
    specs: Iterable[FieldSpec],
    printed: str | None,
    readings: Mapping[str, Reading],
    decided: Mapping[str, DecidedAnswer],
) -> dict[str, DecidedAnswer]:
    """Return the client's number as accepted where it was printed, shown, and left as it was."""
    return {
        spec.name: replace(decided[spec.name], origin=AnswerOrigin.ACCEPTED)
        for spec in specs
        if rules.is_read_as_printed(spec, printed, readings.get(spec.name))
        and rules.agrees_with_reading(spec, decided[spec.name].answer, readings.get(spec.name))
    }


def _answer_origin(
    spec: FieldSpec, answer: Answer, reading: Reading | None, *, odd: bool
) -> AnswerOrigin:
    """Return how an answer came about: keyed blind, accepted as read, or changed."""
    if odd or rules.needs_blind_keying(spec, reading):
        return AnswerOrigin.TYPED
    return (
        AnswerOrigin.ACCEPTED
        if rules.agrees_with_reading(spec, answer, reading)
        else AnswerOrigin.CHANGED
    )
