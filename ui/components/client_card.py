"""Whom an entry is about, according to the client register, while the person types; and drafts kept as they come."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.field_spec import Meaning
from pipeline.model import Client, Person
from pipeline.review import Answer
from pipeline.store import decisions, registers
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import EntryView, FieldView
from ui.components.answers import answer_of_code, answer_of_text, codes, is_chosen, must_be_said, proposed_signers
from ui.components.entry_form import save_key, widget_keys
from ui.components.faults import fault_text
from ui.components.keyboard import keyboard
from ui.session import Site
from ui.text import t

_TYPED = "typed_client"
_KEPT = "kept_draft"


@st.fragment
def client_card(here: Site, person: Person, view: EntryView, turn: str, focus: str | None) -> None:
    """Show the client, and mind the keys of the form. As a fragment it can run again without touching the form."""
    keys = widget_keys(view)
    keyboard(turn, list(keys), lambda draft: _keep(here, person, view, keys, draft), focus=focus, save=save_key(view))
    field = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if field is None:
        return
    typed_for, typed = st.session_state.get(_TYPED, ("", ""))
    is_open = any(other.open and other.spec.name == field.name for other in view.fields)
    if not is_open and view.suggestion is not None:
        st.html(_card(view.suggestion))
    elif typed_for == _turn_of(view) and typed:
        with here.store.read() as conn:
            st.html(_card(registers.look_up_client(conn, person, typed)))
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


def _turn_of(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


def _drafted(field: FieldView, held: str | int) -> Answer | None:
    if is_chosen(field.spec):
        options = codes(field.spec, proposed_signers(field))
        return answer_of_code(field.spec, options[held]) if isinstance(held, int) and 0 <= held < len(options) else None
    return answer_of_text(str(held), must_say=must_be_said(field))


def _card(client: Client | None) -> str:
    if client is None:
        return f'<div class="ef-client ef-unknown">{escape(t("client.unknown"))}</div>'
    pid = f"{client.pid[:8]}-{client.pid[8:]}"
    mark = f'<span class="ef-tag ef-warn">{escape(t("client.protected"))}</span>' if client.protected else ""
    parts = (f"<strong>{escape(client.name)}</strong>", f"<span>{escape(pid)}</span>", f'<span class="ef-muted">{escape(client.unit)}</span>', mark)
    return f'<div class="ef-client">{"".join(parts)}</div>'
