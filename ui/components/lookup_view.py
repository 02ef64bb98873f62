"""Sök löpnummer: what has become of a sheet of paper, by the number printed on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.access import Action, allowed
from pipeline.errors import EfterskriftError
from pipeline.fiducials import is_serial, normal_serial, shown_serial
from pipeline.model import EntryState, Person
from pipeline.store import lookup, sheets
from pipeline.store.entries import OPEN, Entry
from pipeline.store.exports import earlier
from pipeline.store.lookup import FoundSheet
from pipeline.store.second_person import not_for_among
from pipeline.template import Form
from ui.components.decided_entry import begin_void, decided_entry, forget_decided, is_voiding
from ui.components.faults import fault_text
from ui.components.heading import heading
from ui.components.keyboard import keyboard
from ui.session import while_open
from ui.site import Site
from ui.text import t

_OPEN, _SERIAL, _LOGGED, _CHOSEN, _SAID = "lookup_open_now", "lookup_serial", "lookup_logged", "lookup_chosen", "lookup_said"


def is_open() -> bool:
    """Whether the person looks for a sheet rather than reviews."""
    return bool(st.session_state.get(_OPEN))


def begin() -> None:
    """Open the search."""
    st.session_state[_OPEN] = True


def show(here: Site, person: Person, review: Callable[[str], None]) -> None:
    """The search and what it found. `review` opens an entry that still waits."""
    heading(here, person, t("lookup.title"), t("lookup.what"))
    if said := st.session_state.pop(_SAID, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)
    with st.form("lookup", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(t("lookup.serial"), key="lookup_typed", placeholder=t("lookup.example"), max_chars=12, autocomplete="off", width=260)
        sent = st.form_submit_button(t("lookup.search"), key="lookup_search", type="primary")
    st.button(t("lookup.back"), key="lookup_back", shortcut="Escape", on_click=_end, icon=":material/arrow_back:")
    keyboard("lookup", ["lookup_typed"])
    if sent:
        _search_for(typed)
    serial = st.session_state.get(_SERIAL)
    if not serial:
        return
    if not is_serial(serial):
        st.warning(t("lookup.wrong"), icon=":material/error:")
        return
    _found(here, person, serial, review)


def _search_for(typed: str) -> None:
    for key in (_CHOSEN, _LOGGED):
        st.session_state.pop(key, None)
    forget_decided()
    st.session_state[_SERIAL] = normal_serial(typed)


def _found(here: Site, person: Person, serial: str, review: Callable[[str], None]) -> None:
    with here.store.begin() as conn:
        found = lookup.sheets_of(conn, person, serial, first=st.session_state.get(_LOGGED) != serial)
        ids = [entry.id for sheet in found for entry in sheet.entries]
        for_others, sent = not_for_among(conn, person.login, ids), earlier(conn, ids)
        unlike = [_unlike(conn, _form_of(here, sheet), sheet) for sheet in found]
    st.session_state[_LOGGED] = serial
    if not found:
        st.info(t("lookup.nothing", serial=shown_serial(serial)), icon=":material/info:")
        return
    for number, (sheet, others) in enumerate(zip(found, unlike, strict=True), 1):
        page, form = sheet.pages[0], _form_of(here, sheet)
        copy = t("lookup.copy", number=number) if len(found) > 1 else ""
        st.header(" · ".join(filter(None, (form.title if form else "", shown_serial(serial), page.unit, copy))), anchor=False)
        for told in others:
            st.warning(told, icon=":material/difference:")
        for entry in sheet.entries:
            _line(person, entry, review, entry.id in for_others, entry.id in sent)
        _missing_row(here, person, sheet, review)
    chosen = st.session_state.get(_CHOSEN)
    # What is open may be reviewed by whoever looks here: what it says is typed unseen.
    may_see = {entry.id for sheet in found for entry in sheet.entries if entry.state not in OPEN or is_voiding()}
    if chosen in may_see:
        decided_entry(here, person, chosen, _told)


def _form_of(here: Site, sheet: FoundSheet) -> Form | None:
    page = sheet.pages[0]
    return here.forms.get((page.form or "", page.version or 0))


def _unlike(conn: Connection, form: Form | None, sheet: FoundSheet) -> list[str]:
    """What is to be told of rows that say otherwise of the sheet's head."""
    found = lookup.rows_unlike(conn, form, sheet.entries) if form else {}
    return [t("lookup.rows_unlike", field=form.by_name[name].full_label, rows=", ".join(map(str, rows))) for name, rows in found.items() if form]


def _line(person: Person, entry: Entry, review: Callable[[str], None], for_another: bool, sent: bool) -> None:
    row = t("review.row", row=entry.row) if entry.row else t("lookup.whole_sheet")
    state = t("lookup.void") if entry.voided else t(f"entry_state.{EntryState(entry.state).name.lower()}")
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{row[:1].upper()}{row[1:]}** · {state}", width="stretch")
        if entry.state in OPEN:
            if sent and allowed(person, Action.VOID, entry.unit):
                st.button(t("lookup.void_it"), key=f"lookup_void-{entry.id}", on_click=partial(_choose, entry.id, to_void=True))
            why = t("review.for_another", count=1) if for_another else None
            st.button(
                t("lookup.review"), key=f"lookup_review-{entry.id}", disabled=for_another, help=why, on_click=partial(_review, review, entry.id)
            )
        else:
            st.button(t("lookup.look"), key=f"lookup_look-{entry.id}", on_click=partial(_choose, entry.id))


def _missing_row(here: Site, person: Person, sheet: FoundSheet, review: Callable[[str], None]) -> None:
    """A row that the machine took for empty becomes an entry, and is reviewed at once."""
    form = _form_of(here, sheet)
    rows = [row for row in form.rows() if row not in {entry.row for entry in sheet.entries}] if form else []
    if not rows:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"lookup_row-{sheet.sheet}"
        if rows != [None]:
            st.selectbox(t("lookup.missing_row"), rows, key=key, format_func=lambda row: t("review.row", row=row), width=260)
        st.button(t("lookup.add_row"), key=f"add-{key}", on_click=partial(_add_row, here, person, sheet, rows, key, review))


@while_open
def _add_row(here: Site, person: Person, sheet: FoundSheet, rows: list[int | None], key: str, review: Callable[[str], None]) -> None:
    row = st.session_state.get(key, rows[0])
    form = here.forms[(sheet.pages[0].form or "", sheet.pages[0].version or 0)]
    number = next(n for n, page in enumerate(form.pages, 1) if row is None or any(spec.row == row for spec in page.all_fields))
    page = next((page for page in sheet.pages if page.page_no == number), sheet.pages[0])
    try:
        with here.store.begin() as conn:
            entry_id = sheets.add_row(conn, person, page.id, row, here.forms)
    except EfterskriftError as error:
        _told("fault", fault_text(error))
    else:
        _review(review, entry_id)


def _review(review: Callable[[str], None], entry_id: str) -> None:
    _end()
    review(entry_id)


def _choose(entry_id: str, *, to_void: bool = False) -> None:
    forget_decided()
    st.session_state[_CHOSEN] = entry_id
    if to_void:
        begin_void()


def _told(kind: str, text: str) -> None:
    st.session_state[_SAID] = (kind, text)


def _end() -> None:
    for key in (_OPEN, _SERIAL, _LOGGED, _CHOSEN, _SAID):
        st.session_state.pop(key, None)
    forget_decided()
