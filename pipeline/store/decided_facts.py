"""What the answers of an entry say for lists, rights and figures: whom it is about, when, who wrote it, what is due, and its area of law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.field_spec import Meaning
from pipeline.model import State
from pipeline.store.answers import Decided, How
from pipeline.store.entries import Entry
from pipeline.store.form_areas import confirmed_area
from pipeline.store.places import due_when_decided
from pipeline.template import Form, Subject


def facts_of(form: Form, found: Entry, answers: Mapping[str, Decided]) -> dict[str, Any]:
    """Whom the entry is about, when it happened, what is due when, and its area of law once all of it is settled."""
    facts: dict[str, Any] = due_when_decided(form, found, answers)
    for column, means in (("client_pid", Meaning.CLIENT_PID), ("event_on", Meaning.EVENT_DATE)):
        spec = form.meaning(means, found.row)
        one = answers.get(spec.name) if spec else None
        if one and one.settled and one.how is not How.PAGE_MISSING:
            facts[column] = one.answer.value if isinstance(one.answer.value, str) else None
    facts |= _subject(form, found, answers)
    facts["author"] = _author(form, found, answers)
    if all(one.settled for one in answers.values()):  # a second person has to see it: those who saw it before go on to
        facts["area"] = confirmed_area(form, {name: one.answer for name, one in answers.items()})
    return facts


def _subject(form: Form, found: Entry, answers: Mapping[str, Decided]) -> dict[str, str]:
    """Whether the entry is about a client, where the form has a number that may be left empty."""
    spec = form.meaning(Meaning.CLIENT_PID, found.row)
    one = answers.get(spec.name) if spec else None
    if one is None or one.how is How.PAGE_MISSING:
        return {}
    return {"subject": (Subject.CLIENT if one.answer.state is State.READ else Subject.NONE).value}


def _author(form: Form, found: Entry, answers: Mapping[str, Decided]) -> str | None:
    """Who wrote: the name, or initials where there is no name."""
    for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
        spec = form.meaning(means, found.row)
        said = answers[spec.name].answer.value if spec and spec.name in answers else None
        if isinstance(said, str) and said.strip():
            return said.strip()[:120]
    return None
