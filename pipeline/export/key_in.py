"""Keying in, one entry at a time: for systems that have no import, the list on a screen. A tick is the entry's receipt.

An entry is shown to one person at a time (`store/key_in_claims.py`), so that nobody keys in what another has on the screen. What became of it is
a receipt like any other (`receipts.give_receipts`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.access import Action, require
from pipeline.export.candidates import with_carried
from pipeline.export.clashes import held
from pipeline.export.exporter import Item
from pipeline.export.key_in_block import Block, block
from pipeline.export.run_files import open_run
from pipeline.export.runs import Office, find_target, terms_of
from pipeline.model import Client, Person
from pipeline.record import Run
from pipeline.store import events, export_runs, exports, key_in_claims, records, registers
from pipeline.store.exports import Connection, RunItem

TARGET = "skriv-in"
CLAIM_MINUTES = 20.0
"""How long an entry is kept for a person who does nothing."""


@dataclass(frozen=True, slots=True)
class KeyInList:
    """A list with entries that nobody has keyed in. `entries` leaves out what was corrected before anybody keyed it in: a newer list has that.

    `hidden` more of them the person may not see.
    """

    run: Run
    entries: int
    waiting: int
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry to key in. `others` are entries of the run that are being keyed in by others. `first` is the client under whom it was keyed in
    before it was moved to this one: there it has to be made void. `perhaps` are those of lists that nobody has ticked: it may stand there too.
    A `void` entry is to be made void here too, and keyed in nowhere."""

    item: RunItem
    client: Client
    block: Block
    others: int
    first: Client | None = None
    perhaps: tuple[Client, ...] = ()
    void: bool = False


def waiting_runs(office: Office, person: Person) -> list[KeyInList]:
    """Lists with entries that nobody has keyed in, oldest first.

    Raises:
        NotAllowedError: the person does not give receipts.
    """
    with office.store.read() as conn:
        require(person, Action.RECEIPT)
        found = [status for status in reversed(export_runs.runs_within(conn, person)) if status.run.target == TARGET and status.waiting]
        lists = [(status, len(_waiting(conn, person, status.run.id))) for status in found]
    return [KeyInList(status.run, status.accepted + status.refused + waiting, waiting, status.hidden) for status, waiting in lists if waiting]


def next_entry(office: Office, person: Person, run_id: str, now: datetime, skipped: Collection[str] = ()) -> Shown | None:
    """Take the first entry of a list that waits, that nobody else has and that is not among the skipped; None if there is none.

    The person lets go of any other. What may be in the other system already is left out until somebody has decided (`held_back`).

    Raises:
        NotAllowedError: the person may not receipt, or see none of what the run holds.
        ExportError: there is no such run.
    """
    with office.store.begin() as conn:
        run = open_run(conn, person, run_id, Action.RECEIPT)
        waiting = _waiting(conn, person, run_id)
        maybe_there = _maybe_there(conn, office, waiting)
        key_in_claims.let_go(conn, person.login)
        others = key_in_claims.taken_by_others(conn, person.login, now)
        left_out = {*skipped, *maybe_there}
        free = (item for item in waiting if item.entry_id not in left_out and (item.entry_id, item.revision) not in others)
        taken = next((i for i in free if key_in_claims.take(conn, person.login, i.entry_id, i.revision, now, CLAIM_MINUTES)), None)
        if taken is None:
            return None
        events.record(conn, person.login, "view_key_in", taken.entry_id, unit=taken.unit, run=run_id, revision=taken.revision)
        item = _item(conn, office, taken)
        carried, unsure = (item.amends.carried, item.amends.perhaps) if item.amends else (None, ())
        first = registers.shown_client(conn, carried.client, person) if carried else None
        perhaps = tuple(registers.shown_client(conn, each.client, person) for each in unsure)
    terms = terms_of(office, run.target, find_target(run.target))
    being_keyed = sum((i.entry_id, i.revision) in others for i in waiting)
    return Shown(taken, item.record.client, block(item, terms), being_keyed, first, perhaps, item.record.voided is not None)


def held_back(office: Office, person: Person, run_id: str) -> int:
    """How many entries of a list are not keyed in until somebody has decided whether they are in the other system already. Errors as `next_entry`."""
    with office.store.read() as conn:
        open_run(conn, person, run_id, Action.RECEIPT)
        return len(_maybe_there(conn, office, _waiting(conn, person, run_id)))


def _waiting(conn: Connection, person: Person, run_id: str) -> list[RunItem]:
    return [item for item in exports.visible_items(conn, person, run_id) if item.accepted is None and item.current]


def _maybe_there(conn: Connection, office: Office, waiting: Sequence[RunItem]) -> frozenset[str]:
    return held(conn, office.forms, [item.entry_id for item in waiting], office.settings.clash_minutes)


def _item(conn: Connection, office: Office, taken: RunItem) -> Item:
    (record,) = records.records(conn, office.forms, [taken.entry_id])
    earlier = exports.earlier_than(conn, taken.entry_id, taken.revision)
    before = with_carried(conn, office.forms, [record], {taken.entry_id: earlier} if earlier else {})
    return Item(taken.number, replace(record, revision=taken.revision), before.get(taken.entry_id))
