"""Derive what an entry's answers say for lists, permissions and metrics.

That is the client, the day, the author, the legal deadline and the area of law.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.model import State
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.queue_order import decided_due_time
from pipeline.store.paper.form_areas import confirmed_area


def derive_entry_facts(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]
) -> dict[str, Any]:
    """Return the columns that follow from the answers: client, day, deadline, author and area."""
    facts: dict[str, Any] = decided_due_time(conn, form, entry, answers)
    # Settled answers only; a field on a missing page says nothing
    for column, means in (("client_pid", Meaning.CLIENT_PID), ("event_on", Meaning.EVENT_DATE)):
        spec = form.meaning(means, entry.row)
        decided = answers.get(spec.name) if spec else None
        if decided and decided.is_settled and decided.origin is not AnswerOrigin.PAGE_MISSING:
            facts[column] = decided.answer.value if isinstance(decided.answer.value, str) else None
    facts |= _subject_fact(form, entry, answers)
    facts["author"] = _author_fact(form, entry, answers)
    # Until a second reviewer has settled it, the entry stays visible to those who saw it before
    if all(decided.is_settled for decided in answers.values()):
        facts["area"] = confirmed_area(
            form, {name: decided.answer for name, decided in answers.items()}
        )
    return facts


def _subject_fact(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> dict[str, str]:
    """Return whether the entry is about a client, where the form's number may be left empty."""
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    decided = answers.get(spec.name) if spec else None
    if decided is None or decided.origin is AnswerOrigin.PAGE_MISSING:
        return {}
    return {
        "subject": (Subject.CLIENT if decided.answer.state is State.READ else Subject.NONE).value
    }


def _author_fact(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> str | None:
    """Return the author's name, or the initials where there is no name."""
    for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
        spec = form.meaning(means, entry.row)
        name = answers[spec.name].answer.value if spec and spec.name in answers else None
        if isinstance(name, str) and name.strip():
            return name.strip()[:120]
    return None
