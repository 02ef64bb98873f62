"""Avvisa: rejecting an entry that cannot be entered in the system, with a reason.

The paper and its image remain. Some reasons need more: which unit, which question, or what the
entry is a duplicate of.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.review.rules import REJECTION_REASONS
from pipeline.review.questions import Questions
from pipeline.review.session import ReviewSession
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.event_log.events import contains_pid
from pipeline.store.review import author_questions
from pipeline.store.review.author_questions import ANSWERED_REASON, ASK_AUTHOR_REASON
from pipeline.store.review.duplicate_entries import DUPLICATE_REASON
from ui.browser.keyboard import keyboard
from ui.i18n import code_text, format_moment, t
from ui.markdown import plain
from ui.screens.review.duplicate_comparison import (
    chosen_comparison,
    duplicate_comparison,
    reset_comparison,
)
from ui.widgets.half_written import kept_widget
from ui.workspace import AppContext

RunAction = Callable[[Callable[[], object]], None]
"""Runs an action of a step."""
StepAction = Callable[[], object] | str
"""The action of a step; the key of the text that says what is missing or wrong."""

FORWARD_REASON = "annan enhet"
REASONS_WITH_STEP = frozenset({FORWARD_REASON, ASK_AUTHOR_REASON, DUPLICATE_REASON})
"""Reasons that need a further step."""
_STEP_NAMES = {FORWARD_REASON: "forward", ASK_AUTHOR_REASON: "ask", DUPLICATE_REASON: "duplicate"}
_STEP_KEY, _MISSING_INPUT_KEY = "returning_step", "returning_lacks"


def reject_form(
    context: AppContext,
    person: Person,
    view: EntryView,
    on_reject: Callable[[str], None],
    on_back: Callable[[], None],
) -> None:
    """Ask for the reason in place of the entry's form, then for what the reason needs.

    In place of the form, so that Ctrl+Enter can only mean the rejection.
    """
    if (step := current_step(view)) is not None:
        step_form(context, person, view, step, lambda: on_reject(step))
    else:
        _reason_buttons(view, on_reject)
    st.button(
        t("reject.back"),
        key=f"back-{view.entry.id}-{view.entry.revision}",
        shortcut="Escape",
        on_click=on_back,
    )


def _reason_buttons(view: EntryView, on_reject: Callable[[str], None]) -> None:
    key = f"reason-{view.entry.id}-{view.entry.revision}"
    # In no form: the button says whether the reason needs more
    with st.container(border=True, key=f"reject-{view.entry.id}-{view.entry.revision}"):
        st.header(t("reject.title"), anchor=False)
        st.caption(t("reject.what"))
        reason = st.radio(
            t("reject.reason"), REJECTION_REASONS, index=None, format_func=_reason_markdown, key=key
        )
        st.button(
            t("reject.go_on" if reason in REASONS_WITH_STEP else "reject.do"),
            key=f"do-{key}",
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=lambda: on_reject(str(st.session_state.get(key) or "")),
        )
    keyboard(f"reject-{view.entry.id}", [key], save=f"do-{key}")


def _reason_markdown(reason: str) -> str:
    more = " …" if reason in REASONS_WITH_STEP else ""
    return plain(code_text("reject.reasons", reason) + more)


def current_step(view: EntryView) -> str | None:
    """Return the reason whose step is shown for this entry, or None."""
    entry_id, reason = st.session_state.get(_STEP_KEY, ("", ""))
    return reason if entry_id == view.entry.id else None


def reset_step() -> None:
    """Leave the step."""
    for key in (_STEP_KEY, _MISSING_INPUT_KEY):
        st.session_state.pop(key, None)
    reset_comparison()


def take_step(
    context: AppContext, person: Person, view: EntryView, reason: str, run_action: RunAction
) -> bool:
    """Take the step that a reason needs: first its form, then the action.

    Return False if the reason needs none.
    """
    if reason not in REASONS_WITH_STEP:
        return False
    if current_step(view) != reason:
        st.session_state[_STEP_KEY] = (view.entry.id, reason)
        return True
    # The second call comes from the form of the step.
    action = {
        FORWARD_REASON: _forward_action,
        ASK_AUTHOR_REASON: _ask_action,
        DUPLICATE_REASON: _mark_action,
    }[reason](context, person, view)
    if isinstance(action, str):
        st.session_state[_MISSING_INPUT_KEY] = (reason, action)
    else:
        run_action(action)
    return True


def step_form(
    context: AppContext, person: Person, view: EntryView, reason: str, on_done: Callable[[], None]
) -> None:
    """Show the form of a step."""
    missing_in, text = st.session_state.pop(_MISSING_INPUT_KEY, ("", ""))
    if missing_in == reason:
        st.warning(t(text), icon=":material/error:")
    if reason == DUPLICATE_REASON:
        duplicate_comparison(context, person, view, on_done)
        return
    # In no form: what is half written is kept when the person goes back
    with st.container(border=True, key=f"return-{view.entry.id}-{view.entry.revision}"):
        st.header(t(f"returns.{_STEP_NAMES[reason]}.title"), anchor=False)
        st.caption(t(f"returns.{_STEP_NAMES[reason]}.what"))
        fields = (
            _unit_fields(context, person, view)
            if reason == FORWARD_REASON
            else _question_fields(context, person, view)
        )
        submit_key = f"do-return-{view.entry.id}"
        st.button(
            t(f"returns.{_STEP_NAMES[reason]}.do"),
            key=submit_key,
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=on_done,
        )
    keyboard(f"return-{view.entry.id}", fields, save=submit_key)


def step_done_text(context: AppContext, view: EntryView, reason: str) -> str:
    """Return what is shown when the step of a reason is done; empty if it says so itself."""
    if reason == ASK_AUTHOR_REASON:
        return t("returns.ask.done")
    if reason != FORWARD_REASON:
        return ""
    unit = _widget_value(view, "unit")
    with context.store.read() as conn:
        is_attended = unit in people.units_with_someone(conn, Action.REVIEW)
    return t("returns.forward.done" if is_attended else "returns.forward.done_nobody", unit=unit)


def author_answer_texts(context: AppContext, person: Person, view: EntryView) -> list[str]:
    """Return questions and answers of an entry that the author's answer brought back."""
    if view.entry.reason != ANSWERED_REASON:
        return []
    with context.store.read() as conn:
        entry_questions = author_questions.list_entry_questions(conn, person, view.entry.id)
    return [
        t(
            "returns.author_said",
            question=question.text,
            answer=answer.text,
            who=answer.answered_by,
            when=format_moment(answer.answered_at),
        )
        for question in entry_questions
        for answer in question.answers
    ]


def _unit_fields(context: AppContext, person: Person, view: EntryView) -> list[str]:
    with context.store.read() as conn:
        attended = people.units_with_someone(conn, Action.REVIEW)
    st.selectbox(
        t("returns.forward.unit"),
        context.work(Transfers, person).list_units(view.entry),
        index=None,
        format_func=lambda unit: (
            unit if unit in attended else t("returns.forward.nobody", unit=unit)
        ),
        placeholder=t("returns.forward.choose"),
        key=_widget_key(view, "unit"),
    )
    st.text_input(
        t("returns.forward.why"),
        max_chars=200,
        autocomplete="off",
        **kept_widget(_widget_key(view, "why")),
    )
    return [_widget_key(view, "unit"), _widget_key(view, "why")]


def _question_fields(context: AppContext, person: Person, view: EntryView) -> list[str]:
    author = context.work(Questions, person).find_author(view.entry)
    st.text_area(
        t("returns.ask.question"),
        max_chars=600,
        height=110,
        **kept_widget(_widget_key(view, "question")),
    )
    st.text_input(
        t("returns.ask.author"),
        value=author,
        key=_widget_key(view, "author"),
        max_chars=120,
        autocomplete="off",
    )
    return [_widget_key(view, "question"), _widget_key(view, "author")]


def _forward_action(context: AppContext, person: Person, view: EntryView) -> StepAction:
    unit, why = _widget_value(view, "unit"), _widget_value(view, "why")
    if not unit:
        return "returns.lacks.forward"
    send = context.work(Transfers, person).send
    return partial(send, view.entry.id, view.entry.revision, unit, why)


def _ask_action(context: AppContext, person: Person, view: EntryView) -> StepAction:
    question, author = _widget_value(view, "question"), _widget_value(view, "author")
    if not question.strip():
        return "returns.lacks.ask"
    if contains_pid(question):
        return "returns.ask.number"
    ask = context.work(Questions, person).ask
    return partial(ask, view.entry.id, view.entry.revision, question, author)


def _mark_action(context: AppContext, person: Person, view: EntryView) -> StepAction:
    comparison, why = chosen_comparison(view)
    if comparison is None:
        return "returns.lacks.duplicate"
    mark = context.work(ReviewSession, person).mark_duplicate
    return partial(mark, view.entry.id, view.entry.revision, comparison, why)


def _widget_key(view: EntryView, name: str) -> str:
    return f"return_{name}-{view.entry.id}-{view.entry.revision}"


def _widget_value(view: EntryView, name: str) -> str:
    return str(st.session_state.get(_widget_key(view, name)) or "")
