"""A decided entry at the workbench: it is corrected, or made void (makulerad).

Nothing is overwritten: each is a new version with a reason. The client is shown and asked about as
in an entry that is reviewed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline.domain.errors import AnswerError, EfterskriftError, ReviewError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, State
from pipeline.domain.review.rules import Answer, normalize_answer
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review import session
from pipeline.review.corrections import Corrections
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.screens.review.answer_errors import error_texts, missing_text
from ui.screens.review.client_card import client_number, is_client_seen, typed_number
from ui.screens.review.client_question import number_in, question_of_error, statement_of
from ui.screens.review.current_entry import clear_undo
from ui.screens.review.entry_header import outage_of
from ui.screens.review.field_cards import CLIENT_MEANINGS, field_answer
from ui.screens.review.field_input import describe_answer
from ui.screens.review.sheet_images import record_page_views
from ui.screens.review.workbench.cards import live_card, sheet_card, value_cards
from ui.screens.review.workbench.mode import mode_card, mode_field
from ui.screens.review.workbench_state import FOCUS_SAVE, Card, FieldValue, HeldEntry, Mode
from ui.widgets.keying_lines import keying_lines
from ui.widgets.messages import Message, error_text
from ui.workspace import AppContext

CORRECTION, VOIDING = "correction", "voiding"
"""What the modes are called where they are opened (`open_in_place`)."""
DECIDED_MESSAGE = Message("decided_said")
"""What became of a decided entry; shown on the screen that it was opened from."""
REASON = ":why"
"""The field of why; no field of a form is called so."""
_MAX_REASON_LENGTH = 200


def open_correction(context: AppContext, person: Person, entry_id: str) -> Mode | None:
    """Return the correction of a decided entry; None, with a message, if it has none (any more)."""
    view = _decided_view(context, person, entry_id, Action.CORRECT, DECIDED_STATES)
    if view is None:
        return None
    return CorrectionMode(
        context, person, _with_all_fields(view), _mode_key(CORRECTION, view), view.form.area
    )


def open_voiding(context: AppContext, person: Person, entry_id: str) -> Mode | None:
    """Return the question why an entry is void; None, with a message, if it cannot be voided."""
    view = _decided_view(context, person, entry_id, Action.VOID, frozenset(EntryState))
    if view is None:
        return None
    return VoidMode(context, person, view, _mode_key(VOIDING, view), view.form.area)


@dataclass(frozen=True, slots=True)
class CorrectionMode:
    """All fields of a decided entry, filled with what is decided, and why they are changed."""

    context: AppContext
    person: Person
    view: EntryView
    key: str
    area: str

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the images of the sheet."""
        context, view = self.context, self.view
        sheet, images, pictures = sheet_card(context, view)
        before = self._texts_before(held)
        fields = [
            field | {"needs": False, "walk": True, "reason": before.get(field["name"], "")}
            for field in value_cards(
                view, held, images, outage_of(context, view.form, view.entry.unit)
            )
        ]
        card = _sheet_mode_card(self, held, sheet, t("lookup.correct"))
        why = card["fields"][0] | {"placeholder": t("lookup.reason_example")}
        return (
            card
            | live_card(context, self.person, view, held)
            | {
                "focus": card["focus"],
                "notices": [*card["notices"], t("lookup.correct_what")],
                "fields": [*fields, why],
                "words": {"save": t("lookup.save_correction"), "skip": t("lookup.leave")},
            },
            pictures,
        )

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Save the correction, or leave the entry as it is; what is changed is not lost unasked."""
        has_asked, held.warning = held.warning == t("lookup.unsaved"), ""
        self._keep(held, message["values"])
        if message["kind"] == "save":
            return self._save(held, message)
        if message["kind"] != "skip":
            return False
        if self._changes(held.values) and not has_asked:
            held.warning = t("lookup.unsaved")
            return False
        return True

    def _keep(self, held: HeldEntry, values: Mapping[str, FieldValue]) -> None:
        """Note what is typed; about a number that is gone nothing is asked any longer."""
        for name, value in values.items():
            if held.values.get(name) != value:
                held.values[name] = value
                held.errors.pop(name, None)
        number = number_in(self.view, typed_number(self.view, held.values))
        if held.question is not None and held.question.number != number:
            held.question = None

    def _changes(self, values: Mapping[str, FieldValue]) -> dict[str, Answer | None]:
        """Return the answers that would be stored differently from what is decided, by field.

        None where a value that is decided would be left out.
        """
        answers = {
            field.spec.name: (field, _corrected_answer(self.view, field, values[field.spec.name]))
            for field in self.view.fields
            if field.is_open and field.spec.name in values
        }
        return {name: given for name, (field, given) in answers.items() if _differs(field, given)}

    def _texts_before(self, held: HeldEntry) -> dict[str, str]:
        """Return what is decided in each field that is changed."""
        changes = self._changes(held.values)
        return {
            field.spec.name: t(
                "lookup.before", value=describe_answer(field.spec, _decided_answer(field))
            )
            for field in self.view.fields
            if field.spec.name in changes
        }

    def _save(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Save what is changed; return whether the correction is over."""
        view, values = self.view, message["values"]
        changes = self._changes(values)
        missing = [name for name, answer in changes.items() if answer is None]
        if missing:
            held.refuse({name: missing_text(view, name) for name in missing})
        elif not changes:
            held.stop(t("lookup.nothing_changed"), "")
        elif not _reason_of(values):
            held.refuse({REASON: t("lookup.reason_missing")})
        elif not self._is_client_shown(held, values, changes):
            held.stop(t("review.look_at_client"), FOCUS_SAVE)
        else:
            answers = {name: answer for name, answer in changes.items() if answer is not None}
            return self._correct(held, message, answers)
        return False

    def _is_client_shown(
        self, held: HeldEntry, values: Mapping[str, FieldValue], changed: Collection[str]
    ) -> bool:
        """Return whether the client of the number has been shown, if it is another's."""
        if not any(self.view.form.by_name[name].means in CLIENT_MEANINGS for name in changed):
            return True
        number = client_number(self.view, held, values)
        return is_client_seen(held, number, utc_now(), session.MIN_VIEW_TIME)

    def _correct(
        self, held: HeldEntry, message: Mapping[str, Any], answers: Mapping[str, Answer]
    ) -> bool:
        """Save these answers; return whether they are saved, or the entry has changed meanwhile."""
        view, typed = self.view, typed_number(self.view, message["values"])
        about = statement_of(held.question, number_in(view, typed), message.get("question") or {})
        correct = partial(
            self.context.work(Corrections, self.person).correct,
            view.entry.id,
            view.entry.revision,
            answers,
            _reason_of(message["values"]),
            about=about,
        )
        try:
            _carry_out(self, correct, t("lookup.corrected"))
        except AnswerError as error:
            held.question = question_of_error(view, error, typed, about.outside)
            held.refuse(error_texts(view, held, error))
            held.warning = t("review.not_saved")
            return False
        return True


@dataclass(frozen=True, slots=True)
class VoidMode:
    """The sheet of an entry, and why it is void.

    Its values are not shown: it may be under review.
    """

    context: AppContext
    person: Person
    view: EntryView
    key: str
    area: str

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the images of the sheet."""
        sheet, _, pictures = sheet_card(self.context, self.view)
        card = _sheet_mode_card(self, held, sheet, t("lookup.void_it"))
        notices = [*card["notices"], t("lookup.void_what")]
        words = {"save": t("lookup.void_it"), "skip": t("lookup.leave")}
        return card | {"notices": notices, "words": words}, pictures

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Make the entry void for the reason that is given, or leave it as it is."""
        held.values.update(message["values"])
        if message["kind"] != "save":
            return bool(message["kind"] == "skip")
        reason = _reason_of(held.values)
        if not reason:
            held.refuse({REASON: t("lookup.reason_missing")})
            return False
        entry, corrections = self.view.entry, self.context.work(Corrections, self.person)
        void = partial(corrections.void, entry.id, entry.revision, reason)
        _carry_out(self, void, t("lookup.voided"))
        return True


def _decided_view(
    context: AppContext,
    person: Person,
    entry_id: str,
    action: Action,
    states: Collection[EntryState],
) -> EntryView | None:
    """Return the view of an entry in one of these states, logged; None, with a message, if not."""
    try:
        with context.store.begin() as conn:
            entry = load_visible_entry(conn, person, action, entry_id)
            if entry.voided is not None:
                raise ReviewError("entry_void")
            if entry.state not in states:
                raise stale_decision_error()
            view = load_entry_view(conn, context.forms, person, entry_id)
            record_page_views(person, conn, view)
    except EfterskriftError as error:
        DECIDED_MESSAGE.failed(error_text(error))
        return None
    return view


def _mode_key(name: str, view: EntryView) -> str:
    """Return the key of a mode of an entry; each revision has its own, and its own card."""
    return f"{name}:{view.entry.id}-{view.entry.revision}"


def _with_all_fields(view: EntryView) -> EntryView:
    """Return the view with every field open and filled with what is decided.

    The reading is left out.
    """
    fields = [
        replace(
            field,
            is_blind=False,
            reading=None,
            draft=field.first_answer,
            is_open=field.spec.traits.filled_by_hand and not field.is_hidden,
        )
        for field in view.fields
    ]
    return replace(view, fields=tuple(fields), is_second_review=False)


def _sheet_mode_card(
    mode: CorrectionMode | VoidMode, held: HeldEntry, sheet: Card, deed: str
) -> Card:
    """Return the card of an entry's sheet with the field of why; `deed` is before its title."""
    entry = mode.view.entry
    row = t("review.row", row=entry.row) if entry.row else ""
    return mode_card(
        mode,
        held,
        f"{deed}: {mode.view.form.title}",
        origin=" · ".join(filter(None, (format_serial_or_id(entry.serial), row, entry.unit))),
        notices=keying_lines(mode.context.store, mode.person, entry.id),
        fields=[
            mode_field(
                "text",
                REASON,
                t("lookup.why"),
                held.values.get(REASON, ""),
                hint=t("lookup.why_hint"),
                maxlength=_MAX_REASON_LENGTH,
                error=held.errors.get(REASON, ""),
            )
        ],
        undo=False,
        **sheet,
    )


def _reason_of(values: Mapping[str, FieldValue]) -> str:
    return str(values.get(REASON) or "").strip()


def _corrected_answer(view: EntryView, field: FieldView, value: FieldValue) -> Answer | None:
    """Return the answer that a value means; None if there is none.

    A decided value is not emptied by leaving it out, only by the sign of an empty field.
    """
    is_left_out = isinstance(value, str) and not value.strip()
    if is_left_out and _decided_answer(field).state is State.READ:
        return None
    return field_answer(view, field, value)


def _differs(field: FieldView, answer: Answer | None) -> bool:
    """Return whether an answer would be stored differently from what is decided.

    True also if it is invalid and cannot be stored.
    """
    if answer is None:
        return field.first_answer is not None
    try:
        stored = normalize_answer(field.spec, answer)
    except AnswerError:
        return True
    return stored != _decided_answer(field)


def _decided_answer(field: FieldView) -> Answer:
    """Return what is decided; a field that was never asked about is empty."""
    return field.first_answer or Answer(None, State.EMPTY)


def _carry_out(
    mode: CorrectionMode | VoidMode, run: Callable[[], EntryState | None], done: str
) -> None:
    """Run what changes the entry and leave a message about it, also if the entry has changed.

    Raises:
        AnswerError: an answer is refused; nothing is changed.
    """
    keying = keying_lines(mode.context.store, mode.person, mode.view.entry.id)
    try:
        state = run()
    except AnswerError:
        raise
    except EfterskriftError as error:
        DECIDED_MESSAGE.failed(error_text(error))
        return
    clear_undo()
    text = t("lookup.corrected_second") if state is EntryState.SECOND else done
    DECIDED_MESSAGE.done(" ".join([text, *keying]))
