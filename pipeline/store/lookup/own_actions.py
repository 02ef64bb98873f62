"""What a person has decided of entries lately, to be undone or corrected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, null, or_, select

from pipeline.domain.form.rules import choice_forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import AnswerOrigin, is_last_decision_correction
from pipeline.store.entries.entry import DECIDED_STATES, Entry, select_entries
from pipeline.store.event_log.events import record
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.lookup.search import FoundEntry, with_clients
from pipeline.store.review.author_questions import ASK_AUTHOR_REASON
from pipeline.store.schema import paper, tally
from pipeline.store.schema.id_chunks import chunk_ids, rows_of_ids
from pipeline.store.schema.review import entry_version

_MAX_STEP = 60
"""The most rows that a sheet has."""


def list_own_latest(
    conn: Connection, person: Person, limit: int = 10, among: Collection[str] | None = None
) -> list[Entry]:
    """Return the entries that the person decided last and can still see or take back, newest first.

    Void entries and corrections are left out. `among` are the ids of the entries that are asked
    about, else all of them.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    # Decided last by the person, alone or as the second reviewer.
    mine = or_(
        _entry_table.c.second_by == person.login,
        (_entry_table.c.first_by == person.login) & _entry_table.c.second_by.is_(None),
    )
    newest = func.coalesce(_entry_table.c.second_at, _entry_table.c.first_at)
    # A note may have moved to an area of law that the person does not see.
    free_note = and_(
        _entry_table.c.form.in_(choice_forms()),
        visibility.visible_entries_condition(conn, person, Action.REVIEW, area=null()),
    )
    visible = or_(visibility.visible_entries_condition(conn, person, Action.REVIEW), free_note)
    own = select(_entry_table).where(
        mine, _entry_table.c.voided.is_(None), ~_is_correction(), visible
    )
    if among is not None:
        own = own.where(_entry_table.c.id.in_(sorted(among)))
    return select_entries(conn, own.order_by(newest.desc(), _entry_table.c.id).limit(limit))


def list_own_last_step(conn: Connection, person: Person) -> list[Entry]:
    """Return the entries that the person decided last, in one step: rows of a sheet, or one entry.

    Raises:
        NotAllowedError: the person does not review.
    """
    latest = list_own_latest(conn, person, limit=_MAX_STEP)
    return [entry for entry in latest if _step_of(entry) == _step_of(latest[0])]


def _step_of(entry: Entry) -> tuple[str, datetime | None]:
    """Return the sheet and the moment of the last decision."""
    return entry.sheet, entry.second_at or entry.first_at


def was_corrected_last(conn: Connection, entry: Entry) -> bool:
    """Return whether an entry's last decision is a correction."""
    query = select(_entry_table.c.id).where(_entry_table.c.id == entry.id, _is_correction())
    return conn.execute(query).first() is not None


def _is_correction() -> ColumnElement[bool]:
    """Whether the last decision of an entry is a correction.

    An entry that is rejected after a correction has been decided once more.
    """
    return and_(
        _entry_table.c.state != EntryState.REJECTED.value,
        is_last_decision_correction(_entry_table.c.id),
    )


MAX_OWN_ACTIONS = 50
_UNDOABLE_STATES = frozenset({EntryState.CONFIRMED, EntryState.SECOND, EntryState.REJECTED})

_event, _entry_table = paper.event, paper.entry


@dataclass(frozen=True, slots=True)
class OwnAction:
    """One thing that a person did with an entry.

    `kind` is confirmed, second, rejected, asked, corrected, void, undo, forward or reopen.
    """

    at: datetime
    kind: str
    found: FoundEntry
    can_undo: bool = False
    can_correct: bool = False


def list_own_actions(
    conn: Connection, person: Person, *, first: bool = True, limit: int = MAX_OWN_ACTIONS
) -> list[OwnAction]:
    """Return what the person did last with entries that the person can see, the latest first.

    Skipping decides nothing, and is left out. Only the latest action on an entry can be undone, and
    only an entry that is decided be corrected. The first look is logged.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    # The person's own events of visible entries, by the index of these actions
    query = (
        select(_event.c.at, _event.c.action, _event.c.subject, _event.c.detail)
        .join(_entry_table, _entry_table.c.id == _event.c.subject)
        .where(
            _event.c.by == person.login,
            tally.IS_OWN_ACTION,
            _event.c.action != "skip",
            visibility.visible_entries_condition(conn, person, Action.REVIEW),
        )
        .order_by(_event.c.id.desc())
        .limit(limit)
    )
    rows = conn.execute(query).all()
    ids = list(dict.fromkeys(row.subject for row in rows))
    entries = _load_entries(conn, ids)
    if first:
        units = {entry.unit for entry in entries.values()}
        unit = next(iter(units)) if len(units) == 1 else None
        record(conn, person.login, "list_own_actions", "entries", unit=unit, entries=len(rows))
    found = {one.entry.id: one for one in with_clients(conn, person, entries.values())}
    undoable = _find_undoable(conn, person, entries)
    correctable = _find_correctable(conn, person, entries)
    kinds = _decision_kinds(conn, ids)
    actions, seen = list[OwnAction](), set[str]()
    for row in rows:
        is_latest, entry_id = row.subject not in seen, row.subject
        seen.add(entry_id)
        actions.append(
            OwnAction(
                row.at,
                _kind_of(row, kinds),
                found[entry_id],
                is_latest and row.action == "decide" and entry_id in undoable,
                is_latest and entry_id in correctable,
            )
        )
    return actions


def _load_entries(conn: Connection, ids: Sequence[str]) -> dict[str, Entry]:
    return {
        entry.id: entry
        for part in chunk_ids(ids)
        for entry in select_entries(conn, select(_entry_table).where(_entry_table.c.id.in_(part)))
    }


def _find_undoable(conn: Connection, person: Person, entries: Mapping[str, Entry]) -> set[str]:
    """Return the ids of entries whose decision `Corrections.undo` can take back."""
    latest = {entry.id for entry in list_own_latest(conn, person, len(entries), entries)}
    own = [
        entry.id
        for entry in entries.values()
        if entry.id in latest and entry.state in _UNDOABLE_STATES
    ]
    return set(own) - set(latest_exports(conn, own))


def _find_correctable(conn: Connection, person: Person, entries: Mapping[str, Entry]) -> set[str]:
    decided = [
        entry.id
        for entry in entries.values()
        if entry.state in DECIDED_STATES and entry.voided is None
    ]
    return visibility.filter_visible_entries(conn, person, Action.CORRECT, decided)


def _decision_kinds(conn: Connection, ids: Sequence[str]) -> dict[tuple[str, int], str]:
    """Return what each decision was, by entry and revision, where its state does not tell it."""
    kinds = dict[tuple[str, int], str]()
    decision = paper.decision.c
    corrected = select(decision.entry, decision.revision).where(
        decision.how == AnswerOrigin.CORRECTION.value
    )
    for row in rows_of_ids(conn, corrected, decision.entry, ids):
        kinds[row.entry, row.revision] = "corrected"
    for row in rows_of_ids(conn, select(entry_version), entry_version.c.entry, ids):
        if row.voided:
            kinds[row.entry, row.revision] = "void"
        elif row.state == EntryState.REJECTED.value and row.reason == ASK_AUTHOR_REASON:
            kinds[row.entry, row.revision] = "asked"
    return kinds


def _kind_of(row: Row[Any, Any, Any, Any], kinds: Mapping[tuple[str, int], str]) -> str:
    if row.action != "decide":
        return str(row.action)
    if kind := kinds.get((row.subject, row.detail.get("revision", 0))):
        return kind
    state = EntryState(str(row.detail.get("state") or EntryState.CONFIRMED.value))
    if state in {EntryState.SECOND, EntryState.REJECTED}:
        return state.name.lower()
    return "confirmed"
