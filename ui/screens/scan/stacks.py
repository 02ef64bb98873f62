"""The latest stacks, live: how far each has been read, what became of it, what is to be done.

The part is drawn again every second. What changes is text without focus; a person who types or has
chosen something elsewhere on the screen notices nothing of it.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.operations.intake import IntakeResult
from pipeline.store.paper import workers
from pipeline.store.paper.intake.stacks import (
    MAX_STACKS,
    Stack,
    list_stacks,
    measure_pace,
)
from pipeline.store.schema.clock import utc_now
from ui import session
from ui.i18n import format_recent, t
from ui.markdown import md
from ui.widgets.messages import error_text
from ui.widgets.run_once import RunOnce, run_once
from ui.workspace import AppContext

INTAKE_RESULT_KEY = "uploads_taken"
SHOWN_STACK_KEY = "problem_stack"
"""Session-state key of the stack to which the list of problems is narrowed."""
STACK_TURN_KEY = "problem_stack_turn"
"""Session-state key of when a stack's pages with problems were asked for."""
_SHOWN_COUNT_KEY = "stacks_shown"
_MINUTES_AS_HOURS = 90


@st.fragment(run_every="1s")
def live_stacks(context: AppContext, person: Person) -> None:
    """Show the latest stacks with their progress.

    The updates do not count as activity of the user.
    """
    if session.current_person(context, active=False) is None:
        st.rerun()
    intake: RunOnce[IntakeResult] = run_once(INTAKE_RESULT_KEY)
    if intake.error is not None:
        st.error(md("scan.broken_off", why=error_text(intake.error)), icon=":material/error:")
    now, limit = utc_now(), st.session_state.get(_SHOWN_COUNT_KEY, MAX_STACKS)
    with context.store.read() as conn:
        stacks = list_stacks(conn, person, now, limit + 1)
        pace = measure_pace(conn, now)
        heartbeats = workers.list_heartbeats(conn)
    st.header(t("scan.batches"), anchor=False)
    if pace.queued and not any(
        abs((now - at).total_seconds()) < context.settings.takeover_seconds
        for at in heartbeats.values()
    ):
        st.warning(t("scan.no_worker"), icon=":material/pause_circle:")
    if not stacks:
        st.caption(t("scan.no_batches"))
    ahead = pace.queued
    with st.container(key="batches", gap="small"):
        for stack in stacks[:limit]:
            _stack_line(
                person,
                stack,
                pace.minutes_left(max(stack.queued, ahead)) if stack.queued else None,
                now,
            )
            # Pages are read in the order in which they came: an older stack waits for no newer one.
            ahead -= stack.queued
    if len(stacks) > limit:
        st.button(
            t("scan.older"),
            key="stacks_more",
            on_click=partial(st.session_state.__setitem__, _SHOWN_COUNT_KEY, limit + MAX_STACKS),
        )


def _stack_line(person: Person, stack: Stack, minutes: int | None, now: datetime) -> None:
    with st.container(key=f"stack-{stack.id}", horizontal=True, vertical_alignment="center"):
        st.html(_stack_html(stack, minutes, now))
        if (
            stack.problems
            and is_allowed(person, Action.PROBLEMS)
            and st.button(t("scan.stack.show"), key=f"stack_problems-{stack.id}")
        ):
            st.session_state[SHOWN_STACK_KEY] = stack.id
            st.session_state[STACK_TURN_KEY] = now.isoformat()
            st.rerun()


def _stack_html(stack: Stack, minutes: int | None, now: datetime) -> str:
    where = " · ".join(
        escape(part)
        for part in (format_recent(stack.created_at, now), stack.unit, stack.place)
        if part
    )
    share = round(100 * stack.read / stack.pages) if stack.pages else 0
    said = _progress_text(stack, minutes)
    state = "ef-todo" if stack.problems or stack.is_interrupted else ""
    bar = (
        f'<div class="ef-bar" role="progressbar" aria-label="{escape(where)}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{share}" aria-valuetext="{escape(said)}">'
        f'<div style="width:{share}%"></div></div>'
    )
    result = " · ".join(map(escape, _result_texts(stack)))
    return (
        f'<div class="ef-stack {state}"><div class="ef-stack-where">{where}</div>{bar}'
        f"<strong>{escape(said)}</strong><small>{result}</small></div>"
    )


def _progress_text(stack: Stack, minutes: int | None) -> str:
    """Return how far the stack is, what is to be done, and how long it takes."""
    parts = []
    if stack.is_interrupted:
        return t("scan.stack.cut_short", count=stack.pages)
    if stack.is_coming:
        parts.append(t("scan.stack.coming", count=stack.pages))
    if stack.queued:
        parts.append(t("scan.stack.read_of", done=stack.read, total=stack.pages))
    elif not stack.is_coming:
        parts.append(t("scan.stack.all_read", count=stack.pages))
    if stack.problems:
        parts.append(t("scan.stack.problems", count=stack.problems))
    elif not stack.queued and not stack.is_coming and stack.pages:
        parts.append(t("scan.stack.no_problems"))
    if minutes is not None:
        if minutes < _MINUTES_AS_HOURS:
            parts.append(t("scan.stack.minutes_left", count=minutes))
        else:
            parts.append(t("scan.stack.hours_left", count=round(minutes / 60)))
    return " · ".join(parts)


def _result_texts(stack: Stack) -> list[str]:
    counts = (
        ("scan.stack.to_review", stack.to_review),
        ("scan.stack.done", stack.done),
        ("scan.stack.elsewhere", stack.other_unit_pages),
    )
    return [t(key, count=count) for key, count in counts if count]
