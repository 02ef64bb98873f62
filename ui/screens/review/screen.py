"""Granska: reviewing one entry at a time, also with the keyboard alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pipeline.domain.errors import NotAllowedError, StaleDecisionError
from pipeline.domain.model import EntryState, Person
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.second_reviewer import count_waiting_for_others
from pipeline.store.quality.seeded_errors import with_seeded_error
from pipeline.store.review.questions import ANSWERED_REASON
from ui.browser.keyboard import key_help_button
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.lookup import screen
from ui.screens.review import actions, current_entry
from ui.screens.review import prefetch as review_prefetch
from ui.screens.review.client_panel import client_panel
from ui.screens.review.depth import attachments_screen, rows_screen, split_screen
from ui.screens.review.depth.depth_buttons import depth_buttons
from ui.screens.review.depth.deviations import add_deviation_field, with_added_deviations
from ui.screens.review.entry_form import (
    entry_form,
    expand_button,
    question_focus_key,
    widget_keys,
)
from ui.screens.review.entry_header import entry_origin_text, hidden_client_notice
from ui.screens.review.rejection import author_answer_texts, reject_form
from ui.screens.review.sheet_images import (
    prefetch_images,
    record_page_views,
    sheet_images,
    work_mode,
)
from ui.screens.review.turns.batch_screen import show_batch_turn
from ui.screens.review.turns.rekeying_screen import reset_rekeying_view, show_rekeying_turn
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import person_menu
from ui.widgets.min_view_time import MIN_VIEW_TIME, note_drawn
from ui.widgets.problem_text import issue_texts
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    if not _show_current(context, person):
        reset_rekeying_view()
    current_entry.show_toast()


def _show_current(context: AppContext, person: Person) -> bool:
    """Show what is due; return whether that is a rekeying task."""
    if screen.is_lookup_open():
        screen.show(context, person, partial(_open_looked_up, context, person))
        return False
    for other in (attachments_screen, rows_screen, split_screen):
        if other.is_open():
            other.show(context, person)
            return False
    # Between two entries a rekeying task or a batch may be due.
    if show_rekeying_turn(context, person):
        return True
    if show_batch_turn(context, person):
        return False
    view = _current_view(context, person)
    if view is None and show_rekeying_turn(context, person, idle=True):
        return True
    top, messages, work = st.container(), st.container(), st.container(key="work")
    left, right = work.columns([1.15, 1], gap="medium")
    bar = top.container(horizontal=True, vertical_alignment="center")
    # The title comes first, so that a form is never below the title of the entry before.
    with bar.container(gap=None, key="entry_title"):
        _show_title(context, person, view)
    if view is not None:
        _show_entry(context, person, view, left, right)
    with bar:
        _show_menu(context, person)
    if view is None:
        with messages:
            current_entry.show_warning()
            _show_empty_queue(context, person)
    return False


def _show_entry(
    context: AppContext,
    person: Person,
    view: EntryView,
    left: DeltaGenerator,
    right: DeltaGenerator,
) -> None:
    """Show the entry; what is needed first is sent first: image, visible form, and focus."""
    is_rejecting = current_entry.is_rejecting(view.entry.id)
    slot = review_prefetch.current_entry_slot(view)
    with left, st.container(key="picture"):
        sheet_images(context, view)
    with right:
        notices = st.container(key="about_entry")
        panel = st.container(key="client_panel")
        slots = {
            name: st.container(key=review_prefetch.slot_key(name))
            for name in review_prefetch.slot_names()
        }
        footer = st.container()
    review_prefetch.show_only_slot(None if is_rejecting or view.is_hidden else slot)
    with panel:
        _show_panel(context, person, view, is_rejecting=is_rejecting)
        # Below the client and as much in sight, wherever the user has scrolled.
        current_entry.show_warning()
        # Drawn also while rejecting, so that it need not be built again.
        with slots[slot]:
            entry_form(
                context,
                view,
                current_entry.field_errors(),
                partial(actions.save_current, context, person, view),
                visible=not is_rejecting,
            )
    with notices:
        _show_notices(context, person, view)
    if not is_rejecting and not view.is_hidden:
        with footer:
            add_deviation_field(view)
        with footer, st.container(horizontal=True):
            _action_buttons(context, person, view)
    note_drawn(view.entry.id)
    _prefetch_next(context, person, view, slots[review_prefetch.hidden_slot()])


def _show_panel(
    context: AppContext, person: Person, view: EntryView, *, is_rejecting: bool
) -> None:
    """Show what is above the form, or in its place: rejection, hidden client, or client."""
    if is_rejecting:
        reject_form(
            context,
            person,
            view,
            partial(actions.reject_current, context, person, view),
            current_entry.stop_rejecting,
        )
    elif view.is_hidden:
        hidden_client_notice(
            view,
            partial(actions.hand_over_current, context, person, view),
            partial(actions.skip_current, context, person, view),
        )
    else:
        _show_client(context, person, view)


def _current_view(context: AppContext, person: Person) -> EntryView | None:
    now, minutes = utc_now(), context.settings.claim_minutes
    view = _reopen_view(context, person, now)
    with context.store.begin() as conn:
        # Else claim the first of the queue, and log the view before it is shown.
        if view is None or view.entry.state not in {EntryState.REVIEW, EntryState.SECOND}:
            view = queue.claim_next(
                conn, context.forms, person, now, minutes, context.settings.queue_order
            )
        if view is None:
            current_entry.open_entry(None)
        elif view.entry.id != current_entry.current_entry_id():
            current_entry.open_entry(view.entry.id, now)
        if view is not None:
            record_page_views(conn, person, view)
            view = with_seeded_error(conn, person, view, context.settings.plant_share, now)
    return with_added_deviations(view) if view is not None else None


def _reopen_view(context: AppContext, person: Person, now: datetime) -> EntryView | None:
    """Return the entry that was on the screen, or None.

    None if there was none, or if it is another user's by now; the user is then told.
    """
    if (entry_id := current_entry.current_entry_id()) is None:
        return None
    try:
        with context.store.begin() as conn:
            view = queue.open_claimed_entry(
                conn, context.forms, person, entry_id, now, context.settings.claim_minutes
            )
    except (StaleDecisionError, NotAllowedError) as error:
        current_entry.open_entry(None)
        current_entry.set_warning(error_text(error))
        return None
    return view if view.entry.claimed_by == person.login else None


def _prefetch_next(
    context: AppContext, person: Person, current: EntryView, slot: DeltaGenerator
) -> None:
    """Claim the entry that comes next, send its images and draw its form, out of sight.

    The form of another row of the same sheet is not drawn: the answers for the head of the sheet
    that are given now will be in it.
    """
    with context.store.begin() as conn:
        now = utc_now()
        view = queue.claim_next(
            conn,
            context.forms,
            person,
            now,
            context.settings.claim_minutes,
            context.settings.queue_order,
            (current.entry.id,),
        )
        if view is not None:
            view = with_seeded_error(conn, person, view, context.settings.plant_share, now)
    review_prefetch.clear_next()
    if view is None:
        return
    sheet = prefetch_images(context, view)
    if view.entry.sheet != current.entry.sheet and not view.is_hidden:
        name = review_prefetch.next_entry_slot(view)
        with slot:
            entry_form(
                context,
                view,
                {},
                partial(actions.save_current, context, person, view),
                visible=False,
            )
        review_prefetch.announce_next(view, name, sheet)


@requires_open_session
def _open_looked_up(context: AppContext, person: Person, entry_id: str) -> None:
    """Open an entry that was looked up; the one that was open is released undecided."""
    open_id = current_entry.current_entry_id()
    if open_id and open_id != entry_id:
        with context.store.begin() as conn:
            queue.release_claim(conn, person, open_id)
    current_entry.open_entry(entry_id, utc_now())


def _show_title(context: AppContext, person: Person, view: EntryView | None) -> None:
    st.title(plain(view.form.title) if view else t("review.title"), anchor=False)
    if view is not None:
        origin_markdown = plain(entry_origin_text(context, person, view))
        st.caption(f"{origin_markdown} · {t(f'way.{work_mode(view).value}')}")


def _show_menu(context: AppContext, person: Person) -> None:
    st.button(
        t("lookup.open"),
        key="lookup_open",
        shortcut="Alt+L",
        icon=":material/search:",
        on_click=screen.open_lookup,
    )
    key_help_button()
    person_menu(context, person)


def _show_notices(context: AppContext, person: Person, view: EntryView) -> None:
    lines = issue_texts(view.problems, view.form) + author_answer_texts(context, person, view)
    if view.is_second_review:
        lines.insert(0, t("review.second"))
    if view.entry.reason:
        lines.insert(
            0,
            t("returns.answered")
            if view.entry.reason == ANSWERED_REASON
            else t("review.returned", reason=view.entry.reason),
        )
    if lines:
        st.info(plain("\n\n".join(lines)), icon=":material/info:")


def _show_client(context: AppContext, person: Person, view: EntryView) -> None:
    # A question about the client comes first, else what could not be saved.
    focus_key = question_focus_key(view) or next(
        (
            key
            for key, field in widget_keys(view).items()
            if field.spec.name in current_entry.field_errors()
        ),
        None,
    )
    # An entry that could not be saved has been looked at.
    min_view_time = timedelta() if current_entry.failed_attempts() else MIN_VIEW_TIME
    turn = review_prefetch.entry_turn_key(view)
    client_panel(context, person, view, turn, focus_key, min_view_time)


def _action_buttons(context: AppContext, person: Person, view: EntryView) -> None:
    st.button(
        t("review.skip"),
        key=f"skip-{view.entry.id}",
        shortcut="Alt+S",
        on_click=partial(actions.skip_current, context, person, view),
    )
    st.button(
        t("review.reject"),
        key=f"reject-{view.entry.id}",
        shortcut="Alt+A",
        on_click=current_entry.start_rejecting,
        args=(view.entry.id,),
    )
    expand_button(view)
    depth_buttons(context, person, view)
    actions.undo_button(context, person, view.entry.id)


def _show_empty_queue(context: AppContext, person: Person) -> None:
    with st.container(border=True):
        st.markdown(t("review.empty"))
        st.caption(t("review.empty_next"))
        with context.store.read() as conn:
            counts = {
                "review.hidden": queue.count_hidden(conn, person),
                "review.for_another": count_waiting_for_others(conn, person),
            }
        for text, count in counts.items():
            if count:
                st.caption(md(text, count=count))
        actions.undo_button(context, person)
