"""What is on the screen, and what comes next: both are claimed, and their views logged.

Between two entries a rekeying task may be due, or a batch, which has a screen of its own.
"""

from __future__ import annotations

from functools import partial

from pipeline.domain.errors import EfterskriftError, NotAllowedError, StaleDecisionError
from pipeline.domain.model import Person
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.quality.rekeying import RekeyingTask
from ui.screens.review import batch_screen, current_entry
from ui.screens.review.deviations import with_added_deviations
from ui.screens.review.sheet_images import end_page_views, record_page_views
from ui.screens.review.workbench.rekeying_turn import claim_task, end_task_view
from ui.screens.review.workbench_state import bench_state
from ui.widgets.messages import error_text
from ui.workspace import AppContext


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
    log_view = partial(record_page_views, person)
    view = _reopened_view(context, person) or context.review(person).next_entry(log_view)
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
    view = context.review(person).entry_ahead(current_id, partial(record_page_views, person))
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
        return context.review(person).resume_entry(entry_id, partial(record_page_views, person))
    except (StaleDecisionError, NotAllowedError) as error:
        current_entry.open_entry(None)
        current_entry.set_warning(error_text(error))
        return None


def _is_still_claimed(context: AppContext, person: Person, entry_id: str, revision: int) -> bool:
    """Return whether the user still has the entry as it was sent ahead; renew the claim."""
    try:
        return context.review(person).keep_claim(entry_id, revision)
    except EfterskriftError:  # the screen asks again and shows the error
        return False
