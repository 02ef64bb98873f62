"""The entry that pages are attached to: the sheet before them, or one that the user looks up.

It is looked up by the serial that is printed on its sheet, or by the client's personal number.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import Person
from pipeline.forms.fiducials import format_serial_or_id, is_serial, normalize_serial
from pipeline.review.attachments import Attachments
from pipeline.store.entries.entry import Entry
from ui.i18n import t
from ui.markdown import plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.messages import error_text
from ui.workspace import AppContext

_TARGET_KEY, _FOUND_KEY, _TYPED_KEY = "attachments_to", "attachments_found", "attachments_typed"
_ERROR_KEY = "attachments_not_found"


def chosen_target(entry: Entry) -> str:
    """Return the id of the entry that pages are attached to: `entry` unless another was chosen."""
    target: str = st.session_state.get(_TARGET_KEY) or entry.id
    return target


def forget_target() -> None:
    """Attach to the entry on the screen again."""
    for key in (_TARGET_KEY, _FOUND_KEY, _ERROR_KEY, _TYPED_KEY):
        st.session_state.pop(key, None)


def target_search(context: AppContext, person: Person, entry: Entry) -> None:
    """Show the search for another entry, and what was found."""
    with st.expander(t("attachments.elsewhere")):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                t("attachments.target"),
                key=_TYPED_KEY,
                max_chars=14,
                autocomplete="off",
                placeholder=t("attachments.target_example"),
            )
            st.button(
                t("lookup.search"),
                key="attachments_search",
                on_click=partial(_search, context, person, entry.id),
            )
        if text := st.session_state.get(_ERROR_KEY):
            st.caption(plain_with_code(text))
        found: list[Entry] = st.session_state.get(_FOUND_KEY, [])
        for one in found:
            form = context.forms[(one.form, one.version)]
            words = (form.title, format_serial_or_id(one.serial), one.event_on or "", one.unit)
            st.button(
                plain(" · ".join(filter(None, words))),
                key=f"attachments_to-{one.id}",
                type="primary" if chosen_target(entry) == one.id else "secondary",
                on_click=partial(st.session_state.__setitem__, _TARGET_KEY, one.id),
            )
        if chosen_target(entry) != entry.id:
            st.button(t("attachments.here_again"), key="attachments_here", on_click=forget_target)


@requires_open_session
def _search(context: AppContext, person: Person, entry_id: str) -> None:
    typed = str(st.session_state.get(_TYPED_KEY) or "").strip()
    for key in (_FOUND_KEY, _ERROR_KEY, _TARGET_KEY):
        st.session_state.pop(key, None)
    serial, pid = normalize_serial(typed), normalize_pid(typed)
    attachments = context.work(Attachments, person)
    try:
        is_one = is_serial(serial)
        sheets = [serial] if is_one else attachments.find_client_sheets(pid.value12)
        found = [one for one in attachments.find_entries(sheets) if one.id != entry_id]
    except EfterskriftError as error:
        st.session_state[_ERROR_KEY] = error_text(error)
        return
    st.session_state[_FOUND_KEY] = found
    if not found:
        st.session_state[_ERROR_KEY] = t("attachments.target_none")
