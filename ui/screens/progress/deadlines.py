"""The legal deadlines of Läge: what has passed, what is next; opened from the sentence above."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.form.form import Form
from pipeline.domain.law.deadlines import find_deadline_rule
from pipeline.reporting.progress import Overview, find_due_name
from pipeline.store.reports.progress import DeadlineCount
from ui.i18n import t
from ui.markdown import md
from ui.screens.review.entry_header import deadline_text
from ui.session import requires_open_session
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_SHOWN_KEY = "deadlines_shown"
_PASSED, _AHEAD = "passed", "ahead"
_PASSED_NAMES = frozenset({"over", "uncertain"})


def deadline_section(context: AppContext, overview: Overview) -> None:
    """Show a way to the deadlines that have passed and to those ahead, and the list asked for."""
    by_time: dict[str, list[DeadlineCount]] = {_PASSED: [], _AHEAD: []}
    for deadline in overview.deadlines:
        is_passed = find_due_name(deadline.due_at, overview.at) in _PASSED_NAMES
        by_time[_PASSED if is_passed else _AHEAD].append(deadline)
    if not overview.deadlines:
        return
    shown = st.session_state.get(_SHOWN_KEY, "")
    with st.container(horizontal=True):
        for name, deadlines in by_time.items():
            if deadlines:
                count = sum(deadline.entries for deadline in deadlines)
                st.button(
                    md(f"deadline.{'hide' if shown == name else 'show'}_{name}", count=count),
                    key=f"deadlines_{name}",
                    on_click=partial(_show_list, context, "" if shown == name else name),
                    icon=":material/gavel:" if name == _PASSED else ":material/event:",
                )
    if by_time.get(shown):
        _deadline_table(context, overview, by_time[shown])


@requires_open_session
def _show_list(_context: AppContext, name: str) -> None:
    st.session_state[_SHOWN_KEY] = name


def _deadline_table(
    context: AppContext, overview: Overview, deadlines: Sequence[DeadlineCount]
) -> None:
    st.caption(t("deadline.about"))
    heads = [t(f"deadline.{name}") for name in ("last", "unit", "form", "entries")]
    lines = [
        (
            _last_day_text(context, overview, deadline),
            deadline.unit,
            form.title if (form := _form(context, deadline)) else deadline.form,
            deadline.entries,
        )
        for deadline in deadlines
    ]
    st.html(html_table(heads, lines))


def _last_day_text(context: AppContext, overview: Overview, deadline: DeadlineCount) -> str:
    form = _form(context, deadline)
    rule = deadline.rule or (next((one.rule for one in form.all_deadlines), "") if form else "")
    if not rule:
        return t("deadline.at_once")
    if deadline.due_at is None:
        requirement = find_deadline_rule(rule, today_in_sweden()).what
        return f"{requirement}: {t('deadline.at_once')}"
    text = deadline_text(rule, swedish_day(deadline.due_at))
    return f"{text} · {t('deadline.passed')}" if deadline.due_at < overview.at else text


def _form(context: AppContext, deadline: DeadlineCount) -> Form | None:
    return context.forms.get((deadline.form, deadline.version))
