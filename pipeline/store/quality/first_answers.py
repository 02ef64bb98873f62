"""The latest first answers of people beside what the machine read in the same field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import Connection, func, or_, select

from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.store.entries.answers import AnswerOrigin
from pipeline.store.schema.paper import batch, decision, entry, page, reading
from pipeline.store.schema.registers import staff, watched_folder

_FIRST_ORIGINS = [
    origin.value for origin in (AnswerOrigin.TYPED, AnswerOrigin.ACCEPTED, AnswerOrigin.CHANGED)
]


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """An answer of a first review to a field that the machine has read, or a person filled in.

    `author` is who wrote on the paper, as confirmed; `scanner` the name of the watched folder that
    it came from. Both are empty where they are not known.
    """

    entry: str
    form: str
    version: int
    field: str
    author: str
    scanner: str
    at: datetime
    answer: Answer
    reading: Reading


def list_first_answers(conn: Connection, units: Collection[str], most: int) -> list[FirstAnswer]:
    """Return the first answers to fields of these units, among the latest answers of all units.

    Newest first; fields that both left empty are not among them.

    Args:
        conn: a transaction that reads.
        units: whose entries count.
        most: how many answers are looked through, so that it takes no longer in later years.
    """
    last = conn.execute(select(func.max(decision.c.id))).scalar_one_or_none() or 0
    query = (
        select(
            decision.c.id,
            decision.c.entry,
            entry.c.form,
            entry.c.version,
            decision.c.field,
            entry.c.author,
            batch.c.created_by,
            batch.c.unit,
            batch.c.place,
            decision.c.at,
            decision.c.value,
            decision.c.state,
            reading.c.value,
            reading.c.p,
            reading.c.state,
        )
        .join(entry, entry.c.id == decision.c.entry)
        .join(page, page.c.sheet == entry.c.sheet)
        .join(reading, (reading.c.page == page.c.id) & (reading.c.field == decision.c.field))
        .join(batch, batch.c.id == page.c.batch)
        .where(
            decision.c.id > last - most,
            decision.c.revision == 1,
            decision.c.how.in_(_FIRST_ORIGINS),
            entry.c.unit.in_(sorted(units)),
            or_(decision.c.state != State.EMPTY.value, reading.c.state != State.EMPTY.value),
        )
        .order_by(decision.c.id.desc())
    )
    scanners = _Scanners(conn)
    found: dict[int, FirstAnswer] = {}
    for number, *row in conn.execute(query):
        # A side that was scanned twice has two readings
        found.setdefault(
            number,
            FirstAnswer(
                entry=row[0],
                form=row[1],
                version=row[2],
                field=row[3],
                author=row[4] or "",
                scanner=scanners.name(*row[5:8]),
                at=row[8],
                answer=Answer(row[9], State(row[10])),
                reading=Reading(row[11], row[12], State(row[13])),
            ),
        )
    return list(found.values())


class _Scanners:
    """The watched folders, by which stacks of paper are known to come from one scanner."""

    def __init__(self, conn: Connection) -> None:
        folders = watched_folder.c
        rows = conn.execute(select(folders.unit, folders.place, folders.folder)).all()
        number = Counter((unit, place) for unit, place, _ in rows)
        self._names = {
            (unit, place): PurePath(folder).name
            for unit, place, folder in rows
            if number[unit, place] == 1
        }
        self._staff = set(conn.execute(select(staff.c.login)).scalars()) if rows else set()

    def name(self, by: str, unit: str, place: str) -> str:
        """Return the name of the folder that a stack came from; empty if it is not certain.

        What a member of staff took in came by the screen Skanna.
        """
        return "" if by in self._staff else self._names.get((unit, place), "")
