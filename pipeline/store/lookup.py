"""Finding a sheet again by the number printed on it, and what has happened to its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from pipeline import access
from pipeline.access import Action
from pipeline.model import EntryState, Person, State, Value
from pipeline.review import Answer
from pipeline.store import sight, tables
from pipeline.store.answers import How, decided
from pipeline.store.entries import DECIDED, Entry, entries, entry
from pipeline.store.events import events_of, record
from pipeline.store.pages import Page
from pipeline.template import Form

TOLD = frozenset(
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
    """A sheet of paper with its pages and entries. A copy that was filled in by itself has the serial too, and is a sheet of its own."""

    sheet: str
    pages: tuple[Page, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of an entry's life. `answers` are those that a decision added; `corrected` tells that it changed a decided entry."""

    at: datetime
    by: str
    action: str
    state: str
    answers: Mapping[str, Answer]
    corrected: bool


def sheets_of(conn: Connection, person: Person, serial: str, *, first: bool = True) -> list[FoundSheet]:
    """What has come in on paper with this serial, as far as the person may see it. The first look for it is an event.

    Raises:
        NotAllowedError: the person corrects nothing.
    """
    access.require(person, Action.CORRECT)
    page = tables.page
    rows = select(tables.entry.c.sheet).where(sight.visible_entries(conn, person))  # one that was sent on alone lies on another unit's page
    own = or_(sight.visible_pages(conn, person), page.c.sheet.in_(rows))
    query = select(page).where(page.c.serial == serial, page.c.sheet.is_not(None), own).order_by(page.c.page_no, page.c.id)
    pages = [Page.of(row) for row in conn.execute(query).mappings()]
    if first:
        record(conn, person.login, "look_up", serial, unit=pages[0].unit if pages else None, pages=len(pages))
    found = {one.sheet: None for one in pages if one.sheet}
    return [FoundSheet(sheet, tuple(one for one in pages if one.sheet == sheet), _entries(conn, person, sheet)) for sheet in found]


def history(conn: Connection, person: Person, entry_id: str) -> list[Happening]:
    """What was decided about an entry and where it was sent, oldest first; `by` is the name of a member of staff.

    Raises:
        NotAllowedError: another unit or role.
    """
    sight.require_entry(conn, person, Action.CORRECT, entry(conn, entry_id))
    names = {row.login: row.name for row in conn.execute(select(tables.staff.c.login, tables.staff.c.name))}
    happenings = []
    for event in events_of(conn, entry_id):
        if event.action in TOLD:
            answers, corrected = _added(conn, entry_id, event.detail.get("revision")) if event.action == "decide" else ({}, False)
            by = names.get(event.by, event.by)
            happenings.append(Happening(event.at, by, event.action, str(event.detail.get("state") or ""), answers, corrected))
    return happenings


def rows_unlike(conn: Connection, form: Form, rows: Iterable[Entry]) -> dict[str, tuple[int, ...]]:
    """Of a sheet that is one entry a row: which rows say something else than most about a critical field of its head, by that field.

    The ink is the same for all, so one of them is wrong: a correction changes one row. What they say is not told: one may wait for a second person.
    """
    said: dict[str, dict[Value, list[int]]] = {}
    for one in rows:
        if one.row is None or one.voided is not None or one.state not in DECIDED | {EntryState.SECOND}:
            continue
        for name, answer in decided(conn, one.id).items():
            spec = form.by_name.get(name)
            if spec is not None and spec.critical and spec.row is None and answer.answer.state is State.READ:
                said.setdefault(name, {}).setdefault(answer.answer.value, []).append(one.row)
    found = {}
    for name, groups in said.items():
        _, *others = sorted(groups.values(), key=len, reverse=True)
        found[name] = tuple(sorted(row for group in others for row in group))
    return {name: others for name, others in found.items() if others}


def _entries(conn: Connection, person: Person, sheet: str) -> tuple[Entry, ...]:
    table = tables.entry
    return tuple(entries(conn, select(table).where(table.c.sheet == sheet, sight.visible_entries(conn, person)).order_by(table.c.id)))


def _added(conn: Connection, entry_id: str, revision: object) -> tuple[dict[str, Answer], bool]:
    table = tables.decision.c
    rows = conn.execute(select(tables.decision).where(table.entry == entry_id, table.revision == revision).order_by(table.id)).all()
    return {row.field: Answer(row.value, State(row.state)) for row in rows}, any(row.how == How.CORRECTION.value for row in rows)
