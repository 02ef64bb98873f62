"""The widgets of an entry's fields, each next to its image, where a decided entry is corrected.

The wrong-person check asks here too when the sheet contradicts the client, or the client is not in
the register. An entry that is reviewed has the workbench instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

import streamlit as st

from pipeline.domain.errors import AnswerError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.model import State
from pipeline.domain.review.depth import explain_values, name_boxes
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.browser.image_cache import crop_html, image_id
from ui.browser.page_view import PageArea, relative_area
from ui.i18n import code_text, t
from ui.markdown import plain
from ui.screens.review.client_question import (
    MAX_NAME_LENGTH,
    MAX_WHY_LENGTH,
    ClientQuestion,
    QuestionKind,
    conflict_choices,
    missing_client_reasons,
    number_in,
    question_of_error,
    statement_of,
)
from ui.screens.review.field_input import (
    describe_answer,
    field_input,
    given_answer,
    widget_key,
)
from ui.widgets.images import is_registered, page_image
from ui.workspace import AppContext

_QUESTION_KEY = "client_guard"
"""The entry that a question about the client is about, and the question."""
_UNANSWERED = {"choice": None, "why": "", "outside": None, "name": ""}
"""What the widgets of a question hold at first, by name."""
_MAX_NARROW_MM = 62.0
"""Fields this narrow on paper are shown two in a line, in proportion to their width."""
_MIN_CROP_WIDTH_MM = 30.0


def field_lines(context: AppContext, view: EntryView, errors: Mapping[str, str]) -> None:
    """Draw every open field with its image, inside a form.

    Few elements: each costs the browser time.
    """
    crops = field_crops(context, view)
    with st.container(key=f"fields-{view.entry.id}-{view.entry.revision}", gap="xxsmall"):
        for line in _group_in_lines(open_fields(view)):
            if len(line) == 1:
                field_input(
                    view, line[0], crops[line[0].spec.name], errors.get(line[0].spec.name, "")
                )
                continue
            widths = [max(_MIN_CROP_WIDTH_MM, field.spec.box[2]) for field in line]
            for column, field in zip(
                st.columns(widths, vertical_alignment="bottom"), line, strict=True
            ):
                with column:
                    field_input(
                        view, field, crops[field.spec.name], errors.get(field.spec.name, "")
                    )


def field_crops(context: AppContext, view: EntryView) -> dict[str, str]:
    """Return HTML that shows the image of each field, empty where there is none."""
    image_ids, labels = _image_ids(context, view), accessible_names(view.form, view.entry.row)
    return {
        field.spec.name: _field_crop_html(view, field, labels[field.spec.name], image_ids)
        for field in view.fields
    }


def settled_lines(
    view: EntryView, fields: list[FieldView], *, are_empty_folded: bool = False
) -> None:
    """Show what is decided, to read.

    With `are_empty_folded` the empty fields are one line at the end.
    """
    if fields:
        answered = {
            field.spec.name: field.first_answer.value
            for field in fields
            if field.first_answer is not None
        }
        labels = accessible_names(view.form, view.entry.row) | name_boxes(view.form, answered)
        meanings = explain_values(view.form, answered)
        empty = [field for field in fields if are_empty_folded and _is_empty(field)]
        lines = [
            _settled_line(labels[name := field.spec.name], field, meanings.get(name, ""))
            for field in fields
            if field not in empty
        ]
        if empty:
            names = ", ".join(labels[field.spec.name] for field in empty)
            lines.append(_line_html(t("state.empty"), names))
        st.html("".join(lines))


def open_fields(view: EntryView) -> list[FieldView]:
    """Return the fields that need an answer now."""
    return [field for field in view.fields if field.is_open]


def widget_keys(view: EntryView, *, first: Collection[str] = ()) -> dict[str, FieldView]:
    """Return every widget key of the form in the order of the Tab key, with its field.

    `first` names fields that are above the others.
    """
    fields = sorted(open_fields(view), key=lambda field: field.spec.name not in first)
    return {widget_key(view, field): field for field in fields}


def widget_areas(view: EntryView, page_ids: list[str]) -> dict[str, PageArea]:
    """Return where each widget's field is in the images.

    `page_ids` are the ids of the pages that have an image, in order.
    """
    registered = {page.id for page in view.pages if is_registered(page)}
    return {
        key: relative_area(
            field.spec.box, page_ids.index(field.page), view.form.pages[field.page_no - 1].size
        )
        for key, field in widget_keys(view).items()
        if field.page is not None and field.page in registered and field.page in page_ids
    }


def form_answers(view: EntryView) -> dict[str, Answer]:
    """Return what has been answered, by field; a field without an answer is left out."""
    answers = {field.spec.name: given_answer(view, field) for field in open_fields(view)}
    return {name: answer for name, answer in answers.items() if answer is not None}


def _image_ids(context: AppContext, view: EntryView) -> dict[str, str]:
    """Return the id in the browser of the image of each registered page."""
    images = {
        page.id: page_image(context, page, view.covered.boxes.get(page.id, ()))
        for page in view.pages
        if is_registered(page)
    }
    return {page: image_id(image) for page, image in images.items() if image is not None}


def _field_crop_html(
    view: EntryView, field: FieldView, label: str, image_ids: Mapping[str, str]
) -> str:
    name = image_ids.get(field.page or "")
    if name is None or field.is_hidden:
        return ""
    size = view.form.pages[field.page_no - 1].size
    return crop_html(
        name,
        field.spec.box,
        size,
        t("picture.crop", label=label),
        tall=field.spec.traits.is_multiline,
    )


def _group_in_lines(fields: list[FieldView]) -> list[list[FieldView]]:
    """Group the fields in lines: narrow neighbours share a line."""
    lines: list[list[FieldView]] = []
    for field in fields:
        line = lines[-1] if lines else []
        if line and len(line) < 2 and _is_narrow(field) and _is_narrow(line[-1]):
            line.append(field)
        else:
            lines.append([field])
    return lines


def _is_narrow(field: FieldView) -> bool:
    return field.spec.box[2] <= _MAX_NARROW_MM and not field.spec.traits.has_options


def _settled_line(label: str, field: FieldView, meaning: str) -> str:
    answer = field.first_answer
    text = describe_answer(field.spec, answer) if answer is not None else ""
    if answer is not None and field.spec.day is not None and answer.state is State.EMPTY:
        text = t("deviations.not_signed")
    return _line_html(label, f"{meaning} ({text})" if meaning else text)


def _is_empty(field: FieldView) -> bool:
    """Return whether the field is empty and that says nothing: a day without a signature does."""
    answer = field.first_answer
    return answer is not None and answer.state is State.EMPTY and field.spec.day is None


def _line_html(label: str, text: str) -> str:
    label_html = f'<span class="ef-muted">{escape(label)}</span>'
    return f'<div class="ef-settled">{label_html} {escape(text)}</div>'


def set_client_question(view: EntryView, error: AnswerError) -> str:
    """Note what has to be asked because of this error.

    Return the key of the text for the number's field; empty if nothing is asked.
    """
    question = question_of_error(view, error, _typed_number(view), client_statement(view).outside)
    if question is None:
        return ""
    current = _current_question(view)
    if current is None or current.number != question.number:
        # What was answered about another number must not be there as an answer about this one.
        for name, nothing in _UNANSWERED.items():
            st.session_state[_question_widget_key(view, name)] = nothing
    st.session_state[_QUESTION_KEY] = (view.entry.id, question)
    return question.error_key


def reset_client_question() -> None:
    """Ask nothing any longer."""
    st.session_state.pop(_QUESTION_KEY, None)


def client_check_fields(view: EntryView) -> None:
    """Draw the question about the client inside the form, if there is one."""
    question = _current_question(view)
    if question is None:
        return
    with st.container(border=True, key=f"guard-{view.entry.id}"):
        if question.kind is QuestionKind.CONFLICT:
            _conflict_fields(view, question)
        else:
            _missing_client_fields(view, question)


def client_statement(view: EntryView) -> ClientStatement:
    """Return what the user has stated so far about the client of the number in the form.

    Without a statement a conflict is reported.
    """
    answers = {name: _question_value(view, name) for name in _UNANSWERED}
    return statement_of(_current_question(view), number_in(view, _typed_number(view)), answers)


def _conflict_fields(view: EntryView, question: ClientQuestion) -> None:
    codes = question.codes
    st.markdown(
        f"**{t('guard.conflict_title')}**  \n"
        + "  \n".join(f"- {plain(code_text('guard.conflicts', code))}" for code in codes)
    )
    st.radio(
        t("guard.choose"),
        conflict_choices(view, question),
        index=None,
        format_func=lambda choice: t(f"guard.choice.{choice}"),
        key=_question_widget_key(view, "choice"),
    )
    st.text_input(
        t("guard.why_several" if len(codes) > 1 else "guard.why"),
        key=_question_widget_key(view, "why"),
        max_chars=MAX_WHY_LENGTH,
        autocomplete="off",
    )


def _missing_client_fields(view: EntryView, question: ClientQuestion) -> None:
    st.markdown(f"**{t(f'guard.{question.kind}_title')}**  \n{t(f'guard.{question.kind}_what')}")
    labels = {
        reason: code_text("guard.outside_reasons", reason)
        for reason in missing_client_reasons(view, question)
    }
    st.selectbox(
        t("guard.outside"),
        list(labels),
        index=None,
        format_func=labels.__getitem__,
        placeholder=t("guard.outside_choose"),
        key=_question_widget_key(view, "outside"),
    )
    if question.kind is QuestionKind.TEMPORARY:
        st.text_input(
            t("guard.name"),
            key=_question_widget_key(view, "name"),
            max_chars=MAX_NAME_LENGTH,
            autocomplete="off",
        )


def _current_question(view: EntryView) -> ClientQuestion | None:
    entry_id, question = st.session_state.get(_QUESTION_KEY, ("", None))
    return question if entry_id == view.entry.id else None


def _typed_number(view: EntryView) -> str:
    """Return what is in the field of the client's number, empty if there is none."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    field = next((field for field in open_fields(view) if field.spec is spec), None)
    answer = given_answer(view, field) if field is not None else None
    return answer.value if answer is not None and isinstance(answer.value, str) else ""


def _question_widget_key(view: EntryView, name: str) -> str:
    return f"guard_{name}-{view.entry.id}-{view.entry.revision}"


def _question_value(view: EntryView, name: str) -> str:
    return str(st.session_state.get(_question_widget_key(view, name)) or "")
