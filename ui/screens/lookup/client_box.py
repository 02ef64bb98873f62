"""The client of the number in a correction, by the same rules as in Granska.

The number is above the form, so that its client comes up as soon as it is typed.
"""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from pipeline.domain.model import Person
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.screens.review.client_card import banner_card, client_number, is_client_seen
from ui.screens.review.client_question import number_in
from ui.screens.review.entry_form import field_crops, open_fields
from ui.screens.review.field_cards import CLIENT_MEANINGS
from ui.screens.review.field_input import field_input, widget_key
from ui.screens.review.workbench_state import HeldEntry
from ui.workspace import AppContext

_SHOWN_KEY = "corrected_client"
"""What has been shown of the client of the entry that is corrected."""


def client_fields(view: EntryView) -> list[FieldView]:
    """Return the open fields that say who the client is: the personal number, and the code."""
    return [field for field in open_fields(view) if field.spec.means in CLIENT_MEANINGS]


def client_box(
    context: AppContext, person: Person, view: EntryView, errors: dict[str, str]
) -> None:
    """Draw the fields of the client's number, outside any form, and whose number it is."""
    fields = client_fields(view)
    if not fields:
        return
    crops = field_crops(context, view)
    for field in fields:
        field_input(view, field, crops[field.spec.name])
    held = _held(view)
    for field in fields:
        typed = st.session_state.get(widget_key(view, field))
        if typed is not None:
            held.values[field.spec.name] = str(typed)
    banner = banner_card(context, person, view, held)
    said = dict.fromkeys(errors[field.spec.name] for field in fields if field.spec.name in errors)
    with st.container(key=f"client_box-{view.entry.id}"):  # in sight while the form scrolls
        st.html(_banner_html(banner, list(said)))


def is_client_shown(view: EntryView) -> bool:
    """Return whether the client of the number in the form has been shown, if it is another's."""
    held, fields = _held(view), client_fields(view)
    values = {
        field.spec.name: str(st.session_state.get(widget_key(view, field)) or "")
        for field in fields
    }
    if all(
        number_in(view, values[field.spec.name]) == _decided_number(view, field) for field in fields
    ):
        return True
    return is_client_seen(held, client_number(view, held, values), utc_now(), MIN_VIEW_TIME)


def reset_client_box() -> None:
    """Forget what has been shown."""
    st.session_state.pop(_SHOWN_KEY, None)


def _held(view: EntryView) -> HeldEntry:
    held: HeldEntry | None = st.session_state.get(_SHOWN_KEY)
    entry = view.entry
    if held is None or (held.entry, held.revision) != (entry.id, entry.revision):
        held = HeldEntry(entry.id, entry.revision, utc_now())
        st.session_state[_SHOWN_KEY] = held
    return held


def _decided_number(view: EntryView, field: FieldView) -> str:
    answer = field.first_answer
    text = answer.value if answer is not None and isinstance(answer.value, str) else ""
    return number_in(view, text)


def _banner_html(banner: dict[str, Any], said: list[str]) -> str:
    clients = "".join(map(_client_html, banner["clients"])) or escape(banner["text"])
    lines = "".join(f'<div class="ef-said">{escape(text)}</div>' for text in said)
    return f'<div class="ef-client" role="status">{clients}{lines}</div>'


def _client_html(client: dict[str, Any]) -> str:
    name = f"<strong>{escape(client['name'])}</strong>" if client["name"] else ""
    facts = [escape(client[key]) for key in ("number", "age", "unit") if client[key]]
    text = f'<span class="ef-against">{escape(client["text"])}</span>' if client["text"] else ""
    tags = [f'<span class="ef-against">{escape(tag)}</span>' for tag in client["tags"]]
    lines = [" · ".join(filter(None, (name, *facts, text, *tags)))]
    lines += [
        f'<span class="ef-{kind}"><b>{escape(t(f"guard.{kind}"))}</b> '
        f"{escape(', '.join(client[kind]))}</span>"
        for kind in ("against", "for")
        if client[kind]
    ]
    return f"<div>{'<br>'.join(lines)}</div>"
