"""Approvals of payments (attest): two persons, other than those who confirmed the entry, each of
what stands there now.

A payment may be made once. So an approval holds for the very answers that were seen: a
correction leaves none standing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import ReviewError, StaleDecisionError
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.domain.record import Stamp
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import DECIDED_STATES, OPEN_STATES, Entry, load_entry
from pipeline.store.event_log import events
from pipeline.store.schema import paper
from pipeline.store.schema.exports import payment_approval

APPROVALS_NEEDED = 2
_MAX_IDS = 500
_is_active = payment_approval.c.undone_at.is_(None)
_APPROVABLE_STATES = frozenset({EntryState.CONFIRMED, EntryState.SIGNED})


def latest_decisions(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    """The latest decision on the sheet of each entry: what an approval is of, since its sum is that
    of all rows.
    """
    found: dict[str, int] = {}
    table, own, row = paper.decision.c, paper.entry, paper.entry.alias()
    for part in (
        entry_ids[start : start + _MAX_IDS] for start in range(0, len(entry_ids), _MAX_IDS)
    ):
        query = (
            select(own.c.id, func.max(table.id))
            .join(row, row.c.sheet == own.c.sheet)
            .join(paper.decision, table.entry == row.c.id)
        )
        query = query.where(own.c.id.in_(part)).group_by(own.c.id)
        found |= {row[0]: int(row[1]) for row in conn.execute(query)}
    return found


def list_approvals(conn: Connection, entry_ids: Sequence[str]) -> dict[str, list[Stamp]]:
    """The approvals that stand for what each entry says now, by login, oldest first: none where a
    row of its sheet is undecided (again).
    """
    now, rows, found = (
        latest_decisions(conn, entry_ids),
        _sum_rows_digests(conn, entry_ids),
        defaultdict[str, list[Stamp]](list),
    )
    for part in (
        entry_ids[start : start + _MAX_IDS] for start in range(0, len(entry_ids), _MAX_IDS)
    ):
        query = (
            select(payment_approval)
            .where(payment_approval.c.entry.in_(part), _is_active)
            .order_by(payment_approval.c.id)
        )
        for row in conn.execute(query):
            if row.entry in rows and (row.seen, row.rows_sha256) == (
                now.get(row.entry),
                rows[row.entry],
            ):
                found[row.entry].append(Stamp(row.at, row.by))
    return found


def _sum_rows_digests(conn: Connection, entry_ids: Sequence[str]) -> dict[str, str]:
    """A digest of the rows that count for the sum of each entry's sheet, none where one is
    undecided. No decision tells that a row was put aside or taken up again, and no clock tells
    whether that was before an approval.
    """
    settled = (
        sheet.decided
        for sheet in load_payment_sheets(conn, entry_ids)
        if not sheet.has_open_entries
    )
    return {
        entry_id: hashlib.sha256("\n".join(rows).encode()).hexdigest()
        for rows in settled
        for entry_id in rows
    }


@dataclass(frozen=True, slots=True)
class PaymentSheet:
    """The entries of a sheet that count for its sum, and whether some of its entries are still to
    be decided.
    """

    decided: tuple[str, ...]
    has_open_entries: bool


def list_payable(conn: Connection, person: Person, forms: Collection[str]) -> list[str]:
    """Ids of the confirmed entries on these forms that the person may approve payments of, in the
    order of their sheets and rows.

    Raises:
        NotAllowedError: the person may not approve payments.
    """
    permissions.require_permission(person, Action.APPROVE_PAYMENT)
    table = paper.entry.c
    state = table.state.in_([each.value for each in _APPROVABLE_STATES])
    query = select(table.id).where(
        state,
        table.form.in_(sorted(forms)),
        table.voided.is_(None),
        visibility.visible_entries_condition(conn, person),
    )
    return list(conn.execute(query.order_by(table.sheet, table.row, table.id)).scalars())


def recently_viewed_payments(conn: Connection, login: str, since: datetime) -> set[str]:
    """The entries whose payment somebody has looked at since a moment, by the log."""
    event = paper.event.c
    query = select(event.subject).where(
        event.at >= since, event.by == login, event.action == "view_payment"
    )
    return set(conn.execute(query).scalars())


def load_payment_sheets(conn: Connection, entry_ids: Sequence[str]) -> list[PaymentSheet]:
    """The sheets that these entries stand on, with all their entries but the rejected."""
    table, found = paper.entry.c, defaultdict[str, dict[str, str]](dict)
    for part in (
        entry_ids[start : start + _MAX_IDS] for start in range(0, len(entry_ids), _MAX_IDS)
    ):
        sheets = select(table.sheet).where(table.id.in_(part))
        query = select(table.sheet, table.id, table.state).where(
            table.sheet.in_(sheets), table.state != EntryState.REJECTED.value
        )
        for row in conn.execute(query):
            found[row.sheet][row.id] = row.state
    return [_build_payment_sheet(rows) for rows in found.values()]


def _build_payment_sheet(rows: Mapping[str, str]) -> PaymentSheet:
    decided = tuple(sorted(entry_id for entry_id, state in rows.items() if state in DECIDED_STATES))
    return PaymentSheet(decided, any(state in OPEN_STATES for state in rows.values()))


def save_approval(
    conn: Connection, person: Person, entry_id: str, seen: int, now: datetime
) -> None:
    """Approve one payment as it stood when `seen` was its latest decision.

    Raises:
        NotAllowedError: the person may not approve payments, or not this one.
        StaleDecisionError: the entry says something else by now.
        ReviewError: it is not confirmed, is void, or the person has confirmed, signed or
        approved it already; or two have.
    """
    found = _lock_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.APPROVE_PAYMENT, found)
    if latest_decisions(conn, [entry_id]).get(entry_id) != seen:
        raise StaleDecisionError("entry_changed", entry_id=entry_id)
    if found.state not in _APPROVABLE_STATES or found.voided is not None:
        raise ReviewError("entry_not_confirmed_exported_void", entry_id=entry_id)
    standing = list_approvals(conn, [entry_id]).get(entry_id, [])
    if person.login in _involved_logins(found) | {stamp.by for stamp in standing}:
        raise ReviewError("you_confirmed_approved_payment_already")
    if len(standing) >= APPROVALS_NEEDED:
        raise ReviewError("two_persons_approved_payment")
    overtaken = update(payment_approval).where(
        payment_approval.c.entry == entry_id, payment_approval.c.by == person.login, _is_active
    )
    conn.execute(overtaken.values(undone_at=now))
    rows = _sum_rows_digests(conn, [entry_id]).get(entry_id)
    conn.execute(
        insert(payment_approval).values(
            entry=entry_id, seen=seen, by=person.login, at=now, rows_sha256=rows
        )
    )
    events.record(
        conn, person.login, "approve_payment", entry_id, unit=found.unit, number=len(standing) + 1
    )


def withdraw_approval(conn: Connection, person: Person, entry_id: str, now: datetime) -> None:
    """Take back the person's own approval, as long as the payment is in no file.

    Raises:
        NotAllowedError: the person may not approve payments, or not this one.
        ReviewError: there is none, or the payment has been exported.
    """
    found = _lock_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.APPROVE_PAYMENT, found)
    own = update(payment_approval).where(
        payment_approval.c.entry == entry_id, payment_approval.c.by == person.login, _is_active
    )
    if (
        found.state not in _APPROVABLE_STATES
        or not conn.execute(own.values(undone_at=now)).rowcount
    ):
        raise ReviewError("no_approval_yours_can_taken")
    events.record(conn, person.login, "take_back_payment_approval", entry_id, unit=found.unit)


def _lock_entry(conn: Connection, entry_id: str) -> Entry:
    """The entry, kept from being exported or changed until the transaction ends."""
    conn.execute(select(paper.entry.c.id).where(paper.entry.c.id == entry_id).with_for_update())
    return load_entry(conn, entry_id)


def _involved_logins(entry: Entry) -> set[str]:
    return {login for login in (entry.first_by, entry.second_by, entry.signed_by) if login}
