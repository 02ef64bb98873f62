"""The entry that comes next: claimed, and its form drawn out of sight, while the person works on the one before.

When that one is done with, the next comes into sight at once, before the screen is drawn anew: one style is sent, as the first thing of the run.
What has to come before does come before: that the person still has the entry and may see it, and the look in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.store import claims
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import EntryView
from ui.components import control_task, entry_turn, form_slots, group_task
from ui.components.entry_form import widget_keys
from ui.components.first_look import note_drawn
from ui.components.page_view import Sheet
from ui.components.sheet_pictures import SEEN
from ui.site import Site

_COMING = "entry_coming"


@dataclass(frozen=True, slots=True)
class Coming:
    """An entry whose form is drawn in a place that is not seen."""

    entry: str
    revision: int
    pages: tuple[str, ...]
    slot: str


@cache
def _component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_coming_entry", js=Path(__file__).with_suffix(".js").read_text("utf-8"))


def announce(view: EntryView, slot: str, sheet: Sheet) -> None:
    """Note what comes next and where its form is drawn, and tell the browser what to show with it."""
    st.session_state[_COMING] = Coming(view.entry.id, view.entry.revision, tuple(page.id for page in view.pages), slot)
    keys = list(widget_keys(view))
    told = {"turn": turn_of(view), "fields": keys, "focus": next(iter(keys), "")}
    _component()(key="coming_entry", data={"slot": form_slots.slot_key(slot), "keys": told, "sheet": sheet.told()}, height=1)


def nothing_comes() -> None:
    """No form is drawn ahead."""
    st.session_state.pop(_COMING, None)


def turn_of(view: EntryView) -> str:
    """Names the showing of an entry to the keyboard; a save that did not go through begins another."""
    return f"{view.entry.id}-{view.entry.revision}-{entry_turn.tries() if view.entry.id == entry_turn.current() else 0}"


def go_on(here: Site, person: Person) -> None:
    """The entry on the screen is done with: go on to the next, if it is drawn and nothing else has its turn. Call it `while_open`."""
    entry_turn.turn_to(None)
    coming: Coming | None = st.session_state.pop(_COMING, None)
    if coming is None or control_task.comes(here, person) or group_task.comes(here, person):
        return
    if _took_up(here, person, coming):
        entry_turn.turn_to(coming.entry, utc_now())
        st.session_state[SEEN] = set(coming.pages)
        form_slots.bring_into_sight(coming.slot)
        note_drawn(coming.entry)


def _took_up(here: Site, person: Person, coming: Coming) -> bool:
    """Whether the entry is the person's, as it was drawn; the look at its pages is then in the log."""
    now, minutes = utc_now(), here.settings.claim_minutes
    try:
        with here.store.begin() as conn:
            if not claims.take_up(conn, person, coming.entry, coming.revision, now, minutes):
                return False
            for page in coming.pages:
                claims.view_page(conn, person, page)
    except EfterskriftError:  # whatever it is, the screen asks again and says so
        return False
    return True
