"""The lines above the form of an entry: its origin, its deadline, and what does not add up.

Deadline and sums are computed from the answers so far. Before the user has typed the day or the
amounts nothing of them is shown, since they are typed without showing what the machine read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import streamlit as st

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Deadline, Form
from pipeline.domain.issues import Issue
from pipeline.domain.law import duties
from pipeline.domain.law.duties import deadline_field, duty_text
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Outcome, Person, State
from pipeline.domain.review.early_warning import Score, score_answers
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.recount import recount_answers
from pipeline.domain.review.rules import Answer
from pipeline.files.documents import TYPED_PNG, TypedKind, parse_note, read_typed_page
from pipeline.forms.fiducials import format_serial, format_serial_or_id, is_serial
from pipeline.registers.outages import find_system, outage_days
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.triage import QueuePlace, explain_place
from pipeline.store.paper.pages import Page
from pipeline.store.registers.planning import list_outages
from pipeline.store.schema.clock import utc_now
from ui.i18n import current_language, format_number, format_weekday, t
from ui.workspace import AppContext

COUNT_CACHE_SECONDS = 20
"""How old the number of waiting entries may be."""


def entry_origin_text(context: AppContext, person: Person, view: EntryView) -> str:
    """Return source, unit, serial, row, how many entries wait, and why this one is next."""
    entry = view.entry
    waiting = _count_waiting(
        context, person, person.login, tuple(sorted(permitted_units(person, Action.REVIEW)))
    )
    parts = [
        _source_text(context, view),
        entry.unit,
        format_serial(entry.serial) if entry.serial and is_serial(entry.serial) else "",
        t("review.row", row=entry.row) if entry.row else "",
    ]
    place = context.store.query(explain_place, entry.id)
    return " · ".join(
        [*filter(None, parts), t("review.waiting", count=waiting), _place_text(place)]
    )


def _source_text(context: AppContext, view: EntryView) -> str:
    """Return who typed the entry and when, or the file it is from; empty for paper.

    Who typed a note is shown only where its digest is right.
    """
    page = _typed_page(view)
    if page is None or not page.image_sha256:
        return ""
    source = _typed_source(context, page.image_sha256)
    if source is None or page.outcome is not Outcome.READ:
        return t("review.typed_file", file=page.source_name)
    return t("review.typed_source", author=source[0], at=source[1])


def replaced_text(context: AppContext, view: EntryView) -> str:
    """Return which earlier note of its author a note replaces; empty if it replaces none."""
    page = _typed_page(view)
    if page is None or not page.image_sha256 or page.outcome is not Outcome.READ:
        return ""
    source = _typed_source(context, page.image_sha256)
    return t("review.typed_replaces", serial=source[2]) if source and source[2] else ""


def _typed_page(view: EntryView) -> Page | None:
    """Return the page of an entry that was typed, unless the entry is hidden."""
    typed = (page for page in view.pages if page.media_type == TYPED_PNG)
    return None if view.is_hidden else next(typed, None)


@st.cache_data(max_entries=500, show_spinner=False)
def _typed_source(_context: AppContext, sha256: str) -> tuple[str, str, str] | None:
    """Return author, time and replaced serial of a note; None for other files."""
    typed = read_typed_page(_context.store.images.get(sha256))
    if typed.kind is not TypedKind.NOTE:
        return None
    note = parse_note(typed.text)
    return note.author, note.written_minute, format_serial_or_id(note.replaces)


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
    return _context.store.query(queue.count_waiting, _person, utc_now())


@dataclass(frozen=True, slots=True)
class Fact:
    """A line that is computed from the answers so far.

    `kind` is "due" for a deadline to come, "muted" for one that is met or unknown, and "warn" for
    what has to be looked at. `tag` stands out at its end.
    """

    text: str
    kind: str = "warn"
    tag: str = ""


def entry_facts(
    view: EntryView, answers: Mapping[str, Answer], outage_start: date | None
) -> list[Fact]:
    """Return deadlines, sums that do not add up, and the score; `answers` by field so far."""
    facts = deadline_facts(view, answers)
    facts += [
        Fact(finding_text(view.form, finding))
        for finding in find_sums(view, answers, outage_start)
        # The first person's time would stand out among the two to choose from.
        if not (finding.code.recount.is_time and view.is_second_review)
    ]
    if (score := score_answers(view.form, view.entry.row, answers)) is not None:
        facts.append(Fact(_score_text(score)))
    return facts


def find_sums(
    view: EntryView, answers: Mapping[str, Answer], outage_start: date | None
) -> tuple[Issue, ...]:
    """Return the sums in these answers that do not add up, and days and times that cannot be."""
    row, now = view.entry.row, utc_now()
    return recount_answers(view.form, row, answers, view.deviations, now, outage_start=outage_start)


def first_outage_day(context: AppContext, view: EntryView) -> date | None:
    """Return the first day of the outage of the entry's unit and system; None if none is known."""
    outage = outage_of(context, view.form, view.entry.unit)
    return outage[0] if outage is not None else None


def outage_of(context: AppContext, form: Form, unit: str) -> tuple[date, date] | None:
    """Return the first and last day of the outage of a unit, and of the system of a form.

    The last day is today if the outage goes on; None if no outage is known.
    """
    system = find_system(form.id, form.area.value)
    days = outage_days(context.store.query(list_outages), unit, system)
    start, end = context.settings.outage_start, context.settings.outage_end
    if days is None and start is not None:
        days = start.date(), end.date() if end is not None else today_in_sweden()
    return days


def _score_text(score: Score) -> str:
    """Return a computed score in words, or what it lacks."""
    if score.level is None:
        fields = ", ".join(spec.label for spec in score.missing)
        return t("news.missing", scale=score.scale, fields=fields)
    level = t(f"news.level.{score.level.value}")
    return t("news.score", scale=score.scale, points=score.points, level=level)


def deadline_facts(view: EntryView, answers: Mapping[str, Answer]) -> list[Fact]:
    """Return a line for each deadline: what is due soonest first, what has been done last."""
    facts = [
        _deadline_fact(view, deadline, answers)
        for deadline in view.form.all_deadlines
        if not any(
            answer == Answer(value)
            for column, value in deadline.unless.items()
            if (answer := answers.get(deadline_field(view.form, view.entry.row, column).name))
        )
    ]
    return [fact for _, fact in sorted(filter(None, facts), key=lambda item: item[0])]


def _deadline_fact(
    view: EntryView, deadline: Deadline, answers: Mapping[str, Answer]
) -> tuple[tuple[bool, datetime], Fact] | None:
    """Return a deadline's place among the others, and its line; None where the law sets no day."""
    day, met = (
        _known_day(view, column, answers) if column else None
        for column in (deadline.day, deadline.met)
    )
    requirement = duties.find_deadline_rule(deadline.rule, day or today_in_sweden()).what
    due = duties.due_at(deadline.rule, day, deadline.after) if day else None
    # What has been done, in time or not
    if met is not None:
        is_late = due is not None and met > swedish_day(due)
        key = "deadline.met_late" if is_late else "deadline.met"
        text = t(key, what=requirement, day=format_weekday(met))
        return (True, due or utc_now()), Fact(text, "warn" if is_late else "muted")
    if deadline.rule in view.met_rules:
        return (True, due or utc_now()), Fact(t("deadline.said_met", what=requirement), "muted")
    # What is due, once the day is typed
    if due is None and day is not None:
        return None
    if due is None:
        label = deadline_field(view.form, view.entry.row, deadline.day).label
        text = t("deadline.unknown", what=requirement, field=label)
        return (False, utc_now()), Fact(text, "muted")
    passed = t("deadline.passed") if due < utc_now() else ""
    text = duty_text(deadline.rule, due, utc_now(), current_language())
    return (False, due), Fact(text, "due", passed)


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


def finding_text(form: Form, finding: Issue) -> str:
    """Return in words what does not add up."""
    is_amount = finding.right and finding.code.recount.has_amount
    right = format_number(float(finding.right)) if is_amount else finding.right
    spec = form.by_name[finding.field]
    label = spec.label if spec.day is None else spec.full_label
    return f"{label}: {t(finding.code.text_key, right=right, month=finding.month)}"
