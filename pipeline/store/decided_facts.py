"""What the answers of an entry say for lists and figures: whom it is about, when it happened, who wrote it and what is due when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.field_spec import Meaning
from pipeline.model import State
from pipeline.store.answers import Decided, How
from pipeline.store.entries import Entry
from pipeline.store.places import due_when_decided
from pipeline.template import Form, Subject


def facts_of(form: Form, found: Entry, answers: Mapping[str, Decided]) -> dict[str, Any]:
    """Whom the entry is about, when it happened and what is due when, for lists and figures."""
    facts: dict[str, Any] = due_when_decided(form, found, answers)
    for column, means in (("client_pid", Meaning.CLIENT_PID), ("event_on", Meaning.EVENT_DATE)):
        spec = form.meaning(means, found.row)
        one = answers.get(spec.name) if spec else None
        if one and one.settled and one.how is not How.PAGE_MISSING:
            facts[column] = one.answer.value if isinstance(one.answer.value, str) else None
    facts |= _subject(form, found, answers)
    facts["author"] = _author(form, found, answers)
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
