"""The client of an entry according to the register, shown while typing; and saving drafts.

A client is shown with the evidence for and against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from html import escape

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import EfterskriftError, InvalidAnswerError
from pipeline.domain.form.field import Meaning
from pipeline.domain.identity_numbers import (
    CLIENT_CODE_LENGTH,
    age_on,
    format_pid,
    is_client_code,
)
from pipeline.domain.model import Client, Person, State
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import EVIDENCE_AGAINST, NO_EVIDENCE
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import client_check
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.registers import client_register
from pipeline.store.registers.client_codes import find_client_of_code
from pipeline.store.review import decisions
from ui.browser.keyboard import keyboard
from ui.i18n import code_text, format_day, t
from ui.markdown import plain_with_code
from ui.screens.review import current_entry
from ui.screens.review.entry_form import (
    form_answers,
    save_button_key,
    widget_keys,
    withdraw_number_question,
)
from ui.screens.review.entry_header import entry_facts
from ui.screens.review.field_input import (
    answer_from_code,
    answer_from_text,
    answer_to_code,
    answer_to_text,
    choice_codes,
    given_answer,
    initial_answer,
    is_answer_required,
    is_choice_field,
    other_value_key,
    proposed_signers,
    second_answer,
    widget_key,
)
from ui.session import consume_acted, note_activity
from ui.widgets.errors import error_text
from ui.workspace import AppContext

_CLIENT_KEYS = (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
"""Meanings of the fields whose text names the client."""
_TYPED_KEY = "typed_client"
_SAVED_DRAFT_KEY, _REDRAW_KEY = "kept_draft", "redraw_entry"
_LOOKED_UP_KEY, _SHOWN_CLIENTS_KEY = "looked_up_clients", "clients_shown"


@st.fragment
def client_panel(
    context: AppContext,
    person: Person,
    view: EntryView,
    turn: str,
    focus: str | None,
    min_view_time: timedelta = timedelta(),
) -> None:
    """Show the client, and handle the keys of the form (keyboard.py).

    As a fragment it can run again without touching the form.
    """
    if st.session_state.pop(_REDRAW_KEY, False) or consume_acted():
        # Draw the whole screen: it shows why the draft was not saved, what the click that arrived
        # with the draft has done, or that a question is answered.
        st.rerun()
    keys = widget_keys(view)
    last_button = f"undo-{view.entry.id}"
    keyboard(
        turn,
        list(keys),
        lambda draft: _save_drafts(context, person, view, keys, draft),
        focus=focus,
        save=save_button_key(view),
        ready=last_button,
        min_view_time=min_view_time,
    )
    entry_facts(view, _current_answers(view))
    client_spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if client_spec is None:
        return
    _show_client(context, person, view, client_spec.name)


def _show_client(context: AppContext, person: Person, view: EntryView, field_name: str) -> None:
    client_field = next(field for field in view.fields if field.spec.name == field_name)
    typed = _number_in_field(view, client_field)
    # A settled client, two numbers to choose from, the typed one, or none yet.
    if not client_field.is_open and view.suggestion is not None:
        st.html(client_html(view.suggestion, _proposal_reasons(client_field, view.suggestion)))
    elif client_field.is_open and view.is_second_review and not client_field.is_blind and not typed:
        numbers = _differing_numbers(client_field)
        st.html(
            "".join(
                _client_check_html(
                    context, person, view, client_field, number, is_compared=bool(number)
                )
                for number in numbers
            )
        )
        _note_shown(view, numbers)
    elif typed:
        st.html(_client_check_html(context, person, view, client_field, typed))
        _note_shown(view, [typed])
    else:
        has_code = view.form.meaning(Meaning.CLIENT_CODE, view.entry.row) is not None
        text = escape(t("client.wait_code" if has_code else "client.wait"))
        st.html(f'<div class="ef-client"><span class="ef-muted">{text}</span></div>')


def client_html(client: Client | None, reasons: Sequence[str] = (), number: str = "") -> str:
    """Return HTML of the client, if the register has one, and the `reasons` for and against.

    With the `number` if two are compared.
    """
    evidence = "".join(
        _evidence_html(name, codes)
        for name, is_against in (("for", False), ("against", True))
        if (
            codes := [
                code
                for code in reasons
                if code not in NO_EVIDENCE and _is_evidence_against(code) is is_against
            ]
        )
    )
    return f'<div role="status">{_client_heading(client, number)}{evidence}</div>'


def _is_evidence_against(code: str) -> bool:
    return code.partition(":")[0] in EVIDENCE_AGAINST


def _evidence_html(name: str, codes: Sequence[str]) -> str:
    texts = escape(", ".join(code_text("reason", code) for code in codes))
    return f'<div class="ef-why ef-{name}"><b>{escape(t(f"guard.{name}"))}</b> {texts}</div>'


def _client_heading(client: Client | None, number: str) -> str:
    if client is None:
        written = f"<span>{escape(format_pid(number))}</span>" if number else ""
        return f'<div class="ef-client ef-unknown">{written}{escape(t("client.unknown"))}</div>'
    flags = [
        t(f"client.{name}")
        for name, holds in (("protected", client.protected), ("blocked", client.blocked))
        if holds
    ]
    days = (("deceased", client.deceased_on), ("moved", client.moved_on))
    flags += [t(f"client.{name}", day=format_day(day)) for name, day in days if day]
    tags = "".join(f'<span class="ef-tag ef-warn">{escape(text)}</span>' for text in flags)
    parts = (
        f"<strong>{escape(client.name)}</strong>",
        f"<span>{escape(format_pid(client.pid))}</span>",
        f"<span>{escape(t('guard.age', count=age))}</span>"
        if client.name and (age := age_on(client.pid, today_in_sweden())) is not None
        else "",
        f'<span class="ef-muted">{escape(client.unit)}</span>',
        tags,
    )
    return f'<div class="ef-client">{"".join(parts)}</div>'


def is_client_unseen(view: EntryView, now: datetime, min_time: timedelta) -> bool:
    """Return whether the client of the number has not been shown for `min_time` in this showing.

    The client is then shown at the next run.
    """
    number = _answered_number(view)
    shown_at = _shown_times(view).get(number or "")
    if number is None or (shown_at is not None and now - shown_at >= min_time):
        return False
    st.session_state[_TYPED_KEY] = (_client_panel_turn(view), number)
    return True


def _shown_times(view: EntryView) -> Mapping[str, datetime]:
    """Return since when each number has been shown with its client in this showing."""
    turn, shown = st.session_state.get(_SHOWN_CLIENTS_KEY, ("", {}))
    return shown if turn == _client_panel_turn(view) else {}


def _note_shown(view: EntryView, numbers: Sequence[str]) -> None:
    """Note the shown clients; call it after drawing, since a run may be ended before that."""
    st.session_state[_SHOWN_CLIENTS_KEY] = (
        _client_panel_turn(view),
        {**dict.fromkeys(numbers, utc_now()), **_shown_times(view)},
    )


def _answered_number(view: EntryView) -> str | None:
    """Return the personal number or client code that would be saved, as typed.

    None if neither is valid; the number counts if there are both.
    """
    fields = {field.spec.means: field for field in widget_keys(view).values()}
    for means in _CLIENT_KEYS:
        field = fields.get(means)
        answer = given_answer(view, field) if field is not None else None
        if field is None or answer is None or not isinstance(answer.value, str):
            continue
        with suppress(InvalidAnswerError):
            normalize_value(field.spec, answer.value)
            return answer.value
    return None


def _number_in_field(view: EntryView, field: FieldView) -> str:
    """Return the number that is in the field now.

    Typed in this showing, else saved as a draft, answered in another row of the sheet, or as read.
    """
    typed_for, typed = st.session_state.get(_TYPED_KEY, ("", ""))
    if typed_for == _client_panel_turn(view):
        return str(typed).strip()
    prefilled = field.draft if view.is_second_review else initial_answer(field)
    value = prefilled.value if field.is_open and prefilled is not None else None
    return value if isinstance(value, str) else ""


def _client_check_html(
    context: AppContext,
    person: Person,
    view: EntryView,
    field: FieldView,
    typed: str,
    *,
    is_compared: bool = False,
) -> str:
    """Return HTML of the client of a number, with the evidence of the sheet for and against.

    Nothing is shown of what the machine read in the number itself.
    """
    code = "".join(typed.split())
    if len(code) == CLIENT_CODE_LENGTH:
        with context.store.read() as conn:
            pid = find_client_of_code(conn, view.entry, code)
        if pid is None:
            return _wrong_code_html(code)
        typed = pid
    _record_client_lookup(context, person, view, typed)
    name, address = (
        _name_or_address(view, means) for means in (Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS)
    )
    with context.store.read() as conn:
        verdict = client_check.check_client_number(
            conn,
            field.spec,
            view.entry,
            typed,
            name,
            address,
            event_on=_event_day(view),
            viewer=person,
        )
    findings = verdict.findings if verdict.client or is_compared else ()
    return client_html(verdict.client, findings, typed if is_compared else "")


def _wrong_code_html(code: str) -> str:
    key = "client.code_unknown" if is_client_code(code) else "client.code_wrong"
    return f'<div role="status"><div class="ef-client ef-unknown">{escape(t(key))}</div></div>'


def _event_day(view: EntryView) -> str:
    """Return the day of the event as it is answered so far, empty if it is not."""
    field = next((f for f in view.fields if f.spec.means is Meaning.EVENT_DATE), None)
    answer = form_answers(view).get(field.spec.name) if field else None
    if field is None or answer is None or answer.state is not State.READ:
        return ""
    try:
        return str(normalize_value(field.spec, answer.value))
    except InvalidAnswerError:  # not completely typed yet
        return ""


def _save_drafts(
    context: AppContext,
    person: Person,
    view: EntryView,
    keys: Mapping[str, FieldView],
    draft: Mapping[str, str | int],
) -> None:
    if not note_activity(context):
        st.session_state[_REDRAW_KEY] = True
        return
    saved: dict[str, str | int] = st.session_state.get(_SAVED_DRAFT_KEY, {})
    for key, value in draft.items():
        # Only fields that changed since the last draft.
        field = keys.get(key)
        if field is None or saved.get(key) == value:
            continue
        answer = (
            _second_review_draft(view, field, draft)
            if view.is_second_review
            else _draft_answer(field, value)
        )
        # An untouched field is no draft.
        if key not in saved and answer == _untouched_draft_answer(view, field):
            continue
        if answer is not None or key in saved or field.draft is not None:
            _save_draft(context, person, view, field, answer)
        # The typed number shows its client at once, and is not asked for any longer.
        if field.spec.means in _CLIENT_KEYS and isinstance(value, str):
            st.session_state[_TYPED_KEY] = (_client_panel_turn(view), str(value))
            if answer is not None and answer.state is State.READ and withdraw_number_question(view):
                st.session_state[_REDRAW_KEY] = True
    st.session_state[_SAVED_DRAFT_KEY] = dict(draft)


def _save_draft(
    context: AppContext, person: Person, view: EntryView, field: FieldView, answer: Answer | None
) -> None:
    try:
        with context.store.begin() as conn:
            decisions.save_draft(
                conn,
                person,
                view.entry.id,
                field.spec.name,
                answer,
                utc_now(),
                context.settings.claim_minutes,
            )
    except EfterskriftError as error:
        if not _is_entry_closed(context, view):
            st.toast(plain_with_code(error_text(error)), icon=":material/error:")


def _is_entry_closed(context: AppContext, view: EntryView) -> bool:
    """Return whether the entry was decided and left before its last draft arrived.

    This happens on a busy server; nothing is lost then.
    """
    if current_entry.current_entry_id() == view.entry.id:
        return False
    with context.store.read() as conn:
        return load_entry(conn, view.entry.id).state is not view.entry.state


def _record_client_lookup(
    context: AppContext, person: Person, view: EntryView, number: str
) -> None:
    """Log the first lookup of a client's number in this showing of the entry."""
    turn, logged = st.session_state.get(_LOOKED_UP_KEY, ("", frozenset()))
    if turn != _client_panel_turn(view):
        turn, logged = _client_panel_turn(view), frozenset()
    if number not in logged:
        with context.store.begin() as conn:
            client_register.look_up_client(conn, person, number)
    st.session_state[_LOOKED_UP_KEY] = turn, logged | {number}


def _current_answers(view: EntryView) -> dict[str, Answer]:
    """Return the answers in the form now; in a second review those of the first person."""
    drafts: dict[str, str | int] = (
        {} if view.is_second_review else st.session_state.get(_SAVED_DRAFT_KEY, {})
    )
    keys = {field.spec.name: key for key, field in widget_keys(view).items()}
    answers = {}
    for field in view.fields:
        value = drafts.get(keys.get(field.spec.name, ""))
        answers[field.spec.name] = (
            _draft_answer(field, value)
            if value is not None
            else field.first_answer or initial_answer(field)
        )
    return {name: answer for name, answer in answers.items() if answer is not None}


def _client_panel_turn(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


def _draft_answer(field: FieldView, value: str | int) -> Answer | None:
    if is_choice_field(field.spec):
        options = choice_codes(field.spec, proposed_signers(field))
        return (
            answer_from_code(field.spec, options[value])
            if isinstance(value, int) and 0 <= value < len(options)
            else None
        )
    return answer_from_text(str(value), must_say=is_answer_required(field))


def _untouched_draft_answer(view: EntryView, field: FieldView) -> Answer | None:
    """Return what the browser sends for a field that has not been touched.

    That is no draft, and must not hide a later reading or another person's answer.
    """
    if view.is_second_review:
        return field.draft
    initial = initial_answer(field)
    if not is_choice_field(field.spec):
        return _draft_answer(field, answer_to_text(initial, must_say=is_answer_required(field)))
    options, code = choice_codes(field.spec, proposed_signers(field)), answer_to_code(initial)
    return _draft_answer(field, options.index(code) if code in options else -1)


def _second_review_draft(
    view: EntryView, field: FieldView, draft: Mapping[str, str | int]
) -> Answer | None:
    return second_answer(
        field, draft.get(widget_key(view, field)), draft.get(other_value_key(view, field))
    )


def _proposal_reasons(field: FieldView, client: Client) -> tuple[str, ...]:
    """Return the evidence of the machine's proposal, if the client is its proposal."""
    return (
        field.reading.evidence
        if field.reading is not None and field.reading.value == client.pid
        else ()
    )


def _differing_numbers(field: FieldView) -> list[str]:
    """Return the two numbers that differ, sorted.

    Their clients are checked alike, so that the user cannot see which number is the machine's.
    """
    read = field.reading.value if field.reading is not None else None
    return sorted(
        {
            value
            for value in (read, field.first_answer.value if field.first_answer else None)
            if isinstance(value, str)
        }
    )


def _name_or_address(view: EntryView, meaning: Meaning) -> str:
    """Return a name or address as typed in the form now, else as decided or read."""
    key, field = next(
        ((key, field) for key, field in widget_keys(view).items() if field.spec.means is meaning),
        ("", None),
    )
    typed = st.session_state.get(_SAVED_DRAFT_KEY, {}).get(key)
    if isinstance(typed, str) and typed.strip():
        return typed
    field = field or next((other for other in view.fields if other.spec.means is meaning), None)
    source = (field.draft or field.first_answer or field.reading) if field is not None else None
    return source.value if source is not None and isinstance(source.value, str) else ""
