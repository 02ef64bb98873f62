"""What people have confirmed, sheet by sheet, with the pages that it was read from.

What was put aside: every rejected entry stays listed with its reason, and can be taken up again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import CompoundSelect, Connection, case, func, select

from pipeline.domain import permissions
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import EntryState, IssuedSheet, Person, State
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer, decided_answers
from pipeline.store.entries.entry import DECIDED_STATES, Entry, select_entries
from pipeline.store.paper.pages import Page
from pipeline.store.paper.sheets import list_sheet_pages
from pipeline.store.registers import client_register
from pipeline.store.registers.issued_sheets import find_issued_sheet
from pipeline.store.reports.progress import IS_NOT_ENTERED
from pipeline.store.review.duplicate_entries import DUPLICATE_REASON
from pipeline.store.review.questions import ASK_AUTHOR_REASON
from pipeline.store.schema import paper
from pipeline.store.schema.review import duplicate_mark, question

_entries_table = paper.entry
_entry_table = paper.entry
_MAX_REJECTED = 300


@dataclass(frozen=True, slots=True)
class ReviewedSheet:
    """A sheet with the settled answers of its confirmed entries by field. `area` is the unit's area
    of law, `issued` what was printed on it.
    """

    sheet: str
    form: str
    version: int
    unit: str
    area: str
    pages: tuple[Page, ...]
    answers: Mapping[str, DecidedAnswer]
    issued: IssuedSheet | None = None


def list_reviewed_sheets(conn: Connection, person: Person) -> list[ReviewedSheet]:
    """Sheets that the person may see of which an entry is confirmed, exported or receipted; void
    ones are left out.

    What nobody could read, or whose page was missing, is no answer; nor is a temporary identity,
    which stands on no paper.

    Raises:
        NotAllowedError: the person does not look after the program.
    """
    permissions.require_permission(person, Action.MANAGE)
    areas = client_register.areas_by_unit(conn)
    settled = _entries_table.c.state.in_([state.value for state in DECIDED_STATES])
    query = (
        select(_entries_table)
        .where(
            settled,
            _entries_table.c.voided.is_(None),
            visibility.visible_entries_condition(conn, person),
        )
        .order_by(_entries_table.c.id)
    )
    by_sheet: dict[str, list[Entry]] = defaultdict(list)
    for one in select_entries(conn, query):
        by_sheet[one.sheet].append(one)
    return [_build_sheet(conn, found, areas.get(found[0].unit, "")) for found in by_sheet.values()]


def _build_sheet(conn: Connection, entries: list[Entry], area: str) -> ReviewedSheet:
    """What rows say of the sheet's head is one answer: the first row's, who was asked."""
    answers: dict[str, DecidedAnswer] = {}
    for one in entries:
        for name, answer in decided_answers(conn, one.id).items():
            written = (
                answer.origin is not AnswerOrigin.PAGE_MISSING
                and answer.answer.state is not State.ILLEGIBLE
                and not is_temporary_pid(str(answer.answer.value))
            )
            if answer.is_settled and written:
                answers.setdefault(name, answer)
    first = entries[0]
    issued = find_issued_sheet(conn, first.serial) if first.serial else None
    return ReviewedSheet(
        first.sheet,
        first.form,
        first.version,
        first.unit,
        area,
        tuple(list_sheet_pages(conn, first.sheet)),
        answers,
        issued,
    )


def list_rejected(conn: Connection, person: Person) -> list[Entry]:
    """Rejected entries of the person's units that stand in no other list: those that leave a gap
    first, then the latest. Duplicates without a mark are among them.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    listed = _listed_elsewhere_query()
    query = select(_entry_table).where(
        _entry_table.c.state == EntryState.REJECTED.value,
        visibility.visible_entries_condition(conn, person),
        _entry_table.c.id.not_in(listed),
    )
    at = func.coalesce(_entry_table.c.second_at, _entry_table.c.first_at)
    newest = query.order_by(case((IS_NOT_ENTERED, 0), else_=1), at.desc(), _entry_table.c.id).limit(
        _MAX_REJECTED
    )
    return select_entries(conn, newest)


def _listed_elsewhere_query() -> CompoundSelect[tuple[str]]:
    marked = select(duplicate_mark.c.entry).join(
        _entry_table, _entry_table.c.id == duplicate_mark.c.entry
    )
    marked = marked.where(
        duplicate_mark.c.taken_back_at.is_(None), _entry_table.c.reason == DUPLICATE_REASON
    )
    asked = (
        select(question.c.entry)
        .join(_entry_table, _entry_table.c.id == question.c.entry)
        .where(_entry_table.c.reason == ASK_AUTHOR_REASON)
    )
    return marked.union(asked)
