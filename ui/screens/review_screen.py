"""Granska: one entry at a time, with the keyboard alone if one likes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import streamlit as st
from sqlalchemy import Connection
from streamlit.delta_generator import DeltaGenerator

from pipeline.errors import ClientConflictError, EfterskriftError, InvalidAnswerError, MissingAnswerError, StaleDecisionError, UnknownClientError
from pipeline.model import EntryState, Person
from pipeline.store import claims, decisions, forwarding
from pipeline.store.clock import utc_now
from pipeline.store.entries import Entry
from pipeline.store.entry_views import EntryView
from pipeline.store.looks import note_look
from pipeline.store.plants import last_missed, planted
from pipeline.store.questions import ANSWERED
from ui.components import form_slots, lookup_view
from ui.components.client_card import client_card
from ui.components.client_guard_form import about_client, ask_about_client, forget_client
from ui.components.control_task import control_turn, make_due
from ui.components.entry_form import answers, entry_form, widget_keys
from ui.components.entry_line import entry_line
from ui.components.faults import fault_text
from ui.components.heading import person_menu
from ui.components.hidden_client import hidden_client
from ui.components.key_help import key_help
from ui.components.problem_text import problem_text
from ui.components.reject_form import reject_form
from ui.components.returning import author_said, forget_returning, return_entry
from ui.components.sheet_pictures import SEEN, note_looks, prefetch, sheet_pictures
from ui.session import Site
from ui.text import t

LEAST_LOOK = timedelta(milliseconds=500)
"""Nobody has looked at an entry that came up less than this ago: a save is then a key pressed twice."""

_ENTRY, _SHOWN_AT, _PROBLEM, _COMPLAINTS, _REJECTING = "entry_id", "entry_shown_at", "review_problem", "complaints", "rejecting"
_TRY, _UNDO = "review_try", "something_to_undo"
_UNDOABLE = {EntryState.CONFIRMED, EntryState.SECOND, EntryState.REJECTED}


def show(here: Site, person: Person) -> None:
    """The screen."""
    if lookup_view.is_open():
        lookup_view.show(here, person, partial(_open_found, here, person))
        return
    if control_turn(here, person):
        return
    view = _current(here, person)
    if view is None and control_turn(here, person, idle=True):
        return
    top, said, left, right = st.container(), st.container(), *st.columns([1.15, 1], gap="medium")
    if view is not None:
        _sheet(here, person, view, left, right)
    with top:
        _top(here, person, view)
    with said:
        if problem := st.session_state.pop(_PROBLEM, None):
            st.warning(problem, icon=":material/info:")
        if view is None:
            _nothing_to_do(here, person)


def _sheet(here: Site, person: Person, view: EntryView, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """The entry, what one needs first being sent first: the picture, which form is seen, and the focus."""
    rejecting = st.session_state.get(_REJECTING) == view.entry.id
    slot = form_slots.entry_slot(view)
    with left, st.container(key="picture"):
        sheet_pictures(here, view)
    with right:
        explained, head = st.container(), st.container()
        slots = {name: st.container(key=form_slots.slot_key(name)) for name in form_slots.names()}
        foot = st.container()
    form_slots.show_only(None if rejecting or view.hidden else slot)
    with head:
        if rejecting:
            reject_form(here, person, view, partial(_reject, here, person, view), _stop_rejecting)
        elif view.hidden:
            hidden_client(view, partial(_hand_on, here, person, view), partial(_skip, here, person, view))
        else:
            _card(here, person, view)
    if not view.hidden:
        with slots[slot]:
            entry_form(here, view, _complaints(), partial(_save, here, person, view), seen=not rejecting)
    with explained:
        _explain(here, person, view)
    if not rejecting and not view.hidden:
        with foot, st.container(horizontal=True):
            _buttons(here, person, view)
    _ahead(here, person, view, slots[form_slots.other_slot()])


def _current(here: Site, person: Person) -> EntryView | None:
    now, minutes = utc_now(), here.settings.claim_minutes
    with here.store.begin() as conn:
        entry_id = st.session_state.get(_ENTRY)
        view = claims.open_entry(conn, here.forms, person, entry_id, now, minutes) if entry_id else None
        if view is None or view.entry.state not in {EntryState.REVIEW, EntryState.SECOND}:
            view = claims.claim_next(conn, here.forms, person, now, minutes, here.settings.queue_order)
        if view is None:
            _turn_to(None)
        elif view.entry.id != st.session_state.get(_ENTRY):
            _turn_to(view.entry.id, now)
        if view is not None:
            note_looks(conn, person, view)
            view = planted(conn, person, view, here.settings.plant_share, now)
    return view


def _ahead(here: Site, person: Person, now: EntryView, slot: DeltaGenerator) -> None:
    """While the person works, claim the entry that comes next, send its pictures and draw its form, unseen.

    Not the form of another row of the same sheet: what is answered now for the head of the sheet will stand in it.
    """
    with here.store.begin() as conn:
        at = utc_now()
        view = claims.claim_next(conn, here.forms, person, at, here.settings.claim_minutes, here.settings.queue_order, (now.entry.id,))
        if view is not None:
            view = planted(conn, person, view, here.settings.plant_share, at)
    if view is None:
        return
    prefetch(here, view)
    if view.entry.sheet != now.entry.sheet and not view.hidden:
        form_slots.ahead_slot(view)
        with slot:
            entry_form(here, view, {}, partial(_save, here, person, view), seen=False)


def _open_found(here: Site, person: Person, entry_id: str) -> None:
    """Go on with an entry that was looked up; the one that was open goes back undecided."""
    before = st.session_state.get(_ENTRY)
    if before and before != entry_id:
        with here.store.begin() as conn:
            claims.release(conn, person, before)
    _turn_to(entry_id, utc_now())


def _turn_to(entry_id: str | None, now: datetime | None = None) -> None:
    """Begin with another entry: nothing of the last one is left."""
    for key in (_COMPLAINTS, _REJECTING, SEEN, _TRY):
        st.session_state.pop(key, None)
    forget_client()
    forget_returning()
    st.session_state[_ENTRY], st.session_state[_SHOWN_AT] = entry_id, now


def _top(here: Site, person: Person, view: EntryView | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(view.form.title if view else t("review.title"), anchor=False)
            if view is not None:
                st.caption(entry_line(here, person, view))
        st.button(t("lookup.open"), key="lookup_open", shortcut="Alt+L", icon=":material/search:", on_click=lookup_view.begin)
        key_help()
        person_menu(here, person)


def _explain(here: Site, person: Person, view: EntryView) -> None:
    lines = [problem_text(code, view.form) for code in view.problems] + author_said(here, person, view)
    if view.second:
        lines.insert(0, t("review.second"))
    if view.entry.reason:
        lines.insert(0, t("returns.answered") if view.entry.reason == ANSWERED else t("review.returned", reason=view.entry.reason))
    if lines:
        st.info("\n\n".join(lines), icon=":material/info:")


def _complaints() -> dict[str, str]:
    found: dict[str, str] = st.session_state.get(_COMPLAINTS, {})
    return found


def _card(here: Site, person: Person, view: EntryView) -> None:
    wrong = next((key for key, field in widget_keys(view).items() if field.spec.name in _complaints()), None)
    client_card(here, person, view, f"{view.entry.id}-{view.entry.revision}-{st.session_state.get(_TRY, 0)}", wrong)


def _buttons(here: Site, person: Person, view: EntryView) -> None:
    st.button(t("review.skip"), key=f"skip-{view.entry.id}", shortcut="Alt+S", on_click=partial(_skip, here, person, view))
    reject = partial(st.session_state.__setitem__, _REJECTING, view.entry.id)
    st.button(t("review.reject"), key=f"reject-{view.entry.id}", shortcut="Alt+A", on_click=reject)
    _undo_button(here, person, view.entry.id)


def _undo_button(here: Site, person: Person, entry_id: str = "") -> None:
    if _UNDO not in st.session_state:  # asked once, since the answer is looked for among all entries
        st.session_state[_UNDO] = _latest(here, person) is not None
    nothing = not st.session_state[_UNDO]
    st.button(t("review.undo"), key=f"undo-{entry_id}", shortcut="Alt+Z", on_click=partial(_undo, here, person), disabled=nothing)


def _save(here: Site, person: Person, view: EntryView) -> None:
    """Save what was answered to the entry that was on the screen, whatever is there now; a second press of the key is too early to be meant."""
    now = utc_now()
    shown_at: datetime | None = st.session_state.get(_SHOWN_AT)
    if shown_at is None or now - shown_at < LEAST_LOOK:
        return
    try:
        with here.store.begin() as conn:
            state = decisions.save_answers(conn, here.forms, person, view.entry.id, view.entry.revision, answers(view), now, about=about_client(view))
            missed = last_missed(conn, person, view.entry.id) if state is EntryState.REVIEW else None
            if missed is None:
                note_look(conn, person, view, shown_at, now)
    except (UnknownClientError, ClientConflictError) as error:
        _complain(error.fields, ask_about_client(view, error))
    except MissingAnswerError as error:
        _complain(error.fields, ask_about_client(view, error) or "review.missing_answer")
    except InvalidAnswerError as error:
        _complain(error.fields, "review.invalid_answer")
    except EfterskriftError as error:
        st.session_state[_PROBLEM] = fault_text(error)
        if isinstance(error, StaleDecisionError):
            _turn_to(None)
    else:
        if missed is not None:
            _turn_to(view.entry.id, now)
            st.session_state[_PROBLEM] = t("control.missed", field=view.form.by_name[missed].label)
            return
        _turn_to(None)
        make_due()
        st.session_state[_UNDO] = True
        st.toast(t("review.sent_on" if state is EntryState.SECOND else "review.saved"), icon=":material/check:")


def _complain(fields: tuple[str, ...], key: str) -> None:
    st.session_state[_COMPLAINTS] = dict.fromkeys(fields, t(key))
    st.session_state[_TRY] = st.session_state.get(_TRY, 0) + 1
    st.session_state[_PROBLEM] = t("review.not_saved")


def _skip(here: Site, person: Person, view: EntryView) -> None:
    _tried(here, lambda conn: claims.skip(conn, person, view.entry.id, view.entry.revision))


def _hand_on(here: Site, person: Person, view: EntryView) -> None:
    _tried(here, lambda conn: forwarding.forward_protected(conn, here.forms, person, view.entry.id, view.entry.revision, utc_now()))


def _reject(here: Site, person: Person, view: EntryView, reason: str) -> None:
    if not reason:
        st.session_state[_PROBLEM] = t("reject.choose")
        return
    if return_entry(here, person, view, reason, partial(_tried, here)):
        return
    _tried(here, lambda conn: decisions.reject(conn, person, view.entry.id, view.entry.revision, reason, utc_now()))
    st.session_state.pop(_UNDO, None)


def _undo(here: Site, person: Person) -> None:
    latest = _latest(here, person)
    if latest is None:
        return
    _tried(here, lambda conn: decisions.undo(conn, person, latest.id, latest.revision, utc_now()))
    st.session_state.pop(_UNDO, None)
    _turn_to(latest.id, utc_now())


def _tried(here: Site, act: Callable[[Connection], object]) -> None:
    try:
        with here.store.begin() as conn:
            act(conn)
    except EfterskriftError as error:
        st.session_state[_PROBLEM] = fault_text(error)
    _turn_to(None)


def _stop_rejecting() -> None:
    forget_returning()
    st.session_state.pop(_REJECTING, None)


def _latest(here: Site, person: Person) -> Entry | None:
    with here.store.read() as conn:
        return next((entry for entry in decisions.my_latest(conn, person, limit=1) if entry.state in _UNDOABLE), None)


def _nothing_to_do(here: Site, person: Person) -> None:
    with st.container(border=True):
        st.markdown(t("review.empty"))
        st.caption(t("review.empty_next"))
        with here.store.read() as conn:
            hidden = claims.hidden_count(conn, person)
        if hidden:
            st.caption(t("review.hidden", count=hidden))
        _undo_button(here, person)
