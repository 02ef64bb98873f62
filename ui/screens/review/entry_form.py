"""The form of one entry: every field next to its image, saved together.

Fields that need not be typed are folded: those that a batch has confirmed, and those read with high
confidence in class B and C. One key unfolds them.

The wrong-person check asks in the form when the sheet contradicts the client, or the client is not
in the register.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from html import escape
from typing import Any

import streamlit as st

from pipeline.domain.errors import (
    AnswerError,
    ClientConflictError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.model import EntryState, State
from pipeline.domain.review.grid_words import explain_values, name_boxes
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.work_modes import is_routine
from pipeline.registers.client_check import (
    NO_CLIENT,
    OUTSIDE_REASONS,
    ClientStatement,
    ConflictChoice,
    allowed_choices,
)
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.browser.image_cache import crop_html, image_id
from ui.browser.page_view import PageArea, relative_area
from ui.i18n import code_text, t
from ui.markdown import md, plain
from ui.screens.review.depth.deviations import sheet_look_fields
from ui.screens.review.field_input import (
    describe_answer,
    field_input,
    given_answer,
    initial_answer,
    is_choice_field,
    other_value_key,
    widget_key,
)
from ui.widgets.images import is_registered, page_image
from ui.workspace import AppContext

_NO_NUMBER_ERROR = "error.entry_without_personal_number_not"
_QUESTION_KEY = "client_guard"
"""The current question about the client.

A tuple of entry id, kind of question, kinds of conflict, and the reason given earlier why the
client is not in the register.
"""
_EXPANDED_KEY = "unfolded"
_ALL_FIELDS = "*"
_MAX_NARROW_MM = 62.0
"""Fields this narrow on paper are shown two in a line, in proportion to their width."""
_MIN_CROP_WIDTH_MM = 30.0


def entry_form(
    context: AppContext,
    view: EntryView,
    errors: Mapping[str, str],
    save: Callable[[], None],
    *,
    visible: bool = True,
) -> None:
    """Draw the form.

    Enter does nothing in it: with `enter_to_submit`, Ctrl+Enter would save twice, the second time
    before the next entry is shown. A form that is not `visible` yet has no keys, so that they
    can only mean the visible one.
    """
    settled = [
        field for field in view.fields if not field.is_open and field.first_answer is not None
    ]
    with st.form(
        f"entry-{view.entry.id}-{view.entry.revision}", enter_to_submit=False, border=False
    ):
        client_check_fields(view)
        field_lines(context, view, errors)
        sheet_look_fields(view)
        st.form_submit_button(
            t("review.save"),
            key=save_button_key(view),
            type="primary",
            shortcut="Ctrl+Enter" if visible else None,
            on_click=save,
        )
    if settled:
        with st.expander(md("review.settled", count=len(settled))):
            settled_lines(view, settled)


def field_lines(context: AppContext, view: EntryView, errors: Mapping[str, str]) -> None:
    """Draw every open field with its image, inside a form.

    Few elements: each costs the browser time at every entry.
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
        collapsed_lines(view, crops)


def field_crops(context: AppContext, view: EntryView) -> dict[str, str]:
    """Return HTML that shows the image of each field, empty where there is none."""
    image_ids, labels = _image_ids(context, view), accessible_names(view.form, view.entry.row)
    return {
        field.spec.name: _field_crop_html(view, field, labels[field.spec.name], image_ids)
        for field in view.fields
    }


def settled_lines(view: EntryView, fields: list[FieldView]) -> None:
    """Show what is decided, to read."""
    if fields:
        answered = {
            field.spec.name: field.first_answer.value
            for field in fields
            if field.first_answer is not None
        }
        labels = accessible_names(view.form, view.entry.row) | name_boxes(view.form, answered)
        meanings = explain_values(view.form, answered)
        st.html(
            "".join(
                _settled_line(labels[name := field.spec.name], field, meanings.get(name, ""))
                for field in fields
            )
        )


def save_button_key(view: EntryView) -> str:
    """Return the key of the button "Spara och nästa"."""
    return f"save-{view.entry.id}-{view.entry.revision}"


def open_fields(view: EntryView) -> list[FieldView]:
    """Return the fields that need an answer now, without the folded ones."""
    folded = {field.spec.name for field in collapsed_fields(view)}
    return [field for field in view.fields if field.is_open and field.spec.name not in folded]


def widget_keys(view: EntryView) -> dict[str, FieldView]:
    """Return every widget key of the form in the order of the Tab key, with its field."""
    keys: dict[str, FieldView] = {}
    for field in open_fields(view):
        keys[widget_key(view, field)] = field
        if view.is_second_review and not is_choice_field(field.spec):
            keys[other_value_key(view, field)] = field
    return keys


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
    return collapsed_answers(view) | {
        name: answer for name, answer in answers.items() if answer is not None
    }


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
    text = escape(f"{meaning} ({text})" if meaning else text)
    return f'<div class="ef-settled"><span class="ef-muted">{escape(label)}</span> {text}</div>'


def collapsed_fields(view: EntryView) -> list[FieldView]:
    """Return the fields of an entry that are folded now."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden:
        return []
    expanded = _expanded_fields().get(view.entry.id, frozenset())
    return (
        []
        if _ALL_FIELDS in expanded
        else [
            field
            for field in view.fields
            if field.spec.name not in expanded and _can_collapse(view, field)
        ]
    )


def collapsed_answers(view: EntryView) -> dict[str, Answer]:
    """Return what the user confirms of the folded fields by saving.

    Fields that a batch has confirmed are already answered.
    """
    return {
        field.spec.name: answer
        for field in collapsed_fields(view)
        if not field.is_batch_confirmed and (answer := initial_answer(field)) is not None
    }


def expand_fields(entry_id: str, names: Collection[str] = (_ALL_FIELDS,)) -> None:
    """Unfold all folded fields of an entry, or some."""
    _expanded_fields()[entry_id] = _expanded_fields().get(entry_id, frozenset()) | frozenset(names)


def reset_expanded(entry_id: str | None) -> None:
    """Forget which fields of an entry were unfolded."""
    _expanded_fields().pop(entry_id or "", None)


def expand_button(view: EntryView) -> None:
    """Show the button that unfolds the fields."""
    if fields := collapsed_fields(view):
        st.button(
            md("fold.open", count=len(fields)),
            key=f"unfold-{view.entry.id}",
            shortcut="Alt+O",
            on_click=expand_fields,
            args=(view.entry.id,),
        )


def collapsed_lines(view: EntryView, crops: Mapping[str, str]) -> None:
    """Show the folded fields, each with its image (HTML by field) and what it is read as.

    Fields that a batch has confirmed have been seen there, and are shown without.
    """
    fields, labels = collapsed_fields(view), accessible_names(view.form, view.entry.row)
    for is_batch, title_key in ((False, "fold.sure"), (True, "fold.grouped")):
        items = "".join(
            _collapsed_field_html(
                field,
                labels[field.spec.name],
                "" if is_batch else crops.get(field.spec.name, ""),
            )
            for field in fields
            if field.is_batch_confirmed is is_batch
        )
        if items:
            title = escape(t(title_key))
            st.html(f'<div class="ef-folded"><p>{title}</p><ul>{items}</ul></div>')


def _collapsed_field_html(field: FieldView, label: str, crop: str) -> str:
    answer = initial_answer(field)
    text = describe_answer(field.spec, answer) if answer is not None else ""
    return f"<li>{crop}<span>{escape(label)}</span> <b>{escape(text)}</b></li>"


def _can_collapse(view: EntryView, field: FieldView) -> bool:
    if not field.is_open or field.is_blind or field.is_hidden:
        return False
    return field.is_batch_confirmed or (
        field.draft is None and is_routine(view.form, field.spec, field.reading, view.problems)
    )


def _expanded_fields() -> dict[str, frozenset[str]]:
    expanded: dict[str, frozenset[str]] = st.session_state.setdefault(_EXPANDED_KEY, {})
    return expanded


def set_client_question(view: EntryView, error: AnswerError) -> str:
    """Note what has to be asked because of this error.

    Return the key of the text for the number's field; empty if nothing is asked.
    """
    # Only errors of the client's number raise a question.
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or spec.name not in error.fields:
        return ""
    if isinstance(error, ClientConflictError):
        st.session_state[_QUESTION_KEY] = (
            view.entry.id,
            "conflict",
            error.codes,
            client_statement(view).outside,
        )
        return "guard.conflict"
    if isinstance(error, UnknownClientError):
        st.session_state[_QUESTION_KEY] = (view.entry.id, "outside", (), "")
        return "review.unknown_client"
    # An empty field may have been saved too early; only an answer that there is no number counts.
    if isinstance(error, MissingAnswerError) and error.key == _NO_NUMBER_ERROR:
        st.session_state[_QUESTION_KEY] = (view.entry.id, "temporary", (), "")
        return "guard.no_number"
    return ""


def question_focus_key(view: EntryView) -> str:
    """Return the widget key that a question about the client begins with; empty if none."""
    kind, _, _ = _current_question(view)
    return _question_widget_key(view, "choice" if kind == "conflict" else "outside") if kind else ""


def withdraw_number_question(view: EntryView) -> bool:
    """Ask no longer why there is no number, as one was typed; return whether it was asked."""
    kind, _, _ = _current_question(view)
    if kind == "temporary":
        reset_client_question()
    return kind == "temporary"


def reset_client_question() -> None:
    """Ask nothing any longer."""
    st.session_state.pop(_QUESTION_KEY, None)


def client_check_fields(view: EntryView) -> None:
    """Draw the question about the client inside the entry's form, if there is one."""
    kind, codes, _ = _current_question(view)
    if kind == "conflict":
        with st.container(border=True, key=f"guard-{view.entry.id}"):
            st.markdown(
                f"**{t('guard.conflict_title')}**  \n"
                + "  \n".join(f"- {plain(code_text('guard.conflicts', code))}" for code in codes)
            )
            choices = [
                choice
                for choice in allowed_choices(codes)
                if choice is not ConflictChoice.HAND_ON or not view.is_second_review
            ]
            st.radio(
                t("guard.choose"),
                choices,
                index=None,
                format_func=lambda choice: t(f"guard.choice.{choice}"),
                key=_question_widget_key(view, "choice"),
            )
            label_key = "guard.why_several" if len(codes) > 1 else "guard.why"
            st.text_input(
                md(label_key),
                key=_question_widget_key(view, "why"),
                max_chars=200,
                autocomplete="off",
            )
    elif kind in ("outside", "temporary"):
        with st.container(border=True, key=f"guard-{view.entry.id}"):
            st.markdown(f"**{t(f'guard.{kind}_title')}**  \n{t(f'guard.{kind}_what')}")
            st.selectbox(
                t("guard.outside"),
                _missing_number_reasons(view) if kind == "temporary" else OUTSIDE_REASONS,
                index=None,
                format_func=lambda reason: code_text("guard.outside_reasons", reason),
                placeholder=t("guard.outside_choose"),
                key=_question_widget_key(view, "outside"),
            )
            if kind == "temporary":
                st.text_input(
                    t("guard.name"),
                    key=_question_widget_key(view, "name"),
                    max_chars=120,
                    autocomplete="off",
                )


def _missing_number_reasons(view: EntryView) -> tuple[str, ...]:
    """Return the possible reasons for a missing number.

    Paper whose form does not require a number may also be about no client.
    """
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    return OUTSIDE_REASONS if spec is None or spec.required else (*OUTSIDE_REASONS, NO_CLIENT)


def client_statement(view: EntryView) -> ClientStatement:
    """Return what the user has stated about the client so far.

    Without a statement a conflict is reported.
    """
    kind, _, outside = _current_question(view)
    if kind == "conflict":
        return ClientStatement(
            outside,
            choice=_question_widget_value(view, "choice") or ConflictChoice.ASK,
            why=_question_widget_value(view, "why") or "",
        )
    if kind in ("outside", "temporary"):
        return ClientStatement(
            _question_widget_value(view, "outside") or "",
            _question_widget_value(view, "name") or "",
            kind == "temporary",
            ConflictChoice.ASK,
        )
    return ClientStatement(choice=ConflictChoice.ASK)


def _current_question(view: EntryView) -> tuple[str, tuple[str, ...], str]:
    """Return kind, conflict codes and earlier reason of the entry's question; empty if none."""
    entry_id, kind, codes, outside = st.session_state.get(_QUESTION_KEY, ("", "", (), ""))
    return (kind, codes, outside) if entry_id == view.entry.id else ("", (), "")


def _question_widget_key(view: EntryView, name: str) -> str:
    return f"guard_{name}-{view.entry.id}-{view.entry.revision}"


def _question_widget_value(view: EntryView, name: str) -> Any:  # noqa: ANN401 - of the widget's kind
    return st.session_state.get(_question_widget_key(view, name))
