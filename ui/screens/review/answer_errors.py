"""What is said at the fields whose answers prevented a save."""

from __future__ import annotations

from pipeline.domain.errors import (
    AnswerError,
    ClientConflictError,
    InvalidAnswerError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.model import State
from pipeline.store.entries.entry_view import EntryView
from ui.i18n import t
from ui.screens.review.field_input import is_choice_field
from ui.screens.review.workbench_state import HeldEntry


def error_texts(view: EntryView, held: HeldEntry, error: AnswerError) -> dict[str, str]:
    """Return the text at each field that prevented the decision."""
    if isinstance(error, InvalidAnswerError):
        return {name: _invalid_text(view, name) for name in error.fields}
    if held.question is not None:
        return dict.fromkeys(error.fields, t(held.question.error_key))
    if isinstance(error, MissingAnswerError | UnknownClientError | ClientConflictError):
        return {name: missing_text(view, name) for name in error.fields}
    return dict.fromkeys(error.fields, t("review.invalid_answer"))


def missing_text(view: EntryView, name: str) -> str:
    """Return what is shown where an answer is missing.

    That something is written there is shown only of a reading that the user has been shown.
    """
    field = next(field for field in view.fields if field.spec.name == name)
    if view.is_second_review or is_choice_field(field.spec):
        return t("review.missing_choice")
    reading = None if field.is_blind else field.reading
    if reading is not None and reading.state is State.READ:
        return t("review.looks_filled")
    return t("review.missing_answer")


def _invalid_text(view: EntryView, name: str) -> str:
    """Return why the answer to a field is refused; of a box with codes, which codes it may have."""
    codes = view.form.by_name[name].codes
    if not codes:
        return t("review.invalid_answer")
    listed = ", ".join(f"{code.value} = {code.label}" for code in codes)
    return t("review.invalid_code", codes=listed)
