"""Look up a sheet by its printed serial, and show the history of its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from pipeline.domain.form.form import Form
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry import DECIDED_STATES, Entry, load_entry, select_entries
from pipeline.store.event_log.events import list_events, record
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper, registers

HISTORY_ACTIONS = frozenset(
    {
        "decide",
        "sign",
        "take_signature_back",
        "forward",
        "ask_author",
        "author_answered",
        "client_choice",
        "temporary_identity",
        "undo",
        "reopen",
        "exported",
        "receipted",
        "refused",
        "add_row",
    }
)
"""The events of an entry that its history shows."""


@dataclass(frozen=True, slots=True)
class FoundSheet:
    """A sheet of paper with its pages and entries.

    A copy that was filled in on its own has the same serial, and is a sheet of its own.
    """

    sheet: str
    pages: tuple[Page, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event in the history of an entry.

    `answers` are those that a decision added; `is_correction`: it changed a decided entry.
    """

    at: datetime
    by: str
    action: str
    state: str
    answers: Mapping[str, Answer]
    is_correction: bool


def find_sheets(
    conn: Connection, person: Person, serial: str, *, first: bool = True
) -> list[FoundSheet]:
    """Return the sheets with this serial, as far as the person can see them.

    The first look-up of a serial is logged.

    Raises:
        NotAllowedError: the person does not correct entries.
    """
    permissions.require_permission_for(serial, person, Action.CORRECT)
    table = paper.page
    # Visible pages, and pages of other units with a visible entry: a row that was transferred
    # alone.
    sheets_of_entries = select(paper.entry.c.sheet).where(
        visibility.visible_entries_condition(conn, person, Action.CORRECT)
    )
    is_visible = or_(
        visibility.visible_pages_condition(conn, person, Action.CORRECT),
        table.c.sheet.in_(sheets_of_entries),
    )
    query = (
        select(table)
        .where(table.c.serial == serial, table.c.sheet.is_not(None), is_visible)
        .order_by(table.c.page_no, table.c.id)
    )
    pages = [Page.from_row(row) for row in conn.execute(query).mappings()]
    if first:
        record(
            conn,
            person.login,
            "look_up",
            serial,
            unit=pages[0].unit if pages else None,
            pages=len(pages),
        )
    sheets = {page.sheet: None for page in pages if page.sheet}
    return [
        FoundSheet(
            sheet,
            tuple(page for page in pages if page.sheet == sheet),
            _visible_entries(conn, person, sheet),
        )
        for sheet in sheets
    ]


def entry_history(conn: Connection, person: Person, entry_id: str) -> list[HistoryEvent]:
    """Return an entry's decisions and transfers, oldest first; `by` is a name.

    Raises:
        NotAllowedError: another unit or role.
    """
    visibility.require_visible_entry(conn, person, Action.CORRECT, load_entry(conn, entry_id))
    # Names of the staff in place of logins.
    names = {
        row.login: row.name
        for row in conn.execute(select(registers.staff.c.login, registers.staff.c.name))
    }
    history = []
    for event in list_events(conn, entry_id):
        if event.action in HISTORY_ACTIONS:
            # Only decisions have answers.
            answers, is_correction = (
                _added_answers(conn, entry_id, event.detail.get("revision"))
                if event.action == "decide"
                else ({}, False)
            )
            by = names.get(event.by, event.by)
            history.append(
                HistoryEvent(
                    event.at,
                    by,
                    event.action,
                    str(event.detail.get("state") or ""),
                    answers,
                    is_correction,
                )
            )
    return history


def find_inconsistent_rows(
    conn: Connection, form: Form, rows: Iterable[Entry]
) -> dict[str, tuple[int, ...]]:
    """Return which rows differ from most rows in a critical field of the sheet's head, by field.

    The sheet has one entry per row, and the ink of the head is the same for all, so one of them is
    wrong: a correction changes one row only. The values are not returned, since one may wait for a
    second person.
    """
    rows_by_value: dict[str, dict[Value, list[int]]] = {}
    for entry in rows:
        # Only rows with answers that are valid.
        if (
            entry.row is None
            or entry.voided is not None
            or entry.state not in DECIDED_STATES | {EntryState.SECOND}
        ):
            continue
        for name, answer in decided_answers(conn, entry.id).items():
            spec = form.by_name.get(name)
            if (
                spec is not None
                and spec.critical
                and spec.row is None
                and answer.answer.state is State.READ
            ):
                rows_by_value.setdefault(name, {}).setdefault(answer.answer.value, []).append(
                    entry.row
                )
    # All rows but those with the most frequent value.
    inconsistent = {}
    for name, groups in rows_by_value.items():
        _, *others = sorted(groups.values(), key=len, reverse=True)
        inconsistent[name] = tuple(sorted(row for group in others for row in group))
    return {name: others for name, others in inconsistent.items() if others}


def _visible_entries(conn: Connection, person: Person, sheet: str) -> tuple[Entry, ...]:
    """Return the entries of a sheet that the person can see."""
    table = paper.entry
    return tuple(
        select_entries(
            conn,
            select(table)
            .where(
                table.c.sheet == sheet,
                visibility.visible_entries_condition(conn, person, Action.CORRECT),
            )
            .order_by(table.c.id),
        )
    )


def _added_answers(
    conn: Connection, entry_id: str, revision: object
) -> tuple[dict[str, Answer], bool]:
    """Return the answers that a decision added, and whether it was a correction."""
    table = paper.decision.c
    # The decision's answers: those with its revision.
    rows = conn.execute(
        select(paper.decision)
        .where(table.entry == entry_id, table.revision == revision)
        .order_by(table.id)
    ).all()
    return {row.field: Answer(row.value, State(row.state)) for row in rows}, any(
        row.how == AnswerOrigin.CORRECTION.value for row in rows
    )
