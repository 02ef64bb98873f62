"""The key-in list on a screen, one entry at a time, for systems that have no import.

An entry is shown to one person at a time (`store/exports/manual_entry_claims.py`), so that no one
keys in what another person has on the screen. What became of it is a receipt like any other
(`runs/receipts.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.model import Client, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.record import Run
from pipeline.export.care_system_check.matches import find_entries_with_matches
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.manual_entry.block import EntryBlock
from pipeline.export.manual_entry.sheet_block import build_sheet_block, is_keyed_with
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
"""How long an entry is held for a person who does nothing."""


@dataclass(frozen=True, slots=True)
class ManualEntryList:
    """A list with entries that are not keyed in. `hidden` more the person may not see.

    `entries` leaves out what was corrected before it was keyed in: a newer list has that.
    """

    run: Run
    entries: int
    waiting: int
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class EntryToKeyIn:
    """An entry to key in.

    `previous_client` is the client under whom the entry was keyed in before it moved: there it has
    to be made void.
    `possible_clients` are those of unticked lists: it may be there too. An entry that `is_void` is
    made void here too, and keyed in nowhere. `others` are further rows of its sheet, which are
    keyed in with it as one note.
    """

    item: RunItem
    client: Client
    block: EntryBlock
    previous_client: Client | None = None
    possible_clients: tuple[Client, ...] = ()
    is_void: bool = False
    others: tuple[RunItem, ...] = ()
    has_several_clients: bool = False

    @property
    def entry_ids(self) -> tuple[str, ...]:
        """The entries that are keyed in, and ticked, together."""
        return (self.item.entry_id, *(item.entry_id for item in self.others))


def list_waiting_runs(context: ExportContext, person: Person) -> list[ManualEntryList]:
    """List the runs with entries that are not keyed in, oldest first.

    Raises:
        NotAllowedError: the person does not give receipts.
    """
    with context.store.read() as conn:
        require_permission(person, Action.RECEIPT)
        statuses = [
            status
            for status in reversed(runs.list_visible_runs(conn, person))
            if status.run.target == TARGET and status.waiting
        ]
        waiting_counts = [
            (status, len(_waiting_items(conn, person, status.run.id))) for status in statuses
        ]
    return [
        ManualEntryList(
            status.run, status.accepted + status.refused + waiting, waiting, status.hidden
        )
        for status, waiting in waiting_counts
        if waiting
    ]


def claim_next_entry(
    context: ExportContext,
    person: Person,
    run_id: str,
    now: datetime,
    skipped: Collection[str] = (),
    *,
    alone: Collection[str] = (),
) -> EntryToKeyIn | None:
    """Claim the first waiting entry of a list that no one else has; None if there is none.

    The person's other claims are released. What may be in the other system already is left out
    until a person has decided (see `count_held_back`). Rows of the same sheet come along where they
    are keyed in as one note (`sheet_block.is_keyed_with`).

    Args:
        skipped: ids of entries that the person does not want now.
        alone: ids of entries that the person wants one by one.

    Raises:
        NotAllowedError: the person may not receipt, or see none of what the run holds.
        ExportError: there is no such run.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.RECEIPT)
        waiting = _waiting_items(conn, person, run_id)
        left_out = {*skipped, *_find_possible_matches(conn, context, waiting)}
        manual_entry_claims.release_claims(conn, person.login)
        claimed = manual_entry_claims.list_claimed_by_others(conn, person.login, now)
        free = [
            item
            for item in waiting
            if item.entry_id not in left_out and (item.entry_id, item.revision) not in claimed
        ]
        options = load_export_options(context, run.target, find_target(run.target))
        claim = _claim_first(conn, person, free, now)
        if claim is None:
            return None
        first = _load_item(conn, context, claim)
        further = [item for item in free if item != claim and item.entry_id not in alone]
        others = (
            []
            if claim.entry_id in alone
            else _claim_rows(conn, context, person, (first, further, options), now)
        )
        for item in (claim, *(other for other, _ in others)):
            events.record(
                conn,
                person.login,
                "view_key_in",
                item.entry_id,
                unit=item.unit,
                run=run_id,
                revision=item.revision,
            )
        previous_client, possible_clients = _earlier_clients(conn, person, first)
    items = [first, *(item for _, item in others)]
    return EntryToKeyIn(
        claim,
        first.record.client,
        build_sheet_block(items, options),
        previous_client=previous_client,
        possible_clients=possible_clients,
        is_void=first.record.voided is not None,
        others=tuple(other for other, _ in others),
        has_several_clients=len({item.record.client.pid for item in items}) > 1,
    )


def _claim_rows(
    conn: Connection,
    context: ExportContext,
    person: Person,
    sheet: tuple[Item, Sequence[RunItem], ExportOptions],
    now: datetime,
) -> list[tuple[RunItem, Item]]:
    """Claim the further rows that are keyed in with the first item of a sheet."""
    first, further, options = sheet
    if first.record.row is None:
        return []
    same_sheet = f"{first.record.entry_id.rpartition('-')[0]}-"
    rows = []
    for claim in further:
        if not claim.entry_id.startswith(same_sheet):
            continue
        item = _load_item(conn, context, claim)
        if is_keyed_with(first, item, options) and _claim_first(conn, person, [claim], now):
            rows.append((claim, item))
    return rows


def _claim_first(
    conn: Connection, person: Person, items: Iterable[RunItem], now: datetime
) -> RunItem | None:
    """Claim the first item that can be: another person may claim one at the same moment."""
    for item in items:
        if manual_entry_claims.claim_entry(
            conn, person.login, item.entry_id, item.revision, now, CLAIM_MINUTES
        ):
            return item
    return None


def _earlier_clients(
    conn: Connection, person: Person, item: Item
) -> tuple[Client | None, tuple[Client, ...]]:
    """Return the previous client and the possible ones, as far as the person may see them."""
    if item.amends is None:
        return None, ()
    exported = item.amends.exported_record
    return (
        client_register.restrict_client(conn, exported.client, person) if exported else None,
        tuple(
            client_register.restrict_client(conn, record.client, person)
            for record in item.amends.possible_records
        ),
    )


def count_held_back(context: ExportContext, person: Person, run_id: str) -> int:
    """Count the entries of a list that wait until a person decides whether they are keyed in.

    Errors as `claim_next_entry`.
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
    previous = add_carried_records(
        conn, context.forms, [record], {run_item.entry_id: earlier} if earlier else {}
    )
    return Item(
        run_item.number,
        replace(record, revision=run_item.revision),
        previous.get(run_item.entry_id),
    )
