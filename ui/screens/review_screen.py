"""Granska: one entry at a time, with the keyboard alone if one likes."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pipeline.errors import NotAllowedError, StaleDecisionError
from pipeline.model import EntryState, Person
from pipeline.store import claims
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import EntryView
from pipeline.store.plants import planted
from pipeline.store.questions import ANSWERED
from pipeline.store.second_person import waits_for_another
from ui.components import coming_entry, entry_acts, entry_turn, form_slots, lookup_view
from ui.components.client_card import client_card
from ui.components.control_task import control_turn, put_away
from ui.components.entry_form import entry_form, widget_keys
from ui.components.entry_line import entry_line
from ui.components.faults import fault_text
from ui.components.first_look import LEAST_LOOK, note_drawn
from ui.components.folding import open_button
from ui.components.group_task import group_turn
from ui.components.heading import person_menu
from ui.components.hidden_client import hidden_client
from ui.components.key_help import key_help
from ui.components.note_way import way
from ui.components.problem_text import problem_texts
from ui.components.reject_form import reject_form
from ui.components.returning import author_said
from ui.components.sheet_pictures import note_looks, prefetch, sheet_pictures
from ui.session import while_open
from ui.site import Site
from ui.text import t


def show(here: Site, person: Person) -> None:
    """The screen."""
    if not _show(here, person):
        put_away()
    entry_turn.show_told()


def _show(here: Site, person: Person) -> bool:
    """Show what has its turn; answers whether that is a control."""
    if lookup_view.is_open():
        lookup_view.show(here, person, partial(_open_found, here, person))
        return False
    if control_turn(here, person):
        return True
    if group_turn(here, person):
        return False
    view = _current(here, person)
    if view is None and control_turn(here, person, idle=True):
        return True
    top, said, work = st.container(), st.container(), st.container(key="work")
    left, right = work.columns([1.15, 1], gap="medium")
    bar = top.container(horizontal=True, vertical_alignment="center")
    with bar.container(gap=None, key="entry_title"):  # first, so that a form never stands below the line of the one before
        _title(here, person, view)
    if view is not None:
        _sheet(here, person, view, left, right)
    with bar:
        _menu(here, person)
    with said:
        entry_turn.show_said()
        if view is None:
            _nothing_to_do(here, person)
    return False


def _sheet(here: Site, person: Person, view: EntryView, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """The entry, what one needs first being sent first: the picture, which form is seen, and the focus."""
    rejecting = entry_turn.is_rejecting(view.entry.id)
    slot = form_slots.entry_slot(view)
    with left, st.container(key="picture"):
        sheet_pictures(here, view)
    with right:
        about = st.container(key="about_entry")
        explained, head = about.container(), about.container()
        slots = {name: st.container(key=form_slots.slot_key(name)) for name in form_slots.names()}
        foot = st.container()
    form_slots.show_only(None if rejecting or view.hidden else slot)
    with head:
        if rejecting:
            reject_form(here, person, view, partial(entry_acts.reject, here, person, view), entry_turn.stop_rejecting)
        elif view.hidden:
            hidden_client(view, partial(entry_acts.hand_on, here, person, view), partial(entry_acts.skip, here, person, view))
        else:
            _card(here, person, view)
    if not view.hidden:
        with slots[slot]:
            entry_form(here, view, entry_turn.complaints(), partial(entry_acts.save, here, person, view), seen=not rejecting)
    with explained:
        _explain(here, person, view)
    if not rejecting and not view.hidden:
        with foot, st.container(horizontal=True):
            _buttons(here, person, view)
    note_drawn(view.entry.id)
    _ahead(here, person, view, slots[form_slots.other_slot()])


def _current(here: Site, person: Person) -> EntryView | None:
    now, minutes = utc_now(), here.settings.claim_minutes
    view = _as_before(here, person, now)
    with here.store.begin() as conn:
        if view is None or view.entry.state not in {EntryState.REVIEW, EntryState.SECOND}:
            view = claims.claim_next(conn, here.forms, person, now, minutes, here.settings.queue_order)
        if view is None:
            entry_turn.turn_to(None)
        elif view.entry.id != entry_turn.current():
            entry_turn.turn_to(view.entry.id, now)
        if view is not None:
            note_looks(conn, person, view)
            view = planted(conn, person, view, here.settings.plant_share, now)
    return view


def _as_before(here: Site, person: Person, now: datetime) -> EntryView | None:
    """The entry that was on the screen; None if there was none, or if it is another's by now, and then the person is told."""
    if (entry_id := entry_turn.current()) is None:
        return None
    try:
        with here.store.begin() as conn:
            view = claims.open_entry(conn, here.forms, person, entry_id, now, here.settings.claim_minutes)
    except (StaleDecisionError, NotAllowedError) as error:
        entry_turn.turn_to(None)
        entry_turn.say(fault_text(error))
        return None
    return view if view.entry.claimed_by == person.login else None


def _ahead(here: Site, person: Person, now: EntryView, slot: DeltaGenerator) -> None:
    """While the person works, claim the entry that comes next, send its pictures and draw its form, unseen.

    Not the form of another row of the same sheet: what is answered now for the head of the sheet will stand in it.
    """
    with here.store.begin() as conn:
        at = utc_now()
        view = claims.claim_next(conn, here.forms, person, at, here.settings.claim_minutes, here.settings.queue_order, (now.entry.id,))
        if view is not None:
            view = planted(conn, person, view, here.settings.plant_share, at)
    coming_entry.nothing_comes()
    if view is None:
        return
    sheet = prefetch(here, view)
    if view.entry.sheet != now.entry.sheet and not view.hidden:
        name = form_slots.ahead_slot(view)
        with slot:
            entry_form(here, view, {}, partial(entry_acts.save, here, person, view), seen=False)
        coming_entry.announce(view, name, sheet)


@while_open
def _open_found(here: Site, person: Person, entry_id: str) -> None:
    """Go on with an entry that was looked up; the one that was open goes back undecided."""
    before = entry_turn.current()
    if before and before != entry_id:
        with here.store.begin() as conn:
            claims.release(conn, person, before)
    entry_turn.turn_to(entry_id, utc_now())


def _title(here: Site, person: Person, view: EntryView | None) -> None:
    st.title(view.form.title if view else t("review.title"), anchor=False)
    if view is not None:
        st.caption(f"{entry_line(here, person, view)} · {t(f'way.{way(view).value}')}")


def _menu(here: Site, person: Person) -> None:
    st.button(t("lookup.open"), key="lookup_open", shortcut="Alt+L", icon=":material/search:", on_click=lookup_view.begin)
    key_help()
    person_menu(here, person)


def _explain(here: Site, person: Person, view: EntryView) -> None:
    lines = problem_texts(view.problems, view.form) + author_said(here, person, view)
    if view.second:
        lines.insert(0, t("review.second"))
    if view.entry.reason:
        lines.insert(0, t("returns.answered") if view.entry.reason == ANSWERED else t("review.returned", reason=view.entry.reason))
    if lines:
        st.info("\n\n".join(lines), icon=":material/info:")


def _card(here: Site, person: Person, view: EntryView) -> None:
    wrong = next((key for key, field in widget_keys(view).items() if field.spec.name in entry_turn.complaints()), None)
    least_look = timedelta() if entry_turn.tries() else LEAST_LOOK  # what could not be saved has been looked at
    client_card(here, person, view, coming_entry.turn_of(view), wrong, least_look)


def _buttons(here: Site, person: Person, view: EntryView) -> None:
    st.button(t("review.skip"), key=f"skip-{view.entry.id}", shortcut="Alt+S", on_click=partial(entry_acts.skip, here, person, view))
    st.button(t("review.reject"), key=f"reject-{view.entry.id}", shortcut="Alt+A", on_click=entry_turn.begin_rejecting, args=(view.entry.id,))
    open_button(view)
    entry_acts.undo_button(here, person, view.entry.id)


def _nothing_to_do(here: Site, person: Person) -> None:
    with st.container(border=True):
        st.markdown(t("review.empty"))
        st.caption(t("review.empty_next"))
        with here.store.read() as conn:
            told = {"review.hidden": claims.hidden_count(conn, person), "review.for_another": waits_for_another(conn, person)}
        for text, count in told.items():
            if count:
                st.caption(t(text, count=count))
        entry_acts.undo_button(here, person)
