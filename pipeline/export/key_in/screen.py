"""The key-in lists on a screen, one client at a time, for systems that have no import.

A list has entries of one receiving system, module and area of law. The entries of a client are
shown to one person at a time (`store/exports/manual_entry.py`), so that no two persons key in the
same. That they are in the other system is signed for once (`signatures.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Client, Person
from pipeline.domain.record import Run
from pipeline.export.care_system_matches import find_entries_with_matches
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.key_in.signatures import CLAIM_MINUTES, require_visible_entries
from pipeline.export.manual_entry.block import (
    EntryBlock,
    build_sheet_block,
    duty_lines,
    is_keyed_with,
    is_sheet_of_several,
)
from pipeline.export.manual_entry.one_list import (
    Destination,
    find_destination,
    route_place,
    with_field_orders,
)
from pipeline.export.manual_entry.scan_codes import client_text, entry_parts
from pipeline.export.runs import (
    ExportContext,
    add_carried_records,
    load_export_options,
    require_run,
)
from pipeline.export.targets import find_target
from pipeline.store.event_log import events
from pipeline.store.exports import manual_entry, records, run_items, runs
from pipeline.store.exports.manual_entry import EntryHead, list_signed, load_heads
from pipeline.store.exports.run_items import Connection, RunItem
from pipeline.store.exports.runs import lock_run
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now

TARGET = "skriv-in"


@dataclass(frozen=True, slots=True)
class ManualEntryList:
    """A list with entries that are not keyed in. `hidden` more the person may not see.

    `entries` leaves out what was corrected before it was keyed in: a newer list has that.
    """

    run: Run
    destination: Destination
    entries: int
    waiting: int
    hidden: int = 0
    urgency: tuple[int, str] = (0, "")

    @property
    def name(self) -> tuple[str, Destination]:
        """What tells the list from others: a run from before may have several lists."""
        return self.run.id, self.destination


@dataclass(frozen=True, slots=True)
class EntryToKeyIn:
    """An entry to key in, or a sheet whose rows are one note.

    `previous_client` is the client under whom the entry was keyed in before it moved: there it has
    to be made void.
    `possible_clients` are those of unticked lists: it may be there too. An entry that `is_void` is
    made void here too, and keyed in nowhere. `others` are further rows of its sheet, which are
    keyed in with it as one note. `duties` are what has to be done by law, in words.
    """

    item: RunItem
    block: EntryBlock
    previous_client: Client | None = None
    possible_clients: tuple[Client, ...] = ()
    is_void: bool = False
    others: tuple[RunItem, ...] = ()
    duties: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[RunItem, ...]:
        """The items of the run that are keyed in together."""
        return (self.item, *self.others)


@dataclass(frozen=True, slots=True)
class ClientToKeyIn:
    """All that a list has of a client, or a sheet of several clients, for one person to key in."""

    client: Client
    entries: tuple[EntryToKeyIn, ...]
    has_several_clients: bool = False

    @property
    def entry_ids(self) -> tuple[str, ...]:
        """The entries that are keyed in, and signed for, together."""
        return tuple(item.entry_id for entry in self.entries for item in entry.items)

    @property
    def client_code(self) -> str:
        """What a scanner types to open the client; empty where no code may be shown."""
        return "" if self.has_several_clients else client_text(self.client)

    @property
    def entry_codes(self) -> list[tuple[str, list[str]]]:
        """Title and texts of each entry's codes; what is void is keyed in nowhere."""
        return [
            (f"{entry.item.number}. {entry.block.title}", entry_parts(entry.block))
            for entry in self.entries
            if not entry.is_void
        ]

    @property
    def heading(self) -> str:
        """What tells what is on the screen from everything else that may be."""
        return " ".join(
            f"{item.entry_id}-{item.revision}" for entry in self.entries for item in entry.items
        )


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who claims entries when, and how the target takes them."""

    conn: Connection
    context: ExportContext
    person: Person
    now: datetime
    options: ExportOptions

    def claim(self, item: RunItem) -> bool:
        """Claim an entry; another person may have claimed it at the same moment."""
        return manual_entry.claim_entry(
            self.conn, self.person.login, item.entry_id, item.revision, self.now, CLAIM_MINUTES
        )

    def load(self, item: RunItem) -> Item:
        """Return what is keyed in."""
        return _load_item(self.conn, self.context, item)


_Claimed = list[tuple[RunItem, Item]]
"""Entries that are keyed in together, as one note."""


def list_waiting_lists(context: ExportContext, person: Person) -> list[ManualEntryList]:
    """List the lists with entries that are not keyed in: the most urgent first, then the oldest.

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
        lists = [each for one in statuses for each in _split_run(conn, context, person, one)]
        return sorted(lists, key=lambda each: each.urgency)


def _split_run(
    conn: Connection, context: ExportContext, person: Person, status: runs.RunStatus
) -> list[ManualEntryList]:
    """Return the lists of a run: one for each system, module and area of law."""
    run_id = status.run.id
    items = run_items.list_visible_items(conn, person, run_id)
    heads = load_heads(conn, context.forms, [item.entry_id for item in items])
    waiting = {item.entry_id for item in _waiting_items(conn, person, run_id)}
    # What is answered or signed counts as done; what a newer list has counts for neither.
    signed = list_signed(conn, run_id)
    counted = [
        item
        for item in items
        if item.entry_id in waiting
        or item.accepted is not None
        or (item.entry_id, item.revision) in signed
    ]
    named = route_place(conn, status.run.route)
    places = {item.entry_id: _destination(heads, item.entry_id, named) for item in counted}
    lists = []
    for place in dict.fromkeys(places.values()):
        entries = [entry_id for entry_id, found in places.items() if found == place]
        if left := [entry_id for entry_id in entries if entry_id in waiting]:
            urgency = min(heads[entry_id].urgency for entry_id in left)
            lists.append(
                ManualEntryList(status.run, place, len(entries), len(left), status.hidden, urgency)
            )
    return lists


def _destination(heads: dict[str, EntryHead], entry_id: str, place: tuple[str, str]) -> Destination:
    return find_destination(heads[entry_id].form, heads[entry_id].area, *place)


def claim_next_client(
    context: ExportContext,
    person: Person,
    list_name: tuple[str, Destination],
    now: datetime,
    skipped: Collection[str] = (),
    *,
    alone: Collection[str] = (),
) -> ClientToKeyIn | None:
    """Claim the entries of the first client of a list that no one else has; None if there are none.

    The person's other claims are released. What may be in the other system already is left out
    until a person has decided (see `count_held_back`). Rows of the same sheet are one note where
    the system takes them so (`sheet_block.is_keyed_with`).

    Args:
        list_name: the name of the list.
        skipped: ids of entries that the person does not want now.
        alone: ids of rows that the person wants one by one.

    Raises:
        NotAllowedError: the person may not receipt, or see none of what the run holds.
        ExportError: there is no such run.
    """
    run_id, destination = list_name
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.RECEIPT)
        lock_run(conn, run_id)
        waiting = _list_items(conn, context, person, list_name)
        left_out = {*skipped, *_find_possible_matches(conn, context, waiting)}
        manual_entry.release_claims(conn, person.login)
        claimed = manual_entry.list_claimed_by_others(conn, person.login, now)
        free = [
            item
            for item in waiting
            if item.entry_id not in left_out and (item.entry_id, item.revision) not in claimed
        ]
        options = load_export_options(
            context, run.target, find_target(context.settings, run.target)
        )
        options = with_field_orders(conn, options, destination.system)
        notes = _claim_notes(_Desk(conn, context, person, now, options), free, alone)
        if not notes:
            return None
        _record_views(conn, person, run_id, [item for note in notes for item, _ in note])
        # Who has the list on the screen needs no file.
        if run_id in runs.list_undelivered_runs(conn):
            runs.save_delivery(conn, run_id, person.login, now)
        entries = tuple(_build_entry(conn, person, note, options) for note in notes)
    records_shown = [item.record for _, item in notes[0]]
    has_several_clients = len({record.client.pid for record in records_shown}) > 1
    return ClientToKeyIn(records_shown[0].client, entries, has_several_clients)


def _claim_notes(desk: _Desk, free: Sequence[RunItem], alone: Collection[str]) -> list[_Claimed]:
    """Claim all notes of the first client, or the first sheet of several clients."""
    left = list(free)
    first = _claim_note(desk, left, alone)
    if not first:
        return []
    item = first[0][1]
    if not item.record.client.pid or is_sheet_of_several(item, desk.options):
        return [first]
    # The client's other notes, but no sheet that has other clients too.
    heads = load_heads(desk.conn, desk.context.forms, [one.entry_id for one in left])
    own = [one for one in left if heads[one.entry_id].pid == item.record.client.pid]
    notes = [first]
    while note := _claim_note(desk, own, alone, of=item):
        notes.append(note)
    return notes


def _claim_note(
    desk: _Desk, left: list[RunItem], alone: Collection[str], of: Item | None = None
) -> _Claimed:
    """Claim the first entry that can be had, with the rows of its sheet that are one note with it.

    What is looked at is taken from `left`. With `of` only notes of that entry's client.
    """
    while left:
        claim = left.pop(0)
        item = desk.load(claim)
        is_other = of is not None and (
            item.record.client.pid != of.record.client.pid
            or is_sheet_of_several(item, desk.options)
        )
        if is_other or not desk.claim(claim):
            continue
        note = [(claim, item)]
        if claim.entry_id not in alone and item.record.row is not None:
            note += _claim_rows(desk, item, [one for one in left if one.entry_id not in alone])
        left[:] = [one for one in left if one not in [row for row, _ in note]]
        return note
    return []


def _claim_rows(desk: _Desk, first: Item, further: Sequence[RunItem]) -> _Claimed:
    """Claim the further rows that are keyed in with the first item of a sheet."""
    same_sheet = f"{first.record.entry_id.rpartition('-')[0]}-"
    rows = []
    for claim in further:
        if not claim.entry_id.startswith(same_sheet):
            continue
        item = desk.load(claim)
        if is_keyed_with(first, item, desk.options) and desk.claim(claim):
            rows.append((claim, item))
    return rows


def _record_views(
    conn: Connection, person: Person, run_id: str, items: Sequence[RunItem], **how: bool
) -> None:
    """Record that a person sees what is to be keyed in of these entries."""
    for item in items:
        events.record(
            conn,
            person.login,
            "view_key_in",
            item.entry_id,
            unit=item.unit,
            run=run_id,
            revision=item.revision,
            **how,
        )


def record_codes(
    context: ExportContext, person: Person, run_id: str, entry_ids: Collection[str]
) -> None:
    """Record that the codes of these entries are shown, before they are.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
    """
    with context.store.begin() as conn:
        require_run(conn, person, run_id, Action.RECEIPT)
        require_visible_entries(conn, person, sorted(entry_ids))
        items = run_items.list_run_items(conn, run_id)
        shown = [item for item in items if item.entry_id in entry_ids]
        _record_views(conn, person, run_id, shown, code=True)


def _build_entry(
    conn: Connection, person: Person, note: _Claimed, options: ExportOptions
) -> EntryToKeyIn:
    (claim, first), *others = note
    previous_client, possible_clients = _earlier_clients(conn, person, first)
    return EntryToKeyIn(
        claim,
        build_sheet_block([item for _, item in note], options),
        previous_client=previous_client,
        possible_clients=possible_clients,
        is_void=first.record.voided is not None,
        others=tuple(other for other, _ in others),
        duties=tuple(duty_lines(first.record, utc_now())),
    )


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


def count_held_back(
    context: ExportContext, person: Person, list_name: tuple[str, Destination]
) -> int:
    """Count the entries of a list that wait until a person decides whether they are keyed in.

    Errors as `claim_next_client`.
    """
    with context.store.read() as conn:
        require_run(conn, person, list_name[0], Action.RECEIPT)
        waiting = _list_items(conn, context, person, list_name)
        return len(_find_possible_matches(conn, context, waiting))


def _list_items(
    conn: Connection, context: ExportContext, person: Person, list_name: tuple[str, Destination]
) -> list[RunItem]:
    """Return the waiting entries of one list."""
    run_id, destination = list_name
    waiting = _waiting_items(conn, person, run_id)
    heads = load_heads(conn, context.forms, [item.entry_id for item in waiting])
    run = runs.find_run(conn, run_id)
    place = route_place(conn, run.route) if run else ("", "")
    return [item for item in waiting if _destination(heads, item.entry_id, place) == destination]


def _waiting_items(conn: Connection, person: Person, run_id: str) -> list[RunItem]:
    """Return the entries of a run that are neither answered, signed for nor out of date."""
    signed = list_signed(conn, run_id)
    return [
        item
        for item in run_items.list_visible_items(conn, person, run_id)
        if item.accepted is None
        and item.is_current
        and (item.entry_id, item.revision) not in signed
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
        replace(record, revision=run_item.route_revision),
        previous.get(run_item.entry_id),
    )
