"""What groups have said of the fields of an entry, for whoever reviews its sheet: what is confirmed
there, and what is odd and has to be typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry import Entry
from pipeline.store.schema.review import group_cell, group_task

CELL_CONFIRMED, CELL_ODD = "kept", "odd"


@dataclass(frozen=True, slots=True)
class BatchAnswers:
    """By field: what was confirmed in a group and by whom (login), and which fields somebody found
    odd.
    """

    confirmed: Mapping[str, tuple[Answer, str]]
    odd_fields: frozenset[str]

    def answers(self) -> dict[str, Answer]:
        """What was confirmed, by field."""
        return {name: answer for name, (answer, _) in self.confirmed.items()}

    def confirmed_by(self, name: str) -> str:
        """Who confirmed a field."""
        return self.confirmed[name][1]


NO_BATCH_ANSWERS = BatchAnswers({}, frozenset())


def find_batch_answers(
    conn: Connection, entry: Entry, readings: Mapping[str, Reading]
) -> BatchAnswers:
    """What groups have said of an undecided entry.

    A confirmation holds for what was seen: if the field now lies on another page or is read
    otherwise, or somebody has said otherwise on the sheet since, it has to be looked at again.
    """
    task, cell = group_task.c, group_cell.c
    query = select(cell.field, cell.outcome, task.value, task.state, task.login).join(
        group_task, task.id == cell.task
    )
    rows = conn.execute(
        query.where(cell.entry == entry.id, cell.outcome.in_([CELL_CONFIRMED, CELL_ODD])).order_by(
            cell.id
        )
    ).all()
    kept = {
        row.field: (Answer(row.value, State(row.state)), row.login)
        for row in rows
        if row.outcome == CELL_CONFIRMED
    }
    later = {
        name: one.answer
        for name, one in decided_answers(conn, entry.id).items()
        if one.origin not in (AnswerOrigin.BATCH, AnswerOrigin.PAGE_MISSING)
    }
    standing = {
        name: one
        for name, one in kept.items()
        if name in readings
        and reading_matches(readings[name], one[0])
        and later.get(name, one[0]) == one[0]
    }
    return BatchAnswers(standing, frozenset(row.field for row in rows if row.outcome == CELL_ODD))


def reading_matches(reading: Reading, answer: Answer) -> bool:
    """Whether a reading is what a group showed."""
    return reading.state is answer.state and (
        answer.state is not State.READ or reading.value == answer.value
    )
