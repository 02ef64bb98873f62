"""What is on the screen, and what comes next: both are claimed, and their views logged.

Between two entries a rekeying task may be due, or a batch, which has a screen of its own.
"""

from __future__ import annotations

from pipeline.domain.errors import EfterskriftError, NotAllowedError, StaleDecisionError
from pipeline.domain.model import EntryState, Person
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.quality.rekeying import RekeyingTask
from pipeline.store.quality.seeded_errors import with_seeded_error
from ui.screens.review import batch_screen, current_entry
from ui.screens.review.depth.deviations import with_added_deviations
from ui.screens.review.sheet_images import end_page_views, record_page_views
from ui.screens.review.workbench.rekeying_turn import claim_task, end_task_view
from ui.screens.review.workbench.state import bench_state
from ui.widgets.errors import error_text
from ui.workspace import AppContext

_OPEN_STATES = frozenset({EntryState.REVIEW, EntryState.SECOND})


def current_turn(context: AppContext, person: Person) -> EntryView | RekeyingTask | None:
    """Return what is due: a rekeying task between two entries, an entry, or a task if none waits.

    None if there is nothing at all.
    """
    state = bench_state()
    task = claim_task(context, person) if state.is_task_due else None
    if task is None:
        state.is_task_due = False
        if (view := _current_view(context, person)) is not None:
            return view
        task = claim_task(context, person)
    return task


def _current_view(context: AppContext, person: Person) -> EntryView | None:
    """Return the entry on the screen, else the first of the queue; None if nothing waits.

    The view is logged before it is shown.
    """
    now, minutes = utc_now(), context.settings.claim_minutes
    view = _reopened_view(context, person)
    with context.store.begin() as conn:
        if view is None or view.entry.state not in _OPEN_STATES:
            view = queue.claim_next(
                conn, context.forms, person, now, minutes, context.settings.queue_order
            )
        if view is None:
            current_entry.open_entry(None)
            return None
        if view.entry.id != current_entry.current_entry_id():
            current_entry.open_entry(view.entry.id)
        record_page_views(conn, person, view)
        view = with_seeded_error(conn, person, view, context.settings.plant_share, now)
    return with_added_deviations(view)


def view_ahead(context: AppContext, person: Person, current: EntryView | None) -> EntryView | None:
    """Claim the entry that comes after this one (if any); None if there is none, or it is hidden.

    Its view is logged now, since it is sent to the browser now.
    """
    now, settings = utc_now(), context.settings
    with context.store.begin() as conn:
        view = queue.claim_next(
            conn,
            context.forms,
            person,
            now,
            settings.claim_minutes,
            settings.queue_order,
            (current.entry.id,) if current is not None else (),
        )
        if view is None or view.is_hidden:
            return None
        record_page_views(conn, person, view)
        view = with_seeded_error(conn, person, view, settings.plant_share, now)
    return with_added_deviations(view)


def go_to_next(context: AppContext, person: Person) -> None:
    """Go on from a finished entry to what was sent ahead, unless a batch or a task is due.

    Call it in a callback with `requires_open_session` or `note_activity`.
    """
    state = bench_state()
    current_entry.open_entry(None)
    ahead, state.ahead, state.ahead_for = state.ahead, None, ""
    if state.is_task_due and claim_task(context, person) is not None:
        return
    if batch_screen.claim_due_batch(context, person):
        state.needs_screen = True
    elif ahead is not None:
        if _is_still_claimed(context, person, ahead.entry, ahead.revision):
            current_entry.open_entry(ahead.entry)
        else:  # if it comes back, that is another view of it
            end_page_views(ahead.entry)


def leave_task(context: AppContext, person: Person) -> None:
    """Go on from a rekeying task; the next one comes after an entry."""
    state = bench_state()
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
        with context.store.begin() as conn:
            view = queue.open_claimed_entry(
                conn, context.forms, person, entry_id, utc_now(), context.settings.claim_minutes
            )
    except (StaleDecisionError, NotAllowedError) as error:
        current_entry.open_entry(None)
        current_entry.set_warning(error_text(error))
        return None
    return view if view.entry.claimed_by == person.login else None


def _is_still_claimed(context: AppContext, person: Person, entry_id: str, revision: int) -> bool:
    """Return whether the user still has the entry as it was sent ahead; renew the claim."""
    try:
        with context.store.begin() as conn:
            return queue.resume_claim(
                conn, person, entry_id, revision, utc_now(), context.settings.claim_minutes
            )
    except EfterskriftError:  # the screen asks again and shows the error
        return False
