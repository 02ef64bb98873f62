"""Whom an entry is about, according to the client register, while the person types; and drafts kept
as they come.

A client as the register has it, with what speaks for and against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import EfterskriftError, InvalidAnswerError
from pipeline.domain.form.field import Meaning
from pipeline.domain.identity_numbers import age_on, format_pid
from pipeline.domain.model import Client, Person
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import EVIDENCE_AGAINST
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import client_check
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.registers import client_register
from pipeline.store.review import decisions
from ui.browser.keyboard import keyboard
from ui.i18n import code_text, t
from ui.screens.review import current_entry
from ui.screens.review.entry_form import save_button_key, widget_keys
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

_TYPED_KEY = "typed_client"


def client_html(client: Client | None, reasons: Sequence[str] = (), number: str = "") -> str:
    """The client, if the register has one, and the `reasons` for and against; with the `number`
    where two are compared.
    """
    sides = [
        (
            name,
            [code for code in reasons if (code.partition(":")[0] in EVIDENCE_AGAINST) is against],
        )
        for name, against in (("for", False), ("against", True))
    ]
    why = "".join(
        f'<div class="ef-why ef-{name}"><b>{escape(t(f"guard.{name}"))}</b> {escape(", ".join(code_text("reason", code) for code in codes))}</div>'
        for name, codes in sides
        if codes
    )
    return f'<div role="status">{_client_heading(client, number)}{why}</div>'


def _client_heading(client: Client | None, number: str) -> str:
    if client is None:
        written = f"<span>{escape(format_pid(number))}</span>" if number else ""
        return f'<div class="ef-client ef-unknown">{written}{escape(t("client.unknown"))}</div>'
    told = [
        t(f"client.{name}")
        for name, holds in (("protected", client.protected), ("blocked", client.blocked))
        if holds
    ]
    mark = "".join(f'<span class="ef-tag ef-warn">{escape(text)}</span>' for text in told)
    parts = (
        f"<strong>{escape(client.name)}</strong>",
        f"<span>{escape(format_pid(client.pid))}</span>",
        f"<span>{escape(t('guard.age', count=age))}</span>"
        if client.name and (age := age_on(client.pid, today_in_sweden())) is not None
        else "",
        f'<span class="ef-muted">{escape(client.unit)}</span>',
        mark,
    )
    return f'<div class="ef-client">{"".join(parts)}</div>'


_SAVED_DRAFT_KEY, _SKIPPED_DRAFT_KEY = "kept_draft", "draft_left_out"


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
    """Show the client, and mind the keys of the form (keyboard.py). As a fragment it can run again
    without touching the form.
    """
    if st.session_state.pop(_SKIPPED_DRAFT_KEY, False) or consume_acted():
        # the whole screen: the person sees why what was typed is not kept, or what the press that
        # came with it has done
        st.rerun()
    keys = widget_keys(view)
    last = f"undo-{view.entry.id}"
    keyboard(
        turn,
        list(keys),
        lambda draft: _save_drafts(context, person, view, keys, draft),
        focus=focus,
        save=save_button_key(view),
        ready=last,
        min_view_time=min_view_time,
    )
    entry_facts(view, _current_answers(view))
    field = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if field is None:
        return
    shown = next(other for other in view.fields if other.spec.name == field.name)
    typed = _number_in_field(view, shown)
    if not shown.is_open and view.suggestion is not None:
        st.html(client_html(view.suggestion, _proposal_reasons(shown, view.suggestion)))
    elif shown.is_open and view.is_second_review and not shown.is_blind and not typed:
        numbers = _differing_numbers(shown)
        st.html(
            "".join(
                _client_check_html(context, person, view, shown, number, told=number)
                for number in numbers
            )
        )
        _note_shown(view, numbers)
    elif typed:
        st.html(_client_check_html(context, person, view, shown, typed))
        _note_shown(view, [typed])
    else:
        st.html(
            f'<div class="ef-client"><span class="ef-muted">{escape(t("client.wait"))}</span></div>'
        )


def is_client_unseen(view: EntryView, now: datetime, min_time: timedelta) -> bool:
    """Whether the number that is answered has not been shown with its client in this turn, or only
    less than `least` ago; then it is shown.
    """
    number = _answered_number(view)
    shown_at = _shown_times(view).get(number or "")
    if number is None or (shown_at is not None and now - shown_at >= min_time):
        return False
    st.session_state[_TYPED_KEY] = (_client_panel_turn(view), number)
    return True


def _shown_times(view: EntryView) -> Mapping[str, datetime]:
    """Since when each number has been on the screen with its client in this turn."""
    turn, shown = st.session_state.get(_SHOWN_CLIENTS_KEY, ("", {}))
    return shown if turn == _client_panel_turn(view) else {}


def _note_shown(view: EntryView, numbers: Sequence[str]) -> None:
    """Call it behind what was drawn: a run that another press ended before that has shown nothing."""
    st.session_state[_SHOWN_CLIENTS_KEY] = (
        _client_panel_turn(view),
        {**dict.fromkeys(numbers, utc_now()), **_shown_times(view)},
    )


def _answered_number(view: EntryView) -> str | None:
    """The personal number that would be saved, as it is typed; None where none is, or where it
    cannot be one.
    """
    field = next(
        (field for field in widget_keys(view).values() if field.spec.means is Meaning.CLIENT_PID),
        None,
    )
    answer = given_answer(view, field) if field is not None else None
    if field is None or answer is None or not isinstance(answer.value, str):
        return None
    try:
        normalize_value(field.spec, answer.value)
    except InvalidAnswerError:
        return None
    return answer.value


def _number_in_field(view: EntryView, field: FieldView) -> str:
    """The number that stands in the field: typed in this turn, else kept as a draft, said by
    another row of the sheet, or shown as it was read.
    """
    typed_for, typed = st.session_state.get(_TYPED_KEY, ("", ""))
    if typed_for == _client_panel_turn(view):
        return str(typed).strip()
    stands = field.draft if view.is_second_review else initial_answer(field)
    before = stands.value if field.is_open and stands is not None else None
    return before if isinstance(before, str) else ""


def _client_check_html(
    context: AppContext,
    person: Person,
    view: EntryView,
    field: FieldView,
    typed: str,
    *,
    told: str = "",
) -> str:
    """The client of a number, with what on the sheet speaks for and against. What the machine read
    in the number stays untold.
    """
    _record_client_lookup(context, person, view, typed)
    name, address = (
        _name_or_address(view, means) for means in (Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS)
    )
    with context.store.read() as conn:
        verdict = client_check.check_client_number(
            conn, field.spec, view.entry, typed, name, address, viewer=person
        )
    return client_html(verdict.client, verdict.findings if verdict.client or told else (), told)


def _save_drafts(
    context: AppContext,
    person: Person,
    view: EntryView,
    keys: Mapping[str, FieldView],
    draft: Mapping[str, str | int],
) -> None:
    if not note_activity(context):
        st.session_state[_SKIPPED_DRAFT_KEY] = True
        return
    before: dict[str, str | int] = st.session_state.get(_SAVED_DRAFT_KEY, {})
    for key, held in draft.items():
        field = keys.get(key)
        if field is None or before.get(key) == held:
            continue
        answer = (
            _second_review_draft(view, field, draft)
            if view.is_second_review
            else _draft_answer(field, held)
        )
        if key not in before and answer == _untouched_draft_answer(view, field):
            continue
        if answer is not None or key in before or field.draft is not None:
            _save_draft(context, person, view, field, answer)
        if field.spec.means is Meaning.CLIENT_PID and isinstance(held, str):
            st.session_state[_TYPED_KEY] = (_client_panel_turn(view), str(held))
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
            st.toast(error_text(error), icon=":material/error:")


def _is_entry_closed(context: AppContext, view: EntryView) -> bool:
    """Whether the entry was decided and left before its last draft was heard, as on a busy server:
    then nothing is lost.
    """
    if current_entry.current_entry_id() == view.entry.id:
        return False
    with context.store.read() as conn:
        return load_entry(conn, view.entry.id).state is not view.entry.state


def _record_client_lookup(
    context: AppContext, person: Person, view: EntryView, number: str
) -> None:
    """The first look for a client's number in this entry's turn is written in the log."""
    turn, seen = st.session_state.get(_LOOKED_UP_KEY, ("", frozenset()))
    if turn != _client_panel_turn(view):
        turn, seen = _client_panel_turn(view), frozenset()
    if number not in seen:
        with context.store.begin() as conn:
            client_register.look_up_client(conn, person, number)
    st.session_state[_LOOKED_UP_KEY] = turn, seen | {number}


def _current_answers(view: EntryView) -> dict[str, Answer]:
    """The answers as they stand in the form now; in a second review what the first person said."""
    kept: dict[str, str | int] = (
        {} if view.is_second_review else st.session_state.get(_SAVED_DRAFT_KEY, {})
    )
    keys = {field.spec.name: key for key, field in widget_keys(view).items()}
    found = {}
    for field in view.fields:
        held = kept.get(keys.get(field.spec.name, ""))
        found[field.spec.name] = (
            _draft_answer(field, held)
            if held is not None
            else field.first_answer or initial_answer(field)
        )
    return {name: answer for name, answer in found.items() if answer is not None}


def _client_panel_turn(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


def _draft_answer(field: FieldView, held: str | int) -> Answer | None:
    if is_choice_field(field.spec):
        options = choice_codes(field.spec, proposed_signers(field))
        return (
            answer_from_code(field.spec, options[held])
            if isinstance(held, int) and 0 <= held < len(options)
            else None
        )
    return answer_from_text(str(held), must_say=is_answer_required(field))


def _untouched_draft_answer(view: EntryView, field: FieldView) -> Answer | None:
    """What the browser sends of a field that nobody has touched: that is no draft, and must not
    hide a later reading or another person's answer.
    """
    if view.is_second_review:
        return field.draft
    shown = initial_answer(field)
    if not is_choice_field(field.spec):
        return _draft_answer(field, answer_to_text(shown, must_say=is_answer_required(field)))
    options, code = choice_codes(field.spec, proposed_signers(field)), answer_to_code(shown)
    return _draft_answer(field, options.index(code) if code in options else -1)


def _second_review_draft(
    view: EntryView, field: FieldView, draft: Mapping[str, str | int]
) -> Answer | None:
    return second_answer(
        field, draft.get(widget_key(view, field)), draft.get(other_value_key(view, field))
    )


def _proposal_reasons(field: FieldView, client: Client) -> tuple[str, ...]:
    """Why the machine proposed the client, if it did and may be told."""
    return (
        field.reading.evidence
        if field.reading is not None and field.reading.value == client.pid
        else ()
    )


def _differing_numbers(field: FieldView) -> list[str]:
    """The two numbers that differ, in their own order; their clients are judged alike, so that
    nobody sees which is the machine's.
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
    """A name or address as typed in the form now, else as decided or read."""
    key, field = next(
        ((key, field) for key, field in widget_keys(view).items() if field.spec.means is meaning),
        ("", None),
    )
    typed = st.session_state.get(_SAVED_DRAFT_KEY, {}).get(key)
    if isinstance(typed, str) and typed.strip():
        return typed
    field = field or next((other for other in view.fields if other.spec.means is meaning), None)
    said = (field.draft or field.first_answer or field.reading) if field is not None else None
    return said.value if said is not None and isinstance(said.value, str) else ""
