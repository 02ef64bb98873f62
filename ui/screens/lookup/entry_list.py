"""Lists of entries in the lookup, and the entry that was chosen from one, in place of the list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape

import streamlit as st
from sqlalchemy import Connection
from streamlit.delta_generator import DeltaGenerator

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Person
from pipeline.forms.fiducials import format_serial, is_serial
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import Entry
from pipeline.store.lookup.search import FoundEntry
from ui.i18n import format_day, t
from ui.screens.lookup.decided_entry import decided_entry
from ui.screens.review.in_place import open_in_place
from ui.screens.review.sheet_images import end_page_views
from ui.screens.review.workbench.correction_mode import CORRECTION
from ui.workspace import AppContext

_CHOSEN_KEY = "listed_chosen"
Review = Callable[[str], None]
"""Opens an entry that waits, in the review."""


def chosen_entry(context: AppContext, person: Person) -> bool:
    """Show the entry that was chosen from a list, and the way back; return whether one was."""
    entry_id = st.session_state.get(_CHOSEN_KEY)
    if entry_id is None:
        return False
    st.button(
        t("listed.back"), key="listed_back", on_click=close_chosen, icon=":material/arrow_back:"
    )
    decided_entry(context, person, entry_id)
    return True


def choose_entry(entry_id: str, *, to_correct: bool = False) -> None:
    """Show an entry in place of the list."""
    end_page_views()
    st.session_state[_CHOSEN_KEY] = entry_id
    if to_correct:
        open_in_place(CORRECTION, entry_id)


def close_chosen() -> None:
    """Go back to the list."""
    st.session_state.pop(_CHOSEN_KEY, None)
    end_page_views()


def entry_line(context: AppContext, one: FoundEntry, key: str, first: str = "") -> DeltaGenerator:
    """Show an entry as one line of a list, and return the place of its buttons.

    Args:
        key: tells the line from others about the same entry.
        first: what is before the client.
    """
    line = st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        key=f"line-{key}",
    )
    heading = " · ".join(filter(None, (first, client_text(one))))
    details = " · ".join(filter(None, _facts(context, one)))
    with line:
        st.html(
            f"<div><b>{escape(heading)}</b><div class='ef-muted'>{escape(details)}</div></div>",
            width="stretch",
        )
    return line.container(horizontal=True, width="content")


def look_button(one: FoundEntry, review: Review, key: str) -> None:
    """Show the button that leads to an entry: to its review where it waits, else to what it says.

    An entry that another person has to review has none.

    Args:
        key: tells the line from others about the same entry.
    """
    if one.is_for_other:
        st.caption(t("listed.for_other"))
    elif one.is_open:
        st.button(t("lookup.review"), key=f"review-{key}", on_click=partial(review, one.entry.id))
    else:
        st.button(t("listed.show"), key=f"show-{key}", on_click=partial(choose_entry, one.entry.id))


def client_text(one: FoundEntry) -> str:
    """Return the client's name and number; of a protected client that there is one."""
    if one.is_hidden:
        return t("client.protected")
    return " ".join(filter(None, (one.client, format_pid(one.number) if one.number else "")))


def _event_clock(conn: Connection, forms: Forms, one: FoundEntry) -> str:
    """Return the time of day that a decided entry is about; empty if none, or it is not told."""
    form = forms.get((one.entry.form, one.entry.version))
    spec = form.meaning(Meaning.EVENT_TIME, one.entry.row) if form else None
    if spec is None or one.is_open or one.is_hidden:
        return ""
    decided = decided_answers(conn, one.entry.id).get(spec.name)
    value = decided.answer.value if decided is not None else None
    return value if isinstance(value, str) else ""


def _facts(context: AppContext, one: FoundEntry) -> list[str]:
    entry: Entry = one.entry
    form = context.forms.get((entry.form, entry.version))
    is_told = not one.is_open and not one.is_hidden
    clock = context.store.query(_event_clock, context.forms, one)
    return [
        form.title if form else entry.form,
        t("review.row", row=entry.row) if entry.row else "",
        " ".join((format_day(entry.event_on), clock)).strip() if is_told and entry.event_on else "",
        entry.author or "" if is_told else "",
        entry.unit,
        format_serial(entry.serial) if entry.serial and is_serial(entry.serial) else "",
        t("lookup.void") if entry.voided else t(f"entry_state.{entry.state.name.lower()}"),
    ]
