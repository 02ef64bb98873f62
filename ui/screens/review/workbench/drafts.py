"""What is typed at the workbench is stored as a draft, and short numbers are written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.field import Meaning
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Person, State
from pipeline.domain.review.rules import Answer
from pipeline.review.client_question import is_last_digits
from pipeline.review.session import ReviewSession
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.i18n import t
from ui.screens.review.client_card import client_name, typed_number
from ui.screens.review.client_question import number_in
from ui.screens.review.field_cards import CLIENT_MEANINGS, field_answer, initial_value
from ui.screens.review.workbench_state import FieldValue, HeldEntry, bench_state
from ui.widgets.messages import error_text
from ui.workspace import AppContext


def with_whole_number(
    context: AppContext,
    person: Person,
    view: EntryView,
    held: HeldEntry,
    message: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Return the message with the whole personal number where its last four digits are enough."""
    values = message["values"]
    spec, typed = view.form.meaning(Meaning.CLIENT_PID, view.entry.row), typed_number(view, values)
    if spec is None or not is_last_digits(typed):
        return message
    whole = context.work(ReviewSession, person).complete_number(
        view, typed, client_name(view, held, values)
    )
    if whole is None:
        return message
    held.completed[spec.name] = (typed, format_pid(whole))
    return {**message, "values": {**values, spec.name: format_pid(whole)}}


def ask_whole_number(view: EntryView, held: HeldEntry, message: Mapping[str, Any]) -> None:
    """Ask for all twelve digits at the field that was left with four that are not enough."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or message.get("left") != spec.name:
        return
    if is_last_digits(typed_number(view, message["values"])):
        held.errors[spec.name] = t("client.whole_number")


def store_drafts(
    context: AppContext,
    person: Person,
    view: EntryView,
    held: HeldEntry,
    values: Mapping[str, FieldValue],
) -> None:
    """Store what was typed in fields that changed since the last draft."""
    for field in view.fields:
        name = field.spec.name
        if not field.is_open or name not in values or held.values.get(name) == values[name]:
            continue
        answer = field_answer(view, field, values[name])
        # An untouched field is no draft, and must not hide a later reading or another's answer.
        if name not in held.values and answer == untouched_answer(view, field):
            continue
        held.values[name] = values[name]
        held.errors.pop(name, None)
        _withdraw_question(view, held, field, answer)
        if not store_draft(context, person, view.entry.id, name, answer):
            del held.values[name]  # the next message has it again


def store_draft(
    context: AppContext, person: Person, entry_id: str, name: str, answer: Answer | None
) -> bool:
    """Store a draft, None to delete it; return whether it is stored, else say why not."""
    try:
        context.work(ReviewSession, person).save_draft(entry_id, name, answer)
    except EfterskriftError as error:
        bench_state().say(error_text(error), "warn")
        return False
    return True


def untouched_answer(view: EntryView, field: FieldView) -> Answer | None:
    """Return what a field holds before anybody has typed in it."""
    if view.is_second_review:
        return field.draft
    return field_answer(view, field, initial_value(view, field))


def _withdraw_question(
    view: EntryView, held: HeldEntry, field: FieldView, answer: Answer | None
) -> None:
    """Ask no longer about a number when another one is typed."""
    if held.question is None or field.spec.means not in CLIENT_MEANINGS:
        return
    is_typed = answer is not None and answer.state is State.READ
    number = number_in(view, str(answer.value)) if is_typed and answer is not None else ""
    if number != held.question.number:
        held.question = None
