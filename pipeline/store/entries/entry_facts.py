"""What the answers of an entry say for lists, rights and figures: whom it is about, when, who wrote
it, what is due, and its area of law.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.model import State
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.queue_order import decided_due_time
from pipeline.store.paper.form_areas import confirmed_area


def derive_entry_facts(
    form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]
) -> dict[str, Any]:
    """Whom the entry is about, when it happened, what is due when, and its area of law once all of
    it is settled.
    """
    facts: dict[str, Any] = decided_due_time(form, entry, answers)
    for column, means in (("client_pid", Meaning.CLIENT_PID), ("event_on", Meaning.EVENT_DATE)):
        spec = form.meaning(means, entry.row)
        one = answers.get(spec.name) if spec else None
        if one and one.is_settled and one.origin is not AnswerOrigin.PAGE_MISSING:
            facts[column] = one.answer.value if isinstance(one.answer.value, str) else None
    facts |= _subject_fact(form, entry, answers)
    facts["author"] = _author_fact(form, entry, answers)
    if all(
        one.is_settled for one in answers.values()
    ):  # a second person has to see it: those who saw it before go on to
        facts["area"] = confirmed_area(form, {name: one.answer for name, one in answers.items()})
    return facts


def _subject_fact(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> dict[str, str]:
    """Whether the entry is about a client, where the form has a number that may be left empty."""
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    one = answers.get(spec.name) if spec else None
    if one is None or one.origin is AnswerOrigin.PAGE_MISSING:
        return {}
    return {"subject": (Subject.CLIENT if one.answer.state is State.READ else Subject.NONE).value}


def _author_fact(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> str | None:
    """Who wrote: the name, or initials where there is no name."""
    for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
        spec = form.meaning(means, entry.row)
        said = answers[spec.name].answer.value if spec and spec.name in answers else None
        if isinstance(said, str) and said.strip():
            return said.strip()[:120]
    return None
