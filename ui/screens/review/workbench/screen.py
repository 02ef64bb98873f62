"""Granska: reviewing one entry at a time, also with the keyboard alone."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.store.accounts.queue_choice import (
    QueueGrouping,
    choose_queue_grouping,
    queue_choice,
)
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.second_reviewer import count_waiting_for_others
from ui.browser.keyboard import key_help_button
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.review import current_entry
from ui.screens.review.batch_screen import show_batch_turn
from ui.screens.review.entry_header import entry_origin_text
from ui.screens.review.in_place import open_in_place
from ui.screens.review.rejection import reject_form
from ui.screens.review.sheet_images import sheet_images
from ui.screens.review.workbench import actions, claims
from ui.screens.review.workbench.panel import workbench_panel
from ui.screens.review.workbench_state import bench_state
from ui.session import requires_open_session
from ui.widgets.heading import person_menu
from ui.workspace import AppContext

_GROUPING_KEY = "queue_grouping"


def show(context: AppContext, person: Person) -> None:
    """Show the screen: a batch that is due, or the workbench."""
    if show_batch_turn(context, person):
        return
    turn = claims.current_turn(context, person)
    if turn is None:
        _show_empty_queue(context, person)
    elif isinstance(turn, EntryView) and current_entry.is_rejecting(turn.entry.id):
        _show_rejection(context, person, turn)
    else:
        with st.container(horizontal=True, horizontal_alignment="right", key="review_menu"):
            _show_menu(context, person)
        workbench_panel(context, person, turn)


def _show_menu(context: AppContext, person: Person) -> None:
    with st.popover(t("grouping.title"), icon=":material/low_priority:", key="grouping_menu"):
        _grouping_control(context, person)
    st.button(
        t("lookup.open"),
        key="lookup_open",
        shortcut="Alt+L",
        icon=":material/search:",
        on_click=partial(_open_lookup, context),
    )
    key_help_button()
    person_menu(context, person)


@requires_open_session
def _open_lookup(_context: AppContext) -> None:
    open_in_place("lookup")


def _grouping_control(context: AppContext, person: Person) -> None:
    """Show what the user may stay with (nothing, a form, a client, an author); keep the choice."""
    with context.store.read() as conn:
        chosen = queue_choice(conn, person)
    st.segmented_control(
        t("grouping.title"),
        list(QueueGrouping),
        default=chosen,
        required=True,
        format_func=lambda grouping: t(f"grouping.{grouping.value}"),
        key=_GROUPING_KEY,
        label_visibility="collapsed",
        help=t("grouping.what"),
        on_change=partial(_choose_grouping, context, person),
    )


@requires_open_session
def _choose_grouping(context: AppContext, person: Person) -> None:
    grouping = QueueGrouping(st.session_state[_GROUPING_KEY])
    with context.store.begin() as conn:
        # The entry on the screen is what the user goes on from.
        choose_queue_grouping(conn, person, grouping, current_entry.current_entry_id() or "")
    # What was claimed ahead was claimed in the order that held before.
    bench_state().forget_ahead()


def _show_rejection(context: AppContext, person: Person, view: EntryView) -> None:
    """Ask for the reason in place of the entry, so that Ctrl+Enter can only mean that."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(plain(view.form.title), anchor=False)
            st.caption(plain(entry_origin_text(context, person, view)))
        _show_menu(context, person)
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):
        sheet_images(context, view)
    with right:
        current_entry.show_warning()
        reject_form(
            context,
            person,
            view,
            partial(actions.reject_current, context, person, view),
            current_entry.stop_rejecting,
        )


def _show_empty_queue(context: AppContext, person: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(t("review.title"), anchor=False)
        _show_menu(context, person)
    current_entry.show_warning()
    with st.container(border=True):
        if permitted_units(person, Action.REVIEW):
            st.markdown(t("review.empty"))
            st.caption(t("review.empty_next"))
        else:
            st.markdown(t("review.no_unit"))
        with context.store.read() as conn:
            counts = {
                "review.hidden": queue.count_hidden(conn, person),
                "review.for_another": count_waiting_for_others(conn, person),
            }
        for text, count in counts.items():
            if count:
                st.caption(md(text, count=count))
        actions.undo_button(context, person)
    current_entry.show_toast()
