"""What follows from the answers so far: when the entry is due by law, and which figures do not add up.

Before a person has typed the day or the figures nothing of them is told, for they are typed without being shown what the machine read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from html import escape

import streamlit as st

from pipeline import deadlines
from pipeline.errors import InvalidAnswerError
from pipeline.field_spec import FieldSpec
from pipeline.model import State
from pipeline.recount import findings
from pipeline.review import Answer
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import EntryView
from pipeline.stored_values import canonical
from pipeline.sums import Finding
from pipeline.swedish_time import today
from pipeline.template import Form
from ui.components.entry_form import answers
from ui.text import language, number, t, weekday

_TOLD = "recount_told"
"""(entry id, findings) that the person was stopped for."""


def entry_facts(view: EntryView, said: Mapping[str, Answer]) -> None:
    """The lines above the form. `said` are the answers so far, by field."""
    lines = [_due(view, said)] if view.form.deadline is not None else []
    lines += [f"<div>{escape(_words(view.form, one))}</div>" for one in findings(view.form, view.entry.row, said)]
    if lines:
        st.html(f'<div class="ef-facts" role="status">{"".join(lines)}</div>')


def was_told(view: EntryView) -> bool:
    """Whether the person has been told of all that does not add up in what the form holds now."""
    return st.session_state.get(_TOLD) == _now(view)


def tell(view: EntryView) -> dict[str, str]:
    """Note what the person is told, so that the next save goes through; answers with a text for each field."""
    st.session_state[_TOLD] = _now(view)
    return {one.field: f"{_words(view.form, one)} {t('recount.again')}" for one in st.session_state[_TOLD][1]}


def due_line(rule: str, last: date) -> str:
    """What has to be done until which day, in words."""
    found = deadlines.rule_for(rule, last)
    return found.say.get(language(), found.what).format(day=weekday(last))


def _now(view: EntryView) -> tuple[str, tuple[Finding, ...]]:
    return view.entry.id, findings(view.form, view.entry.row, answers(view))


def _due(view: EntryView, said: Mapping[str, Answer]) -> str:
    rule = view.form.deadline
    assert rule is not None
    spec = next(spec for spec in reversed(view.form.entry_fields(view.entry.row)) if spec.column == rule.day)
    disputed = view.second and any(field.open and field.spec.name == spec.name for field in view.fields)
    day = None if disputed else _day(spec, said.get(spec.name))
    if day is None:
        what = deadlines.rule_for(rule.rule, today()).what
        return f'<div class="ef-muted">{escape(t("deadline.unknown", what=what, field=spec.label))}</div>'
    due = deadlines.due(rule.rule, day)
    passed = f' <span class="ef-tag ef-warn">{escape(t("deadline.passed"))}</span>' if due < utc_now() else ""
    return f'<div class="ef-due">{escape(due_line(rule.rule, due.date()))}{passed}</div>'


def _day(spec: FieldSpec, answer: Answer | None) -> date | None:
    if answer is None or answer.state is not State.READ:
        return None
    try:
        return date.fromisoformat(str(canonical(spec, answer.value)))
    except InvalidAnswerError:  # not typed to its end yet
        return None


def _words(form: Form, one: Finding) -> str:
    right = one.right if one.kind == "norm_year" else number(float(one.right))
    return t(f"recount.{one.kind}", field=form.by_name[one.field].label, right=right)
