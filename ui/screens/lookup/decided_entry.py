"""A decided entry: its image, its values, its history, and the ways to change it.

Nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.errors import (
    AnswerError,
    ClientConflictError,
    EfterskriftError,
    InvalidAnswerError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review import rules
from pipeline.domain.review.rules import Answer
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.corrections import Corrections
from pipeline.store.entries.entry import OPEN_STATES
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.lookup.by_serial import HistoryEvent, entry_history
from ui.browser.keyboard import keyboard
from ui.i18n import code_text, format_moment, t, words_of_area
from ui.markdown import plain
from ui.screens.lookup.client_box import (
    client_box,
    client_fields,
    is_client_shown,
    reset_client_box,
)
from ui.screens.lookup.versions import show_people, version_table
from ui.screens.progress.deadlines import entry_duties
from ui.screens.review.current_entry import clear_undo
from ui.screens.review.entry_form import (
    client_check_fields,
    client_statement,
    field_lines,
    form_answers,
    reset_client_question,
    set_client_question,
    settled_lines,
    widget_keys,
)
from ui.screens.review.field_input import describe_answer
from ui.screens.review.sheet_images import end_page_views, record_page_views, sheet_images
from ui.session import requires_open_session
from ui.widgets.keying_lines import keying_lines
from ui.widgets.messages import Message, error_text
from ui.workspace import AppContext

DECIDED_KEYBOARD_KEY = "keyboard_decided"
_ACTION_KEY, _COMPLAINTS_KEY = "decided_doing", "decided_complaints"
_REASON_MISSED_KEY = "decided_reason_missed"
"""How often a correction was saved without its reason: each time the focus goes there."""


def reset_decided_entry() -> None:
    """Clear all state of the entry that was viewed."""
    for key in (_ACTION_KEY, _COMPLAINTS_KEY, _REASON_MISSED_KEY):
        st.session_state.pop(key, None)
    end_page_views()
    reset_client_question()
    reset_client_box()


def begin_void() -> None:
    """Note that the next entry that is viewed is to be made void."""
    st.session_state[_ACTION_KEY] = "void"


def begin_correction() -> None:
    """Note that the next entry that is viewed is to be corrected."""
    st.session_state[_ACTION_KEY] = "correct"


def is_editing() -> bool:
    """Return whether something is typed into the entry that is viewed, which Esc must not lose."""
    return st.session_state.get(_ACTION_KEY) is not None


def is_voiding() -> bool:
    """Return whether the entry that is viewed is about to be made void."""
    return st.session_state.get(_ACTION_KEY) == "void"


def decided_entry(context: AppContext, person: Person, entry_id: str, message: Message) -> None:
    """Show the image on the left; values, history and actions on the right."""
    with context.store.begin() as conn:
        # Checks the permission; viewing does not claim an open entry.
        history = entry_history(conn, person, entry_id)
        view = load_entry_view(conn, context.forms, person, entry_id)
        record_page_views(person, conn, view)
    action = st.session_state.get(_ACTION_KEY)
    if action == "correct":
        view = _open_all_fields(view)
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):  # in sight while the right side scrolls
        sheet_images(context, view)
    with right, words_of_area(view.form.area):
        if action in {"correct", "void"}:
            for line in keying_lines(context.store, person, entry_id):
                st.warning(plain(line), icon=":material/keyboard:")
        if action == "correct":
            _correct_form(context, person, view, message)
        elif action == "void":
            _void_form(context, person, view, message)
        else:
            _values_section(context, person, view, history, message)


def _values_section(
    context: AppContext,
    person: Person,
    view: EntryView,
    history: list[HistoryEvent],
    message: Message,
) -> None:
    entry = view.entry
    st.markdown(plain(_entry_heading(view)))
    if entry.reason:
        text = code_text("reject.reasons", entry.reason)
        if entry.state is not EntryState.REJECTED and any(one.is_correction for one in history):
            text = t("lookup.corrected_why", why=text)
        st.info(plain(text), icon=":material/info:")
    # Above the values, which may be many
    _entry_buttons(context, person, view, history, message)
    entry_duties(context, person, entry.id)
    settled_lines(view, [field for field in view.fields if field.first_answer is not None])
    show_people(context, view.entry)
    if not history:
        return
    st.markdown(f"**{t('lookup.history')}**")
    st.html("".join(_history_text(view, event) for event in reversed(history)))
    version_table(context, person, view)


def _entry_heading(view: EntryView) -> str:
    """Return which paper the entry is on, and its state."""
    entry = view.entry
    state = "lookup.void" if entry.voided else f"entry_state.{entry.state.name.lower()}"
    parts = (
        view.form.title,
        format_serial_or_id(entry.serial),
        t("review.row", row=entry.row) if entry.row else "",
        entry.unit,
        t(state),
    )
    return " · ".join(filter(None, parts))


def _entry_buttons(
    context: AppContext,
    person: Person,
    view: EntryView,
    history: list[HistoryEvent],
    message: Message,
) -> None:
    entry = view.entry
    with st.container(horizontal=True):
        if entry.state is EntryState.REJECTED and not entry.voided:
            reopen = partial(
                _run_and_report,
                context,
                message,
                [t("lookup.reopened")],
                partial(context.work(Corrections, person).reopen, entry.id, entry.revision),
            )
            st.button(t("lookup.reopen"), key=f"reopen-{entry.id}", on_click=reopen)
        elif not entry.voided:
            if entry.state not in OPEN_STATES:
                st.button(
                    t("lookup.correct"),
                    key=f"correct-{entry.id}",
                    on_click=partial(st.session_state.__setitem__, _ACTION_KEY, "correct"),
                )
            if is_allowed(person, Action.VOID) and (
                any(event.action == "exported" for event in history)
                or entry.state is EntryState.SIGNED
            ):
                st.button(t("lookup.void_it"), key=f"void-{entry.id}", on_click=begin_void)


def _correct_form(context: AppContext, person: Person, view: EntryView, message: Message) -> None:
    entry = view.entry
    reason_key = _reason_key(view)
    save_key = f"save-{reason_key}"
    complaints: dict[str, str] = st.session_state.get(_COMPLAINTS_KEY, {})
    client_box(context, person, view, complaints)
    of_client = {field.spec.name for field in client_fields(view)}
    others = tuple(field for field in view.fields if field.spec.name not in of_client)
    with st.form(f"correct-{entry.id}-{entry.revision}", enter_to_submit=False, border=False):
        st.caption(t("lookup.correct_what"))
        client_check_fields(view)
        field_lines(context, replace(view, fields=others), complaints)
        st.text_input(
            t("lookup.reason"),
            key=reason_key,
            placeholder=t("lookup.reason_example"),
            max_chars=200,
            autocomplete="off",
        )
        correct = partial(_correct_entry, context, person, view, message)
        st.form_submit_button(
            t("lookup.save_correction"),
            key=save_key,
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=correct,
        )
    st.button(t("lookup.leave"), key=f"leave-{entry.id}", on_click=reset_decided_entry)
    missed = st.session_state.get(_REASON_MISSED_KEY, 0)
    keyboard(
        f"correct-{entry.id}-{missed}",
        [*widget_keys(view, first=of_client), reason_key],
        focus=reason_key if missed else None,
        save=save_key,
        selects=False,
        key=DECIDED_KEYBOARD_KEY,
    )


def _void_form(context: AppContext, person: Person, view: EntryView, message: Message) -> None:
    entry, reason_key = view.entry, _reason_key(view)
    with st.form(f"void-{entry.id}-{entry.revision}", enter_to_submit=False):
        st.caption(t("lookup.void_what"))
        st.text_input(t("lookup.reason"), key=reason_key, max_chars=200, autocomplete="off")
        st.form_submit_button(
            t("lookup.void_it"),
            key=f"save-{reason_key}",
            type="primary",
            on_click=partial(_void_entry, context, person, view, message),
        )
    st.button(t("lookup.leave"), key=f"leave-{entry.id}", on_click=reset_decided_entry)
    keyboard(f"void-{entry.id}", [reason_key], save=f"save-{reason_key}", key=DECIDED_KEYBOARD_KEY)


@requires_open_session
def _correct_entry(context: AppContext, person: Person, view: EntryView, message: Message) -> None:
    entry, reason = view.entry, str(st.session_state.get(_reason_key(view)) or "")
    answers, fields = form_answers(view), {field.spec.name: field for field in view.fields}
    # A decided field cannot be emptied by leaving it out.
    missing = [
        field.spec.name
        for field in view.fields
        if field.is_open and field.spec.name not in answers and field.first_answer is not None
    ]
    changed = {
        name: answer for name, answer in answers.items() if _is_changed(fields[name], answer)
    }
    # The texts stay at their fields until the form is sent again.
    if missing:
        st.session_state[_COMPLAINTS_KEY] = dict.fromkeys(missing, t("review.missing_answer"))
        return
    if not reason.strip() or not changed:
        if not reason.strip():
            missed = int(st.session_state.get(_REASON_MISSED_KEY, 0))
            st.session_state[_REASON_MISSED_KEY] = missed + 1
        message.failed(t("lookup.reason_missing" if changed else "lookup.nothing_changed"))
        return
    if not is_client_shown(view):
        with words_of_area(view.form.area):
            text = t("review.look_at_client")
        st.session_state[_COMPLAINTS_KEY] = {field.spec.name: text for field in client_fields(view)}
        return
    _run_and_report(
        context,
        message,
        [t("lookup.corrected"), *keying_lines(context.store, person, entry.id)],
        partial(
            context.work(Corrections, person).correct,
            entry.id,
            entry.revision,
            changed,
            reason,
            about=client_statement(view),
        ),
        view,
    )


def _is_changed(field: FieldView, answer: Answer) -> bool:
    """Return whether an answer would be stored differently from what is decided.

    True also if it is invalid and cannot be stored.
    """
    try:
        return rules.normalize_answer(field.spec, answer) != field.first_answer
    except AnswerError:
        return True


@requires_open_session
def _void_entry(context: AppContext, person: Person, view: EntryView, message: Message) -> None:
    entry, reason = view.entry, str(st.session_state.get(_reason_key(view)) or "")
    if not reason.strip():
        message.failed(t("lookup.reason_missing"))
        return
    _run_and_report(
        context,
        message,
        [t("lookup.voided"), *keying_lines(context.store, person, entry.id)],
        partial(context.work(Corrections, person).void, entry.id, entry.revision, reason),
    )


@requires_open_session
def _run_and_report(
    _context: AppContext,
    message: Message,
    success: list[str],
    action: Callable[[], object],
    view: EntryView | None = None,
) -> None:
    try:
        state = action()
    except (UnknownClientError, ClientConflictError, MissingAnswerError) as error:
        text = (set_client_question(view, error) if view else "") or "review.missing_answer"
        # What was typed stays in the widgets, so that only the answer to the question is missing.
        st.session_state[_COMPLAINTS_KEY] = dict.fromkeys(error.fields, t(text))
    except InvalidAnswerError as error:
        st.session_state[_COMPLAINTS_KEY] = dict.fromkeys(error.fields, t("review.invalid_answer"))
    except EfterskriftError as error:
        message.failed(error_text(error))
        reset_decided_entry()
    else:
        clear_undo()
        if state is EntryState.SECOND:
            success[0] = t("lookup.corrected_second")
        message.done(" ".join(success))
        reset_decided_entry()


def _open_all_fields(view: EntryView) -> EntryView:
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


def _reason_key(view: EntryView) -> str:
    return f"why-{view.entry.id}-{view.entry.revision}"


def _history_text(view: EntryView, event: HistoryEvent) -> str:
    kind = (
        "corrected"
        if event.is_correction
        else event.state
        if event.action == "decide"
        else event.action
    )
    heading = f"{format_moment(event.at)} · {event.by} · {code_text('happening', kind)}"
    labels = accessible_names(view.form, view.entry.row)
    specs, hidden = view.form.by_name, {field.spec.name for field in view.fields if field.is_hidden}
    changed = "; ".join(
        f"{labels[name]}: {describe_answer(specs[name], answer)}"
        for name, answer in event.answers.items()
        if name in labels and name not in hidden
    )
    details = f"<div class='ef-muted'>{escape(changed)}</div>" if event.is_correction else ""
    return f'<div class="ef-settled">{escape(heading)}{details}</div>'
