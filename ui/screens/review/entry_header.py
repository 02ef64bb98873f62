"""The lines above the form of an entry: its origin, its deadline, and sums that do not add up.

Deadline and sums are computed from the answers so far. Before the user has typed the day or the
amounts nothing of them is shown, since they are typed without showing what the machine read.

An entry about a client whose identity the user may not see cannot be decided here, only handed
over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from html import escape

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.law import deadlines
from pipeline.domain.model import Person, State
from pipeline.domain.permissions import Action, permitted_units
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.recount import recount_answers
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.sums import ArithmeticFinding
from pipeline.forms.fiducials import format_serial, is_serial
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.triage import QueuePlace, explain_place
from ui.i18n import current_language, format_number, format_weekday, t
from ui.screens.review.entry_form import form_answers
from ui.workspace import AppContext

COUNT_CACHE_SECONDS = 20
"""How old the number of waiting entries may be."""
_SHOWN_FINDINGS_KEY = "recount_told"
"""Entry id and arithmetic findings that stopped the last save."""


def entry_origin_text(context: AppContext, person: Person, view: EntryView) -> str:
    """Return unit, serial, row, and the number of entries that wait for this user."""
    entry = view.entry
    waiting = _count_waiting(
        context, person, person.login, tuple(sorted(permitted_units(person, Action.REVIEW)))
    )
    parts = [
        entry.unit,
        format_serial(entry.serial) if entry.serial and is_serial(entry.serial) else "",
        t("review.row", row=entry.row) if entry.row else "",
    ]
    with context.store.read() as conn:
        place = explain_place(conn, entry.id)
    return " · ".join(
        [*filter(None, parts), _place_text(place), t("review.waiting", count=waiting)]
    )


def _place_text(place: QueuePlace) -> str:
    """Return why the entry comes now."""
    if place.is_pulled:
        return t("triage.why_pulled")
    key = "triage.why" if place.reason else "triage.why_class"
    return t(key, level=place.level, reason=place.reason)


@st.cache_data(ttl=COUNT_CACHE_SECONDS, max_entries=500, show_spinner=False)
def _count_waiting(
    _context: AppContext, _person: Person, login: str, units: tuple[str, ...]
) -> int:
    del login, units
    with _context.store.read() as conn:
        return queue.count_waiting(conn, _person, utc_now())


def entry_facts(view: EntryView, answers: Mapping[str, Answer]) -> None:
    """Show the lines above the form; `answers` are the answers so far, by field."""
    lines = [_deadline_line(view, answers)] if view.form.deadline is not None else []
    lines += [
        f"<div>{escape(_finding_text(view.form, finding))}</div>"
        for finding in recount_answers(view.form, view.entry.row, answers)
    ]
    if lines:
        st.html(f'<div class="ef-facts" role="status">{"".join(lines)}</div>')


def were_findings_shown(view: EntryView) -> bool:
    """Return whether all arithmetic findings of the form's current answers have been shown."""
    return st.session_state.get(_SHOWN_FINDINGS_KEY) == _current_findings(view)


def mark_findings_shown(view: EntryView) -> dict[str, str]:
    """Note the findings as shown, so that the next save goes through.

    Return a text for each field.
    """
    shown = st.session_state[_SHOWN_FINDINGS_KEY] = _current_findings(view)
    return {
        finding.field: f"{_finding_text(view.form, finding)} {t('recount.again')}"
        for finding in shown[1]
    }


def deadline_text(rule: str, last: date) -> str:
    """Return what has to be done until which day, in words."""
    deadline_rule = deadlines.find_deadline_rule(rule, last)
    return deadline_rule.say.get(current_language(), deadline_rule.what).format(
        day=format_weekday(last)
    )


def _current_findings(view: EntryView) -> tuple[str, tuple[ArithmeticFinding, ...]]:
    return view.entry.id, recount_answers(view.form, view.entry.row, form_answers(view))


def _deadline_line(view: EntryView, answers: Mapping[str, Answer]) -> str:
    rule = view.form.deadline
    assert rule is not None
    spec = next(
        spec for spec in reversed(view.form.entry_fields(view.entry.row)) if spec.column == rule.day
    )
    # In a second review a day that is in dispute is not shown.
    is_disputed = view.is_second_review and any(
        field.is_open and field.spec.name == spec.name for field in view.fields
    )
    day = None if is_disputed else _answered_day(spec, answers.get(spec.name))
    if day is None:
        requirement = deadlines.find_deadline_rule(rule.rule, today_in_sweden()).what
        text = t("deadline.unknown", what=requirement, field=spec.label)
        return f'<div class="ef-muted">{escape(text)}</div>'
    due = deadlines.due_at(rule.rule, day)
    passed = (
        f' <span class="ef-tag ef-warn">{escape(t("deadline.passed"))}</span>'
        if due < utc_now()
        else ""
    )
    return f'<div class="ef-due">{escape(deadline_text(rule.rule, due.date()))}{passed}</div>'


def _answered_day(spec: FieldSpec, answer: Answer | None) -> date | None:
    if answer is None or answer.state is not State.READ:
        return None
    try:
        return date.fromisoformat(str(normalize_value(spec, answer.value)))
    except InvalidAnswerError:  # not completely typed yet
        return None


def _finding_text(form: Form, finding: ArithmeticFinding) -> str:
    right = finding.right if finding.kind == "norm_year" else format_number(float(finding.right))
    return t(f"recount.{finding.kind}", field=form.by_name[finding.field].label, right=right)


def hidden_client_notice(
    view: EntryView, on_hand_over: Callable[[], None], on_skip: Callable[[], None]
) -> None:
    """Show that the client is hidden, and offer to hand the entry over."""
    with st.container(border=True):
        st.markdown(f"**{t('hidden.title')}**")
        st.caption(t("hidden.what"))
        with st.container(horizontal=True):
            st.button(
                t("hidden.hand_on"),
                key=f"hand_on-{view.entry.id}",
                type="primary",
                shortcut="Ctrl+Enter",
                on_click=on_hand_over,
            )
            st.button(
                t("review.skip"), key=f"skip-{view.entry.id}", shortcut="Alt+S", on_click=on_skip
            )
