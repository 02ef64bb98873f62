"""Rekeying (kontrollskrivning) between two entries: a confirmed field is keyed from its image.

In an adjudication a third person decides between two different answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.errors import (
    EfterskriftError,
    InvalidAnswerError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import OUTSIDE_REASONS, ClientStatement
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.quality import rekeying
from pipeline.store.quality.adjudication import adjudicate
from pipeline.store.quality.rekeying import RekeyingOutcome, RekeyingTask
from ui.browser.keyboard import keyboard
from ui.browser.page_view import data_url
from ui.i18n import code_text, t
from ui.markdown import plain, plain_with_code
from ui.screens.review.current_entry import clear_undo
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
from ui.widgets.heading import screen_heading
from ui.widgets.images import crop_image, find_covered_for, page_image
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

REKEYING_KEYBOARD_KEY = "keyboard_control"
_REKEYING_DUE_KEY, _REKEYING_SKIPPED_KEY = "control_due", "controls_passed"
_REKEYING_VIEWED_KEY = f"{VIEW_KEY_PREFIX}control"
_REKEYING_MESSAGE_KEY, _REKEYING_OUTSIDE_KEY = "control_said", "control_outside"


def set_rekeying_due() -> None:
    """Note that an entry is done: a rekeying task may come before the next one.

    So may a task that was skipped before.
    """
    st.session_state[_REKEYING_DUE_KEY] = True
    st.session_state.pop(_REKEYING_SKIPPED_KEY, None)


def claim_due_rekeying(context: AppContext, person: Person) -> bool:
    """Return whether a rekeying task is due now; it is then claimed and its view logged."""
    return (
        bool(st.session_state.get(_REKEYING_DUE_KEY))
        and _claim_rekeying(context, person) is not None
    )


def show_rekeying_turn(context: AppContext, person: Person, *, idle: bool = False) -> bool:
    """Show a rekeying task if one is due, or if there is nothing else to do (`idle`).

    Return whether one is shown.
    """
    if not (idle or st.session_state.get(_REKEYING_DUE_KEY)):
        return False
    task = _claim_rekeying(context, person)
    if task is not None:
        _show_rekeying(context, person, task)
    return task is not None


def _claim_rekeying(context: AppContext, person: Person) -> RekeyingTask | None:
    """Claim a rekeying task for the user and log the view of its page; None if none."""
    skipped: set[int] = st.session_state.get(_REKEYING_SKIPPED_KEY, set())
    with context.store.begin() as conn:
        task = rekeying.claim_next_rekeying(
            conn, context.forms, person, utc_now(), context.settings.claim_minutes, skipped
        )
        if task is not None and st.session_state.get(_REKEYING_VIEWED_KEY) != task.id:
            queue.record_page_view(conn, person, task.page.id)
    if task is None:
        _end_rekeying()
    else:
        st.session_state[_REKEYING_VIEWED_KEY] = task.id
    return task


def reset_rekeying_view() -> None:
    """Note that something else is shown: the next view of a task is another one."""
    st.session_state.pop(_REKEYING_VIEWED_KEY, None)


def _end_rekeying() -> None:
    """Note that no task is shown; the next comes after an entry."""
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
        st.caption(f"{plain(task.form.title)} · {plain(task.unit)}")
        _rekeying_form(context, person, task)


def _rekeying_form(context: AppContext, person: Person, task: RekeyingTask) -> None:
    save_key, key = f"save-control-{task.id}", f"control-{task.id}"
    with st.form(f"form-control-{task.id}", enter_to_submit=False, border=False):
        hint = " ".join(filter(None, (task.spec.hint, task.spec.measure)))
        label = escape(accessible_name(task.form, task.spec))
        st.html(f'<div class="ef-label"><span>{label}</span><small>{escape(hint)}</small></div>')
        keys = _rekeying_widgets(task, key)
        if message := st.session_state.pop(_REKEYING_MESSAGE_KEY, ""):
            st.html(f'<div class="ef-said" role="alert">{escape(message)}</div>')
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
            key=save_key,
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
    keyboard(key, keys, save=save_key, key=REKEYING_KEYBOARD_KEY)


def _rekeying_widgets(task: RekeyingTask, key: str) -> list[str]:
    """Show the widgets for the answer and return their keys.

    An empty field, an empty choice, or in an adjudication the two answers in alphabetical order.
    """
    label = accessible_name(task.form, task.spec)
    if task.is_adjudication:
        st.radio(
            plain(label),
            list(_adjudication_choices(task)),
            index=None,
            format_func=plain,
            key=key,
            label_visibility="collapsed",
        )
    elif is_choice_field(task.spec):
        st.radio(
            plain(label),
            choice_codes(task.spec),
            index=None,
            format_func=lambda code: plain(code_label(task.spec, code)),
            horizontal=True,
            key=key,
            label_visibility="collapsed",
        )
    if is_choice_field(task.spec):
        return [key]
    text_key = f"{key}-typed" if task.is_adjudication else key
    placeholder = t("review.other_value") if task.is_adjudication else t("review.type_what_you_see")
    st.text_input(
        plain(label),
        key=text_key,
        placeholder=placeholder,
        label_visibility="collapsed",
        autocomplete="off",
    )
    return [key, text_key] if task.is_adjudication else [key]


def _rekeyed_answer(task: RekeyingTask, key: str) -> Answer | None:
    value = st.session_state.get(key)
    if task.is_adjudication:
        typed = str(st.session_state.get(f"{key}-typed") or "")
        return answer_from_text(typed, must_say=True) or (
            _adjudication_choices(task).get(str(value)) if value else None
        )
    return (
        answer_from_code(task.spec, value)
        if is_choice_field(task.spec)
        else answer_from_text(str(value or ""), must_say=True)
    )


def _adjudication_choices(task: RekeyingTask) -> Mapping[str, Answer]:
    """Return the differing answers and what else can be chosen, by their text.

    The differing answers are in alphabetical order, so that the user cannot see whose is which.
    """
    differing = {describe_answer(task.spec, answer): answer for answer in task.differing_answers}
    answers = [
        answer
        for code in choice_codes(task.spec)
        if (answer := answer_from_code(task.spec, code)) is not None
    ]
    # A typed field can only be empty or illegible (the last two codes) besides a text.
    others = {
        describe_answer(task.spec, answer): answer
        for answer in (answers if is_choice_field(task.spec) else answers[-2:])
    }
    return dict(sorted(differing.items())) | {
        text: answer for text, answer in others.items() if text not in differing
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
        st.session_state[_REKEYING_OUTSIDE_KEY] = task.id
        st.session_state[_REKEYING_MESSAGE_KEY] = t("review.unknown_client")
    except MissingAnswerError:
        st.session_state[_REKEYING_MESSAGE_KEY] = t("review.missing_answer")
    except InvalidAnswerError:
        st.session_state[_REKEYING_MESSAGE_KEY] = t("review.invalid_answer")
    except EfterskriftError as error:
        _end_rekeying()
        st.toast(plain_with_code(error_text(error)), icon=":material/info:")
    else:
        if outcome is RekeyingOutcome.WRONG:
            # A wrong decision has been reopened: it is not the last one to undo.
            clear_undo()
        _end_rekeying()
        st.toast(t("control.saved"), icon=":material/check:")


@requires_open_session
def _skip_rekeying(context: AppContext, person: Person, task: RekeyingTask) -> None:
    with context.store.begin() as conn:
        rekeying.skip_rekeying(conn, person, task)
    _end_rekeying()
    skipped: set[int] = st.session_state.get(_REKEYING_SKIPPED_KEY, set())
    st.session_state[_REKEYING_SKIPPED_KEY] = skipped | {task.id}


def _rekeying_image_html(context: AppContext, person: Person, task: RekeyingTask) -> str:
    """Return HTML of the field alone, large; of the whole page if it is not registered."""
    covered = find_covered_for(context, person, task.page)
    image, media_type = crop_image(context, task.page, task.spec.box, covered), "image/png"
    if image is None:
        image, media_type = page_image(context, task.page, covered), "image/jpeg"
    if image is None:
        return ""
    alt = escape(t("picture.crop", label=accessible_name(task.form, task.spec)))
    return f'<img class="ef-control" alt="{alt}" src="{data_url(image, media_type)}">'
