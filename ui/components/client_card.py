"""Whom an entry is about, according to the client register, while the person types; and drafts kept as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.field_spec import Meaning
from pipeline.identity import shown_pid
from pipeline.model import Client, Person
from pipeline.resolve.reasons import agreements
from pipeline.review import Answer
from pipeline.store import decisions, registers
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import EntryView, FieldView
from ui.components.answers import answer_of_code, answer_of_text, codes, is_chosen, must_be_said, proposed_signers
from ui.components.entry_form import save_key, widget_keys
from ui.components.faults import fault_text
from ui.components.keyboard import keyboard
from ui.session import Site
from ui.text import known, t

_TYPED = "typed_client"
_KEPT = "kept_draft"
_LOOKED_UP = "looked_up_clients"


@st.fragment
def client_card(here: Site, person: Person, view: EntryView, turn: str, focus: str | None) -> None:
    """Show the client, and mind the keys of the form. As a fragment it can run again without touching the form."""
    keys = widget_keys(view)
    keyboard(turn, list(keys), lambda draft: _keep(here, person, view, keys, draft), focus=focus, save=save_key(view))
    field = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if field is None:
        return
    typed_for, typed = st.session_state.get(_TYPED, ("", ""))
    shown = next(other for other in view.fields if other.spec.name == field.name)
    if not shown.open and view.suggestion is not None:
        st.html(_card(view.suggestion, _reasons_read(shown, view.suggestion)))
    elif shown.open and view.second and not shown.blind and not typed:
        st.html("".join(_both(here, person, view, shown)))
    elif typed_for == _turn_of(view) and typed:
        st.html(_card(_looked_up(here, person, view, typed)))
    else:
        st.html(f'<div class="ef-client"><span class="ef-muted">{escape(t("client.wait"))}</span></div>')


def _keep(here: Site, person: Person, view: EntryView, keys: Mapping[str, FieldView], draft: Mapping[str, str | int]) -> None:
    before: dict[str, str | int] = st.session_state.get(_KEPT, {})
    for key, held in draft.items():
        field = keys.get(key)
        if field is None or before.get(key) == held:
            continue
        answer = _drafted(field, held)
        if answer is not None and not view.second:
            _save_draft(here, person, view, field, answer)
        if field.spec.means is Meaning.CLIENT_PID:
            st.session_state[_TYPED] = (_turn_of(view), str(held))
    st.session_state[_KEPT] = dict(draft)


def _save_draft(here: Site, person: Person, view: EntryView, field: FieldView, answer: Answer) -> None:
    try:
        with here.store.begin() as conn:
            decisions.save_draft(conn, person, view.entry.id, field.spec.name, answer, utc_now())
    except EfterskriftError as error:
        st.toast(fault_text(error), icon=":material/error:")


def _looked_up(here: Site, person: Person, view: EntryView, number: str) -> Client | None:
    """The client of a number; the first look for it in this entry's turn is written in the log."""
    turn, seen = st.session_state.get(_LOOKED_UP, ("", frozenset()))
    if turn != _turn_of(view):
        turn, seen = _turn_of(view), frozenset()
    first = number not in seen
    with here.store.begin() if first else here.store.read() as conn:
        found = registers.look_up_client(conn, person, number, first=first)
    st.session_state[_LOOKED_UP] = turn, seen | {number}
    return found


def _turn_of(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


def _drafted(field: FieldView, held: str | int) -> Answer | None:
    if is_chosen(field.spec):
        options = codes(field.spec, proposed_signers(field))
        return answer_of_code(field.spec, options[held]) if isinstance(held, int) and 0 <= held < len(options) else None
    return answer_of_text(str(held), must_say=must_be_said(field))


def _reasons_read(field: FieldView, client: Client) -> tuple[str, ...]:
    """Why the machine proposed the client, if it did and may be told."""
    return field.reading.reasons if field.reading is not None and field.reading.value == client.pid else ()


def _both(here: Site, person: Person, view: EntryView, field: FieldView) -> Iterator[str]:
    """The clients of the two numbers that differ, in the order of the numbers and judged alike, so that nobody sees which is the machine's."""
    read = field.reading.value if field.reading is not None else None
    numbers = {value for value in (read, field.first.value if field.first else None) if isinstance(value, str)}
    name = _name_on_paper(view)
    for number in sorted(numbers):
        client = _looked_up(here, person, view, number)
        yield _card(client, agreements(number, client, name, view.entry.unit), number)


def _name_on_paper(view: EntryView) -> str:
    field = next((field for field in view.fields if field.spec.means is Meaning.CLIENT_NAME), None)
    said = (field.first or field.reading) if field is not None else None
    return said.value if said is not None and isinstance(said.value, str) else ""


def _card(client: Client | None, reasons: Sequence[str] = (), number: str = "") -> str:
    why = f'<div class="ef-why">{escape(", ".join(known("reason", code) for code in reasons))}</div>' if reasons else ""
    return _head(client, number) + why


def _head(client: Client | None, number: str) -> str:
    if client is None:
        written = f"<span>{escape(shown_pid(number))}</span>" if number else ""
        return f'<div class="ef-client ef-unknown">{written}{escape(t("client.unknown"))}</div>'
    told = [t(f"client.{name}") for name, holds in (("protected", client.protected), ("blocked", client.blocked)) if holds]
    mark = "".join(f'<span class="ef-tag ef-warn">{escape(text)}</span>' for text in told)
    parts = (
        f"<strong>{escape(client.name)}</strong>",
        f"<span>{escape(shown_pid(client.pid))}</span>",
        f'<span class="ef-muted">{escape(client.unit)}</span>',
        mark,
    )
    return f'<div class="ef-client">{"".join(parts)}</div>'
