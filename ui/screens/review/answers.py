"""What a field holds in the browser as an answer, and the other way."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.review.rules import Answer
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.screens.review.field_cards import folded_fields, open_fields
from ui.screens.review.field_input import (
    answer_from_code,
    answer_from_text,
    answer_to_code,
    answer_to_text,
    choice_codes,
    initial_answer,
    is_answer_required,
    is_choice_field,
    proposed_signers,
    second_answer,
    second_review_choices,
)
from ui.screens.review.workbench_state import FieldValue, HeldEntry


def field_answer(view: EntryView, field: FieldView, value: FieldValue | None) -> Answer | None:
    """Return the answer that a value means; None if there is none, or the value is of no kind."""
    if view.is_second_review:
        held = value if isinstance(value, Mapping) else {}
        return second_answer(field, held.get("choice"), held.get("other"))
    if is_choice_field(field.spec):
        options = choice_codes(field.spec, proposed_signers(field))
        is_option = isinstance(value, int) and 0 <= value < len(options)
        return answer_from_code(field.spec, options[value] if is_option else None)  # type: ignore[index]
    text = value if isinstance(value, str) else ""
    return answer_from_text(text, must_say=is_answer_required(field))


def initial_value(view: EntryView, field: FieldView) -> FieldValue:
    """Return what the field holds at first: the user's draft, else the reading unless blind."""
    if view.is_second_review:
        answers = [answer for _, answer in second_review_choices(field)]
        chosen = answers.index(field.draft) if field.draft in answers else -1
        other = "" if chosen >= 0 else answer_to_text(field.spec, field.draft, must_say=True)
        return {"choice": chosen, "other": other}
    initial = initial_answer(field)
    if is_choice_field(field.spec):
        options, code = choice_codes(field.spec, proposed_signers(field)), answer_to_code(initial)
        return options.index(code) if code in options else -1
    return answer_to_text(field.spec, initial, must_say=is_answer_required(field))


def all_answers(
    view: EntryView, held: HeldEntry, values: Mapping[str, FieldValue]
) -> dict[str, Answer]:
    """Return what is answered by saving these values, the folded fields as they were read.

    Fields that a batch has confirmed are already answered.
    """
    answers = {
        field.spec.name: field_answer(view, field, values.get(field.spec.name))
        for field in open_fields(view, held)
    }
    answers |= {
        field.spec.name: initial_answer(field)
        for field in folded_fields(view, held)
        if not field.is_batch_confirmed
    }
    return {name: answer for name, answer in answers.items() if answer is not None}


def answers_so_far(view: EntryView, held: HeldEntry) -> dict[str, Answer]:
    """Return the answers in the form now; in a second review those of the first person."""
    answers = {}
    for field in view.fields:
        name = field.spec.name
        if name in held.values and not view.is_second_review:
            answers[name] = field_answer(view, field, held.values[name])
        else:
            answers[name] = field.first_answer or initial_answer(field)
    return {name: answer for name, answer in answers.items() if answer is not None}
