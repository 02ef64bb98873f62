"""What a person does with the entry on the screen: save, skip, hand on, reject, and take the last thing back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.errors import (
    ClientConflictError,
    EfterskriftError,
    InvalidAnswerError,
    MissingAnswerError,
    RecountError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.model import EntryState, Person
from pipeline.store import claims, decisions, forwarding, groups, undoing
from pipeline.store.clock import utc_now
from pipeline.store.entries import OPEN, Entry
from pipeline.store.entry_views import EntryView
from pipeline.store.looks import note_look
from pipeline.store.plants import last_missed
from pipeline.told_labels import told_label
from ui.components import client_card, entry_facts, entry_turn
from ui.components.client_guard_form import about_client, ask_about_client
from ui.components.coming_entry import go_on
from ui.components.control_task import make_due
from ui.components.entry_form import answers
from ui.components.entry_turn import UNDO, UNDO_GROUP, complain, complain_of, nothing_to_undo, say, tell, turn_to
from ui.components.faults import fault_text
from ui.components.first_look import LEAST_LOOK, is_too_soon
from ui.components.returning import FORWARD, return_entry
from ui.session import while_open
from ui.site import Site
from ui.text import t

_UNDONE_AT = "undone_at"
_UNDOABLE = {EntryState.CONFIRMED, EntryState.SECOND, EntryState.REJECTED}


@while_open
def save(here: Site, person: Person, view: EntryView) -> None:
    """Save what was answered to the entry that was on the screen, whatever is there now; a second press of the key is too early to be meant.

    Nothing is saved for a client who has not been shown: who types the number last and saves at once sees the client first.
    """
    now, shown_at = utc_now(), entry_turn.shown_at()
    if shown_at is None or is_too_soon(view.entry.id, now, LEAST_LOOK):
        return
    entry = view.entry
    if client_card.is_unseen(view, now, LEAST_LOOK):
        say(t("review.look_at_client"))
        return
    try:
        with here.store.begin() as conn:
            seen, told = (entry.id, entry.revision), entry_facts.was_told(view)
            state = decisions.save_answers(conn, here.forms, person, *seen, answers(view), now, about=about_client(view), ask_figures=not told)
            missed = last_missed(conn, person, entry.id) if state is EntryState.REVIEW else None
            if missed is None:
                note_look(conn, person, view, shown_at, now)
    except (UnknownClientError, ClientConflictError) as error:
        complain(entry.id, error.fields, ask_about_client(view, error))
    except MissingAnswerError as error:
        complain(entry.id, error.fields, ask_about_client(view, error) or "review.missing_answer")
    except InvalidAnswerError as error:
        complain(entry.id, error.fields, "review.invalid_answer")
    except RecountError:
        complain_of(entry.id, entry_facts.tell(view))
    except EfterskriftError as error:
        say(fault_text(error))
        if isinstance(error, StaleDecisionError):
            turn_to(None)
    else:
        _saved(here, person, view, state, missed)


def _saved(here: Site, person: Person, view: EntryView, state: EntryState, missed: str | None) -> None:
    if missed is not None:
        turn_to(view.entry.id, utc_now())
        say(t("control.missed", field=told_label(view.form, view.form.by_name[missed])))
        return
    make_due()
    go_on(here, person)
    st.session_state.pop(UNDO_GROUP, None)
    st.session_state[UNDO] = True
    tell(t("review.sent_on" if state is EntryState.SECOND else "review.saved"))


@while_open
def skip(here: Site, person: Person, view: EntryView) -> None:
    """Let the entry come later."""
    tried(here, person, lambda conn: claims.skip(conn, person, view.entry.id, view.entry.revision))


@while_open
def hand_on(here: Site, person: Person, view: EntryView) -> None:
    """Give the entry to the client's own unit; a second press of the key that saved the one before is too early to be meant."""
    now = utc_now()
    if is_too_soon(view.entry.id, now, LEAST_LOOK):
        return
    _put_aside(here, person, lambda conn: forwarding.forward_protected(conn, here.forms, person, view.entry.id, view.entry.revision, now), final=True)


@while_open
def reject(here: Site, person: Person, view: EntryView, reason: str) -> None:
    """Put the entry aside for a reason."""
    if not reason:
        say(t("reject.choose"))
        return
    if return_entry(here, person, view, reason, lambda act: _put_aside(here, person, act, final=reason == FORWARD)):
        return
    _put_aside(here, person, lambda conn: decisions.reject(conn, person, view.entry.id, view.entry.revision, reason, utc_now()))


def _put_aside(here: Site, person: Person, act: Callable[[Connection], object], *, final: bool = False) -> None:
    """Do it and go on. What is `final` is not taken back here."""
    tried(here, person, act)
    nothing_to_undo()
    if not final:
        st.session_state.pop(UNDO, None)


def undo_button(here: Site, person: Person, entry_id: str = "") -> None:
    """The way back from what was done last."""
    if UNDO not in st.session_state:  # asked once, since the answer is looked for among all entries
        st.session_state[UNDO] = _latest(here, person) is not None
    nothing = not st.session_state[UNDO] and UNDO_GROUP not in st.session_state
    st.button(t("review.undo"), key=f"undo-{entry_id}", shortcut="Alt+Z", on_click=partial(undo, here, person), disabled=nothing)


@while_open
def undo(here: Site, person: Person) -> None:
    """Take back the last group if nothing has been decided since, else the last decision; a second press of the key is too early to be meant."""
    now, before = utc_now(), st.session_state.get(_UNDONE_AT)
    if before is not None and now - before < LEAST_LOOK:
        return
    st.session_state[_UNDONE_AT] = now
    if st.session_state.pop(UNDO_GROUP, None):
        with here.store.begin() as conn:
            count = groups.undo_group(conn, person, utc_now())
        turn_to(None)
        say(t("ways.undone", count=count))
        return
    latest = _latest(here, person)
    if latest is None:
        return
    st.session_state.pop(UNDO, None)
    _take_back(here, person, latest)


def _take_back(here: Site, person: Person, latest: Entry) -> None:
    try:
        with here.store.begin() as conn:
            state = undoing.undo(conn, person, latest.id, latest.revision, utc_now())
    except EfterskriftError as error:
        say(fault_text(error))
        return
    if state in OPEN:
        turn_to(latest.id, utc_now())
    else:
        say(t("review.undone_rejection"))


@while_open
def tried(here: Site, person: Person, act: Callable[[Connection], object]) -> None:
    """Do it, say what hinders it, and go on to the next entry."""
    try:
        with here.store.begin() as conn:
            act(conn)
    except EfterskriftError as error:
        say(fault_text(error))
    go_on(here, person)


def _latest(here: Site, person: Person) -> Entry | None:
    with here.store.read() as conn:
        return next((entry for entry in undoing.my_latest(conn, person, limit=1) if entry.state in _UNDOABLE), None)
