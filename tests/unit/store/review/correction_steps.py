"""What the tests of corrections do to an entry."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement
from pipeline.review import decisions
from pipeline.store.entries.entry import Entry, load_entry
from tests.support.store.ward import (
    EVA,
    FORMS,
    NOW,
    PLAN,
    SAID,
    Ward,
    answers,
)

ALL = {**SAID, **PLAN}


def get(ward: Ward, entry_id: str) -> Entry:
    with ward.store.read() as conn:
        return load_entry(conn, entry_id)


def save(
    ward: Ward,
    entry_id: str,
    about: ClientStatement,
    who: Person = EVA,
    changed: Mapping[str, Answer] | None = None,
) -> EntryState:
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        return decisions.decide_entry(
            conn,
            FORMS,
            who,
            decisions.Decision(entry_id, revision, answers(ALL, **(changed or {})), about=about),
            NOW,
        )
