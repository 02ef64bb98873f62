"""One field of an entry: its label, its piece of paper, what was read, and where the person answers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pipeline.field_spec import Editor
from pipeline.review import Answer, agree
from pipeline.store.entry_views import EntryView, FieldView
from ui.components.answers import (
    answer_of_code,
    answer_of_text,
    as_code,
    as_text,
    code_label,
    codes,
    in_words,
    is_chosen,
    must_be_said,
    proposed_signers,
    shown_answer,
)
from ui.components.reading_text import is_doubtful, reading_html
from ui.text import t

_LINE_PX = 26


def widget_key(view: EntryView, field: FieldView) -> str:
    """The key of a field's widget: entry and revision are in it, so that no text can reach another entry."""
    return _key("f", view, field)


def other_key(view: EntryView, field: FieldView) -> str:
    """In a second review: the key of the widget for a value that neither of the two had."""
    return _key("o", view, field)


def field_input(view: EntryView, field: FieldView, crop: str, complaint: str = "") -> None:
    """Draw the field inside a form. `crop` is HTML that shows its piece of paper, if there is one."""
    st.html(_head(view, field, crop, complaint))
    if view.second:
        _second_widget(view, field)
    elif is_chosen(field.spec):
        _choice_widget(view, field)
    else:
        _text_widget(view, field)


def given_answer(view: EntryView, field: FieldView) -> Answer | None:
    """What the person has answered in the field's widgets."""
    held = st.session_state.get(widget_key(view, field))
    if view.second:
        words = [word for word, _ in _sides(field)]
        return second_answer(field, words.index(held) if held in words else None, st.session_state.get(other_key(view, field)))
    if is_chosen(field.spec):
        return answer_of_code(field.spec, held)
    return answer_of_text(str(held or ""), must_say=must_be_said(field))


def second_answer(field: FieldView, chosen: object, typed: object) -> Answer | None:
    """What the second person says: what is typed, else the chosen one (by its place) of what can be chosen."""
    sides = _sides(field)
    side = sides[chosen][1] if isinstance(chosen, int) and 0 <= chosen < len(sides) else None
    return answer_of_text(str(typed or ""), must_say=True) or side


def _key(kind: str, view: EntryView, field: FieldView) -> str:
    return f"{kind}-{view.entry.id}-{view.entry.revision}-{field.spec.name}".replace(".", "-")


def _head(view: EntryView, field: FieldView, crop: str, complaint: str) -> str:
    spec = field.spec
    tag = f'<span class="ef-tag ef-warn">{escape(t(_why_second(field)))}</span>' if view.second else ""
    hint = f"<small>{escape(' '.join(filter(None, (spec.hint, spec.measure))))}</small>"
    parts = [f'<div class="ef-label"><span>{escape(spec.full_label)}</span>{hint}{tag}</div>']
    if crop:
        parts.append(crop)
    if not view.second and not field.blind and field.reading is not None and is_doubtful(field.reading):
        parts.append(f'<div class="ef-reading">{escape(t("review.read_as"))} {reading_html(spec, field.reading)}</div>')
    if spec.traits.is_multiline and not view.second:
        parts.append(f'<div class="ef-reading">{escape(t("note.verbatim"))}</div>')
    if complaint:
        parts.append(f'<div class="ef-said">{escape(complaint)}</div>')
    return f'<div class="ef-field">{"".join(parts)}</div>'


def _why_second(field: FieldView) -> str:
    """The key of why another person looks: two answers, or one that has to be seen by two."""
    differ = field.first is not None and not agree(field.spec, field.first, field.reading)
    return "review.differs" if differ else "review.seen_by_two"


def _choice_widget(view: EntryView, field: FieldView) -> None:
    options = codes(field.spec, proposed_signers(field))
    shown = as_code(shown_answer(field))
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
    must_say = must_be_said(field)
    text, key, label = as_text(shown_answer(field), must_say=must_say), widget_key(view, field), field.spec.full_label
    placeholder = t("review.type_what_you_see") if must_say or field.blind else t("state.empty")
    if field.spec.traits.editor is Editor.TEXT_AREA:
        height = _LINE_PX * max(3, min(field.spec.lines or 3, text.count("\n") + 2))
        st.text_area(label, value=text, key=key, height=height, placeholder=placeholder, label_visibility="collapsed")
    else:
        st.text_input(label, value=text, key=key, placeholder=placeholder, label_visibility="collapsed", autocomplete="off")


def _second_widget(view: EntryView, field: FieldView) -> None:
    words, said = [word for word, _ in _sides(field)], [answer for _, answer in _sides(field)]
    before = said.index(field.draft) if field.draft in said else None
    st.radio(field.spec.full_label, words, index=before, horizontal=True, key=widget_key(view, field), label_visibility="collapsed")
    if not is_chosen(field.spec):
        other, typed = t("review.other_value"), as_text(field.draft, must_say=True) if before is None else ""
        st.text_input(other, typed, key=other_key(view, field), placeholder=other, label_visibility="collapsed", autocomplete="off")


def _sides(field: FieldView) -> Sequence[tuple[str, Answer]]:
    """The two values in alphabetical order, so that nobody sees which is the machine's, and what else can be answered."""
    spec = field.spec
    read = [Answer(field.reading.value, field.reading.state)] if field.reading is not None else []
    first = [field.first] if field.first is not None else []
    states = [answer for code in codes(spec) if (answer := answer_of_code(spec, code)) is not None]
    both = sorted({in_words(spec, answer): answer for answer in (*read, *first)}.items())
    rest = {in_words(spec, answer): answer for answer in (states if is_chosen(spec) else states[-2:])}
    known = {word for word, answer in both if word not in list(rest)[-2:]}
    return [(word, answer) for word, answer in both if word in known] + [(word, answer) for word, answer in rest.items() if word not in known]
