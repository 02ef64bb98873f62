"""One field of an entry: its label, its piece of paper, what was read, and where the person
answers.

Between what a widget holds and what a person answers.

A text widget says "-" for tomt and "?" for oläsligt. A choice widget holds a code: an option, or
one of the states.

What the machine read, as HTML in which doubtful characters are marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pipeline.domain.confidence import LOW_CONFIDENCE_BELOW, PREFILL_SIGNER_FROM
from pipeline.domain.form.field import Editor, FieldSpec, Format
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import Answer, agrees_with_reading
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.i18n import t

_PRESENT_CODE = "present"
_MAX_SIGNERS = 3
_STATE_CODES = frozenset(state.value for state in State)
_LINE_PX = 26


EMPTY_SIGN, ILLEGIBLE_SIGN = "-", "?"


_STATE_BY_SIGN = {EMPTY_SIGN: State.EMPTY, ILLEGIBLE_SIGN: State.ILLEGIBLE}


def is_choice_field(spec: FieldSpec) -> bool:
    """Whether the field is answered by choosing rather than typing."""
    return spec.traits.editor is Editor.BUTTONS


def choice_codes(spec: FieldSpec, proposed: Sequence[str] = ()) -> list[str]:
    """What can be chosen, the states tomt and oläsligt always last and in this order (the keys rely
    on it).

    `proposed` are persons who may have signed.
    """
    own = [option.value for option in spec.options] or [*proposed, _PRESENT_CODE]
    struck = [State.CANCELLED.value] if spec.traits.is_check_box else []
    return [*own, *struck, State.EMPTY.value, State.ILLEGIBLE.value]


def code_label(spec: FieldSpec, code: str) -> str:
    """What a code is called on the screen."""
    named = {option.value: option.label for option in spec.options}
    if code == _PRESENT_CODE:
        return t(f"present.{spec.kind.value}")
    if spec.traits.names_signer and code not in _STATE_CODES:
        return code
    return named[code] if code in named else t(f"state.{code}")


def proposed_signers(field: FieldView) -> list[str]:
    """Who may have written the initials ("MA – Maria Andersson"), likeliest first, and what the
    person has chosen before.
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
    """The answer that a chosen code means; None when nothing is chosen."""
    if code is None:
        return None
    if code in _STATE_CODES and code not in {option.value for option in spec.options}:
        return Answer(None, State(code))
    return Answer(True if code == _PRESENT_CODE else code)


def is_answer_required(field: FieldView) -> bool:
    """Whether nothing typed is no answer: where the reading is withheld, and where a required field
    was never read.
    """
    return (
        field.is_blind
        or _is_reading_hidden(field)
        or (field.reading is None and field.spec.required)
    )


def _is_reading_hidden(field: FieldView) -> bool:
    return (
        field.reading is not None
        and field.reading.state is State.EMPTY
        and not field.reading.is_seen_empty
    )


def answer_from_text(text: str, *, must_say: bool) -> Answer | None:
    """The answer that a typed text means. Nothing typed is tomt, unless that has to be said."""
    text = text.strip()
    if text in _STATE_BY_SIGN:
        return Answer(None, _STATE_BY_SIGN[text])
    if text:
        return Answer(text)
    return None if must_say else Answer(None, State.EMPTY)


def initial_answer(field: FieldView) -> Answer | None:
    """What stands in the field when the entry comes up: the person's own draft, else the reading
    unless the field is blind.
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
    """The code that stands for an answer."""
    if answer is None:
        return None
    if answer.state is not State.READ:
        return answer.state.value
    return _PRESENT_CODE if answer.value is True else str(answer.value)


def answer_to_text(answer: Answer | None, *, must_say: bool) -> str:
    """The text that stands for an answer. Tomt is shown as an empty field, unless it has to be
    said.
    """
    if answer is None:
        return ""
    if answer.state is State.EMPTY:
        return EMPTY_SIGN if must_say else ""
    if answer.state is State.ILLEGIBLE:
        return ILLEGIBLE_SIGN
    return _value_text(answer.value)


def describe_answer(spec: FieldSpec, answer: Answer) -> str:
    """An answer as it is read out: the option's label, the text, or the state."""
    if answer.state is not State.READ:
        return t(f"state.{answer.state.value}")
    if is_choice_field(spec):
        return code_label(spec, answer_to_code(answer) or "")
    text = _value_text(answer.value)
    return format_pid(text) if spec.format is Format.PERSONAL_NUMBER else text


def _value_text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def reading_html(spec: FieldSpec, reading: Reading) -> str:
    """The reading with doubtful characters underlined; a sure reading of a mark needs no words."""
    if reading.state is not State.READ:
        return _marked_html(t(f"state.{reading.state.value}"), reading.p)
    if spec.traits.has_options:
        return _marked_html(
            next((option.label for option in spec.options if option.value == reading.value), ""),
            reading.p,
        )
    if not isinstance(reading.value, str):
        return _marked_html(t("state.present"), reading.p)
    if len(reading.characters) != len(reading.value):
        return _marked_html(reading.value, reading.p)
    return "".join(
        _marked_html(letter, p) for letter, p in zip(reading.value, reading.characters, strict=True)
    )


def has_low_confidence(reading: Reading) -> bool:
    """Whether any part of the reading is marked."""
    return min((reading.p, *reading.characters)) < LOW_CONFIDENCE_BELOW


def _marked_html(text: str, p: float) -> str:
    return (
        escape(text)
        if p >= LOW_CONFIDENCE_BELOW
        else f'<span class="ef-doubt">{escape(text)}</span>'
    )


def widget_key(view: EntryView, field: FieldView) -> str:
    """The key of a field's widget: entry and revision are in it, so that no text can reach another
    entry.
    """
    return _widget_key("f", view, field)


def other_value_key(view: EntryView, field: FieldView) -> str:
    """In a second review: the key of the widget for a value that neither of the two had."""
    return _widget_key("o", view, field)


def field_input(view: EntryView, field: FieldView, crop: str, complaint: str = "") -> None:
    """Draw the field inside a form. `crop` is HTML that shows its piece of paper, if there is one."""
    st.html(_field_head_html(view, field, crop, complaint))
    if view.is_second_review:
        _second_widget(view, field)
    elif is_choice_field(field.spec):
        _choice_widget(view, field)
    else:
        _text_widget(view, field)


def given_answer(view: EntryView, field: FieldView) -> Answer | None:
    """What the person has answered in the field's widgets."""
    held = st.session_state.get(widget_key(view, field))
    if view.is_second_review:
        words = [word for word, _ in _second_review_choices(field)]
        return second_answer(
            field,
            words.index(held) if held in words else None,
            st.session_state.get(other_value_key(view, field)),
        )
    if is_choice_field(field.spec):
        return answer_from_code(field.spec, held)
    return answer_from_text(str(held or ""), must_say=is_answer_required(field))


def second_answer(field: FieldView, chosen: object, typed: object) -> Answer | None:
    """What the second person says: what is typed, else the chosen one (by its place) of what can be
    chosen.
    """
    sides = _second_review_choices(field)
    side = sides[chosen][1] if isinstance(chosen, int) and 0 <= chosen < len(sides) else None
    return answer_from_text(str(typed or ""), must_say=True) or side


def _widget_key(kind: str, view: EntryView, field: FieldView) -> str:
    return f"{kind}-{view.entry.id}-{view.entry.revision}-{field.spec.name}".replace(".", "-")


def _field_head_html(view: EntryView, field: FieldView, crop: str, complaint: str) -> str:
    spec = field.spec
    tag = (
        f'<span class="ef-tag ef-warn">{escape(t(_second_review_reason(field)))}</span>'
        if view.is_second_review
        else ""
    )
    hint = f"<small>{escape(' '.join(filter(None, (spec.hint, spec.measure))))}</small>"
    parts = [f'<div class="ef-label"><span>{escape(spec.full_label)}</span>{hint}{tag}</div>']
    if crop:
        parts.append(crop)
    if (
        not view.is_second_review
        and not field.is_blind
        and field.reading is not None
        and has_low_confidence(field.reading)
    ):
        parts.append(
            f'<div class="ef-reading">{escape(t("review.read_as"))} {reading_html(spec, field.reading)}</div>'
        )
    if spec.traits.is_multiline and not view.is_second_review:
        parts.append(f'<div class="ef-reading">{escape(t("note.verbatim"))}</div>')
    if complaint:
        parts.append(f'<div class="ef-said">{escape(complaint)}</div>')
    return f'<div class="ef-field">{"".join(parts)}</div>'


def _second_review_reason(field: FieldView) -> str:
    """The key of why another person looks: two answers, or one that has to be seen by two."""
    differ = field.first_answer is not None and not agrees_with_reading(
        field.spec, field.first_answer, field.reading
    )
    return "review.differs" if differ else "review.seen_by_two"


def _choice_widget(view: EntryView, field: FieldView) -> None:
    options = choice_codes(field.spec, proposed_signers(field))
    shown = answer_to_code(initial_answer(field))
    st.radio(
        field.spec.full_label,
        options,
        index=options.index(shown) if shown in options else None,
        format_func=lambda code: code_label(field.spec, code),
        horizontal=True,
        key=widget_key(view, field),
        label_visibility="collapsed",
    )


def _text_widget(view: EntryView, field: FieldView) -> None:
    must_say = is_answer_required(field)
    text, key, label = (
        answer_to_text(initial_answer(field), must_say=must_say),
        widget_key(view, field),
        field.spec.full_label,
    )
    placeholder = t("review.type_what_you_see") if must_say or field.is_blind else t("state.empty")
    if field.spec.traits.editor is Editor.TEXT_AREA:
        height = _LINE_PX * max(3, min(field.spec.lines or 3, text.count("\n") + 2))
        st.text_area(
            label,
            value=text,
            key=key,
            height=height,
            placeholder=placeholder,
            label_visibility="collapsed",
        )
    else:
        st.text_input(
            label,
            value=text,
            key=key,
            placeholder=placeholder,
            label_visibility="collapsed",
            autocomplete="off",
        )


def _second_widget(view: EntryView, field: FieldView) -> None:
    words, said = (
        [word for word, _ in _second_review_choices(field)],
        [answer for _, answer in _second_review_choices(field)],
    )
    before = said.index(field.draft) if field.draft in said else None
    st.radio(
        field.spec.full_label,
        words,
        index=before,
        horizontal=True,
        key=widget_key(view, field),
        label_visibility="collapsed",
    )
    if not is_choice_field(field.spec):
        other, typed = (
            t("review.other_value"),
            answer_to_text(field.draft, must_say=True) if before is None else "",
        )
        st.text_input(
            other,
            typed,
            key=other_value_key(view, field),
            placeholder=other,
            label_visibility="collapsed",
            autocomplete="off",
        )


def _second_review_choices(field: FieldView) -> Sequence[tuple[str, Answer]]:
    """The two values in alphabetical order, so that nobody sees which is the machine's, and what
    else can be answered.
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
    rest = {
        describe_answer(spec, answer): answer
        for answer in (states if is_choice_field(spec) else states[-2:])
    }
    known = {word for word, answer in both if word not in list(rest)[-2:]}
    return [(word, answer) for word, answer in both if word in known] + [
        (word, answer) for word, answer in rest.items() if word not in known
    ]
