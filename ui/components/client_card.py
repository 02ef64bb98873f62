"""Whom an entry is about, according to the client register, while the person types; and drafts kept as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

import streamlit as st

from pipeline.errors import EfterskriftError, InvalidAnswerError
from pipeline.field_spec import Meaning
from pipeline.model import Client, Person
from pipeline.review import Answer
from pipeline.store import client_check, decisions, registers
from pipeline.store.clock import utc_now
from pipeline.store.entries import entry
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.stored_values import canonical
from ui.components import entry_turn
from ui.components.answers import answer_of_code, answer_of_text, as_code, as_text, codes, is_chosen, must_be_said, proposed_signers, shown_answer
from ui.components.client_html import client_html
from ui.components.entry_facts import entry_facts
from ui.components.entry_form import save_key, widget_keys
from ui.components.faults import fault_text
from ui.components.field_input import given_answer, other_key, second_answer, widget_key
from ui.components.keyboard import keyboard
from ui.session import has_acted, note_activity
from ui.site import Site
from ui.text import t

_TYPED = "typed_client"
_KEPT, _LEFT_OUT = "kept_draft", "draft_left_out"
_LOOKED_UP, _SHOWN = "looked_up_clients", "clients_shown"


@st.fragment
def client_card(here: Site, person: Person, view: EntryView, turn: str, focus: str | None, least_look: timedelta = timedelta()) -> None:
    """Show the client, and mind the keys of the form (keyboard.py). As a fragment it can run again without touching the form."""
    if st.session_state.pop(_LEFT_OUT, False) or has_acted():
        st.rerun()  # the whole screen: the person sees why what was typed is not kept, or what the press that came with it has done
    keys = widget_keys(view)
    last = f"undo-{view.entry.id}"
    keyboard(
        turn,
        list(keys),
        lambda draft: _keep(here, person, view, keys, draft),
        focus=focus,
        save=save_key(view),
        ready=last,
        least_look=least_look,
    )
    entry_facts(view, _so_far(view))
    field = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if field is None:
        return
    shown = next(other for other in view.fields if other.spec.name == field.name)
    typed = _typed(view, shown)
    if not shown.open and view.suggestion is not None:
        st.html(client_html(view.suggestion, _reasons_read(shown, view.suggestion)))
    elif shown.open and view.second and not shown.blind and not typed:
        numbers = _numbers(shown)
        st.html("".join(_weighed(here, person, view, shown, number, told=number) for number in numbers))
        _note_shown(view, numbers)
    elif typed:
        st.html(_weighed(here, person, view, shown, typed))
        _note_shown(view, [typed])
    else:
        st.html(f'<div class="ef-client"><span class="ef-muted">{escape(t("client.wait"))}</span></div>')


def is_unseen(view: EntryView, now: datetime, least: timedelta) -> bool:
    """Whether the number that is answered has not been shown with its client in this turn, or only less than `least` ago; then it is shown."""
    number = _answered(view)
    shown_at = _shown_at(view).get(number or "")
    if number is None or (shown_at is not None and now - shown_at >= least):
        return False
    st.session_state[_TYPED] = (_turn_of(view), number)
    return True


def _shown_at(view: EntryView) -> Mapping[str, datetime]:
    """Since when each number has been on the screen with its client in this turn."""
    turn, shown = st.session_state.get(_SHOWN, ("", {}))
    return shown if turn == _turn_of(view) else {}


def _note_shown(view: EntryView, numbers: Sequence[str]) -> None:
    """Call it behind what was drawn: a run that another press ended before that has shown nothing."""
    st.session_state[_SHOWN] = (_turn_of(view), {**dict.fromkeys(numbers, utc_now()), **_shown_at(view)})


def _answered(view: EntryView) -> str | None:
    """The personal number that would be saved, as it is typed; None where none is, or where it cannot be one."""
    field = next((field for field in widget_keys(view).values() if field.spec.means is Meaning.CLIENT_PID), None)
    answer = given_answer(view, field) if field is not None else None
    if field is None or answer is None or not isinstance(answer.value, str):
        return None
    try:
        canonical(field.spec, answer.value)
    except InvalidAnswerError:
        return None
    return answer.value


def _typed(view: EntryView, field: FieldView) -> str:
    """The number that stands in the field: typed in this turn, else kept as a draft, said by another row of the sheet, or shown as it was read."""
    typed_for, typed = st.session_state.get(_TYPED, ("", ""))
    if typed_for == _turn_of(view):
        return str(typed).strip()
    stands = field.draft if view.second else shown_answer(field)
    before = stands.value if field.open and stands is not None else None
    return before if isinstance(before, str) else ""


def _weighed(here: Site, person: Person, view: EntryView, field: FieldView, typed: str, *, told: str = "") -> str:
    """The client of a number, with what on the sheet speaks for and against. What the machine read in the number stays untold."""
    _looked_up(here, person, view, typed)
    name, address = (_on_paper(view, means) for means in (Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS))
    with here.store.read() as conn:
        verdict = client_check.weighed(conn, field.spec, view.entry, typed, name, address, shown_to=person)
    return client_html(verdict.client, verdict.findings if verdict.client or told else (), told)


def _keep(here: Site, person: Person, view: EntryView, keys: Mapping[str, FieldView], draft: Mapping[str, str | int]) -> None:
    if not note_activity(here):
        st.session_state[_LEFT_OUT] = True
        return
    before: dict[str, str | int] = st.session_state.get(_KEPT, {})
    for key, held in draft.items():
        field = keys.get(key)
        if field is None or before.get(key) == held:
            continue
        answer = _drafted_second(view, field, draft) if view.second else _drafted(field, held)
        if key not in before and answer == _drafted_untouched(view, field):
            continue
        if answer is not None or key in before or field.draft is not None:
            _save_draft(here, person, view, field, answer)
        if field.spec.means is Meaning.CLIENT_PID and isinstance(held, str):
            st.session_state[_TYPED] = (_turn_of(view), str(held))
    st.session_state[_KEPT] = dict(draft)


def _save_draft(here: Site, person: Person, view: EntryView, field: FieldView, answer: Answer | None) -> None:
    try:
        with here.store.begin() as conn:
            decisions.save_draft(conn, person, view.entry.id, field.spec.name, answer, utc_now(), here.settings.claim_minutes)
    except EfterskriftError as error:
        if not _has_gone_on(here, view):
            st.toast(fault_text(error), icon=":material/error:")


def _has_gone_on(here: Site, view: EntryView) -> bool:
    """Whether the entry was decided and left before its last draft was heard, as on a busy server: then nothing is lost."""
    if entry_turn.current() == view.entry.id:
        return False
    with here.store.read() as conn:
        return entry(conn, view.entry.id).state is not view.entry.state


def _looked_up(here: Site, person: Person, view: EntryView, number: str) -> None:
    """The first look for a client's number in this entry's turn is written in the log."""
    turn, seen = st.session_state.get(_LOOKED_UP, ("", frozenset()))
    if turn != _turn_of(view):
        turn, seen = _turn_of(view), frozenset()
    if number not in seen:
        with here.store.begin() as conn:
            registers.look_up_client(conn, person, number)
    st.session_state[_LOOKED_UP] = turn, seen | {number}


def _so_far(view: EntryView) -> dict[str, Answer]:
    """The answers as they stand in the form now; in a second review what the first person said."""
    kept: dict[str, str | int] = {} if view.second else st.session_state.get(_KEPT, {})
    keys = {field.spec.name: key for key, field in widget_keys(view).items()}
    found = {}
    for field in view.fields:
        held = kept.get(keys.get(field.spec.name, ""))
        found[field.spec.name] = _drafted(field, held) if held is not None else field.first or shown_answer(field)
    return {name: answer for name, answer in found.items() if answer is not None}


def _turn_of(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


def _drafted(field: FieldView, held: str | int) -> Answer | None:
    if is_chosen(field.spec):
        options = codes(field.spec, proposed_signers(field))
        return answer_of_code(field.spec, options[held]) if isinstance(held, int) and 0 <= held < len(options) else None
    return answer_of_text(str(held), must_say=must_be_said(field))


def _drafted_untouched(view: EntryView, field: FieldView) -> Answer | None:
    """What the browser sends of a field that nobody has touched: that is no draft, and must not hide a later reading or another person's answer."""
    if view.second:
        return field.draft
    shown = shown_answer(field)
    if not is_chosen(field.spec):
        return _drafted(field, as_text(shown, must_say=must_be_said(field)))
    options, code = codes(field.spec, proposed_signers(field)), as_code(shown)
    return _drafted(field, options.index(code) if code in options else -1)


def _drafted_second(view: EntryView, field: FieldView, draft: Mapping[str, str | int]) -> Answer | None:
    return second_answer(field, draft.get(widget_key(view, field)), draft.get(other_key(view, field)))


def _reasons_read(field: FieldView, client: Client) -> tuple[str, ...]:
    """Why the machine proposed the client, if it did and may be told."""
    return field.reading.reasons if field.reading is not None and field.reading.value == client.pid else ()


def _numbers(field: FieldView) -> list[str]:
    """The two numbers that differ, in their own order; their clients are judged alike, so that nobody sees which is the machine's."""
    read = field.reading.value if field.reading is not None else None
    return sorted({value for value in (read, field.first.value if field.first else None) if isinstance(value, str)})


def _on_paper(view: EntryView, means: Meaning) -> str:
    """A name or address as typed in the form now, else as decided or read."""
    key, field = next(((key, field) for key, field in widget_keys(view).items() if field.spec.means is means), ("", None))
    typed = st.session_state.get(_KEPT, {}).get(key)
    if isinstance(typed, str) and typed.strip():
        return typed
    field = field or next((other for other in view.fields if other.spec.means is means), None)
    said = (field.draft or field.first or field.reading) if field is not None else None
    return said.value if said is not None and isinstance(said.value, str) else ""
