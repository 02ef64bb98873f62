"""What people have answered, field by field, on the sheet or in batch review.

Answers are only added; the latest one of each field counts. What batch review found odd has to be
typed by the reviewer of the sheet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
)

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import EntriesPer, Form
from pipeline.domain.issues import IssueCode, parse_issues
from pipeline.domain.model import EntryState, Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts.visibility import find_own_logins
from pipeline.store.database.engines import upsert_rows
from pipeline.store.entries.entry import DECIDED_STATES, Entry
from pipeline.store.schema import paper
from pipeline.store.schema.review import entry_version, group_cell, group_task

_decision = paper.decision
_draft = paper.draft


class AnswerOrigin(StrEnum):
    """How an answer was given."""

    TYPED = "typed"
    """Blind keying: without having seen the reading."""
    ACCEPTED = "kept"
    CHANGED = "changed"
    PAGE_MISSING = "page missing"
    BATCH = "group"
    """In a batch of similar field images, by the person who saw that batch."""
    SECOND = "second"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class DecidedAnswer:
    """An answer and how it was given.

    `is_settled` unless another person has to check it. `answered_by` is the login of the person who
    answered, if not the one who decides the entry.
    """

    answer: Answer
    origin: AnswerOrigin
    is_settled: bool
    answered_by: str | None = None


def decided_answers(
    conn: Connection, entry_id: str, *, first_only: bool = False, by: str | None = None
) -> dict[str, DecidedAnswer]:
    """Return the latest answers of an entry by field.

    Args:
        first_only: as they were before the present second reviewer decided.
        by: only answers of this login.
    """
    # In the order of their ids, so that later answers replace earlier ones
    query = select(_decision).where(_decision.c.entry == entry_id).order_by(_decision.c.id)
    # Skip answers of a second reviewer that no later round of answers followed
    if first_only:
        query = query.where(
            or_(_decision.c.how != AnswerOrigin.SECOND.value, ~is_latest_round(_decision))
        )
    if by is not None:
        query = query.where(_decision.c.by == by)
    return {
        row.field: DecidedAnswer(
            Answer(row.value, State(row.state)), AnswerOrigin(row.how), row.settled
        )
        for row in conn.execute(query)
    }


def is_latest_round(answers: FromClause) -> ColumnElement[bool]:
    """Return the condition that only second reviewers have answered later.

    Args:
        answers: the table of answers or an alias of it.
    """
    # Later answers to the same entry, other than those of second reviewers
    later = _decision.alias("later")
    return ~exists().where(
        later.c.entry == answers.c.entry,
        later.c.revision > answers.c.revision,
        later.c.how != AnswerOrigin.SECOND.value,
    )


def fields_taken_back(conn: Connection, entry_id: str, login: str) -> set[str]:
    """Return the fields that a person has answered unsettled before a decision was withdrawn.

    Fields that another person has settled since are left out. Without this, a person could undo and
    try values until one agrees with the reading.
    """
    waiting: set[str] = set()
    own_logins = find_own_logins(conn, login)
    # Go through all rounds in order: the person's doubts, and what others settled
    for row in conn.execute(
        select(_decision).where(_decision.c.entry == entry_id).order_by(_decision.c.id)
    ):
        if row.by in own_logins and not row.settled:
            waiting.add(row.field)
        elif row.by not in own_logins and row.settled:
            waiting.discard(row.field)
    return waiting


def is_last_decision_correction(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that an entry's last answers are a correction.

    Nobody may then withdraw what was decided before.
    """
    # The origin of the entry's very last answer
    last = (
        select(_decision.c.how)
        .where(_decision.c.entry == entry_id)
        .order_by(_decision.c.id.desc())
        .limit(1)
    )
    return func.coalesce(last.scalar_subquery() == AnswerOrigin.CORRECTION.value, False)


def shared_sheet_answers(conn: Connection, entry: Entry, form: Form) -> dict[str, Answer]:
    """Return the settled answers that confirmed rows of the same sheet give to its head fields.

    They need not be keyed again for each row. The day of a row that seems to be after midnight is
    its own: it neither takes the day of the sheet nor gives its own to other rows.
    """
    if form.entries is EntriesPer.SHEET:
        return {}
    night_rows = _rows_after_midnight(conn, entry, form)
    day_field = form.meaning(Meaning.EVENT_DATE, entry.row)
    day_name = day_field.name if day_field is not None else None
    latest = conn.execute(_head_answers_query(entry, form))
    return {
        row.field: Answer(row.value, State(row.state))
        for row in latest
        if row.settled
        and not (row.field == day_name and (entry.row in night_rows or row.row in night_rows))
    }


def _head_answers_query(entry: Entry, form: Form) -> Select[Any]:
    """Return a query of the answers to head fields in other, decided rows, oldest first."""
    head = [spec.name for spec in form.entry_fields(entry.row) if spec.row is None]
    table = paper.entry.c
    columns = (
        _decision.c.field,
        _decision.c.value,
        _decision.c.state,
        _decision.c.settled,
        table.row,
    )
    query = select(*columns).join(paper.entry, table.id == _decision.c.entry)
    # Other entries of the sheet that are decided and not void
    others = query.where(
        table.sheet == entry.sheet,
        table.id != entry.id,
        table.voided.is_(None),
        table.state.in_([state.value for state in DECIDED_STATES]),
    )
    return others.where(_decision.c.field.in_(head)).order_by(_decision.c.id)


def _rows_after_midnight(conn: Connection, entry: Entry, form: Form) -> set[int | None]:
    """Return the rows of a sheet that seem to be of the day after the one in its head."""
    page_problems = conn.execute(
        select(paper.page.c.problems).where(paper.page.c.sheet == entry.sheet)
    ).scalars()
    # Fields that page checks have flagged as after midnight, on any page of the sheet
    fields = [
        issue.field
        for codes in page_problems
        for issue in parse_issues(codes or ())
        if issue.code is IssueCode.AFTER_MIDNIGHT
    ]
    return {form.by_name[name].row for name in fields if name in form.by_name}


def list_answer_drafts(conn: Connection, entry_id: str, login: str) -> dict[str, Answer]:
    """Return what a person has typed in an entry without deciding, by field."""
    query = select(_draft.c.field, _draft.c.value, _draft.c.state).where(
        _draft.c.entry == entry_id, _draft.c.login == login
    )
    return {row.field: Answer(row.value, State(row.state)) for row in conn.execute(query)}


def save_answer_drafts(
    conn: Connection, entry: Entry, login: str, answers: Mapping[str, Answer], now: datetime
) -> None:
    """Store undecided answers, each replacing the field's earlier draft."""
    common = {"entry": entry.id, "login": login, "at": now, "revision": entry.revision}
    upsert_rows(
        conn,
        _draft,
        [
            common | {"field": name, "value": answer.value, "state": answer.state.value}
            for name, answer in answers.items()
        ],
    )


def delete_answer_draft(conn: Connection, entry_id: str, login: str, field: str) -> None:
    """Delete a draft that the person has cleared."""
    conn.execute(
        delete(_draft).where(
            _draft.c.entry == entry_id, _draft.c.login == login, _draft.c.field == field
        )
    )


def delete_answer_drafts(
    conn: Connection, entry_id: str, login: str, disputed: Collection[str]
) -> None:
    """Delete the drafts of a decided entry.

    Drafts of other persons for disputed fields are kept until those are settled, since these
    persons cannot be the second reviewer.
    """
    # Other persons' drafts for disputed fields
    is_needed = and_(_draft.c.field.in_(sorted(disputed)), _draft.c.login != login)
    conn.execute(delete(_draft).where(_draft.c.entry == entry_id, ~is_needed))


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


def save_version(
    conn: Connection,
    entry: Entry,
    version: Mapping[str, Any],
    new: Mapping[str, DecidedAnswer],
) -> None:
    """Store a decision and its answers.

    Args:
        entry: the entry as it was before.
        version: its state, reason and validity after the decision, and who decided when.
        new: the answers; the person who decides has given them unless one names another.
    """
    common = {"entry": entry.id, "revision": entry.revision + 1}
    # Answers of the decider come first: the first row of a revision tells who decided
    rows = [
        common
        | {
            "field": name,
            "value": decided.answer.value,
            "state": decided.answer.state.value,
            "how": decided.origin.value,
            "settled": decided.is_settled,
            "by": decided.answered_by or version["by"],
            "at": version["at"],
        }
        for name, decided in sorted(new.items(), key=lambda item: item[1].answered_by is not None)
    ]
    if rows:
        conn.execute(insert(_decision), rows)
    conn.execute(insert(entry_version).values({**common, **version, "reason_before": entry.reason}))


def previous_return_reason(conn: Connection, entry: Entry) -> str:
    """Return why an entry was in review before its latest decision."""
    is_latest = entry_version.c.entry == entry.id, entry_version.c.revision == entry.revision
    query = select(entry_version.c.reason_before).where(*is_latest)
    return str(conn.execute(query).scalar() or "")


def last_kept_version(conn: Connection, entry_id: str) -> Row[Any]:
    """Return the row of an entry's latest version that is not a rejection."""
    query = select(entry_version).where(
        entry_version.c.entry == entry_id, entry_version.c.state != EntryState.REJECTED.value
    )
    return conn.execute(query.order_by(entry_version.c.id.desc()).limit(1)).one()
