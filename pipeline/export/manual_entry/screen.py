"""Keying in, one entry at a time: for systems that have no import, the list on a screen. A tick is
the entry's receipt.

An entry is shown to one person at a time (`store/key_in_claims.py`), so that nobody keys in what
another has on the screen. What became of it is a receipt like any other
(`receipts.give_receipts`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.model import Client, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.record import Run
from pipeline.export.care_system_check.matches import find_entries_with_matches
from pipeline.export.exporter import Item
from pipeline.export.manual_entry.block import EntryBlock, build_block
from pipeline.export.runs import (
    ExportContext,
    add_carried_records,
    find_target,
    load_export_options,
    require_run,
)
from pipeline.store.event_log import events
from pipeline.store.exports import manual_entry_claims, records, run_items, runs
from pipeline.store.exports.run_items import Connection, RunItem
from pipeline.store.registers import client_register

TARGET = "skriv-in"
CLAIM_MINUTES = 20.0
"""How long an entry is kept for a person who does nothing."""


@dataclass(frozen=True, slots=True)
class ManualEntryList:
    """A list with entries that nobody has keyed in. `entries` leaves out what was corrected before
    anybody keyed it in: a newer list has that.

    `hidden` more of them the person may not see.
    """

    run: Run
    entries: int
    waiting: int
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class EntryToKeyIn:
    """An entry to key in. `others` are entries of the run that are being keyed in by others.
    `first` is the client under whom it was keyed in before it was moved to this one: there it
    has to be made void. `perhaps` are those of lists that nobody has ticked: it may stand there
    too. A `void` entry is to be made void here too, and keyed in nowhere.
    """

    item: RunItem
    client: Client
    block: EntryBlock
    claimed_by_others: int
    previous_client: Client | None = None
    possible_clients: tuple[Client, ...] = ()
    is_void: bool = False


def list_waiting_runs(context: ExportContext, person: Person) -> list[ManualEntryList]:
    """Lists with entries that nobody has keyed in, oldest first.

    Raises:
        NotAllowedError: the person does not give receipts.
    """
    with context.store.read() as conn:
        require_permission(person, Action.RECEIPT)
        found = [
            status
            for status in reversed(runs.list_visible_runs(conn, person))
            if status.run.target == TARGET and status.waiting
        ]
        lists = [(status, len(_waiting_items(conn, person, status.run.id))) for status in found]
    return [
        ManualEntryList(
            status.run, status.accepted + status.refused + waiting, waiting, status.hidden
        )
        for status, waiting in lists
        if waiting
    ]


def claim_next_entry(
    context: ExportContext,
    person: Person,
    run_id: str,
    now: datetime,
    skipped: Collection[str] = (),
) -> EntryToKeyIn | None:
    """Take the first entry of a list that waits, that nobody else has and that is not among the
    skipped; None if there is none.

    The person lets go of any other. What may be in the other system already is left out until
    somebody has decided (`held_back`).

    Raises:
        NotAllowedError: the person may not receipt, or see none of what the run holds.
        ExportError: there is no such run.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.RECEIPT)
        waiting = _waiting_items(conn, person, run_id)
        maybe_there = _find_possible_matches(conn, context, waiting)
        manual_entry_claims.release_claims(conn, person.login)
        others = manual_entry_claims.list_claimed_by_others(conn, person.login, now)
        left_out = {*skipped, *maybe_there}
        free = (
            item
            for item in waiting
            if item.entry_id not in left_out and (item.entry_id, item.revision) not in others
        )
        taken = next(
            (
                i
                for i in free
                if manual_entry_claims.claim_entry(
                    conn, person.login, i.entry_id, i.revision, now, CLAIM_MINUTES
                )
            ),
            None,
        )
        if taken is None:
            return None
        events.record(
            conn,
            person.login,
            "view_key_in",
            taken.entry_id,
            unit=taken.unit,
            run=run_id,
            revision=taken.revision,
        )
        item = _load_item(conn, context, taken)
        carried, unsure = (
            (item.amends.exported_record, item.amends.possible_records)
            if item.amends
            else (None, ())
        )
        first = client_register.restrict_client(conn, carried.client, person) if carried else None
        perhaps = tuple(
            client_register.restrict_client(conn, each.client, person) for each in unsure
        )
    terms = load_export_options(context, run.target, find_target(run.target))
    being_keyed = sum((i.entry_id, i.revision) in others for i in waiting)
    return EntryToKeyIn(
        taken,
        item.record.client,
        build_block(item, terms),
        being_keyed,
        first,
        perhaps,
        item.record.voided is not None,
    )


def count_held_back(context: ExportContext, person: Person, run_id: str) -> int:
    """How many entries of a list are not keyed in until somebody has decided whether they are in
    the other system already. Errors as `next_entry`.
    """
    with context.store.read() as conn:
        require_run(conn, person, run_id, Action.RECEIPT)
        return len(_find_possible_matches(conn, context, _waiting_items(conn, person, run_id)))


def _waiting_items(conn: Connection, person: Person, run_id: str) -> list[RunItem]:
    return [
        item
        for item in run_items.list_visible_items(conn, person, run_id)
        if item.accepted is None and item.is_current
    ]


def _find_possible_matches(
    conn: Connection, context: ExportContext, waiting: Sequence[RunItem]
) -> frozenset[str]:
    return find_entries_with_matches(
        conn, context.forms, [item.entry_id for item in waiting], context.settings.clash_minutes
    )


def _load_item(conn: Connection, context: ExportContext, run_item: RunItem) -> Item:
    (record,) = records.load_records(conn, context.forms, [run_item.entry_id])
    earlier = run_items.previous_export(conn, run_item.entry_id, run_item.revision)
    before = add_carried_records(
        conn, context.forms, [record], {run_item.entry_id: earlier} if earlier else {}
    )
    return Item(
        run_item.number, replace(record, revision=run_item.revision), before.get(run_item.entry_id)
    )
