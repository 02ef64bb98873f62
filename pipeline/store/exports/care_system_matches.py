"""Matches: pairs of an entry and a row of the care system about the same client, and decisions.

Only entries that are not in the care system yet are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from pipeline.domain.errors import ReviewError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import MANUAL_ENTRY_TARGET
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.entry import Entry, load_entry, load_visible_entry, stale_decision_error
from pipeline.store.event_log.events import record
from pipeline.store.exports import run_items
from pipeline.store.exports.care_system_exports import is_active
from pipeline.store.exports.run_items import RunItem
from pipeline.store.quality.checked_work import has_open_seeded_error
from pipeline.store.schema import exports, paper, registers
from pipeline.store.schema.exports import care_list, care_row, clash_decision
from pipeline.store.schema.id_chunks import chunk_ids

_LISTED_STATES = (EntryState.EXPORTED, EntryState.CONFIRMED, EntryState.SIGNED)
"""States of entries in a list to key in; with several routes one may still wait for another."""
_entry_table, _item_table, _receipt_table = paper.entry, exports.export_item, exports.receipt
_MAX_DECISIONS = 50


@dataclass(frozen=True, slots=True)
class CareSystemRow:
    """What a row of the care system says.

    `list_id` is the list that has it, `digest` recognises the same row in another list.
    """

    list_id: int
    digest: str
    pid: str
    day: str
    clock: str
    kind: str
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class RejectedMatch:
    """A pair that a reviewer found to be two different things. `by` is a name."""

    id: int
    entry: Entry
    by: str
    at: datetime


def list_undecided_pairs(
    conn: Connection, now: datetime, entry_ids: Sequence[str] | None = None
) -> list[tuple[Entry, CareSystemRow]]:
    """Return undecided pairs of an entry and a row about the same client.

    They are those of all entries or of the given ones.
    """
    if entry_ids is None:
        return _select_pairs(conn, _pairs_query(now))
    return [
        pair
        for part in chunk_ids(entry_ids)
        for pair in _select_pairs(conn, _pairs_query(now).where(_entry_table.c.id.in_(part)))
    ]


def filter_visible_matches(conn: Connection, person: Person, entry_ids: Sequence[str]) -> set[str]:
    """Return those of these entries that the person can see.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    return visibility.filter_visible_entries(conn, person, Action.FOLLOW_UP, entry_ids)


def save_match_decision(
    conn: Connection, person: Person, entry: Entry, digest: str, now: datetime, *, mark: int | None
) -> int:
    """Store a decision on a pair and return its id; with a `mark` the two are the same.

    Raises:
        StaleDecisionError: the pair was found to be different already.
    """
    rejection = select(clash_decision.c.id).where(_is_pair(entry.id, digest), _is_rejected_match())
    if conn.execute(rejection).first() is not None:
        raise stale_decision_error()
    # An earlier decision that they are the same no longer holds.
    earlier = update(clash_decision).where(
        _is_pair(entry.id, digest), clash_decision.c.taken_back_at.is_(None)
    )
    conn.execute(earlier.values(taken_back_by=person.login, taken_back_at=now))
    row = {
        "entry": entry.id,
        "digest": digest,
        "same": mark is not None,
        "mark": mark,
        "by": person.login,
        "at": now,
    }
    decision_id: int = conn.execute(
        insert(clash_decision).values(row).returning(clash_decision.c.id)
    ).scalar_one()
    record(conn, person.login, "decide_clash", entry.id, unit=entry.unit, same=mark is not None)
    return decision_id


def withdraw_rejection(conn: Connection, person: Person, decision_id: int, now: datetime) -> None:
    """Take back that a pair is different: it is to be decided again.

    Raises:
        NotAllowedError: another unit or role.
        ReviewError: there is no such decision.
    """
    # The decision, if it says "different" and has not been taken back.
    is_active_rejection = and_(
        clash_decision.c.id == decision_id,
        ~clash_decision.c.same,
        clash_decision.c.taken_back_at.is_(None),
    )
    row = conn.execute(select(clash_decision).where(is_active_rejection)).one_or_none()
    if row is None:
        raise ReviewError("no_such_decision")
    entry = load_visible_entry(conn, person, Action.REVIEW, row.entry)
    conn.execute(
        update(clash_decision)
        .where(clash_decision.c.id == decision_id)
        .values(taken_back_by=person.login, taken_back_at=now)
    )
    record(conn, person.login, "take_back_clash", entry.id, unit=entry.unit)


def list_rejected_matches(conn: Connection, person: Person) -> list[RejectedMatch]:
    """Return the pairs that were found to be two different things, the latest first.

    They are those of entries that the person can see.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    names = people.names_by_login(conn)
    query = select(clash_decision).join(_entry_table, _entry_table.c.id == clash_decision.c.entry)
    # Decisions "different" that hold, of visible entries.
    query = query.where(
        ~clash_decision.c.same,
        clash_decision.c.taken_back_at.is_(None),
        visibility.visible_entries_condition(conn, person, Action.FOLLOW_UP),
    )
    rows = conn.execute(
        query.order_by(clash_decision.c.at.desc(), clash_decision.c.id.desc()).limit(_MAX_DECISIONS)
    ).all()
    return [
        RejectedMatch(row.id, load_entry(conn, row.entry), names.get(row.by, row.by), row.at)
        for row in rows
    ]


def _is_pair(entry_id: str, digest: str) -> ColumnElement[bool]:
    """Whether a decision is on this pair."""
    return and_(clash_decision.c.entry == entry_id, clash_decision.c.digest == digest)


def _is_rejected_match() -> ColumnElement[bool]:
    """Whether a decision says that a pair is different, and holds.

    An entry that was found to be the same is rejected; if it is on its way to export again, for any
    reason, the pair is to be decided again.
    """
    return and_(~clash_decision.c.same, clash_decision.c.taken_back_at.is_(None))


def _select_pairs(conn: Connection, query: Select[Any]) -> list[tuple[Entry, CareSystemRow]]:
    """Return each pair once, though a row may be in several lists."""
    pairs: dict[tuple[str, str], tuple[Entry, CareSystemRow]] = {}
    for row in conn.execute(query).mappings():
        care_system_row = CareSystemRow(
            row["list"],
            row["digest"],
            row["row_pid"],
            row["day"],
            row["clock"],
            row["kind"],
            row["row_text"],
            row["row_author"],
        )
        pairs.setdefault(
            (row["id"], care_system_row.digest), (Entry.from_row(row), care_system_row)
        )
    return list(pairs.values())


def list_unproven_items(
    conn: Connection, person: Person, unit: str, area: str, route: str
) -> list[tuple[str, RunItem]]:
    """Return what was exported in a route and has no receipt, each item with its run.

    They are those of a unit and area of law that the person may see.

    Raises:
        NotAllowedError: the person does not receipt.
    """
    permissions.require_permission(person, Action.RECEIPT)
    run, items = exports.export_run, exports.export_item
    query = (
        select(items.c.run, items.c.entry)
        .join(run, run.c.id == items.c.run)
        .join(_entry_table, _entry_table.c.id == items.c.entry)
        .join(registers.unit, registers.unit.c.name == _entry_table.c.unit)
        .outerjoin(_receipt_table, run_items.RECEIPT_JOIN)
        .where(
            _receipt_table.c.entry.is_(None),
            run_items.ROUTE_NAME.in_([route]),
            ~run_items.WAS_UNDONE,
            _entry_table.c.unit == unit,
            func.coalesce(_entry_table.c.area, registers.unit.c.area) == area,
            visibility.visible_entries_condition(conn, person, Action.RECEIPT),
        )
        .order_by(run.c.made_at, items.c.number)
    )
    entries_by_run: dict[str, set[str]] = {}
    for row in conn.execute(query):
        entries_by_run.setdefault(row.run, set()).add(row.entry)
    return [
        (run_id, item)
        for run_id, entry_ids in entries_by_run.items()
        for item in run_items.list_run_items(conn, run_id)
        if item.entry_id in entry_ids
    ]


def _pairs_query(now: datetime) -> Select[Any]:
    """Return the query for undecided pairs of entries and rows.

    Both are of the same client, unit and area of law.
    """
    row, unit = care_row.c, registers.unit.c
    # The entry's own area or that of its unit; the confirmed client or the probable one.
    area = func.coalesce(_entry_table.c.area, unit.area)
    pid = func.coalesce(_entry_table.c.client_pid, _entry_table.c.likely_pid)
    is_decided = exists().where(
        clash_decision.c.entry == _entry_table.c.id,
        clash_decision.c.digest == row.digest,
        _is_rejected_match(),
    )
    row_columns = (
        row.list,
        row.digest,
        row.day,
        row.clock,
        row.kind,
        row.client_pid.label("row_pid"),
        row.text.label("row_text"),
        row.author.label("row_author"),
    )
    # Active lists only, entries that the care system lacks, and no pair found to be different.
    return (
        select(_entry_table, *row_columns)
        .join(registers.unit, unit.name == _entry_table.c.unit)
        .join(care_list, and_(care_list.c.unit == _entry_table.c.unit, care_list.c.area == area))
        .join(care_row, and_(row.list == care_list.c.id, row.client_pid == pid))
        .where(is_active(now), _is_not_in_care_system(), ~is_decided)
        .order_by(_entry_table.c.id, row.id)
    )


def _is_not_in_care_system() -> ColumnElement[bool]:
    """Whether the care system does not have an entry yet.

    Such entries wait for review, are confirmed and were never exported, or are in a list to key in
    and not ticked. A correction is none of them: what it corrects is in the care system by an
    export.
    """
    # An export that its target refused is in no system, one that was undone never was.
    is_of_entry = _item_table.c.entry == _entry_table.c.id
    is_effective = (not_(run_items.WAS_REFUSED), not_(run_items.WAS_UNDONE))
    is_exported = exists().where(is_of_entry, *is_effective)
    is_accepted = exists().where(
        _receipt_table.c.entry == _entry_table.c.id, _receipt_table.c.accepted
    )
    run = exports.export_run.c
    # Exported to be keyed in, without a receipt of that.
    is_in_manual_list = exists().where(
        is_of_entry,
        run.id == _item_table.c.run,
        run.target == MANUAL_ENTRY_TARGET,
        not_(exists().where(run_items.RECEIPT_JOIN)),
        not_(run_items.WAS_UNDONE),
    )
    # In a file for another system too: then it is in a care system by an export.
    is_in_file = exists().where(
        is_of_entry,
        run.id == _item_table.c.run,
        run.target != MANUAL_ENTRY_TARGET,
        *is_effective,
    )
    open_or_confirmed = (
        EntryState.REVIEW,
        EntryState.SECOND,
        EntryState.CONFIRMED,
        EntryState.SIGNED,
    )
    return and_(
        _entry_table.c.voided.is_(None),
        ~has_open_seeded_error(_entry_table.c.id),
        or_(
            and_(
                _entry_table.c.state.in_([state.value for state in open_or_confirmed]),
                not_(is_exported),
            ),
            and_(
                _entry_table.c.state.in_([state.value for state in _LISTED_STATES]),
                is_in_manual_list,
                not_(is_accepted),
                not_(is_in_file),
            ),
        ),
    )
