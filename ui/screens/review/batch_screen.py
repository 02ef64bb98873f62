"""Batch review between sheets: field images that were read alike are confirmed together.

The user marks the odd ones and confirms the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError, StaleDecisionError
from pipeline.domain.model import Person, State
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.batches import BatchItem, BatchResult, BatchReview, ReviewBatch
from pipeline.store.entries import queue
from ui.browser.crop_grid import GridCell, crop_grid
from ui.browser.keyboard import key_help_button
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.review import current_entry
from ui.screens.review.current_entry import UNDO_BATCH_KEY
from ui.screens.review.field_input import describe_answer
from ui.screens.review.workbench_state import bench_state
from ui.session import requires_open_session
from ui.widgets.heading import person_menu
from ui.widgets.images import crop_images, find_covered_for
from ui.widgets.messages import error_text, errors_to
from ui.widgets.views import VIEW_KEY_PREFIX, drawn_at, note_drawn, reset_drawn
from ui.workspace import AppContext

ENTRIES_BETWEEN_BATCHES = 5
"""Entries reviewed before the queue is asked for a batch again; twice as many after a skip."""

_BATCH_PAUSE_KEY, _BATCH_VIEWED_KEY = "group_rest", f"{VIEW_KEY_PREFIX}group"


def claim_due_batch(context: AppContext, person: Person) -> bool:
    """Return whether a batch is due now; it is then claimed for the user."""
    return not _is_batch_paused() and _claim_batch(context, person) is not None


def show_batch_turn(context: AppContext, person: Person) -> bool:
    """Show a batch if it is due, between two entries; return whether one is shown."""
    is_busy = current_entry.current_entry_id() is not None or bench_state().is_task_due
    if is_busy or _is_batch_paused():
        return False
    batch = _claim_batch(context, person)
    if batch is not None:
        _show_batch(context, person, batch)
    return batch is not None


def _claim_batch(context: AppContext, person: Person) -> ReviewBatch | None:
    """Claim a batch for the user and log the views of its pages; None if there is none."""
    batch = context.work(BatchReview, person).claim(partial(_log_view, person))
    # Without a batch the queue is asked again after some entries.
    if batch is None:
        st.session_state[_BATCH_PAUSE_KEY] = ENTRIES_BETWEEN_BATCHES
    else:
        st.session_state[_BATCH_VIEWED_KEY] = batch.id
    return batch


def _log_view(person: Person, conn: Connection, batch: ReviewBatch) -> None:
    if st.session_state.get(_BATCH_VIEWED_KEY) != batch.id:
        for page_id in dict.fromkeys(item.page.id for item in batch.items):
            queue.record_page_view(conn, person, page_id)


def _is_batch_paused() -> bool:
    entries_left = int(st.session_state.get(_BATCH_PAUSE_KEY, 0))
    st.session_state[_BATCH_PAUSE_KEY] = max(0, entries_left - 1)
    return entries_left > 0


def _show_batch(context: AppContext, person: Person, batch: ReviewBatch) -> None:
    label = batch.spec.full_label
    title = (
        t("group.what_empty", field=label)
        if batch.answer.state is State.EMPTY
        else t("group.what", field=label, value=describe_answer(batch.spec, batch.answer))
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(plain(title), anchor=False)
            st.caption(f"{plain(batch.title)} · {md('way.group', count=len(batch.items))}")
        key_help_button()
        person_menu(context, person)
    current_entry.show_warning()
    st.markdown(t("group.how"))
    crop_grid(
        batch.id,
        title,
        _batch_grid_cells(context, person, batch.items),
        partial(save_batch_marks, context, person),
        partial(_confirm_batch, context, person),
    )
    note_drawn(batch.id)
    with st.container(horizontal=True):
        st.button(
            t("group.skip"),
            key=f"skip-{batch.id}",
            shortcut="Alt+S",
            on_click=partial(_leave_batch, context, person, batch.id),
        )
        if UNDO_BATCH_KEY in st.session_state:
            st.button(
                t("review.undo"),
                key=f"undo-{batch.id}",
                shortcut="Alt+Z",
                on_click=partial(_undo_batch, context, person, batch.id),
            )


def _batch_grid_cells(
    context: AppContext, person: Person, items: Sequence[BatchItem]
) -> list[GridCell]:
    """Return the grid cells of the items, decoding each page once.

    An item without an image is shown grey, and so as odd.
    """
    images: dict[int, bytes] = {}
    pages = {item.page.id: item.page for item in items}
    for page_id, page in pages.items():
        page_items = [item for item in items if item.page.id == page_id]
        boxes = [item.spec.box for item in page_items]
        covered = find_covered_for(context, person, page)
        crops = crop_images(context, page, boxes, covered)
        images |= {item.id: crop for item, crop in zip(page_items, crops, strict=True)}
    return [GridCell(item.id, images[item.id], _item_origin(item), item.marked) for item in items]


def _item_origin(item: BatchItem) -> str:
    sheet = format_serial_or_id(item.page.serial)
    return f"{sheet}, {t('review.row', row=item.spec.row)}" if item.spec.row else sheet


@requires_open_session
def save_batch_marks(
    context: AppContext, person: Person, batch_id: str, marks: Mapping[int, bool]
) -> None:
    """Save which items were marked odd, or no longer are.

    A mark is sent half a second after it was made; it is ignored if the batch has been skipped
    meanwhile.
    """
    try:
        context.work(BatchReview, person).mark(batch_id, marks)
    except StaleDecisionError:
        return
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))


@requires_open_session
def _confirm_batch(
    context: AppContext, person: Person, batch_id: str, marks: Mapping[int, bool]
) -> None:
    # Ignore keys for a batch that is not shown, or not shown for long enough.
    shown_at = drawn_at(batch_id) if st.session_state.get(_BATCH_VIEWED_KEY) == batch_id else None
    with errors_to(current_entry.set_warning):
        result = context.work(BatchReview, person).confirm(batch_id, marks, shown_at)
        if result is not None:
            st.session_state[UNDO_BATCH_KEY] = True
            reset_drawn()
            _report_batch_result(result)


def _report_batch_result(result: BatchResult) -> None:
    if result.missed:
        current_entry.set_warning(
            t("group.missed", where="; ".join(map(_item_origin, result.missed)))
        )
    texts = [
        t("group.kept", count=result.confirmed),
        *([t("group.sent_back", count=result.marked_odd)] if result.marked_odd else []),
    ]
    st.toast(plain(" ".join(texts)), icon=":material/check:")


@requires_open_session
def _leave_batch(context: AppContext, person: Person, batch_id: str) -> None:
    with errors_to(current_entry.set_warning):
        context.work(BatchReview, person).release(batch_id)
    st.session_state[_BATCH_PAUSE_KEY] = 2 * ENTRIES_BETWEEN_BATCHES


@requires_open_session
def _undo_batch(context: AppContext, person: Person, batch_id: str) -> None:
    """Undo the last batch; the batch on the screen is released, so that the same comes again."""
    batches = context.work(BatchReview, person)
    # Left alone for so long that the claim has expired: nothing to release.
    with suppress(StaleDecisionError):
        batches.release(batch_id)
    count = batches.undo()
    st.session_state.pop(UNDO_BATCH_KEY, None)
    current_entry.set_warning(t("ways.undone", count=count))
