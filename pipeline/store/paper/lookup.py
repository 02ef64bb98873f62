"""Finding a sheet again by the number printed on it, and what has happened to its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from pipeline.domain import permissions
from pipeline.domain.form.form import Form
from pipeline.domain.model import EntryState, Person, State, Value
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry import DECIDED_STATES, Entry, load_entry, select_entries
from pipeline.store.event_log.events import list_events, record
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper

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
"""The events of an entry that its history tells."""


@dataclass(frozen=True, slots=True)
class FoundSheet:
    """A sheet of paper with its pages and entries. A copy that was filled in by itself has the
    serial too, and is a sheet of its own.
    """

    sheet: str
    pages: tuple[Page, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event of an entry's life. `answers` are those that a decision added; `corrected` tells
    that it changed a decided entry.
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
    """What has come in on paper with this serial, as far as the person may see it. The first look
    for it is an event.

    Raises:
        NotAllowedError: the person corrects nothing.
    """
    permissions.require_permission(person, Action.CORRECT)
    page = paper.page
    rows = select(paper.entry.c.sheet).where(
        visibility.visible_entries_condition(conn, person)
    )  # one that was sent on alone lies on another unit's page
    own = or_(visibility.visible_pages_condition(conn, person), page.c.sheet.in_(rows))
    query = (
        select(page)
        .where(page.c.serial == serial, page.c.sheet.is_not(None), own)
        .order_by(page.c.page_no, page.c.id)
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
    found = {one.sheet: None for one in pages if one.sheet}
    return [
        FoundSheet(
            sheet,
            tuple(one for one in pages if one.sheet == sheet),
            _visible_entries(conn, person, sheet),
        )
        for sheet in found
    ]


def entry_history(conn: Connection, person: Person, entry_id: str) -> list[HistoryEvent]:
    """What was decided about an entry and where it was sent, oldest first; `by` is the name of a
    member of staff.

    Raises:
        NotAllowedError: another unit or role.
    """
    visibility.require_visible_entry(conn, person, Action.CORRECT, load_entry(conn, entry_id))
    names = {
        row.login: row.name for row in conn.execute(select(paper.staff.c.login, paper.staff.c.name))
    }
    happenings = []
    for event in list_events(conn, entry_id):
        if event.action in HISTORY_ACTIONS:
            answers, corrected = (
                _added_answers(conn, entry_id, event.detail.get("revision"))
                if event.action == "decide"
                else ({}, False)
            )
            by = names.get(event.by, event.by)
            happenings.append(
                HistoryEvent(
                    event.at,
                    by,
                    event.action,
                    str(event.detail.get("state") or ""),
                    answers,
                    corrected,
                )
            )
    return happenings


def find_inconsistent_rows(
    conn: Connection, form: Form, rows: Iterable[Entry]
) -> dict[str, tuple[int, ...]]:
    """Of a sheet that is one entry a row: which rows say something else than most about a critical
    field of its head, by that field.

    The ink is the same for all, so one of them is wrong: a correction changes one row. What they
    say is not told: one may wait for a second person.
    """
    said: dict[str, dict[Value, list[int]]] = {}
    for one in rows:
        if (
            one.row is None
            or one.voided is not None
            or one.state not in DECIDED_STATES | {EntryState.SECOND}
        ):
            continue
        for name, answer in decided_answers(conn, one.id).items():
            spec = form.by_name.get(name)
            if (
                spec is not None
                and spec.critical
                and spec.row is None
                and answer.answer.state is State.READ
            ):
                said.setdefault(name, {}).setdefault(answer.answer.value, []).append(one.row)
    found = {}
    for name, groups in said.items():
        _, *others = sorted(groups.values(), key=len, reverse=True)
        found[name] = tuple(sorted(row for group in others for row in group))
    return {name: others for name, others in found.items() if others}


def _visible_entries(conn: Connection, person: Person, sheet: str) -> tuple[Entry, ...]:
    table = paper.entry
    return tuple(
        select_entries(
            conn,
            select(table)
            .where(table.c.sheet == sheet, visibility.visible_entries_condition(conn, person))
            .order_by(table.c.id),
        )
    )


def _added_answers(
    conn: Connection, entry_id: str, revision: object
) -> tuple[dict[str, Answer], bool]:
    table = paper.decision.c
    rows = conn.execute(
        select(paper.decision)
        .where(table.entry == entry_id, table.revision == revision)
        .order_by(table.id)
    ).all()
    return {row.field: Answer(row.value, State(row.state)) for row in rows}, any(
        row.how == AnswerOrigin.CORRECTION.value for row in rows
    )
