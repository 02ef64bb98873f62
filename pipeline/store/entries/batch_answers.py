"""Results of batch review for an entry's fields: which are confirmed, and which are odd.

Odd fields have to be typed by the reviewer of the sheet.
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
"""Outcomes of a batch item."""


@dataclass(frozen=True, slots=True)
class BatchAnswers:
    """The confirmed fields of an entry with who confirmed them (login), and its odd fields."""

    confirmed: Mapping[str, tuple[Answer, str]]
    odd_fields: frozenset[str]

    def answers(self) -> dict[str, Answer]:
        """Return the confirmed answers by field."""
        return {name: answer for name, (answer, _) in self.confirmed.items()}

    def confirmed_by(self, name: str) -> str:
        """Return the login of the person who confirmed a field."""
        return self.confirmed[name][1]


NO_BATCH_ANSWERS = BatchAnswers({}, frozenset())


def find_batch_answers(
    conn: Connection, entry: Entry, readings: Mapping[str, Reading]
) -> BatchAnswers:
    """Return the results of batch review for an undecided entry.

    A confirmation holds for the field image that was shown: if the field is read differently now,
    or was answered differently on the sheet since, it has to be reviewed again. A field that was
    marked when it was shown last is odd, even if its batch was taken back or never confirmed.
    """
    task, cell = group_task.c, group_cell.c
    query = select(cell.field, cell.outcome, cell.marked, task.value, task.state, task.login).join(
        group_task, task.id == cell.task
    )
    # Items of the entry, oldest first: the last of a field counts
    rows = conn.execute(query.where(cell.entry == entry.id).order_by(cell.id))
    latest = {row.field: row for row in rows}
    odd = frozenset(name for name, row in latest.items() if row.marked or row.outcome == CELL_ODD)
    confirmed = {
        name: (Answer(row.value, State(row.state)), row.login)
        for name, row in latest.items()
        if row.outcome == CELL_CONFIRMED and name not in odd
    }
    # What was answered on the sheet itself, whole pages excepted
    sheet_answers = {
        name: decided.answer
        for name, decided in decided_answers(conn, entry.id).items()
        if decided.origin not in (AnswerOrigin.BATCH, AnswerOrigin.PAGE_MISSING)
    }
    # A confirmation holds if reading and later answers agree with it
    valid = {
        name: (answer, login)
        for name, (answer, login) in confirmed.items()
        if name in readings
        and reading_matches(readings[name], answer)
        and sheet_answers.get(name, answer) == answer
    }
    return BatchAnswers(valid, odd)


def reading_matches(reading: Reading, answer: Answer) -> bool:
    """Return whether a reading is the answer that a batch showed."""
    return reading.state is answer.state and (
        answer.state is not State.READ or reading.value == answer.value
    )
