"""The lines above the form of an entry: its origin, its deadline, and sums that do not add up.

Deadline and sums are computed from the answers so far. Before the user has typed the day or the
amounts nothing of them is shown, since they are typed without showing what the machine read.

An entry about a client whose identity the user may not see cannot be decided here, only handed
over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from html import escape

import streamlit as st

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Deadline, Form
from pipeline.domain.law import deadlines
from pipeline.domain.law.open_deadlines import deadline_field
from pipeline.domain.model import Person, State
from pipeline.domain.permissions import Action, permitted_units
from pipeline.domain.review.early_warning import Score, score_answers
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
    lines = deadline_lines(view, answers)
    lines += [
        f"<div>{escape(_finding_text(view.form, finding))}</div>"
        for finding in recount_answers(view.form, view.entry.row, answers, view.deviations)
    ]
    if (score := score_answers(view.form, view.entry.row, answers)) is not None:
        lines.append(f"<div>{escape(_score_text(score))}</div>")
    if lines:
        st.html(f'<div class="ef-facts" role="status">{"".join(lines)}</div>')


def _score_text(score: Score) -> str:
    """Return a computed score in words, or what it lacks."""
    if score.level is None:
        fields = ", ".join(spec.label for spec in score.missing)
        return t("news.missing", scale=score.scale, fields=fields)
    level = t(f"news.level.{score.level.value}")
    return t("news.score", scale=score.scale, points=score.points, level=level)


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


def deadline_lines(view: EntryView, answers: Mapping[str, Answer]) -> list[str]:
    """Return a line for each deadline: what is due soonest first, what has been done last."""
    lines = [_deadline_line(view, deadline, answers) for deadline in view.form.all_deadlines]
    return [text for _, text in sorted(lines, key=lambda line: line[0])]


def _current_findings(view: EntryView) -> tuple[str, tuple[ArithmeticFinding, ...]]:
    return view.entry.id, recount_answers(
        view.form, view.entry.row, form_answers(view), view.deviations
    )


def _deadline_line(
    view: EntryView, deadline: Deadline, answers: Mapping[str, Answer]
) -> tuple[tuple[bool, datetime], str]:
    """Return a deadline's place among the others, and its line."""
    day, met = (
        _known_day(view, column, answers) if column else None
        for column in (deadline.day, deadline.met)
    )
    requirement = deadlines.find_deadline_rule(deadline.rule, day or today_in_sweden()).what
    due = deadlines.due_at(deadline.rule, day) if day else None
    # What has been done, in time or not
    if met is not None:
        is_late = due is not None and met > swedish_day(due)
        key = "deadline.met_late" if is_late else "deadline.met"
        text = t(key, what=requirement, day=format_weekday(met))
        kind = "ef-warn" if is_late else "ef-muted"
        return (True, due or utc_now()), f'<div class="{kind}">{escape(text)}</div>'
    # What is due, once the day is typed
    if due is None:
        label = deadline_field(view.form, view.entry.row, deadline.day).label
        text = t("deadline.unknown", what=requirement, field=label)
        return (False, utc_now()), f'<div class="ef-muted">{escape(text)}</div>'
    passed = (
        f' <span class="ef-tag ef-warn">{escape(t("deadline.passed"))}</span>'
        if due < utc_now()
        else ""
    )
    text = deadline_text(deadline.rule, swedish_day(due))
    return (False, due), f'<div class="ef-due">{escape(text)}{passed}</div>'


def _known_day(view: EntryView, column: str, answers: Mapping[str, Answer]) -> date | None:
    """Return the day that the user has typed; in a second review none that is in dispute."""
    spec = deadline_field(view.form, view.entry.row, column)
    is_disputed = view.is_second_review and any(
        field.is_open and field.spec.name == spec.name for field in view.fields
    )
    return None if is_disputed else _answered_day(spec, answers.get(spec.name))


def _answered_day(spec: FieldSpec, answer: Answer | None) -> date | None:
    if answer is None or answer.state is not State.READ:
        return None
    try:
        return date.fromisoformat(str(normalize_value(spec, answer.value)))
    except InvalidAnswerError:  # not completely typed yet
        return None


def _finding_text(form: Form, finding: ArithmeticFinding) -> str:
    is_amount = finding.right and finding.kind not in ("norm_year", "box_code")
    right = format_number(float(finding.right)) if is_amount else finding.right
    spec = form.by_name[finding.field]
    label = spec.label if spec.day is None else spec.full_label
    return t(f"recount.{finding.kind}", field=label, right=right)


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
