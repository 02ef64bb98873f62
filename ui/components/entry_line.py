"""The line below an entry's title: where it comes from, and how much waits."""

from __future__ import annotations

import streamlit as st

from pipeline.fiducials import is_serial, shown_serial
from pipeline.model import Person
from pipeline.store import claims
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import EntryView
from ui.site import Site
from ui.text import t

COUNT_SECONDS = 20
"""How old the number of waiting entries may be."""


def entry_line(here: Site, person: Person, view: EntryView) -> str:
    """Unit, serial, row, and the number of entries that wait for this person."""
    entry = view.entry
    waiting = _waiting(here, person, person.login, tuple(sorted(person.units)))
    parts = [
        entry.unit,
        shown_serial(entry.serial) if entry.serial and is_serial(entry.serial) else "",
        t("review.row", row=entry.row) if entry.row else "",
    ]
    return " · ".join([*filter(None, parts), t("review.waiting", count=waiting)])


@st.cache_data(ttl=COUNT_SECONDS, max_entries=500, show_spinner=False)
def _waiting(_here: Site, _person: Person, login: str, units: tuple[str, ...]) -> int:
    del login, units
    with _here.store.read() as conn:
        return claims.waiting_count(conn, _person, utc_now())
