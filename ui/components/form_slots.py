"""Two places for the form of an entry: one is seen, in the other the next entry's form is drawn while the person works.

Going on is then only a change of which place is seen; the browser does not have to build twenty fields between two sheets. An entry keeps
its place from being drawn ahead until it is decided, so that nothing of it is built twice.
"""

from __future__ import annotations

import streamlit as st

from pipeline.store.entry_views import EntryView

_SLOTS, _SEEN, _SENT = "form_slots", "form_slot_seen", "form_slot_sent"
_NAMES = ("a", "b")


def entry_slot(view: EntryView) -> str:
    """The place that an entry to be seen has: where it was drawn ahead, or else the place that is seen now."""
    held = _held()
    seen = str(st.session_state.get(_SEEN, _NAMES[0]))
    slot = next((name for name, entry in held.items() if entry == _turn(view)), seen)
    st.session_state[_SEEN] = slot
    held[slot] = _turn(view)
    return slot


def ahead_slot(view: EntryView) -> str:
    """The place that is not seen, for the entry that comes next."""
    slot = other_slot()
    _held()[slot] = _turn(view)
    return slot


def other_slot() -> str:
    """The place that is not seen."""
    seen = st.session_state.get(_SEEN, _NAMES[0])
    return next(name for name in _NAMES if name != seen)


def slot_key(slot: str) -> str:
    """The key of the container of a place."""
    return f"slot_{slot}"


def names() -> tuple[str, ...]:
    """Both places, always drawn in this order."""
    return _NAMES


def begin_run() -> None:
    """Call this first in every run, so that what `bring_into_sight` sends stands in a place of its own, in the order of what is drawn."""
    if not st.session_state.pop(_SENT, False):
        st.html("<style></style>")


def bring_into_sight(slot: str) -> None:
    """In a callback, before anything is drawn: let another place be seen, and none else, whatever the run before said."""
    seen, unseen = (f".st-key-{slot_key(name)}" * 2 for name in (slot, next(name for name in _NAMES if name != slot)))
    st.html(f"<style>{unseen} {{ display: none !important; }} {seen} {{ display: flex !important; }}</style>")
    st.session_state[_SEEN], st.session_state[_SENT] = slot, True


def show_only(slot: str | None) -> None:
    """Let one place be seen, or none. What is not seen has no focus and is not read out."""
    hidden = ", ".join(f".st-key-{slot_key(name)}" for name in _NAMES if name != slot)
    st.html(f"<style>{hidden} {{ display: none !important; }}</style>")


def _held() -> dict[str, str]:
    held: dict[str, str] = st.session_state.setdefault(_SLOTS, {})
    return held


def _turn(view: EntryView) -> str:
    return f"{view.entry.id}-{view.entry.revision}"
