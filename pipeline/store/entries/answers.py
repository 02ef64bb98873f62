"""What people have answered, field by field. Answers are only ever added; the latest of each field
counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
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
from pipeline.domain.model import State
from pipeline.domain.review.rules import Answer
from pipeline.store.database.engines import upsert_rows
from pipeline.store.entries.entry import DECIDED_STATES, Entry
from pipeline.store.schema import paper

_decision = paper.decision
_draft = paper.draft


class AnswerOrigin(StrEnum):
    """How an answer came about."""

    TYPED = "typed"
    """Without having seen what the machine read."""
    ACCEPTED = "kept"
    CHANGED = "changed"
    PAGE_MISSING = "page missing"
    BATCH = "group"
    """In a grid of pieces that were read alike, by the person who saw that grid."""
    SECOND = "second"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class DecidedAnswer:
    """An answer with how it came about; `settled` unless another person has to look. `by`: who
    answered, if not the one who decides the entry.
    """

    answer: Answer
    origin: AnswerOrigin
    is_settled: bool
    answered_by: str | None = None


def decided_answers(
    conn: Connection, entry_id: str, *, first_only: bool = False, by: str | None = None
) -> dict[str, DecidedAnswer]:
    """The latest answers of an entry by field; with `first_only`, as they were before the second
    person of now decided.

    `by`: only what this person answered.
    """
    query = select(_decision).where(_decision.c.entry == entry_id).order_by(_decision.c.id)
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
    """The condition on the table of answers, or another name of it, that no later answers have been
    given but by second persons.
    """
    later = _decision.alias("later")
    return ~exists().where(
        later.c.entry == answers.c.entry,
        later.c.revision > answers.c.revision,
        later.c.how != AnswerOrigin.SECOND.value,
    )


def fields_taken_back(conn: Connection, entry_id: str, login: str) -> set[str]:
    """The fields of an undecided entry that a person has answered so that another one had to look,
    before that was taken back.

    Not those that another person has settled since. Without this, whoever undoes could try
    values until the machine agrees.
    """
    waiting: set[str] = set()
    for row in conn.execute(
        select(_decision).where(_decision.c.entry == entry_id).order_by(_decision.c.id)
    ):
        if row.by == login and not row.settled:
            waiting.add(row.field)
        elif row.by != login and row.settled:
            waiting.discard(row.field)
    return waiting


def is_last_decision_correction(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that an entry's last answers correct it: what was decided before is then no
    longer anybody's to take back.
    """
    last = (
        select(_decision.c.how)
        .where(_decision.c.entry == entry_id)
        .order_by(_decision.c.id.desc())
        .limit(1)
    )
    return func.coalesce(last.scalar_subquery() == AnswerOrigin.CORRECTION.value, False)


def shared_sheet_answers(conn: Connection, found: Entry, form: Form) -> dict[str, Answer]:
    """What confirmed rows of the same sheet say of its head: that ink has been keyed and settled,
    so nobody needs to do it again a row.

    The day of a row that seems to be after midnight is its own: neither does it have that of the
    sheet, nor the others its.
    """
    if form.entries is EntriesPer.SHEET:
        return {}
    night, day = (
        _rows_after_midnight(conn, found, form),
        form.meaning(Meaning.EVENT_DATE, found.row),
    )
    entry = paper.entry.c
    head = [spec.name for spec in form.entry_fields(found.row) if spec.row is None]
    columns = (
        _decision.c.field,
        _decision.c.value,
        _decision.c.state,
        _decision.c.settled,
        entry.row,
    )
    query = select(*columns).join(paper.entry, entry.id == _decision.c.entry)
    others = query.where(
        entry.sheet == found.sheet,
        entry.id != found.id,
        entry.voided.is_(None),
        entry.state.in_([state.value for state in DECIDED_STATES]),
    )
    latest = conn.execute(others.where(_decision.c.field.in_(head)).order_by(_decision.c.id))
    own = {day.name} if day is not None else set()
    return {
        row.field: Answer(row.value, State(row.state))
        for row in latest
        if row.settled and not (row.field in own and (found.row in night or row.row in night))
    }


def _rows_after_midnight(conn: Connection, entry: Entry, form: Form) -> set[int | None]:
    """The rows of a sheet that the machine takes to be of the day after the one in its head."""
    told = conn.execute(
        select(paper.page.c.problems).where(paper.page.c.sheet == entry.sheet)
    ).scalars()
    fields = [
        issue.field
        for codes in told
        for issue in parse_issues(codes or ())
        if issue.code is IssueCode.AFTER_MIDNIGHT
    ]
    return {form.by_name[name].row for name in fields if name in form.by_name}


def add_decided_answers(
    conn: Connection,
    entry_id: str,
    revision: int,
    new: Mapping[str, DecidedAnswer],
    by: str,
    now: datetime,
) -> None:
    """Add answers, those of whoever decides first. `revision` is the one that the entry has after
    the decision.
    """
    rows = [
        {
            "entry": entry_id,
            "revision": revision,
            "field": name,
            "value": one.answer.value,
            "state": one.answer.state.value,
            "how": one.origin.value,
            "settled": one.is_settled,
            "by": one.answered_by or by,
            "at": now,
        }
        for name, one in sorted(new.items(), key=lambda item: item[1].answered_by is not None)
    ]
    if rows:
        conn.execute(insert(_decision), rows)


def list_answer_drafts(conn: Connection, entry_id: str, login: str) -> dict[str, Answer]:
    """What a person has typed in an entry without deciding."""
    query = select(_draft.c.field, _draft.c.value, _draft.c.state).where(
        _draft.c.entry == entry_id, _draft.c.login == login
    )
    return {row.field: Answer(row.value, State(row.state)) for row in conn.execute(query)}


def save_answer_drafts(
    conn: Connection,
    entry_id: str,
    revision: int,
    login: str,
    answers: Mapping[str, Answer],
    now: datetime,
) -> None:
    """Keep undecided answers, each in place of the field's draft before. `revision` is the one that
    the entry has now.
    """
    common = {"entry": entry_id, "login": login, "at": now, "revision": revision}
    upsert_rows(
        conn,
        _draft,
        [
            common | {"field": name, "value": a.value, "state": a.state.value}
            for name, a in answers.items()
        ],
    )


def delete_answer_draft(conn: Connection, entry_id: str, login: str, field: str) -> None:
    """The person has taken away what was typed."""
    conn.execute(
        delete(_draft).where(
            _draft.c.entry == entry_id, _draft.c.login == login, _draft.c.field == field
        )
    )


def delete_answer_drafts(
    conn: Connection, entry_id: str, login: str, disputed: Collection[str]
) -> None:
    """The entry is decided: drafts of it are not needed, but that others have typed what is
    disputed is remembered until it is settled.
    """
    remembered = and_(_draft.c.field.in_(sorted(disputed)), _draft.c.login != login)
    conn.execute(delete(_draft).where(_draft.c.entry == entry_id, ~remembered))
