"""Two places for the form of an entry: one is seen, in the other the next entry's form is drawn
while the person works.

Going on is then only a change of which place is seen; the browser does not have to build twenty
fields between two sheets. An entry keeps its place from being drawn ahead until it is decided,
so that nothing of it is built twice.

The entry that comes next: claimed, and its form drawn out of sight, while the person works on
the one before.

When that one is done with, the next comes into sight at once, before the screen is drawn anew:
one style is sent, as the first thing of the run. What has to come before does come before: that
the person still has the entry and may see it, and the look in the log.
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
from ui.screens.review import current_entry, work_modes
from ui.screens.review.entry_form import widget_keys
from ui.screens.review.sheet_images import VIEWED_PAGES_KEY
from ui.widgets.min_view_time import note_drawn
from ui.workspace import AppContext

_SLOT_NAMES = ("a", "b")
_NEXT_ENTRY_KEY = "entry_coming"


_SLOTS_KEY, _VISIBLE_SLOT_KEY, _STYLE_SENT_KEY = "form_slots", "form_slot_seen", "form_slot_sent"


def current_entry_slot(view: EntryView) -> str:
    """The place that an entry to be seen has: where it was drawn ahead, or else the place that is
    seen now.
    """
    held = _slot_contents()
    seen = str(st.session_state.get(_VISIBLE_SLOT_KEY, _SLOT_NAMES[0]))
    slot = next((name for name, entry in held.items() if entry == _slot_turn(view)), seen)
    st.session_state[_VISIBLE_SLOT_KEY] = slot
    held[slot] = _slot_turn(view)
    return slot


def next_entry_slot(view: EntryView) -> str:
    """The place that is not seen, for the entry that comes next."""
    slot = hidden_slot()
    _slot_contents()[slot] = _slot_turn(view)
    return slot


def hidden_slot() -> str:
    """The place that is not seen."""
    seen = st.session_state.get(_VISIBLE_SLOT_KEY, _SLOT_NAMES[0])
    return next(name for name in _SLOT_NAMES if name != seen)


def slot_key(slot: str) -> str:
    """The key of the container of a place."""
    return f"slot_{slot}"


def slot_names() -> tuple[str, ...]:
    """Both places, always drawn in this order."""
    return _SLOT_NAMES


def begin_slots() -> None:
    """Call this first in every run, so that what `bring_into_sight` sends stands in a place of its
    own, in the order of what is drawn.
    """
    if not st.session_state.pop(_STYLE_SENT_KEY, False):
        st.html("<style></style>")


def reveal_slot(slot: str) -> None:
    """In a callback, before anything is drawn: let another place be seen, and none else, whatever
    the run before said.
    """
    seen, unseen = (
        f".st-key-{slot_key(name)}" * 2
        for name in (slot, next(name for name in _SLOT_NAMES if name != slot))
    )
    st.html(
        f"<style>{unseen} {{ display: none !important; }} {seen} {{ display: flex !important; }}</style>"
    )
    st.session_state[_VISIBLE_SLOT_KEY], st.session_state[_STYLE_SENT_KEY] = slot, True


def show_only_slot(slot: str | None) -> None:
    """Let one place be seen, or none. What is not seen has no focus and is not read out."""
    hidden = ", ".join(f".st-key-{slot_key(name)}" for name in _SLOT_NAMES if name != slot)
    st.html(f"<style>{hidden} {{ display: none !important; }}</style>")


def _slot_contents() -> dict[str, str]:
    held: dict[str, str] = st.session_state.setdefault(_SLOTS_KEY, {})
    return held


def _slot_turn(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"


@dataclass(frozen=True, slots=True)
class PrefetchedEntry:
    """An entry whose form is drawn in a place that is not seen."""

    entry: str
    revision: int
    pages: tuple[str, ...]
    slot: str


@cache
def _prefetch_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_coming_entry", js=read_script("prefetch"))


def announce_next(view: EntryView, slot: str, sheet: SheetView) -> None:
    """Note what comes next and where its form is drawn, and tell the browser what to show with it."""
    st.session_state[_NEXT_ENTRY_KEY] = PrefetchedEntry(
        view.entry.id, view.entry.revision, tuple(page.id for page in view.pages), slot
    )
    keys = list(widget_keys(view))
    told = {"turn": entry_turn_key(view), "fields": keys, "focus": next(iter(keys), "")}
    _prefetch_component()(
        key="coming_entry",
        data={"slot": slot_key(slot), "keys": told, "sheet": sheet.as_component_data()},
        height=1,
    )


def clear_next() -> None:
    """No form is drawn ahead."""
    st.session_state.pop(_NEXT_ENTRY_KEY, None)


def entry_turn_key(view: EntryView) -> str:
    """Names the showing of an entry to the keyboard; a save that did not go through begins another."""
    return f"{view.entry.id}-{view.entry.revision}-{current_entry.failed_attempts() if view.entry.id == current_entry.current_entry_id() else 0}"


def go_to_next(context: AppContext, person: Person) -> None:
    """The entry on the screen is done with: go on to the next, if it is drawn and nothing else has
    its turn. Call it `while_open`.
    """
    current_entry.open_entry(None)
    coming: PrefetchedEntry | None = st.session_state.pop(_NEXT_ENTRY_KEY, None)
    if (
        coming is None
        or work_modes.claim_due_rekeying(context, person)
        or work_modes.claim_due_batch(context, person)
    ):
        return
    if _resume_claim(context, person, coming):
        current_entry.open_entry(coming.entry, utc_now())
        st.session_state[VIEWED_PAGES_KEY] = set(coming.pages)
        reveal_slot(coming.slot)
        note_drawn(coming.entry)


def _resume_claim(context: AppContext, person: Person, coming: PrefetchedEntry) -> bool:
    """Whether the entry is the person's, as it was drawn; the look at its pages is then in the log."""
    now, minutes = utc_now(), context.settings.claim_minutes
    try:
        with context.store.begin() as conn:
            if not queue.resume_claim(conn, person, coming.entry, coming.revision, now, minutes):
                return False
            for page in coming.pages:
                queue.record_page_view(conn, person, page)
    except EfterskriftError:  # whatever it is, the screen asks again and says so
        return False
    return True
