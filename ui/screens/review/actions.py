"""The user's actions on the entry on the screen: save, skip, hand over, reject, and undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import (
    ClientConflictError,
    EfterskriftError,
    InvalidAnswerError,
    MissingAnswerError,
    RecountError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.model import EntryState, Person
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.quality.seeded_errors import last_missed_field
from pipeline.store.quality.view_times import save_view_time
from pipeline.store.review import batch_review, corrections, decisions, transfers
from ui.i18n import t
from ui.screens.review import client_panel, current_entry, entry_header
from ui.screens.review.current_entry import (
    CAN_UNDO_KEY,
    UNDO_BATCH_KEY,
    allow_undo,
    clear_undo,
    open_entry,
    set_field_error,
    set_field_errors,
    set_toast,
    set_warning,
)
from ui.screens.review.depth.deviations import is_sheet_looked_at
from ui.screens.review.entry_form import client_statement, form_answers, set_client_question
from ui.screens.review.prefetch import go_to_next
from ui.screens.review.rejection import FORWARD_REASON, take_step
from ui.screens.review.turns.rekeying_screen import set_rekeying_due
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.min_view_time import MIN_VIEW_TIME, is_too_soon
from ui.workspace import AppContext

_UNDONE_AT_KEY = "undone_at"
_UNDOABLE_STATES = {EntryState.CONFIRMED, EntryState.SECOND, EntryState.REJECTED}


@requires_open_session
def save_current(context: AppContext, person: Person, view: EntryView) -> None:
    """Save the answers to the entry that was on the screen, whatever is there now.

    A second press of the key is ignored. Nothing is saved for a client who has not been shown: a
    user who types the number last and saves at once sees the client first.
    """
    now, shown_at = utc_now(), current_entry.entry_shown_at()
    if shown_at is None or is_too_soon(view.entry.id, now, MIN_VIEW_TIME):
        return
    entry = view.entry
    if client_panel.is_client_unseen(view, now, MIN_VIEW_TIME):
        set_warning(t("review.look_at_client"))
        return
    if not is_sheet_looked_at(view):
        set_warning(t("deviations.look_first"))
        return
    try:
        with context.store.begin() as conn:
            state = decisions.decide_entry(
                conn,
                context.forms,
                person,
                entry.id,
                entry.revision,
                form_answers(view),
                now,
                about=client_statement(view),
                ask_figures=not entry_header.were_findings_shown(view),
            )
            missed_field = (
                last_missed_field(conn, person, entry.id) if state is EntryState.REVIEW else None
            )
            if missed_field is None:
                save_view_time(conn, person, view, shown_at, now)
    # Errors of single fields are shown next to them; others above the form.
    except (UnknownClientError, ClientConflictError) as error:
        set_field_error(entry.id, error.fields, set_client_question(view, error))
    except MissingAnswerError as error:
        set_field_error(
            entry.id, error.fields, set_client_question(view, error) or "review.missing_answer"
        )
    except InvalidAnswerError as error:
        set_field_errors(entry.id, {name: _invalid_text(view, name) for name in error.fields})
    except RecountError:
        set_field_errors(entry.id, entry_header.mark_findings_shown(view))
    except EfterskriftError as error:
        set_warning(error_text(error))
        if isinstance(error, StaleDecisionError):
            open_entry(None)
    else:
        _after_save(context, person, view, state, missed_field)


def _invalid_text(view: EntryView, name: str) -> str:
    """Return why the answer to a field is refused; of a box with codes, which codes it may have."""
    codes = view.form.by_name[name].codes
    if not codes:
        return t("review.invalid_answer")
    return t(
        "review.invalid_code", codes=", ".join(f"{code.value} = {code.label}" for code in codes)
    )


def _after_save(
    context: AppContext,
    person: Person,
    view: EntryView,
    state: EntryState,
    missed_field: str | None,
) -> None:
    if missed_field is not None:
        open_entry(view.entry.id, utc_now())
        set_warning(
            t("control.missed", field=accessible_name(view.form, view.form.by_name[missed_field]))
        )
        return
    set_rekeying_due()
    go_to_next(context, person)
    allow_undo()
    set_toast(t("review.sent_on" if state is EntryState.SECOND else "review.saved"))


@requires_open_session
def skip_current(context: AppContext, person: Person, view: EntryView) -> None:
    """Let the entry come later."""
    run_and_continue(
        context,
        person,
        lambda conn: queue.skip_entry(conn, person, view.entry.id, view.entry.revision),
    )


@requires_open_session
def hand_over_current(context: AppContext, person: Person, view: EntryView) -> None:
    """Hand the entry over to the client's own unit.

    A second press of the key that saved the entry before is ignored.
    """
    now = utc_now()
    if is_too_soon(view.entry.id, now, MIN_VIEW_TIME):
        return
    _close_entry(
        context,
        person,
        lambda conn: transfers.transfer_protected_entry(
            conn, context.forms, person, view.entry.id, view.entry.revision, now
        ),
        final=True,
    )


@requires_open_session
def reject_current(context: AppContext, person: Person, view: EntryView, reason: str) -> None:
    """Reject the entry for a reason."""
    if not reason:
        set_warning(t("reject.choose"))
        return
    if take_step(
        context,
        person,
        view,
        reason,
        lambda act: _close_entry(context, person, act, final=reason == FORWARD_REASON),
    ):
        return
    _close_entry(
        context,
        person,
        lambda conn: decisions.reject_entry(
            conn, person, view.entry.id, view.entry.revision, reason, utc_now()
        ),
    )


def _close_entry(
    context: AppContext,
    person: Person,
    action: Callable[[Connection], object],
    *,
    final: bool = False,
) -> None:
    """Run the action and go on. A `final` action cannot be undone here."""
    run_and_continue(context, person, action)
    clear_undo()
    if not final:
        st.session_state.pop(CAN_UNDO_KEY, None)


def undo_button(context: AppContext, person: Person, entry_id: str = "") -> None:
    """Show the button that undoes the last decision."""
    # Asked once, since all entries have to be searched for it.
    if CAN_UNDO_KEY not in st.session_state:
        st.session_state[CAN_UNDO_KEY] = bool(_last_step(context, person))
    can_undo = st.session_state[CAN_UNDO_KEY] or UNDO_BATCH_KEY in st.session_state
    st.button(
        t("review.undo"),
        key=f"undo-{entry_id}",
        shortcut="Alt+Z",
        on_click=partial(undo_last, context, person),
        disabled=not can_undo,
    )


@requires_open_session
def undo_last(context: AppContext, person: Person) -> None:
    """Undo the last batch if nothing has been decided since, else the last decision.

    A second press of the key is ignored.
    """
    now, undone_at = utc_now(), st.session_state.get(_UNDONE_AT_KEY)
    if undone_at is not None and now - undone_at < MIN_VIEW_TIME:
        return
    st.session_state[_UNDONE_AT_KEY] = now
    if st.session_state.pop(UNDO_BATCH_KEY, None):
        with context.store.begin() as conn:
            count = batch_review.undo_last_batch(conn, person, utc_now())
        open_entry(None)
        set_warning(t("ways.undone", count=count))
        return
    step = _last_step(context, person)
    if not step:
        return
    st.session_state.pop(CAN_UNDO_KEY, None)
    _undo_step(context, person, step)


def _undo_step(context: AppContext, person: Person, step: list[Entry]) -> None:
    """Take back an entry, or all rows that were confirmed together."""
    try:
        with context.store.begin() as conn:
            states = [
                corrections.undo_decision(conn, person, entry.id, entry.revision, utc_now())
                for entry in step
            ]
    except EfterskriftError as error:
        set_warning(error_text(error))
        return
    if states[0] in OPEN_STATES:
        open_entry(step[0].id, utc_now())
    if len(step) > 1:
        set_warning(t("rows.undone", count=len(step)))
    elif states[0] not in OPEN_STATES:
        set_warning(t("review.undone_rejection"))


@requires_open_session
def run_and_continue(
    context: AppContext, person: Person, action: Callable[[Connection], object]
) -> None:
    """Run the action, show what prevents it, and go on to the next entry."""
    try:
        with context.store.begin() as conn:
            action(conn)
    except EfterskriftError as error:
        set_warning(error_text(error))
    go_to_next(context, person)


def _last_step(context: AppContext, person: Person) -> list[Entry]:
    with context.store.read() as conn:
        return [
            entry
            for entry in corrections.list_own_last_step(conn, person)
            if entry.state in _UNDOABLE_STATES
        ]
