"""One field of an entry: its label, image and reading, and the widget for the answer.

A text widget holds "-" for tomt (empty) and "?" for oläsligt (illegible). A choice widget holds a
code: an option, or one of the states. The functions convert between what a widget holds and an
`Answer`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from pipeline.domain.form.confidence import LOW_CONFIDENCE_BELOW, PREFILL_SIGNER_FROM
from pipeline.domain.form.field import Editor, FieldSpec, Format
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import Answer, agrees_with_reading
from pipeline.store.entries.entry_view import FieldView
from ui.i18n import decimal_sign, t

EMPTY_SIGN, ILLEGIBLE_SIGN = "-", "?"
_PRESENT_CODE = "present"
"""Code of a mark that is there, for fields without options."""
_STATE_CODES = frozenset(state.value for state in State)
_MAX_SIGNERS = 3
"""Proposed signers that are offered."""
_STORED_DECIMAL = re.compile(r"-?\d+\.\d+")
_STATE_BY_SIGN = {EMPTY_SIGN: State.EMPTY, ILLEGIBLE_SIGN: State.ILLEGIBLE}


def is_choice_field(spec: FieldSpec) -> bool:
    """Return whether the field is answered by choosing rather than typing.

    A box of a grid is typed: it may hold initials or a code.
    """
    return spec.traits.editor is Editor.BUTTONS and not spec.takes_code


def choice_codes(spec: FieldSpec, proposed: Sequence[str] = ()) -> list[str]:
    """Return the codes that can be chosen; the states tomt and oläsligt are always last.

    The keys rely on this order. `proposed` are persons who may have signed.
    """
    values = [option.value for option in spec.options] or [*proposed, _PRESENT_CODE]
    cancelled = [State.CANCELLED.value] if spec.traits.is_check_box else []
    return [*values, *cancelled, State.EMPTY.value, State.ILLEGIBLE.value]


def code_label(spec: FieldSpec, code: str) -> str:
    """Return the label of a code on the screen."""
    labels = {option.value: option.label for option in spec.options}
    if code == _PRESENT_CODE:
        return t(f"present.{spec.kind.value}")
    if spec.traits.names_signer and code not in _STATE_CODES:
        return code
    return labels[code] if code in labels else t(f"state.{code}")


def proposed_signers(field: FieldView) -> list[str]:
    """Return who may have written the initials ("MA – Maria Andersson"), most likely first.

    Also what the user has chosen before.
    """
    if not field.spec.traits.names_signer:
        return []
    read = (
        [value for value, _ in field.reading.alternatives if isinstance(value, str)]
        if field.reading and not field.is_blind
        else []
    )
    chosen = (
        [field.draft.value]
        if field.draft is not None and isinstance(field.draft.value, str)
        else []
    )
    return list(dict.fromkeys([*read[:_MAX_SIGNERS], *chosen]))


def answer_from_code(spec: FieldSpec, code: str | None) -> Answer | None:
    """Return the answer that a chosen code means; None if nothing is chosen."""
    if code is None:
        return None
    if code in _STATE_CODES and code not in {option.value for option in spec.options}:
        return Answer(None, State(code))
    return Answer(True if code == _PRESENT_CODE else code)


def is_answer_required(field: FieldView) -> bool:
    """Return whether an empty widget is no answer.

    So if the reading is withheld, the machine read something there, or a required field was never
    read: what is emptied by mistake must not become empty.
    """
    return (
        field.is_blind
        or (field.reading is not None and field.reading.state is State.READ)
        or _is_reading_hidden(field)
        or (field.reading is not None and field.reading.value is True and field.spec.takes_code)
        or (field.reading is None and field.spec.required)
    )


def _is_reading_hidden(field: FieldView) -> bool:
    return (
        field.reading is not None
        and field.reading.state is State.EMPTY
        and not field.reading.is_seen_empty
    )


def answer_from_text(text: str, *, must_say: bool) -> Answer | None:
    """Return the answer that a typed text means; no text is tomt unless `must_say`."""
    text = text.strip()
    if text in _STATE_BY_SIGN:
        return Answer(None, _STATE_BY_SIGN[text])
    if text:
        return Answer(text)
    return None if must_say else Answer(None, State.EMPTY)


def initial_answer(field: FieldView) -> Answer | None:
    """Return the answer that is in the field at first.

    The user's own draft, else the reading unless the field is blind.
    """
    if field.draft is not None:
        return field.draft
    if field.is_blind or field.reading is None or _is_reading_hidden(field):
        return None
    return Answer(_likely_signer(field) or field.reading.value, field.reading.state)


def _likely_signer(field: FieldView) -> str | None:
    if (
        not field.spec.traits.names_signer
        or field.reading is None
        or field.reading.state is not State.READ
    ):
        return None
    return next(
        (
            value
            for value, p in field.reading.alternatives[:1]
            if isinstance(value, str) and p >= PREFILL_SIGNER_FROM
        ),
        None,
    )


def answer_to_code(answer: Answer | None) -> str | None:
    """Return the code of an answer."""
    if answer is None:
        return None
    if answer.state is not State.READ:
        return answer.state.value
    return _PRESENT_CODE if answer.value is True else str(answer.value)


def answer_to_text(spec: FieldSpec, answer: Answer | None, *, must_say: bool) -> str:
    """Return the text of an answer; tomt is an empty text unless `must_say`."""
    if answer is None:
        return ""
    if answer.state is State.EMPTY:
        return EMPTY_SIGN if must_say else ""
    if answer.state is State.ILLEGIBLE:
        return ILLEGIBLE_SIGN
    return _value_text(spec, answer.value)


def describe_answer(spec: FieldSpec, answer: Answer) -> str:
    """Return an answer in words: the option's label, the text, or the state."""
    if answer.state is not State.READ:
        return t(f"state.{answer.state.value}")
    if is_choice_field(spec):
        return code_label(spec, answer_to_code(answer) or "")
    if answer.value is True:
        return t(f"present.{spec.kind.value}")
    text = _value_text(spec, answer.value)
    return format_pid(text) if spec.format is Format.PERSONAL_NUMBER else text


def _value_text(spec: FieldSpec, value: Value) -> str:
    """Return a value as it is written: a number with the decimal comma of the language."""
    text = value if isinstance(value, str) else ""
    if spec.decimals and _STORED_DECIMAL.fullmatch(text):
        return text.replace(".", decimal_sign())
    return text


def reading_parts(spec: FieldSpec, reading: Reading) -> list[tuple[str, bool]]:
    """Return the reading in parts, each with whether its confidence is low."""
    if reading.state is not State.READ:
        text = t(f"state.{reading.state.value}")
    elif spec.traits.has_options:
        text = next((one.label for one in spec.options if one.value == reading.value), "")
    elif not isinstance(reading.value, str):
        text = t("state.present")
    elif len(reading.characters) == len(reading.value):
        # Neighbours with the same confidence are one part.
        letters = zip(_value_text(spec, reading.value), reading.characters, strict=True)
        grouped = groupby(letters, key=lambda letter: letter[1] < LOW_CONFIDENCE_BELOW)
        return [("".join(letter for letter, _ in part), is_low) for is_low, part in grouped]
    else:
        text = _value_text(spec, reading.value)
    return [(text, reading.p < LOW_CONFIDENCE_BELOW)]


def has_low_confidence(reading: Reading) -> bool:
    """Return whether any part of the reading has low confidence."""
    return min((reading.p, *reading.characters)) < LOW_CONFIDENCE_BELOW


def second_answer(field: FieldView, chosen: object, typed: object) -> Answer | None:
    """Return the second person's answer: the typed text, else the chosen one (by index)."""
    choices = second_review_choices(field)
    choice = choices[chosen][1] if isinstance(chosen, int) and 0 <= chosen < len(choices) else None
    return answer_from_text(str(typed or ""), must_say=True) or choice


def field_hint(spec: FieldSpec) -> str:
    """Return the hint and the unit of a field."""
    return " ".join(filter(None, (spec.hint, spec.measure)))


def second_review_reason(field: FieldView) -> str:
    """Return the text key of why a second person reviews the field."""
    differs = field.first_answer is not None and not agrees_with_reading(
        field.spec, field.first_answer, field.reading
    )
    return "review.differs" if differs else "review.seen_by_two"


def second_review_choices(field: FieldView) -> Sequence[tuple[str, Answer]]:
    """Return the two answers in alphabetical order, and what else can be answered, with labels.

    The order hides which answer is the machine's.
    """
    spec = field.spec
    read = [Answer(field.reading.value, field.reading.state)] if field.reading is not None else []
    first = [field.first_answer] if field.first_answer is not None else []
    states = [
        answer
        for code in choice_codes(spec)
        if (answer := answer_from_code(spec, code)) is not None
    ]
    both = sorted({describe_answer(spec, answer): answer for answer in (*read, *first)}.items())
    # A typed field can only be empty or illegible (the last two codes) besides a text.
    others = {
        describe_answer(spec, answer): answer
        for answer in (states if is_choice_field(spec) else states[-2:])
    }
    # Empty and illegible keep their place at the end, also if one of the two answered so.
    leading = {label for label, _ in both if label not in list(others)[-2:]}
    return [(label, answer) for label, answer in both if label in leading] + [
        (label, answer) for label, answer in others.items() if label not in leading
    ]
