"""The group way of working between sheets: pieces that were read alike, of which the person marks
the odd ones and confirms the others.

Kontrollskrivning between two entries: a confirmed field is typed again from its picture, or a
third person says what two have read differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.errors import (
    EfterskriftError,
    InvalidAnswerError,
    MissingAnswerError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.registers.client_check import OUTSIDE_REASONS, ClientStatement
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.quality import rekeying
from pipeline.store.quality.adjudication import adjudicate
from pipeline.store.quality.rekeying import RekeyingOutcome, RekeyingTask
from pipeline.store.review import batch_review
from pipeline.store.review.batch_items import BatchItem, BatchResult, ReviewBatch
from ui.browser.crop_grid import GridCell, crop_grid
from ui.browser.keyboard import key_help_button, keyboard
from ui.browser.page_view import data_url
from ui.i18n import code_text, t
from ui.screens.review import current_entry
from ui.screens.review.current_entry import UNDO_BATCH_KEY, clear_undo
from ui.screens.review.field_input import (
    answer_from_code,
    answer_from_text,
    choice_codes,
    code_label,
    describe_answer,
    is_choice_field,
)
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import person_menu, screen_heading
from ui.widgets.images import crop_image, crop_images, find_covered_for, page_image
from ui.widgets.min_view_time import is_too_soon, note_drawn, reset_drawn
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

MIN_BATCH_VIEW_TIME = timedelta(seconds=1)
"""Nobody has looked at a whole group that came up less than this ago."""
ENTRIES_BETWEEN_BATCHES = 5
"""So many sheets are reviewed before the queue is asked again whether enough pieces are alike;
twice as many after a group was passed by.
"""
REKEYING_KEYBOARD_KEY = "keyboard_control"


_BATCH_PAUSE_KEY, _BATCH_VIEWED_KEY = "group_rest", f"{VIEW_KEY_PREFIX}group"


def claim_due_batch(context: AppContext, person: Person) -> bool:
    """Whether a group has its turn now; it is then the person's."""
    return not _is_batch_paused() and _claim_batch(context, person) is not None


def show_batch_turn(context: AppContext, person: Person) -> bool:
    """Show a group if it is its turn, between two entries; answers whether something is shown."""
    if current_entry.current_entry_id() is not None or _is_batch_paused():
        return False
    group = _claim_batch(context, person)
    if group is not None:
        _show_batch(context, person, group)
    return group is not None


def _claim_batch(context: AppContext, person: Person) -> ReviewBatch | None:
    """The person's group, the looks at its pages being in the log."""
    now, settings = utc_now(), context.settings
    with context.store.begin() as conn:
        group = batch_review.claim_next_batch(
            conn,
            context.forms,
            person,
            now,
            minutes=settings.claim_minutes,
            share=settings.plant_share,
            order=settings.queue_order,
        )
        if group is not None and st.session_state.get(_BATCH_VIEWED_KEY) != group.id:
            for page_id in dict.fromkeys(cell.page.id for cell in group.items):
                queue.record_page_view(conn, person, page_id)
    if group is None:
        st.session_state[_BATCH_PAUSE_KEY] = ENTRIES_BETWEEN_BATCHES
    elif st.session_state.get(_BATCH_VIEWED_KEY) != group.id:
        st.session_state[_BATCH_VIEWED_KEY] = group.id
    return group


def _is_batch_paused() -> bool:
    left = int(st.session_state.get(_BATCH_PAUSE_KEY, 0))
    st.session_state[_BATCH_PAUSE_KEY] = max(0, left - 1)
    return left > 0


def _show_batch(context: AppContext, person: Person, group: ReviewBatch) -> None:
    what = t(
        "group.what", field=group.spec.full_label, value=describe_answer(group.spec, group.answer)
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(what, anchor=False)
            st.caption(f"{group.title} · {t('way.group', count=len(group.items))}")
        key_help_button()
        person_menu(context, person)
    current_entry.show_warning()
    st.markdown(t("group.how"))
    crop_grid(
        group.id,
        what,
        _batch_grid_cells(context, person, group.items),
        partial(save_batch_marks, context, person),
        partial(_confirm_batch, context, person),
    )
    note_drawn(group.id)
    with st.container(horizontal=True):
        st.button(
            t("group.skip"),
            key=f"skip-{group.id}",
            shortcut="Alt+S",
            on_click=partial(_leave_batch, context, person, group.id),
        )
        if UNDO_BATCH_KEY in st.session_state:
            st.button(
                t("review.undo"),
                key=f"undo-{group.id}",
                shortcut="Alt+Z",
                on_click=partial(_undo_batch, context, person, group.id),
            )


def _batch_grid_cells(
    context: AppContext, person: Person, cells: Sequence[BatchItem]
) -> list[GridCell]:
    """The pieces with their pictures, each page taken apart once. A piece without a picture is
    shown as nothing, and so as odd.
    """
    pages = {cell.page.id: cell.page for cell in cells}
    pictures = {
        (page_id, cell.spec.box): picture
        for page_id, page in pages.items()
        for own in [[cell for cell in cells if cell.page.id == page_id]]
        for cell, picture in zip(
            own,
            crop_images(
                context,
                page,
                [cell.spec.box for cell in own],
                find_covered_for(context, person, page),
            ),
            strict=True,
        )
    }
    return [
        GridCell(cell.id, pictures[cell.page.id, cell.spec.box], _item_origin(cell), cell.marked)
        for cell in cells
    ]


def _item_origin(cell: BatchItem) -> str:
    sheet = format_serial_or_id(cell.page.serial)
    return f"{sheet}, {t('review.row', row=cell.spec.row)}" if cell.spec.row else sheet


@requires_open_session
def save_batch_marks(
    context: AppContext, person: Person, group_id: str, marked: Sequence[int]
) -> None:
    """Keep which pieces are odd. A mark is sent half a second after it was made: of a group that
    was skipped meanwhile it is worth nothing.
    """
    try:
        with context.store.begin() as conn:
            batch_review.save_marked_items(
                conn, person, group_id, marked, utc_now(), context.settings.claim_minutes
            )
    except StaleDecisionError:
        return
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))


@requires_open_session
def _confirm_batch(
    context: AppContext, person: Person, group_id: str, marked: Sequence[int]
) -> None:
    now = utc_now()
    if st.session_state.get(_BATCH_VIEWED_KEY) != group_id or is_too_soon(
        group_id, now, MIN_BATCH_VIEW_TIME
    ):
        return
    try:
        with context.store.begin() as conn:
            done = batch_review.confirm_batch(conn, context.forms, person, group_id, marked, now)
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))
        return
    st.session_state[UNDO_BATCH_KEY] = True
    reset_drawn()
    _report_batch_result(done)


def _report_batch_result(result: BatchResult) -> None:
    if result.missed:
        current_entry.set_warning(
            t("group.missed", where="; ".join(map(_item_origin, result.missed)))
        )
    said = [
        t("group.kept", count=result.confirmed),
        *([t("group.sent_back", count=result.marked_odd)] if result.marked_odd else []),
    ]
    st.toast(" ".join(said), icon=":material/check:")


@requires_open_session
def _leave_batch(context: AppContext, person: Person, group_id: str) -> None:
    try:
        with context.store.begin() as conn:
            batch_review.release_batch(conn, person, group_id, utc_now())
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))
    st.session_state[_BATCH_PAUSE_KEY] = 2 * ENTRIES_BETWEEN_BATCHES


@requires_open_session
def _undo_batch(context: AppContext, person: Person, group_id: str) -> None:
    """Take the last group back: what is on the screen now goes back too, so that the same comes up
    again.
    """
    _release_batch(context, person, group_id)
    with context.store.begin() as conn:
        count = batch_review.undo_last_batch(conn, person, utc_now())
    st.session_state.pop(UNDO_BATCH_KEY, None)
    current_entry.set_warning(t("ways.undone", count=count))


def _release_batch(context: AppContext, person: Person, group_id: str) -> None:
    with (
        suppress(StaleDecisionError),
        context.store.begin() as conn,
    ):  # left alone so long that it has gone back by itself
        batch_review.release_batch(conn, person, group_id, utc_now())


(
    _REKEYING_DUE_KEY,
    _REKEYING_VIEWED_KEY,
    _REKEYING_MESSAGE_KEY,
    _REKEYING_OUTSIDE_KEY,
    _REKEYING_SKIPPED_KEY,
) = (
    "control_due",
    f"{VIEW_KEY_PREFIX}control",
    "control_said",
    "control_outside",
    "controls_passed",
)


def set_rekeying_due() -> None:
    """An entry is done: a control may come before the next one, and so may one that was passed
    before.
    """
    st.session_state[_REKEYING_DUE_KEY] = True
    st.session_state.pop(_REKEYING_SKIPPED_KEY, None)


def claim_due_rekeying(context: AppContext, person: Person) -> bool:
    """Whether a control has its turn now; it is then the person's, and the look at it is in the
    log.
    """
    return (
        bool(st.session_state.get(_REKEYING_DUE_KEY))
        and _claim_rekeying(context, person) is not None
    )


def show_rekeying_turn(context: AppContext, person: Person, *, idle: bool = False) -> bool:
    """Show a control if it is its turn, or when there is nothing else to do (`idle`); answers
    whether something is shown.
    """
    if not (idle or st.session_state.get(_REKEYING_DUE_KEY)):
        return False
    task = _claim_rekeying(context, person)
    if task is not None:
        _show_rekeying(context, person, task)
    return task is not None


def _claim_rekeying(context: AppContext, person: Person) -> RekeyingTask | None:
    """The person's control, the look at its page being in the log."""
    passed: set[int] = st.session_state.get(_REKEYING_SKIPPED_KEY, set())
    with context.store.begin() as conn:
        task = rekeying.claim_next_rekeying(
            conn, context.forms, person, utc_now(), context.settings.claim_minutes, passed
        )
        if task is not None and st.session_state.get(_REKEYING_VIEWED_KEY) != task.id:
            queue.record_page_view(conn, person, task.page.id)
    if task is None:
        _end_rekeying()
    else:
        st.session_state[_REKEYING_VIEWED_KEY] = task.id
    return task


def reset_rekeying_view() -> None:
    """Something else is shown: the next look at a control is another one."""
    st.session_state.pop(_REKEYING_VIEWED_KEY, None)


def _end_rekeying() -> None:
    """None is shown any longer, and the next comes after an entry."""
    st.session_state[_REKEYING_DUE_KEY] = False
    reset_rekeying_view()


def _show_rekeying(context: AppContext, person: Person, task: RekeyingTask) -> None:
    screen_heading(
        context,
        person,
        t("control.title"),
        t("control.third_what") if task.is_adjudication else t("control.what"),
    )
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        st.html(_rekeying_image_html(context, person, task))
    with right:
        st.caption(f"{task.form.title} · {task.unit}")
        _rekeying_form(context, person, task)


def _rekeying_form(context: AppContext, person: Person, task: RekeyingTask) -> None:
    save, key = f"save-control-{task.id}", f"control-{task.id}"
    with st.form(f"form-control-{task.id}", enter_to_submit=False, border=False):
        hint = " ".join(filter(None, (task.spec.hint, task.spec.measure)))
        st.html(
            f'<div class="ef-label"><span>{escape(accessible_name(task.form, task.spec))}</span><small>{escape(hint)}</small></div>'
        )
        keys = _rekeying_widgets(task, key)
        if said := st.session_state.pop(_REKEYING_MESSAGE_KEY, ""):
            st.html(f'<div class="ef-said" role="alert">{escape(said)}</div>')
        if st.session_state.get(_REKEYING_OUTSIDE_KEY) == task.id:
            st.selectbox(
                t("guard.outside"),
                OUTSIDE_REASONS,
                index=None,
                key=f"{key}-outside",
                placeholder=t("guard.outside_choose"),
                format_func=lambda reason: code_text("guard.outside_reasons", reason),
            )
        st.form_submit_button(
            t("control.save"),
            key=save,
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=partial(_save_rekeying, context, person, task, key),
        )
    st.button(
        t("review.skip"),
        key=f"skip-{key}",
        shortcut="Alt+S",
        on_click=partial(_skip_rekeying, context, person, task),
    )
    keyboard(key, keys, save=save, key=REKEYING_KEYBOARD_KEY)


def _rekeying_widgets(task: RekeyingTask, key: str) -> list[str]:
    """Where the answer is given: an empty field, an empty choice, or two values in the order of the
    alphabet.
    """
    label = accessible_name(task.form, task.spec)
    if task.is_adjudication:
        st.radio(
            label,
            list(_adjudication_choices(task)),
            index=None,
            key=key,
            label_visibility="collapsed",
        )
    elif is_choice_field(task.spec):
        words = partial(code_label, task.spec)
        st.radio(
            label,
            choice_codes(task.spec),
            index=None,
            format_func=words,
            horizontal=True,
            key=key,
            label_visibility="collapsed",
        )
    if is_choice_field(task.spec):
        return [key]
    typed = f"{key}-typed" if task.is_adjudication else key
    placeholder = t("review.other_value") if task.is_adjudication else t("review.type_what_you_see")
    st.text_input(
        label, key=typed, placeholder=placeholder, label_visibility="collapsed", autocomplete="off"
    )
    return [key, typed] if task.is_adjudication else [key]


def _rekeyed_answer(task: RekeyingTask, key: str) -> Answer | None:
    held = st.session_state.get(key)
    if task.is_adjudication:
        typed = str(st.session_state.get(f"{key}-typed") or "")
        return answer_from_text(typed, must_say=True) or (
            _adjudication_choices(task).get(str(held)) if held else None
        )
    return (
        answer_from_code(task.spec, held)
        if is_choice_field(task.spec)
        else answer_from_text(str(held or ""), must_say=True)
    )


def _adjudication_choices(task: RekeyingTask) -> Mapping[str, Answer]:
    """The values that differ in the order of the alphabet, so that nobody sees whose is which, and
    what else can be chosen.
    """
    both = {describe_answer(task.spec, side): side for side in task.differing_answers}
    states = [
        answer
        for code in choice_codes(task.spec)
        if (answer := answer_from_code(task.spec, code)) is not None
    ]
    others = {
        describe_answer(task.spec, answer): answer
        for answer in (states if is_choice_field(task.spec) else states[-2:])
    }
    return dict(sorted(both.items())) | {
        word: answer for word, answer in others.items() if word not in both
    }


@requires_open_session
def _save_rekeying(context: AppContext, person: Person, task: RekeyingTask, key: str) -> None:
    answer, now = _rekeyed_answer(task, key), utc_now()
    if answer is None:
        st.session_state[_REKEYING_MESSAGE_KEY] = t("review.missing_answer")
        return
    try:
        with context.store.begin() as conn:
            if task.is_adjudication:
                outcome = adjudicate(
                    conn,
                    person,
                    task,
                    answer,
                    now,
                    about=ClientStatement(outside=st.session_state.get(f"{key}-outside") or ""),
                )
            else:
                outcome = rekeying.save_rekeyed_answer(conn, person, task, answer, now)
    except UnknownClientError:
        st.session_state[_REKEYING_OUTSIDE_KEY], st.session_state[_REKEYING_MESSAGE_KEY] = (
            task.id,
            t("review.unknown_client"),
        )
    except MissingAnswerError:
        st.session_state[_REKEYING_MESSAGE_KEY] = t("review.missing_answer")
    except InvalidAnswerError:
        st.session_state[_REKEYING_MESSAGE_KEY] = t("review.invalid_answer")
    except EfterskriftError as error:
        _end_rekeying()
        st.toast(error_text(error), icon=":material/info:")
    else:
        if outcome is RekeyingOutcome.WRONG:
            clear_undo()
        _end_rekeying()
        st.toast(t("control.saved"), icon=":material/check:")


@requires_open_session
def _skip_rekeying(context: AppContext, person: Person, task: RekeyingTask) -> None:
    with context.store.begin() as conn:
        rekeying.skip_rekeying(conn, person, task)
    _end_rekeying()
    st.session_state[_REKEYING_SKIPPED_KEY] = st.session_state.get(_REKEYING_SKIPPED_KEY, set()) | {
        task.id
    }


def _rekeying_image_html(context: AppContext, person: Person, task: RekeyingTask) -> str:
    """The field alone, large; the whole page where it lies on no form."""
    covered = find_covered_for(context, person, task.page)
    crop, kind = crop_image(context, task.page, task.spec.box, covered), "image/png"
    if crop is None:
        crop, kind = page_image(context, task.page, covered), "image/jpeg"
    if crop is None:
        return ""
    alt = escape(t("picture.crop", label=accessible_name(task.form, task.spec)))
    return f'<img class="ef-control" alt="{alt}" src="{data_url(crop, kind)}">'
