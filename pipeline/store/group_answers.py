"""What groups have said of the fields of an entry, for whoever reviews its sheet: what is confirmed there, and what is odd and has to be typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipeline.model import Reading, State
from pipeline.review import Answer
from pipeline.store.answers import How, decided
from pipeline.store.entries import Entry
from pipeline.store.group_tables import group_cell, group_task

KEPT, ODD = "kept", "odd"


@dataclass(frozen=True, slots=True)
class Grouped:
    """By field: what was confirmed in a group and by whom (login), and which fields somebody found odd."""

    kept: Mapping[str, tuple[Answer, str]]
    odd: frozenset[str]

    def answers(self) -> dict[str, Answer]:
        """What was confirmed, by field."""
        return {name: answer for name, (answer, _) in self.kept.items()}

    def by(self, name: str) -> str:
        """Who confirmed a field."""
        return self.kept[name][1]


NO_GROUP = Grouped({}, frozenset())


def grouped(conn: Connection, found: Entry, readings: Mapping[str, Reading]) -> Grouped:
    """What groups have said of an undecided entry.

    A confirmation holds for what was seen: if the field now lies on another page or is read otherwise, or somebody has
    said otherwise on the sheet since, it has to be looked at again.
    """
    task, cell = group_task.c, group_cell.c
    query = select(cell.field, cell.outcome, task.value, task.state, task.login).join(group_task, task.id == cell.task)
    rows = conn.execute(query.where(cell.entry == found.id, cell.outcome.in_([KEPT, ODD])).order_by(cell.id)).all()
    kept = {row.field: (Answer(row.value, State(row.state)), row.login) for row in rows if row.outcome == KEPT}
    later = {name: one.answer for name, one in decided(conn, found.id).items() if one.how not in (How.GROUP, How.PAGE_MISSING)}
    standing = {name: one for name, one in kept.items() if name in readings and says(readings[name], one[0]) and later.get(name, one[0]) == one[0]}
    return Grouped(standing, frozenset(row.field for row in rows if row.outcome == ODD))


def says(reading: Reading, answer: Answer) -> bool:
    """Whether a reading is what a group showed."""
    return reading.state is answer.state and (answer.state is not State.READ or reading.value == answer.value)
