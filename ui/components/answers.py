"""Between what a widget holds and what a person answers.

A text widget says "-" for tomt and "?" for oläsligt. A choice widget holds a code: an option, or one of the states.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.confidence import PREFILL_SIGNER_FROM
from pipeline.field_spec import Editor, FieldSpec, Format
from pipeline.identity import shown_pid
from pipeline.model import State, Value
from pipeline.review import Answer
from pipeline.store.entry_views import FieldView
from ui.text import t

EMPTY_SIGN, ILLEGIBLE_SIGN = "-", "?"
_PRESENT = "present"
_MOST_SIGNERS = 3
_STATES = frozenset(state.value for state in State)
_SIGNS = {EMPTY_SIGN: State.EMPTY, ILLEGIBLE_SIGN: State.ILLEGIBLE}


def is_chosen(spec: FieldSpec) -> bool:
    """Whether the field is answered by choosing rather than typing."""
    return spec.traits.editor is Editor.BUTTONS


def codes(spec: FieldSpec, proposed: Sequence[str] = ()) -> list[str]:
    """What can be chosen, the states tomt and oläsligt always last and in this order (the keys rely on it).

    `proposed` are persons who may have signed.
    """
    own = [option.value for option in spec.options] or [*proposed, _PRESENT]
    struck = [State.CANCELLED.value] if spec.traits.is_check_box else []
    return [*own, *struck, State.EMPTY.value, State.ILLEGIBLE.value]


def code_label(spec: FieldSpec, code: str) -> str:
    """What a code is called on the screen."""
    named = {option.value: option.label for option in spec.options}
    if code == _PRESENT:
        return t(f"present.{spec.kind.value}")
    if spec.traits.names_signer and code not in _STATES:
        return code
    return named[code] if code in named else t(f"state.{code}")


def proposed_signers(field: FieldView) -> list[str]:
    """Who may have written the initials ("MA – Maria Andersson"), likeliest first, and what the person has chosen before."""
    if not field.spec.traits.names_signer:
        return []
    read = [value for value, _ in field.reading.alternatives if isinstance(value, str)] if field.reading and not field.blind else []
    chosen = [field.draft.value] if field.draft is not None and isinstance(field.draft.value, str) else []
    return list(dict.fromkeys([*read[:_MOST_SIGNERS], *chosen]))


def answer_of_code(spec: FieldSpec, code: str | None) -> Answer | None:
    """The answer that a chosen code means; None when nothing is chosen."""
    if code is None:
        return None
    if code in _STATES and code not in {option.value for option in spec.options}:
        return Answer(None, State(code))
    return Answer(True if code == _PRESENT else code)


def must_be_said(field: FieldView) -> bool:
    """Whether nothing typed is no answer: where the reading is withheld, and where a required field was never read."""
    return field.blind or _is_unseen(field) or (field.reading is None and field.spec.required)


def _is_unseen(field: FieldView) -> bool:
    return field.reading is not None and field.reading.state is State.EMPTY and not field.reading.is_seen_empty


def answer_of_text(text: str, *, must_say: bool) -> Answer | None:
    """The answer that a typed text means. Nothing typed is tomt, unless that has to be said."""
    text = text.strip()
    if text in _SIGNS:
        return Answer(None, _SIGNS[text])
    if text:
        return Answer(text)
    return None if must_say else Answer(None, State.EMPTY)


def shown_answer(field: FieldView) -> Answer | None:
    """What stands in the field when the entry comes up: the person's own draft, else the reading unless the field is blind."""
    if field.draft is not None:
        return field.draft
    if field.blind or field.reading is None or _is_unseen(field):
        return None
    return Answer(_sure_signer(field) or field.reading.value, field.reading.state)


def _sure_signer(field: FieldView) -> str | None:
    if not field.spec.traits.names_signer or field.reading is None or field.reading.state is not State.READ:
        return None
    return next((value for value, p in field.reading.alternatives[:1] if isinstance(value, str) and p >= PREFILL_SIGNER_FROM), None)


def as_code(answer: Answer | None) -> str | None:
    """The code that stands for an answer."""
    if answer is None:
        return None
    if answer.state is not State.READ:
        return answer.state.value
    return _PRESENT if answer.value is True else str(answer.value)


def as_text(answer: Answer | None, *, must_say: bool) -> str:
    """The text that stands for an answer. Tomt is shown as an empty field, unless it has to be said."""
    if answer is None:
        return ""
    if answer.state is State.EMPTY:
        return EMPTY_SIGN if must_say else ""
    if answer.state is State.ILLEGIBLE:
        return ILLEGIBLE_SIGN
    return _text_of(answer.value)


def in_words(spec: FieldSpec, answer: Answer) -> str:
    """An answer as it is read out: the option's label, the text, or the state."""
    if answer.state is not State.READ:
        return t(f"state.{answer.state.value}")
    if is_chosen(spec):
        return code_label(spec, as_code(answer) or "")
    text = _text_of(answer.value)
    return shown_pid(text) if spec.format is Format.PERSONAL_NUMBER else text


def _text_of(value: Value) -> str:
    return value if isinstance(value, str) else ""
