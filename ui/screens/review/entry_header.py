"""The line below an entry's title: where it comes from, and how much waits.

What follows from the answers so far: when the entry is due by law, and which figures do not add
up.

Before a person has typed the day or the figures nothing of them is told, for they are typed
without being shown what the machine read.

An entry about somebody whose identity this person may not see: nothing to decide here, only to
hand on.
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
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.recount import recount_answers
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.sums import ArithmeticFinding
from pipeline.forms.fiducials import format_serial, is_serial
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from ui.i18n import current_language, format_number, format_weekday, t
from ui.screens.review.entry_form import form_answers
from ui.workspace import AppContext

COUNT_CACHE_SECONDS = 20
"""How old the number of waiting entries may be."""
_SHOWN_FINDINGS_KEY = "recount_told"
"""(entry id, findings) that the person was stopped for."""


def entry_origin_text(context: AppContext, person: Person, view: EntryView) -> str:
    """Unit, serial, row, and the number of entries that wait for this person."""
    entry = view.entry
    waiting = _count_waiting(context, person, person.login, tuple(sorted(person.units)))
    parts = [
        entry.unit,
        format_serial(entry.serial) if entry.serial and is_serial(entry.serial) else "",
        t("review.row", row=entry.row) if entry.row else "",
    ]
    return " · ".join([*filter(None, parts), t("review.waiting", count=waiting)])


@st.cache_data(ttl=COUNT_CACHE_SECONDS, max_entries=500, show_spinner=False)
def _count_waiting(
    _context: AppContext, _person: Person, login: str, units: tuple[str, ...]
) -> int:
    del login, units
    with _context.store.read() as conn:
        return queue.count_waiting(conn, _person, utc_now())


def entry_facts(view: EntryView, answers: Mapping[str, Answer]) -> None:
    """The lines above the form. `said` are the answers so far, by field."""
    lines = [_deadline_line(view, answers)] if view.form.deadline is not None else []
    lines += [
        f"<div>{escape(_finding_text(view.form, one))}</div>"
        for one in recount_answers(view.form, view.entry.row, answers)
    ]
    if lines:
        st.html(f'<div class="ef-facts" role="status">{"".join(lines)}</div>')


def were_findings_shown(view: EntryView) -> bool:
    """Whether the person has been told of all that does not add up in what the form holds now."""
    return st.session_state.get(_SHOWN_FINDINGS_KEY) == _current_findings(view)


def mark_findings_shown(view: EntryView) -> dict[str, str]:
    """Note what the person is told, so that the next save goes through; answers with a text for
    each field.
    """
    st.session_state[_SHOWN_FINDINGS_KEY] = _current_findings(view)
    return {
        one.field: f"{_finding_text(view.form, one)} {t('recount.again')}"
        for one in st.session_state[_SHOWN_FINDINGS_KEY][1]
    }


def deadline_text(rule: str, last: date) -> str:
    """What has to be done until which day, in words."""
    found = deadlines.find_deadline_rule(rule, last)
    return found.say.get(current_language(), found.what).format(day=format_weekday(last))


def _current_findings(view: EntryView) -> tuple[str, tuple[ArithmeticFinding, ...]]:
    return view.entry.id, recount_answers(view.form, view.entry.row, form_answers(view))


def _deadline_line(view: EntryView, answers: Mapping[str, Answer]) -> str:
    rule = view.form.deadline
    assert rule is not None
    spec = next(
        spec for spec in reversed(view.form.entry_fields(view.entry.row)) if spec.column == rule.day
    )
    disputed = view.is_second_review and any(
        field.is_open and field.spec.name == spec.name for field in view.fields
    )
    day = None if disputed else _answered_day(spec, answers.get(spec.name))
    if day is None:
        what = deadlines.find_deadline_rule(rule.rule, today_in_sweden()).what
        return f'<div class="ef-muted">{escape(t("deadline.unknown", what=what, field=spec.label))}</div>'
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
    except InvalidAnswerError:  # not typed to its end yet
        return None


def _finding_text(form: Form, finding: ArithmeticFinding) -> str:
    right = finding.right if finding.kind == "norm_year" else format_number(float(finding.right))
    return t(f"recount.{finding.kind}", field=form.by_name[finding.field].label, right=right)


def hidden_client_notice(
    view: EntryView, hand_on: Callable[[], None], skip: Callable[[], None]
) -> None:
    """Say so, and offer to send the entry to those who have the right."""
    with st.container(border=True):
        st.markdown(f"**{t('hidden.title')}**")
        st.caption(t("hidden.what"))
        with st.container(horizontal=True):
            st.button(
                t("hidden.hand_on"),
                key=f"hand_on-{view.entry.id}",
                type="primary",
                shortcut="Ctrl+Enter",
                on_click=hand_on,
            )
            st.button(
                t("review.skip"), key=f"skip-{view.entry.id}", shortcut="Alt+S", on_click=skip
            )
