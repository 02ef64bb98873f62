"""Signera: the notes that wait for a signature, read one at a time and signed; the person's own, and those of authors who cannot sign."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.errors import EfterskriftError
from pipeline.fiducials import is_serial, shown_serial
from pipeline.model import EntryState, Person
from pipeline.store import signing
from pipeline.store.clock import utc_now
from pipeline.store.entries import Entry, entry
from pipeline.store.entry_views import EntryView, look_at
from pipeline.store.signing import ToSign
from ui.components.entry_form import settled_lines
from ui.components.faults import fault_text
from ui.components.first_look import LEAST_LOOK, forget_drawn, is_too_soon, note_drawn
from ui.components.heading import heading
from ui.components.keyboard import keyboard
from ui.components.sheet_pictures import SEEN, note_looks, sheet_pictures
from ui.components.version_table import people_lines, version_table
from ui.session import while_open
from ui.site import Site
from ui.text import known, t

_CHOSEN, _SAID, _SKIPPED = "signing_entry", "signing_said", "signing_skipped"
KINDS = ("own", "others")


def show(here: Site, person: Person) -> None:
    """The screen."""
    heading(here, person, t("signing.title"), t("signing.what"))
    if said := st.session_state.pop(_SAID, None):
        kind, text = said
        (st.success if kind == "ok" else st.warning)(text)
    with here.store.read() as conn:
        waiting = signing.to_sign(conn, here.forms, person)
    counts = {"own": len(waiting.own), "others": len(waiting.others)}
    label = {kind: t(f"signing.kind.{kind}", count=counts[kind]) for kind in KINDS}
    chosen = st.segmented_control(
        t("signing.show"), KINDS, default="own", required=True, format_func=label.__getitem__, key="signing_kind", label_visibility="collapsed"
    )
    listed = _in_turn(waiting.own if chosen == "own" else waiting.others)
    if not listed:
        _nothing(here, person, str(chosen))
        return
    current = next((one for one in listed if one.id == st.session_state.get(_CHOSEN)), listed[0])
    if current.id != st.session_state.get(_CHOSEN):
        _turn_to(current.id)
    _read(here, person, waiting, current, len(listed), own=chosen == "own")


def _in_turn(found: tuple[Entry, ...]) -> list[Entry]:
    """Those that were put off come last."""
    skipped: list[str] = st.session_state.get(_SKIPPED, [])
    return sorted(found, key=lambda one: skipped.index(one.id) if one.id in skipped else -1)


def _turn_to(entry_id: str | None) -> None:
    st.session_state.pop(SEEN, None)
    st.session_state[_CHOSEN] = entry_id
    forget_drawn()


def _read(here: Site, person: Person, waiting: ToSign, one: Entry, left_over: int, *, own: bool) -> None:
    rows = waiting.whole_sheet(one)
    with here.store.begin() as conn:
        views = [look_at(conn, here.forms, person, row.id) for row in (rows or (one,))]
        view = next(each for each in views if each.entry.id == one.id)
        note_looks(conn, person, view)
        reasons = signing.reasons_for(conn, here.forms, person, one)
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):
        sheet_pictures(here, view)
    with right:
        st.header(view.form.title, anchor=False)
        serial = shown_serial(one.serial) if one.serial and is_serial(one.serial) else ""
        row = t("review.row", row=one.row) if one.row else ""
        st.caption(" · ".join([*filter(None, (one.unit, serial, row)), t("signing.left", count=left_over)]))
        if view.hidden:
            st.info(t("hidden.what"), icon=":material/visibility_off:")
            st.button(t("review.skip"), key=f"skip-{one.id}", shortcut="Alt+S", on_click=partial(_skip, one.id))
            return
        settled_lines(view, [field for field in view.fields if field.first is not None])
        people_lines(here, one)
        _sign_form(here, person, view, () if own else reasons)
        if rows and not any(each.hidden for each in views):
            _sheet(here, person, views)
        with st.container(horizontal=True):
            st.button(t("review.skip"), key=f"skip-{one.id}", shortcut="Alt+S", on_click=partial(_skip, one.id))
            _undo_button(here, person)
        version_table(here, person, view)


def _sign_form(here: Site, person: Person, view: EntryView, reasons: tuple[str, ...]) -> None:
    """`reasons`: what may be given as one; none for the own note."""
    one, own = view.entry, not reasons
    do, why, text = (f"{name}-{one.id}-{one.revision}" for name in ("sign", "sign_why", "sign_text"))
    act = partial(_sign, here, person, view, do, why, text)
    with st.form(f"signing-{one.id}-{one.revision}", enter_to_submit=False, border=not own):
        if own:
            st.caption(t("signing.own_what"))
        else:
            st.markdown(t("signing.others_what", author=one.author or t("people.unknown")))
            st.radio(t("signing.why"), reasons, index=None, format_func=lambda reason: known("signing.reasons", reason), key=why)
            st.text_input(t("signing.text"), key=text, max_chars=200, autocomplete="off")
        st.form_submit_button(t("signing.sign"), key=do, type="primary", shortcut="Ctrl+Enter", on_click=act)
    keyboard(f"signing-{one.id}", [] if own else [why, text], save=do, least_look=LEAST_LOOK)
    note_drawn(do)


def _sheet(here: Site, person: Person, views: list[EntryView]) -> None:
    """All own rows of the sheet, to be read before one signature for all."""
    with st.expander(t("signing.sheet_title", count=len(views)), expanded=False, key=f"sheet-{views[0].entry.sheet}"):
        for view in views:
            st.markdown(f"**{t('review.row', row=view.entry.row)}**")
            settled_lines(view, [field for field in view.fields if field.first is not None and field.spec.row is not None])
        seen = [(view.entry.id, view.entry.revision) for view in views]
        st.button(
            t("signing.sheet_sign", count=len(views)), key=f"sign_sheet-{views[0].entry.sheet}", on_click=partial(_sign_sheet, here, person, seen)
        )


@while_open
def _sign(here: Site, person: Person, view: EntryView, do: str, why: str, text: str) -> None:
    now, one = utc_now(), view.entry
    if is_too_soon(do, now):
        return
    reason, words = st.session_state.get(why) or "", str(st.session_state.get(text) or "")
    _tried(here, "signing.done", lambda conn: signing.sign(conn, here.forms, person, one.id, one.revision, now, why=reason, text=words))


@while_open
def _sign_sheet(here: Site, person: Person, seen: list[tuple[str, int]]) -> None:
    _tried(here, "signing.sheet_done", lambda conn: signing.sign_sheet(conn, here.forms, person, seen, utc_now()))


def _tried(here: Site, done: str, act: Callable[[Connection], object]) -> None:
    try:
        with here.store.begin() as conn:
            act(conn)
    except EfterskriftError as error:
        st.session_state[_SAID] = ("fault", fault_text(error))
        forget_drawn()  # what comes up now may be another version
    else:
        st.session_state[_SAID] = ("ok", t(done))
        _turn_to(None)


def _skip(entry_id: str) -> None:
    before: list[str] = st.session_state.get(_SKIPPED, [])
    st.session_state[_SKIPPED] = [one for one in before if one != entry_id] + [entry_id]
    _turn_to(None)


def _undo_button(here: Site, person: Person) -> None:
    with here.store.read() as conn:
        last = next(iter(signing.my_signed(conn, person)), None)
    st.button(t("signing.undo"), key="undo_signature", shortcut="Alt+Z", disabled=last is None, on_click=partial(_undo, here, person, last))


@while_open
def _undo(here: Site, person: Person, last: Entry | None) -> None:
    if last is None:
        return
    _tried(here, "signing.undone", lambda conn: signing.take_back(conn, person, last.id, last.revision, utc_now()))
    with here.store.read() as conn:
        if entry(conn, last.id).state is EntryState.CONFIRMED:
            _turn_to(last.id)


def _nothing(here: Site, person: Person, kind: str) -> None:
    with st.container(border=True):
        st.markdown(t(f"signing.empty.{kind}"))
        st.caption(t("signing.empty_next"))
        _undo_button(here, person)
