"""Counts of checked work, how long reviewers look at an entry, and first answers beside readings.

`pipeline/reporting/data_quality.py` decides who may see which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, or_, select

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.answers import AnswerOrigin
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.quality.checked_work import OUTCOME_CAUGHT, OUTCOME_MISSED
from pipeline.store.schema import paper
from pipeline.store.schema.paper import batch, decision, entry, page, reading
from pipeline.store.schema.registers import staff, watched_folder
from pipeline.store.schema.review import control, look, plant

_entry_table = paper.entry


@dataclass(frozen=True, slots=True)
class WorkResult:
    """Results of one person's work on one field: `hits` of `total`.

    A hit is a confirmed value that was wrong, or a seeded error that was confirmed.
    """

    unit: str
    form: str
    version: int
    field: str
    login: str
    hits: int
    total: int


@dataclass(frozen=True, slots=True)
class ViewTime:
    """The time that one entry was on the screen, in seconds."""

    unit: str
    login: str
    fields: int
    seconds: float


def count_rekeyed(conn: Connection, units: Collection[str], since: datetime) -> list[WorkResult]:
    """Count confirmed fields that were rekeyed, by the person who had confirmed them.

    Those that wait for a third person are not counted yet.
    """
    # Tasks with an outcome, counted by the person who had confirmed.
    query = _grouped_query(
        control, control.c.confirmed_by, control.c.typed_at, "wrong", units, since
    )
    return [WorkResult(*row) for row in conn.execute(query.where(control.c.outcome.is_not(None)))]


def count_seeded(conn: Connection, units: Collection[str], since: datetime) -> list[WorkResult]:
    """Count judged seeded errors, by the person who saw them."""
    # Withdrawn seeded errors say nothing of anybody's work.
    query = _grouped_query(plant, plant.c.login, plant.c.ended_at, OUTCOME_MISSED, units, since)
    return [
        WorkResult(*row)
        for row in conn.execute(query.where(plant.c.outcome.in_([OUTCOME_CAUGHT, OUTCOME_MISSED])))
    ]


def list_view_times(
    conn: Connection, units: Collection[str], since: datetime, login: str | None = None
) -> list[ViewTime]:
    """Return the times of first reviews on the screen, of one person or of all."""
    query = select(_entry_table.c.unit, look.c.login, look.c.fields, look.c.seconds).join(
        _entry_table, _entry_table.c.id == look.c.entry
    )
    # First reviews of these units' entries since a moment.
    query = query.where(
        _entry_table.c.unit.in_(sorted(units)), look.c.at > since, look.c.second.is_(False)
    )
    if login is not None:
        query = query.where(look.c.login == login)
    return [ViewTime(*row) for row in conn.execute(query)]


def _grouped_query(
    table: Table,
    login_column: ColumnElement[str],
    moment_column: ColumnElement[datetime],
    hit_outcome: str,
    units: Collection[str],
    since: datetime,
) -> Select[Any]:
    """Return a query of hits and totals by unit, form, version, field and person."""
    keys = (
        _entry_table.c.unit,
        _entry_table.c.form,
        _entry_table.c.version,
        table.c.field,
        login_column,
    )
    hits = func.sum(case((table.c.outcome == hit_outcome, 1), else_=0))
    # Joined with the entries for their unit and form.
    query = select(*keys, hits, func.count()).select_from(
        table.join(_entry_table, _entry_table.c.id == table.c.entry)
    )
    return query.where(_entry_table.c.unit.in_(sorted(units)), moment_column > since).group_by(
        *keys
    )


MAX_VIEW_TIME = timedelta(minutes=15)
"""A reviewer who has an entry open for longer has been away: the time is not stored."""


def save_view_time(
    conn: Connection, person: Person, view: EntryView, shown_at: datetime, now: datetime
) -> None:
    """Store how long the person has looked at an entry that is now decided.

    `view` is the entry as it was shown.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, view.entry)
    if not timedelta() < now - shown_at <= MAX_VIEW_TIME:
        return
    # Only fields that the person had to decide count.
    fields = sum(field.is_open and not field.is_batch_confirmed for field in view.fields)
    second = view.entry.state is EntryState.SECOND
    row = {
        "entry": view.entry.id,
        "revision": view.entry.revision,
        "login": person.login,
        "at": now,
        "fields": fields,
        "second": second,
    }
    insert_missing(
        conn, look, [row | {"seconds": (now - shown_at).total_seconds()}] if fields else []
    )


# The latest first answers of people beside what the machine read in the same field.

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
