"""What answers tell: how they came about, which are settled, and what lists show of the entry.

Lists, permissions and metrics need its client, day, author, legal deadline and area of law.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import (
    Answer,
    agrees_with_reading,
    answered_text,
    confirmed_area,
    is_read_as_printed,
    is_settled,
    needs_blind_keying,
)
from pipeline.store.entries.answers import AnswerOrigin, BatchAnswers, DecidedAnswer
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.queue_order import decided_due_time


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
            settled = answers[name] == shared.get(name) or is_settled(
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
        if is_read_as_printed(spec, printed, readings.get(spec.name))
        and agrees_with_reading(spec, decided[spec.name].answer, readings.get(spec.name))
    }


def _answer_origin(
    spec: FieldSpec, answer: Answer, reading: Reading | None, *, odd: bool
) -> AnswerOrigin:
    """Return how an answer came about: keyed blind, accepted as read, or changed."""
    if odd or needs_blind_keying(spec, reading):
        return AnswerOrigin.TYPED
    return (
        AnswerOrigin.ACCEPTED
        if agrees_with_reading(spec, answer, reading)
        else AnswerOrigin.CHANGED
    )


def derive_entry_facts(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]
) -> dict[str, Any]:
    """Return the columns that follow from the answers: client, day, deadline, author and area."""
    facts: dict[str, Any] = {}
    if form.all_deadlines:
        facts = decided_due_time(conn, form, entry, answers)
    # Settled answers only; a field on a missing page says nothing
    for column, means in (("client_pid", Meaning.CLIENT_PID), ("event_on", Meaning.EVENT_DATE)):
        spec = form.meaning(means, entry.row)
        decided = answers.get(spec.name) if spec else None
        if decided and decided.is_settled and decided.origin is not AnswerOrigin.PAGE_MISSING:
            facts[column] = decided.answer.value if isinstance(decided.answer.value, str) else None
    facts |= _subject_fact(form, entry, answers)
    plain = {name: decided.answer for name, decided in answers.items()}
    # The author's name, or the initials where there is no name
    names = (
        answered_text(form, entry.row, plain, means).strip()[:120]
        for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE)
    )
    facts["author"] = next(filter(None, names), None)
    # Until a second reviewer has settled it, the entry stays visible to those who saw it before
    if all(decided.is_settled for decided in answers.values()):
        facts["area"] = confirmed_area(form, plain)
    return facts


def _subject_fact(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> dict[str, str]:
    """Return whether the entry is about a client, where the form's number may be left empty."""
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    decided = answers.get(spec.name) if spec else None
    if decided is None or decided.origin is AnswerOrigin.PAGE_MISSING:
        return {}
    return {
        "subject": (Subject.CLIENT if decided.answer.state is State.READ else Subject.NONE).value
    }
