"""Lists of closed entries: reviewed sheets with their answers, and rejected entries.

Every rejected entry stays listed with its reason and can be resumed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import CompoundSelect, Connection, case, func, select

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, IssuedSheet, Person, State
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer, decided_answers
from pipeline.store.entries.entry import DECIDED_STATES, Entry, select_entries
from pipeline.store.event_log.events import list_events
from pipeline.store.paper.pages import Page, list_sheet_pages
from pipeline.store.registers import client_register
from pipeline.store.registers.client_register import find_issued_sheet
from pipeline.store.reports.progress import IS_NOT_ENTERED
from pipeline.store.review.author_questions import ASK_AUTHOR_REASON
from pipeline.store.review.duplicate_entries import DUPLICATE_REASON
from pipeline.store.schema import paper
from pipeline.store.schema.review import duplicate_mark, question

_MAX_REJECTED = 300
"""How many rejected entries are listed."""

_entry_table = paper.entry


@dataclass(frozen=True, slots=True)
class ReviewedSheet:
    """A sheet with the settled answers of its confirmed entries by field.

    `area` is the unit's area of law, `issued` what was printed on the sheet.
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
    """Return the visible sheets with a confirmed, exported or receipted entry, without void ones.

    Illegible fields and those of missing pages have no answer here; nor has a temporary identity,
    which is on no paper.

    Raises:
        NotAllowedError: the person does not manage the program.
    """
    permissions.require_permission(person, Action.MANAGE)
    areas = client_register.areas_by_unit(conn)
    is_decided = _entry_table.c.state.in_([state.value for state in DECIDED_STATES])
    # Decided entries that are not void and that the person may see
    query = (
        select(_entry_table)
        .where(
            is_decided,
            _entry_table.c.voided.is_(None),
            visibility.visible_entries_condition(conn, person, Action.MANAGE),
        )
        .order_by(_entry_table.c.id)
    )
    entries_by_sheet: dict[str, list[Entry]] = defaultdict(list)
    for entry in select_entries(conn, query):
        entries_by_sheet[entry.sheet].append(entry)
    return [
        _build_sheet(conn, entries, areas.get(entries[0].unit, ""))
        for entries in entries_by_sheet.values()
    ]


def _build_sheet(conn: Connection, entries: list[Entry], area: str) -> ReviewedSheet:
    """Return a sheet; for its head fields the answer of the first row counts."""
    answers: dict[str, DecidedAnswer] = {}
    for entry in entries:
        # The first settled answer of each field that is on the paper
        for name, decided in decided_answers(conn, entry.id).items():
            is_on_paper = (
                decided.origin is not AnswerOrigin.PAGE_MISSING
                and decided.answer.state is not State.ILLEGIBLE
                and not is_temporary_pid(str(decided.answer.value))
            )
            if decided.is_settled and is_on_paper:
                answers.setdefault(name, decided)
    first = entries[0]
    issued = find_issued_sheet(conn, first.serial)
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
    """Return the rejected entries of the person's units that are in no other list.

    Those that leave a gap come first, then the latest. Duplicates without a mark are among them.

    Raises:
        NotAllowedError: the person may not follow up.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    listed_elsewhere = _listed_elsewhere_query()
    # Rejected entries that no list of duplicates or questions shows
    query = select(_entry_table).where(
        _entry_table.c.state == EntryState.REJECTED.value,
        visibility.visible_entries_condition(conn, person, Action.FOLLOW_UP),
        _entry_table.c.id.not_in(listed_elsewhere),
    )
    decided_at = func.coalesce(_entry_table.c.second_at, _entry_table.c.first_at)
    ordered = query.order_by(
        case((IS_NOT_ENTERED, 0), else_=1), decided_at.desc(), _entry_table.c.id
    ).limit(_MAX_REJECTED)
    return select_entries(conn, ordered)


def _listed_elsewhere_query() -> CompoundSelect[tuple[str]]:
    """Return a query of the rejected entries in the lists of duplicates and of questions."""
    duplicates = select(duplicate_mark.c.entry).join(
        _entry_table, _entry_table.c.id == duplicate_mark.c.entry
    )
    # Active duplicate marks that are still the entry's reason
    duplicates = duplicates.where(
        duplicate_mark.c.taken_back_at.is_(None), _entry_table.c.reason == DUPLICATE_REASON
    )
    # Entries whose author is asked
    asked = (
        select(question.c.entry)
        .join(_entry_table, _entry_table.c.id == question.c.entry)
        .where(_entry_table.c.reason == ASK_AUTHOR_REASON)
    )
    return duplicates.union(asked)


# What `learn` began to install and was stopped at, as the log has it.

LEARNING_SUBJECT = "models"
"""The subject of the events of learning: what is in use is one for all."""


def find_unfinished_learning(conn: Connection) -> tuple[str, ...]:
    """Return the names of what was to be installed, if the log does not say what became of it."""
    steps = [
        event
        for event in list_events(conn, LEARNING_SUBJECT)
        if event.action in {"begin_learning", "learn"}
    ]
    if not steps or steps[-1].action == "learn":
        return ()
    return tuple(str(steps[-1].detail["installed"]).split(","))
