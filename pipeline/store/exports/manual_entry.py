"""Keying in by hand: claims, copied values, the order of fields, and signatures.

One person at a time has an entry. It is claimed by a single statement, and the claim expires.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import EntryChange
from pipeline.domain.review.rules import record_area
from pipeline.store.accounts.people import names_by_login
from pipeline.store.database.engines import upsert_where
from pipeline.store.event_log.events import record
from pipeline.store.exports.records import load_answers
from pipeline.store.exports.run_items import RunItem
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.clock import has_lapsed, is_claimed
from pipeline.store.schema.exports import (
    key_in_claim,
    key_in_copy,
    key_in_order,
    key_in_signature,
    receipt,
)
from pipeline.store.schema.id_chunks import chunk_ids, rows_of_ids
from pipeline.store.schema.paper import entry


def claim_entry(
    conn: Connection, login: str, entry_id: str, revision: int, now: datetime, minutes: float
) -> bool:
    """Claim an entry's revision; return whether the person has it now.

    That is so if nobody had it, another person's claim has expired, or the person has it already.
    """
    row = {
        "entry": entry_id,
        "revision": revision,
        "by": login,
        "until": now + timedelta(minutes=minutes),
    }
    # The person's own claim is renewed; another's is replaced once it has expired
    is_free = or_(key_in_claim.c.by == login, has_lapsed(key_in_claim.c.until, now))
    return upsert_where(conn, key_in_claim, row, is_free)


def release_claims(conn: Connection, login: str) -> None:
    """Release all claims of the person."""
    conn.execute(delete(key_in_claim).where(key_in_claim.c.by == login))


def list_claimed_by_others(conn: Connection, login: str, now: datetime) -> set[tuple[str, int]]:
    """Return the entries and revisions that other persons are keying."""
    claim = key_in_claim.c
    # Claims of others that have not expired
    query = select(claim.entry, claim.revision).where(
        claim.by != login, is_claimed(claim.until, now)
    )
    return {(row.entry, row.revision) for row in conn.execute(query)}


# What became of entries of a run since it was made, for whoever is keying them in.


def find_changes(conn: Connection, items: Sequence[RunItem]) -> list[EntryChange]:
    """Return who voided, corrected, rejected or sent back which of these items, and when.

    An item that is still the state of its entry, or that its system has accepted, is left out.
    """
    names = names_by_login(conn)
    changes = []
    for item in items:
        if item.accepted or (item.is_current and item.accepted is None):
            continue
        kind, by, at = _find_change(conn, item)
        changes.append(EntryChange(item.number, item.entry_id, kind, names.get(by, by), at))
    return changes


def _find_change(conn: Connection, item: RunItem) -> tuple[str, str, datetime | None]:
    if item.accepted is False:
        is_answer = and_(receipt.c.entry == item.entry_id, receipt.c.revision == item.revision)
        answer = conn.execute(select(receipt.c.by, receipt.c.at).where(is_answer)).one()
        return "refused", answer.by, answer.at
    row = conn.execute(select(entry).where(entry.c.id == item.entry_id)).one()
    if row.state == EntryState.REJECTED.value and row.voided is None and row.second_by:
        return "rejected", row.second_by, row.second_at
    kind = (
        "voided"
        if row.voided is not None
        else "rejected"
        if row.state == EntryState.REJECTED.value
        else "corrected"
    )
    return kind, row.first_by or "", row.first_at


# Which values of entries were copied for another system, by whom and when; never a value itself.
#
# A value has the name of its field. Rows are only added: one for each value and person.

PART_CHARS = 200
"""The most characters of a part's name."""
_copies = key_in_copy.c


@dataclass(frozen=True, slots=True)
class CopiedPart:
    """A value of an entry's export (`revision`) that a person copied."""

    entry_id: str
    revision: int
    part: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Keying:
    """A person who has an entry on the screen now (`at` is None), or copied from it at a moment."""

    by: str
    at: datetime | None = None


def save_copies(
    conn: Connection,
    login: str,
    copied: Mapping[tuple[str, int], Sequence[str]],
    now: datetime,
) -> None:
    """Store which values of entries (id, revision) a person has copied; known ones are left."""
    known = {
        (copy.entry_id, copy.revision, copy.part)
        for copy in list_copies(conn, [entry_id for entry_id, _ in copied])
        if copy.by == login
    }
    rows = [
        {"entry": entry_id, "revision": revision, "part": part, "by": login, "at": now}
        for (entry_id, revision), parts in copied.items()
        for part in dict.fromkeys(part[:PART_CHARS] for part in parts)
        if (entry_id, revision, part) not in known
    ]
    if rows:
        conn.execute(insert(key_in_copy), rows)


def list_copies(conn: Connection, entry_ids: Sequence[str]) -> list[CopiedPart]:
    """Return what was copied of these entries, oldest first."""
    columns = (_copies.entry, _copies.revision, _copies.part, _copies.by, _copies.at)
    query = select(*columns).order_by(_copies.id)
    return [CopiedPart(*row) for row in rows_of_ids(conn, query, _copies.entry, entry_ids)]


def list_keying(conn: Connection, entry_id: str, login: str, now: datetime) -> list[Keying]:
    """Return who else than `login` has an entry on the screen, and who copied from it.

    What its system has answered is left out: what is copied then was also ticked or refused.
    """
    claim = key_in_claim.c
    held = select(claim.by).where(
        claim.entry == entry_id, claim.by != login, is_claimed(claim.until, now)
    )
    answered = exists().where(
        and_(receipt.c.entry == _copies.entry, receipt.c.revision == _copies.revision)
    )
    latest = func.max(_copies.at)
    copied = (
        select(_copies.by, latest.label("at"))
        .where(_copies.entry == entry_id, _copies.by != login, ~answered)
        .group_by(_copies.by)
        .order_by(latest)
    )
    return [
        *(Keying(row.by) for row in conn.execute(held.distinct())),
        *(Keying(row.by, row.at) for row in conn.execute(copied)),
    ]


# The order in which each receiving system asks for a form's fields, as an administrator set it.


@dataclass(frozen=True, slots=True)
class FieldOrder:
    """The names of fields that the system has fields of its own for, and those of its note."""

    own: tuple[str, ...]
    note: tuple[str, ...]


def load_orders(conn: Connection, system: str) -> dict[str, FieldOrder]:
    """Return the order of each form that was set for a system, by form id."""
    table = key_in_order.c
    # In the order of their ids, so that later orders replace earlier ones
    query = select(table.form, table.own, table.note).where(table.system == system)
    return {
        row.form: FieldOrder(tuple(row.own), tuple(row.note))
        for row in conn.execute(query.order_by(table.id))
    }


def save_order(
    conn: Connection,
    person: Person,
    where: tuple[str, str],
    order: FieldOrder,
    now: datetime,
) -> None:
    """Set the order of a form's fields for a system.

    Args:
        where: the system's name, and the form's id.

    Raises:
        NotAllowedError: the person does not keep the tables of the office.
    """
    require_permission(person, Action.OFFICE)
    system, form = where
    values: dict[str, str | Sequence[str] | datetime] = {
        "system": system,
        "form": form,
        "own": list(order.own),
        "note": list(order.note),
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(key_in_order).values(values))
    record(conn, person.login, "key_in_order", form, system=system, own=len(order.own))


# What decides on which list an entry is keyed in: its form, area of law and client.


@dataclass(frozen=True, slots=True)
class EntryHead:
    """The form, the area of law and the client's number of an entry; the number may be empty.

    `urgency` is its level of triage and then its deadline, as the queue orders it.
    """

    form: str
    area: str
    pid: str
    urgency: tuple[int, str]


def load_heads(conn: Connection, forms: Forms, entry_ids: Sequence[str]) -> dict[str, EntryHead]:
    """Return the head of each of these entries."""
    heads: dict[str, EntryHead] = {}
    areas, table = areas_by_unit(conn), entry.c
    columns = (
        *(table.id, table.form, table.version, table.area, table.unit, table.client_pid),
        *(table.lane, table.due_on),
    )
    for part in chunk_ids(entry_ids):
        rows = conn.execute(select(*columns).where(table.id.in_(part))).all()
        # A screen asks for this at each drawing: the answers of other forms are not needed
        answers = load_answers(
            conn,
            [
                row.id
                for row in rows
                if (known := forms.get((row.form, row.version))) and known.rules.areas
            ],
            {},
        )
        for row in rows:
            form = forms.get((row.form, row.version))
            area = row.area or areas.get(row.unit) or (form.area.value if form else "")
            area = record_area(form, answers[row.id], area) if form else area
            urgency = (row.lane, row.due_on)
            heads[row.id] = EntryHead(row.form, area, row.client_pid or "", urgency)
    return heads


# Signatures that a client's entries are keyed in, until they have become receipts.
#
# A signature can be undone for some minutes. Then each of its entries gets its receipt, which is
# final.

_signatures = key_in_signature.c
_IS_OPEN = and_(_signatures.undone_at.is_(None), _signatures.settled_at.is_(None))
"""The condition that a signature can be undone, and its entries have no receipt by it."""


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry of a run that a person has signed as keyed in."""

    run: str
    entry_id: str
    revision: int
    by: str
    at: datetime


def save_signature(
    conn: Connection,
    login: str,
    run_id: str,
    revisions: Sequence[tuple[str, int]],
    now: datetime,
) -> str:
    """Store that these entries are keyed in, and return the name of the press.

    An entry's revision has one signature at a time: the database refuses a second (StoreError).
    """
    turn = secrets.token_hex(8)
    rows = [
        {
            "turn": turn,
            "run": run_id,
            "entry": entry_id,
            "revision": revision,
            "by": login,
            "at": now,
        }
        for entry_id, revision in revisions
    ]
    conn.execute(insert(key_in_signature), rows)
    return turn


def list_signed(conn: Connection, run_id: str) -> set[tuple[str, int]]:
    """Return the entries and revisions of a run that are signed, with or without a receipt."""
    query = select(_signatures.entry, _signatures.revision).where(
        _signatures.run == run_id, _signatures.undone_at.is_(None)
    )
    return {(row.entry, row.revision) for row in conn.execute(query)}


def list_open_turn(conn: Connection, login: str) -> tuple[str, list[SignedEntry]]:
    """Return the person's latest press that can be undone, with its entries; or none."""
    own = (_signatures.by == login) & _IS_OPEN
    latest = select(_signatures.turn).where(own).order_by(_signatures.id.desc()).limit(1)
    turn = conn.execute(latest).scalar_one_or_none() or ""
    return turn, _load_signed(conn, _signatures.turn == turn) if turn else []


def undo_turn(conn: Connection, login: str, turn: str, now: datetime) -> int:
    """End the person's signatures of a press, and return how many entries wait again."""
    open_rows = update(key_in_signature).where(
        _signatures.turn == turn, _signatures.by == login, _IS_OPEN
    )
    return conn.execute(open_rows.values(undone_at=now)).rowcount


def has_due(conn: Connection, before: datetime) -> bool:
    """Return whether there are open signatures from before a moment."""
    query = select(_signatures.id).where(_signatures.at <= before, _IS_OPEN).limit(1)
    return conn.execute(query).first() is not None


def take_due(conn: Connection, before: datetime) -> list[SignedEntry]:
    """Return the open signatures from before a moment, oldest first, and lock them."""
    return _load_signed(conn, _signatures.at <= before, lock=True)


def mark_settled(conn: Connection, revisions: Collection[tuple[str, int]], now: datetime) -> None:
    """Store that these entries have their receipts: their signatures are final."""
    for entry_id, revision in revisions:
        is_one = (_signatures.entry == entry_id) & (_signatures.revision == revision)
        conn.execute(update(key_in_signature).where(is_one, _IS_OPEN).values(settled_at=now))


def _load_signed(
    conn: Connection, condition: ColumnElement[bool], *, lock: bool = False
) -> list[SignedEntry]:
    query = select(
        _signatures.run, _signatures.entry, _signatures.revision, _signatures.by, _signatures.at
    )
    query = query.where(condition, _IS_OPEN).order_by(_signatures.id)
    rows = conn.execute(query.with_for_update() if lock else query)
    return [SignedEntry(*row) for row in rows]
