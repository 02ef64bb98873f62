"""Sök: entries by client, day, author, unit and serial, together."""

from __future__ import annotations

import re
from datetime import date, timedelta

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.store.lookup.search import EntrySearch, SearchResult, search_entries
from ui.browser.document import scroll_to
from ui.browser.keyboard import keyboard
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.lookup.entry_list import (
    Review,
    chosen_entry,
    close_chosen,
    entry_line,
    look_button,
)
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_SEARCH_KEY = "search_sought"
_LOGGED_KEY = f"{VIEW_KEY_PREFIX}search"
_TURN_KEY = "search_turn"
_NUMBER_LENGTHS = (10, 12)
"""Digits of a personal number without and with its century."""
_FIRST_DAY = date(2000, 1, 1)


def show_search(context: AppContext, person: Person, review: Review) -> None:
    """Show the search and what it found; `review` opens an entry that still waits."""
    if chosen_entry(context, person):
        return
    search = _search_form(person)
    if search is None:
        return
    if not search.is_specific:
        st.warning(t("search.more_needed"), icon=":material/info:")
        return
    with context.store.begin() as conn:
        is_first = st.session_state.get(_LOGGED_KEY) != search
        result = search_entries(conn, person, search, first=is_first)
    st.session_state[_LOGGED_KEY] = search
    with st.container(key="search_found"):
        _show_result(context, search, result, review)
    if is_first:
        st.session_state[_TURN_KEY] = st.session_state.get(_TURN_KEY, 0) + 1
    # At 200 % the form fills the window, and what was found is below it
    scroll_to(f"search {st.session_state.get(_TURN_KEY, 0)}", "search_found")


def close_search() -> None:
    """Forget what was sought."""
    for key in (_SEARCH_KEY, _LOGGED_KEY):
        st.session_state.pop(key, None)
    close_chosen()


def _search_form(person: Person) -> EntrySearch | None:
    """Show the form as it was filled in, and return what was sought; None before any search."""
    before: EntrySearch = st.session_state.get(_SEARCH_KEY, EntrySearch())
    last_day = today_in_sweden() + timedelta(days=366)
    days = {"day": before.first_day, "last_day": before.last_day}
    units = ["", *sorted(permitted_units(person, Action.CORRECT))]
    with st.form("search", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = _text("name", before.name, 240, 80)
            number = _text("number", before.number, 190, 20)
            author = _text("author", before.author, 220, 80)
            serial = _text("serial", before.serial, 150, 12)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            first, last = (
                st.date_input(
                    t(f"search.{which}"),
                    value=date.fromisoformat(day) if day else None,
                    min_value=_FIRST_DAY,
                    max_value=last_day,
                    format="YYYY-MM-DD",
                    key=f"search_{which}",
                    width=190,
                )
                for which, day in days.items()
            )
            unit = st.selectbox(
                t("search.unit"),
                units,
                index=units.index(before.unit) if before.unit in units else 0,
                format_func=lambda value: plain(value) or t("search.any_unit"),
                key="search_unit",
                width=240,
            )
            is_sent = st.form_submit_button(t("lookup.search"), key="search_do", type="primary")
    keyboard("search", ["search_name", "search_number", "search_author", "search_serial"])
    if is_sent:
        st.session_state.pop(_LOGGED_KEY, None)
        st.session_state[_SEARCH_KEY] = EntrySearch(
            name=name,
            number=number,
            first_day=first.isoformat() if first else "",
            # One day, unless the last one is given too
            last_day=day.isoformat() if (day := last or first) else "",
            author=author,
            unit=unit,
            serial=serial,
        )
    search: EntrySearch | None = st.session_state.get(_SEARCH_KEY)
    return search


def _number_doubt(typed: str) -> str:
    """Return the key of what is wrong with a personal number in which nothing is sought.

    Empty if nothing is, also for numbers with letters, which are a municipality's own.
    """
    digits = re.sub(r"[\s+–-]", "", typed)
    if not digits.isdecimal():
        return ""
    if len(digits) not in _NUMBER_LENGTHS:
        return "search.number_incomplete"
    return "" if normalize_pid(typed).valid else "search.number_wrong"


def _text(name: str, before: str, width: int, most: int) -> str:
    return st.text_input(
        t(f"search.{name}"),
        before,
        key=f"search_{name}",
        max_chars=most,
        autocomplete="off",
        width=width,
    )


def _show_result(
    context: AppContext, search: EntrySearch, result: SearchResult, review: Review
) -> None:
    if result.is_cut:
        st.info(t("search.cut"), icon=":material/info:")
    if not result.entries:
        if doubt := _number_doubt(search.number):
            st.warning(t(doubt), icon=":material/error:")
        elif not result.is_cut:
            st.info(t("search.none"), icon=":material/info:")
        return
    st.caption(md("search.found", count=len(result.entries)))
    for one in result.entries:
        with entry_line(context, one, one.entry.id):
            look_button(one, review, one.entry.id)
