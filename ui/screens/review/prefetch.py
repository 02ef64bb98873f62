"""The next entry: claimed, and its form drawn out of sight while the user works on this one.

There are two slots for the form of an entry: one is visible, in the other the next entry's form is
drawn. Going on is then only a change of the visible slot; the browser does not have to build twenty
fields between two sheets. An entry keeps its slot from being drawn ahead until it is decided, so
that nothing of it is built twice.

When an entry is done, the next is shown before the screen is drawn again: one style is sent as the
first thing of the run. What must come before does come before: checking that the user still has the
claim and may see the entry, and logging the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from ui.browser.assets import read_script
from ui.browser.page_view import SheetView
from ui.screens.review import current_entry
from ui.screens.review.entry_form import widget_keys
from ui.screens.review.sheet_images import VIEWED_PAGES_KEY
from ui.screens.review.turns import batch_screen, rekeying_screen
from ui.widgets.min_view_time import note_drawn
from ui.workspace import AppContext

_SLOT_NAMES = ("a", "b")
_NEXT_ENTRY_KEY = "entry_coming"
_SLOTS_KEY, _VISIBLE_SLOT_KEY, _STYLE_SENT_KEY = "form_slots", "form_slot_seen", "form_slot_sent"


def current_entry_slot(view: EntryView) -> str:
    """Return the slot of an entry to be shown: where it was drawn ahead, else the visible one."""
    contents, turn = _slot_contents(), _slot_turn(view)
    visible = str(st.session_state.get(_VISIBLE_SLOT_KEY, _SLOT_NAMES[0]))
    slot = next((name for name, drawn in contents.items() if drawn == turn), visible)
    st.session_state[_VISIBLE_SLOT_KEY] = slot
    contents[slot] = turn
    return slot


def next_entry_slot(view: EntryView) -> str:
    """Return the hidden slot, and assign it to the entry that comes next."""
    slot = hidden_slot()
    _slot_contents()[slot] = _slot_turn(view)
    return slot


def hidden_slot() -> str:
    """Return the slot that is not visible."""
    visible = st.session_state.get(_VISIBLE_SLOT_KEY, _SLOT_NAMES[0])
    return next(name for name in _SLOT_NAMES if name != visible)


def slot_key(slot: str) -> str:
    """Return the key of a slot's container."""
    return f"slot_{slot}"


def slot_names() -> tuple[str, ...]:
    """Return both slots, always drawn in this order."""
    return _SLOT_NAMES


def begin_slots() -> None:
    """Reserve the place of the style that `reveal_slot` sends; call it first in every run.

    Elements are matched by their order, so that the style must always have the same place.
    """
    if not st.session_state.pop(_STYLE_SENT_KEY, False):
        st.html("<style></style>")


def reveal_slot(slot: str) -> None:
    """Show another slot and hide the other; called in a callback, before anything is drawn.

    It overrides the style of the run before.
    """
    other = next(name for name in _SLOT_NAMES if name != slot)
    # A doubled class has precedence over the rule of `show_only_slot`.
    shown, hidden = (f".st-key-{slot_key(name)}" * 2 for name in (slot, other))
    st.html(
        f"<style>{hidden} {{ display: none !important; }} "
        f"{shown} {{ display: flex !important; }}</style>"
    )
    st.session_state[_VISIBLE_SLOT_KEY], st.session_state[_STYLE_SENT_KEY] = slot, True


def show_only_slot(slot: str | None) -> None:
    """Show one slot, or none. A hidden slot has no focus and is not read aloud."""
    selector = ", ".join(f".st-key-{slot_key(name)}" for name in _SLOT_NAMES if name != slot)
    st.html(f"<style>{selector} {{ display: none !important; }}</style>")


def _slot_contents() -> dict[str, str]:
    contents: dict[str, str] = st.session_state.setdefault(_SLOTS_KEY, {})
    return contents


def _slot_turn(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


@dataclass(frozen=True, slots=True)
class PrefetchedEntry:
    """An entry whose form is drawn in the hidden slot."""

    entry: str
    revision: int
    pages: tuple[str, ...]
    slot: str


@cache
def _prefetch_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_coming_entry", js=read_script("review/prefetch"))


def announce_next(view: EntryView, slot: str, sheet: SheetView) -> None:
    """Note which entry comes next, and tell the browser what to show with its form."""
    st.session_state[_NEXT_ENTRY_KEY] = PrefetchedEntry(
        view.entry.id, view.entry.revision, tuple(page.id for page in view.pages), slot
    )
    keys = list(widget_keys(view))
    keyboard_data = {"turn": entry_turn_key(view), "fields": keys, "focus": next(iter(keys), "")}
    _prefetch_component()(
        key="coming_entry",
        data={"slot": slot_key(slot), "keys": keyboard_data, "sheet": sheet.as_component_data()},
        height=1,
    )


def clear_next() -> None:
    """Note that no form is drawn ahead."""
    st.session_state.pop(_NEXT_ENTRY_KEY, None)


def entry_turn_key(view: EntryView) -> str:
    """Return the name of a showing of an entry; a failed save begins another showing."""
    is_current = view.entry.id == current_entry.current_entry_id()
    attempts = current_entry.failed_attempts() if is_current else 0
    return f"{view.entry.id}-{view.entry.revision}-{attempts}"


def go_to_next(context: AppContext, person: Person) -> None:
    """Go on from a finished entry to the next, if it is drawn and nothing else is due.

    Call it in a callback with `requires_open_session`.
    """
    current_entry.open_entry(None)
    prefetched: PrefetchedEntry | None = st.session_state.pop(_NEXT_ENTRY_KEY, None)
    if (
        prefetched is None
        or rekeying_screen.claim_due_rekeying(context, person)
        or batch_screen.claim_due_batch(context, person)
    ):
        return
    if _resume_claim(context, person, prefetched):
        current_entry.open_entry(prefetched.entry, utc_now())
        st.session_state[VIEWED_PAGES_KEY] = set(prefetched.pages)
        reveal_slot(prefetched.slot)
        note_drawn(prefetched.entry)


def _resume_claim(context: AppContext, person: Person, prefetched: PrefetchedEntry) -> bool:
    """Return whether the user still has the entry as drawn; log the views of its pages."""
    now, minutes = utc_now(), context.settings.claim_minutes
    try:
        with context.store.begin() as conn:
            if not queue.resume_claim(
                conn, person, prefetched.entry, prefetched.revision, now, minutes
            ):
                return False
            for page in prefetched.pages:
                queue.record_page_view(conn, person, page)
    except EfterskriftError:  # the screen asks again and shows the error
        return False
    return True
