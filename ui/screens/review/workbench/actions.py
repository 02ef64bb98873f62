"""The user's actions on the entry on the screen: skip, hand over, reject, and undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError, NotAllowedError, StaleDecisionError
from pipeline.domain.model import EntryState, Person
from pipeline.review.attachments import Attachments
from pipeline.review.corrections import Corrections
from pipeline.review.rejections import Duplicate
from pipeline.review.session import MIN_VIEW_TIME, ReviewSession
from pipeline.review.transfers import Transfers
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.lookup import own_actions
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.screens.review import current_entry
from ui.screens.review.current_entry import (
    CAN_UNDO_KEY,
    UNDO_BATCH_KEY,
    UNDO_TRANSFER_KEY,
    clear_undo,
    open_entry,
    set_toast,
    set_warning,
)
from ui.screens.review.deviations import with_added_deviations
from ui.screens.review.duplicate_comparison import chosen_comparison
from ui.screens.review.in_place import (
    close_in_place,
    open_in_place,
    opened_screen,
    opened_subject,
)
from ui.screens.review.rejection import FORWARD_REASON, rejected_text
from ui.screens.review.sheet_images import end_page_views, record_page_views
from ui.screens.review.workbench import attachments_mode, correction_mode, split_mode
from ui.screens.review.workbench.batch_mode import claim_batch, undo_batch
from ui.screens.review.workbench.rekeying_mode import claim_task, end_task_view
from ui.screens.review.workbench.rows_mode import rows_of
from ui.screens.review.workbench_state import Mode, bench_state
from ui.session import requires_open_session
from ui.widgets.messages import error_text, errors_to
from ui.workspace import AppContext

_UNDONE_AT_KEY = "undone_at"
_UNDOABLE_STATES = {EntryState.CONFIRMED, EntryState.SECOND, EntryState.REJECTED}


@requires_open_session
def skip_current(context: AppContext, person: Person, view: EntryView) -> None:
    """Let the entry come later."""
    run_and_continue(
        context,
        person,
        partial(context.work(ReviewSession, person).skip, view.entry.id, view.entry.revision),
    )


@requires_open_session
def hand_over_current(context: AppContext, person: Person, view: EntryView) -> None:
    """Hand the entry over to the client's own unit."""
    send = context.work(Transfers, person).send_protected
    _close_entry(context, person, partial(send, view.entry.id, view.entry.revision), final=True)


@requires_open_session
def reject_current(
    context: AppContext,
    person: Person,
    view: EntryView,
    action: Callable[[], object],
    given: Mapping[str, str],
) -> None:
    """Run the action that rejects the entry for the `given` reason, and say what became of it."""
    is_sent = given.get("choice") == FORWARD_REASON
    if not _close_entry(context, person, action, final=is_sent):
        return
    if is_sent:
        st.session_state[UNDO_TRANSFER_KEY] = view.entry.id
    if text := rejected_text(context, given):
        set_toast(text)


@requires_open_session
def mark_current(context: AppContext, person: Person, view: EntryView) -> None:
    """Reject the entry as a duplicate of what it is compared with."""
    comparison, why = chosen_comparison(view)
    if comparison is None:
        set_warning(t("returns.lacks.duplicate"))
        return
    duplicate = Duplicate(view.entry.id, view.entry.revision, comparison, why)
    action = partial(context.work(ReviewSession, person).mark_duplicate, duplicate)
    _close_entry(context, person, action)


def _close_entry(
    context: AppContext,
    person: Person,
    action: Callable[[], object],
    *,
    final: bool = False,
) -> bool:
    """Run the action, go on, and return whether it was done.

    A `final` action is not undone as a decision.
    """
    is_done = _run_action(action)
    go_to_next(context, person)
    clear_undo()
    # Forgotten, not set: whether there is now something to undo is asked when the button is drawn.
    if not final:
        st.session_state.pop(CAN_UNDO_KEY, None)
    return is_done


def undo_button(context: AppContext, person: Person) -> None:
    """Show the button that undoes the last decision."""
    st.button(
        t("review.undo"),
        key="undo-",
        shortcut="Alt+Z",
        on_click=partial(undo_last, context, person),
        disabled=not can_undo(context, person),
    )


def can_undo(context: AppContext, person: Person) -> bool:
    """Return whether the last action can be undone."""
    # Asked once, since all entries have to be searched for it.
    if CAN_UNDO_KEY not in st.session_state:
        st.session_state[CAN_UNDO_KEY] = bool(_last_step(context, person))
    last = {UNDO_BATCH_KEY, UNDO_TRANSFER_KEY}
    has_attached = bool(bench_state().attached[1])
    return (
        st.session_state[CAN_UNDO_KEY]
        or has_attached
        or any(key in st.session_state for key in last)
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
        count = undo_batch(context, person)
        open_entry(None)
        set_warning(t("ways.undone", count=count))
        return
    if bench_state().attached[1]:
        _take_off_attached(context, person)
        return
    if sent := st.session_state.pop(UNDO_TRANSFER_KEY, None):
        _take_back_transfer(context, person, sent)
        return
    # What was done last cannot be undone: nor is what was done before it.
    step = _last_step(context, person) if can_undo(context, person) else []
    if not step:
        return
    st.session_state.pop(CAN_UNDO_KEY, None)
    _undo_step(context, person, step)


def _take_back_transfer(context: AppContext, person: Person, entry_id: str) -> None:
    """Take an entry back from the unit that it was sent to, and open it."""
    st.session_state.pop(CAN_UNDO_KEY, None)
    if _run_action(partial(context.work(Transfers, person).take_back, entry_id)):
        open_entry(entry_id)
        set_toast(t("returns.forward.undone"))


def _take_off_attached(context: AppContext, person: Person) -> None:
    """Take off the pages that were attached last, and show them again."""
    entry_id, pages = bench_state().attached
    bench_state().attached = ("", [])
    if _run_action(partial(context.work(Attachments, person).detach, pages)):
        open_in_place(attachments_mode.NAME, entry_id)
        set_toast(t("attachments.taken_off", count=len(pages)))


def _undo_step(context: AppContext, person: Person, step: list[Entry]) -> None:
    """Take back an entry, or all rows that were confirmed together."""
    with errors_to(set_warning):
        shown = [(entry.id, entry.revision) for entry in step]
        state = context.work(Corrections, person).undo(shown)
        if state in OPEN_STATES:
            open_entry(step[0].id)
        if len(step) > 1:
            set_warning(t("rows.undone", count=len(step)))
        elif state not in OPEN_STATES:
            set_warning(t("review.undone_rejection"))


@requires_open_session
def run_and_continue(context: AppContext, person: Person, action: Callable[[], object]) -> None:
    """Run the action, show what prevents it, and go on to the next entry."""
    _run_action(action)
    go_to_next(context, person)


def _run_action(action: Callable[[], object]) -> bool:
    """Run an action and return whether it was done; else say what prevents it."""
    try:
        action()
    except EfterskriftError as error:
        set_warning(error_text(error))
        return False
    return True


def _last_step(context: AppContext, person: Person) -> list[Entry]:
    return [
        entry
        for entry in context.store.query(own_actions.list_own_last_step, person)
        if entry.state in _UNDOABLE_STATES
    ]


# What is on the screen, and what comes next: both are claimed, and their views logged.
#
# Between two entries a rekeying task may be due, or a batch.
# An entry may begin with a mode, its face.


_Load = Callable[[AppContext, Person, str], Mode | None]
_Due = Callable[[AppContext, Person, EntryView], str]
MODES: Mapping[str, _Load] = {
    attachments_mode.NAME: attachments_mode.load_attachments,
    split_mode.NAME: split_mode.load_split,
    correction_mode.CORRECTION: correction_mode.open_correction,
    correction_mode.VOIDING: correction_mode.open_voiding,
}
"""The modes that are opened (`open_in_place`), by name: each is made of its subject's id.

None, with a message, or an error if it cannot be opened (any more).
"""
FACES: Mapping[str, _Due] = {
    attachments_mode.NAME: attachments_mode.attachments_due,
    split_mode.NAME: split_mode.split_due,
}
"""The modes that come up before an entry is answered: what their subject is then, or nothing."""


def is_mode_open() -> bool:
    """Return whether a mode is open in place of what else is due."""
    return opened_screen() in MODES


def current_turn(context: AppContext, person: Person) -> EntryView | Mode | None:
    """Return what is due: a mode that was opened or is due between entries, an entry, or its face.

    What is open comes before all. None if there is nothing at all, or what was open is closed.
    """
    if is_mode_open():
        return _open_mode(context, person)
    if bench_state().is_task_due and (task := claim_task(context, person)) is not None:
        return task
    bench_state().is_task_due = False
    if current_entry.current_entry_id() is None and (batch := claim_batch(context, person)):
        return batch
    view = _current_view(context, person)
    if view is None:
        return claim_task(context, person)
    return face_of(context, person, view)


def face_of(context: AppContext, person: Person, view: EntryView) -> EntryView | Mode:
    """Return an entry as it is shown first: by the mode that fits it, unless that was left."""
    if (rows := rows_of(context, person, view)) is not None:
        return rows
    for name, find_subject in FACES.items():
        subject = find_subject(context, person, view)
        key = f"{name}:{subject}"
        if subject and key not in bench_state().left_faces:
            return mode_of(context, person, key) or view
    return view


def is_named(key: str) -> bool:
    """Return whether a key is that of a mode that is opened with a subject."""
    return key.partition(":")[0] in MODES


def is_face_of_current(key: str) -> bool:
    """Return whether a key is that of a mode of the entry on the screen."""
    return key.partition(":")[2] == current_entry.current_entry_id()


def mode_of(context: AppContext, person: Person, key: str) -> Mode | None:
    """Return the mode that a message about this key may be for; None if there is none any more."""
    name, _, subject = key.partition(":")
    if is_mode_open():
        return _open_mode(context, person)
    if is_named(key):
        return _load_mode(context, person, name, subject)
    turn = current_turn(context, person)
    return None if isinstance(turn, EntryView) else turn


def _open_mode(context: AppContext, person: Person) -> Mode | None:
    """Return the mode that is open; one that cannot be opened any more is closed."""
    mode = _load_mode(context, person, opened_screen(), opened_subject())
    if mode is None:
        leave_mode(context, person, "")
    return mode


def _load_mode(context: AppContext, person: Person, name: str, subject: str) -> Mode | None:
    """Return a mode of its subject; None, with a message, if it is over or another's by now."""
    try:
        return MODES[name](context, person, subject)
    except EfterskriftError as error:
        set_warning(error_text(error))
        return None


def _current_view(context: AppContext, person: Person) -> EntryView | None:
    """Return the entry on the screen, else the first of the queue; None if nothing waits.

    The view is logged before it is shown.
    """
    log_view = partial(record_page_views, person)
    view = _reopened_view(context, person) or context.work(ReviewSession, person).next_entry(
        log_view
    )
    if view is None:
        current_entry.open_entry(None)
        return None
    if view.entry.id != current_entry.current_entry_id():
        current_entry.open_entry(view.entry.id)
    return with_added_deviations(view)


def view_ahead(context: AppContext, person: Person, current: EntryView | None) -> EntryView | None:
    """Claim the entry that comes after this one (if any); None if there is none, or it is hidden.

    Its view is logged now, since it is sent to the browser now.
    """
    current_id = current.entry.id if current is not None else None
    view = context.work(ReviewSession, person).entry_ahead(
        current_id, partial(record_page_views, person)
    )
    return with_added_deviations(view) if view is not None else None


def go_to_next(context: AppContext, person: Person) -> None:
    """Go on from a finished entry to what was sent ahead, unless a batch or a task is due.

    Call it in a callback with `requires_open_session` or `note_activity`.
    """
    state = bench_state()
    current_entry.open_entry(None)
    ahead, state.ahead, state.ahead_for = state.ahead, None, ""
    if state.is_task_due and claim_task(context, person) is not None:
        return
    state.batch_pause = max(0, state.batch_pause - 1)
    if claim_batch(context, person) is None and ahead is not None:
        if _is_still_claimed(context, person, ahead.entry, ahead.revision):
            current_entry.open_entry(ahead.entry)
        else:  # if it comes back, that is another view of it
            end_page_views(ahead.entry)


def leave_mode(context: AppContext, person: Person, key: str) -> None:
    """Go on from a mode: back to where it was opened, to the entry that it stood before, or on.

    The next rekeying task comes after an entry.
    """
    state = bench_state()
    if is_mode_open():
        close_in_place()
        end_page_views()
        state.needs_screen = True
        return
    if is_named(key):
        end_page_views(key)
        return
    state.is_task_due = False
    end_task_view()
    go_to_next(context, person)


def _reopened_view(context: AppContext, person: Person) -> EntryView | None:
    """Return the entry that was on the screen, or None.

    None if there was none, or if it is another user's by now; the user is then told.
    """
    if (entry_id := current_entry.current_entry_id()) is None:
        return None
    try:
        return context.work(ReviewSession, person).resume_entry(
            entry_id, partial(record_page_views, person)
        )
    except (StaleDecisionError, NotAllowedError) as error:
        current_entry.open_entry(None)
        current_entry.set_warning(error_text(error))
        return None


def _is_still_claimed(context: AppContext, person: Person, entry_id: str, revision: int) -> bool:
    """Return whether the user still has the entry as it was sent ahead; renew the claim."""
    try:
        return context.work(ReviewSession, person).keep_claim(entry_id, revision)
    except EfterskriftError:  # the screen asks again and shows the error
        return False
