"""Approvals of payments (attest) by two persons who have not confirmed the entry.

A payment may be made once, so an approval holds only for the answers that were seen: a correction
invalidates all approvals.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from pipeline.domain.errors import ReviewError, StaleDecisionError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import Stamp
from pipeline.store.accounts import visibility
from pipeline.store.accounts.visibility import is_same_person
from pipeline.store.entries.entry import DECIDED_STATES, OPEN_STATES, Entry, load_entry
from pipeline.store.event_log import events
from pipeline.store.schema import paper
from pipeline.store.schema.exports import payment_approval
from pipeline.store.schema.id_chunks import chunk_ids, rows_of_ids

APPROVALS_NEEDED = 2
_APPROVABLE_STATES = frozenset({EntryState.CONFIRMED, EntryState.SIGNED})

_is_active = payment_approval.c.undone_at.is_(None)


@dataclass(frozen=True, slots=True)
class PaymentSheet:
    """The entries of a sheet that count for its sum, and whether some are undecided."""

    decided: tuple[str, ...]
    has_open_entries: bool


def latest_decisions(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    """Return the latest decision (id) on the sheet of each entry.

    An approval is of this decision, since the sum of a sheet is that of all its rows.
    """
    decision, entry, sheet_entry = paper.decision.c, paper.entry, paper.entry.alias()
    # Decisions on all entries of the same sheet
    query = (
        select(entry.c.id, func.max(decision.id))
        .join(sheet_entry, sheet_entry.c.sheet == entry.c.sheet)
        .join(paper.decision, decision.entry == sheet_entry.c.id)
        .group_by(entry.c.id)
    )
    return {row[0]: int(row[1]) for row in rows_of_ids(conn, query, entry.c.id, entry_ids)}


def list_approvals(conn: Connection, entry_ids: Sequence[str]) -> dict[str, list[Stamp]]:
    """Return the approvals by entry that hold for its present content, as logins, oldest first.

    None holds while a row of the entry's sheet is undecided.
    """
    decisions = latest_decisions(conn, entry_ids)
    row_digests = _sum_rows_digests(conn, entry_ids)
    approvals = defaultdict[str, list[Stamp]](list)
    # Approvals that were neither withdrawn nor replaced
    query = select(payment_approval).where(_is_active).order_by(payment_approval.c.id)
    for row in rows_of_ids(conn, query, payment_approval.c.entry, entry_ids):
        # Valid if decisions and counted rows are those that were approved
        if row.entry in row_digests and (row.seen, row.rows_sha256) == (
            decisions.get(row.entry),
            row_digests[row.entry],
        ):
            approvals[row.entry].append(Stamp(row.at, row.by))
    return approvals


def list_payable(
    conn: Connection,
    person: Person,
    forms: Collection[str],
    states: Collection[EntryState] = _APPROVABLE_STATES,
) -> list[str]:
    """Return the ids of confirmed entries whose payment the person may approve, by sheet and row.

    Args:
        forms: the ids of the forms with payments.
        states: those of the entries; all decided ones are also in a file or receipted.

    Raises:
        NotAllowedError: the person may not approve payments.
    """
    permissions.require_permission(person, Action.APPROVE_PAYMENT)
    table = paper.entry.c
    # Visible entries on these forms in one of the states, not void
    query = select(table.id).where(
        table.state.in_([state.value for state in states]),
        table.form.in_(sorted(forms)),
        table.voided.is_(None),
        visibility.visible_entries_condition(conn, person, Action.APPROVE_PAYMENT),
    )
    return list(conn.execute(query.order_by(table.sheet, table.row, table.id)).scalars())


def recently_viewed_payments(conn: Connection, login: str, since: datetime) -> set[str]:
    """Return the entries whose payment a person has viewed since a time, by the log."""
    event = paper.event.c
    # The log has an event for each payment that was shown
    query = select(event.subject).where(
        event.at >= since, event.by == login, event.action == "view_payment"
    )
    return set(conn.execute(query).scalars())


def load_payment_sheets(conn: Connection, entry_ids: Sequence[str]) -> list[PaymentSheet]:
    """Return the sheets of these entries, with all their entries but rejected ones."""
    table, states_by_sheet = paper.entry.c, defaultdict[str, dict[str, str]](dict)
    for part in chunk_ids(entry_ids):
        # All entries on the same sheets; rejected ones do not count for a sum
        sheets = select(table.sheet).where(table.id.in_(part))
        query = select(table.sheet, table.id, table.state).where(
            table.sheet.in_(sheets), table.state != EntryState.REJECTED.value
        )
        for row in conn.execute(query):
            states_by_sheet[row.sheet][row.id] = row.state
    return [_build_payment_sheet(states) for states in states_by_sheet.values()]


def save_approval(
    conn: Connection, person: Person, entry_id: str, last_decision: int, now: datetime
) -> None:
    """Approve one payment as it was when `last_decision` was its sheet's latest one.

    Raises:
        NotAllowedError: the person may not approve payments, or not this one.
        StaleDecisionError: the entry has changed since.
        ReviewError: it is not confirmed, is void, has two approvals, or the person has confirmed,
            signed or approved it already.
    """
    entry = _lock_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.APPROVE_PAYMENT, entry)
    # Approve what the person has seen only
    if latest_decisions(conn, [entry_id]).get(entry_id) != last_decision:
        raise StaleDecisionError("entry_changed", entry_id=entry_id)
    if entry.state not in _APPROVABLE_STATES or entry.voided is not None:
        raise ReviewError("entry_not_exportable", entry_id=entry_id)
    approvals = list_approvals(conn, [entry_id]).get(entry_id, [])
    # Two persons who have not handled the entry have to approve
    if is_same_person(
        conn, person.login, {*_involved_logins(entry), *(stamp.by for stamp in approvals)}
    ):
        raise ReviewError("payment_handled_by_you")
    if len(approvals) >= APPROVALS_NEEDED:
        raise ReviewError("payment_approved_by_two")
    # An approval of earlier content by the same person ends
    outdated = update(payment_approval).where(
        payment_approval.c.entry == entry_id, payment_approval.c.by == person.login, _is_active
    )
    conn.execute(outdated.values(undone_at=now))
    rows_sha256 = _sum_rows_digests(conn, [entry_id]).get(entry_id)
    conn.execute(
        insert(payment_approval).values(
            entry=entry_id, seen=last_decision, by=person.login, at=now, rows_sha256=rows_sha256
        )
    )
    events.record(
        conn, person.login, "approve_payment", entry_id, unit=entry.unit, number=len(approvals) + 1
    )


def withdraw_approval(conn: Connection, person: Person, entry_id: str, now: datetime) -> None:
    """Withdraw the person's own approval, as long as the payment is in no file.

    Raises:
        NotAllowedError: the person may not approve payments, or not this one.
        ReviewError: there is none, or the payment has been exported.
    """
    entry = _lock_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.APPROVE_PAYMENT, entry)
    # The person's active approval of this entry
    own_approval = update(payment_approval).where(
        payment_approval.c.entry == entry_id, payment_approval.c.by == person.login, _is_active
    )
    if (
        entry.state not in _APPROVABLE_STATES
        or not conn.execute(own_approval.values(undone_at=now)).rowcount
    ):
        raise ReviewError("no_approval_to_withdraw")
    events.record(conn, person.login, "take_back_payment_approval", entry_id, unit=entry.unit)


def _sum_rows_digests(conn: Connection, entry_ids: Sequence[str]) -> dict[str, str]:
    """Return by entry a digest of the rows that count for its sheet's sum, if none is undecided.

    A rejection or its withdrawal is not a decision on a field, and no clock tells whether it came
    before an approval, so the rows themselves have to be compared.
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


def _build_payment_sheet(states: Mapping[str, str]) -> PaymentSheet:
    decided = sorted(entry_id for entry_id, state in states.items() if state in DECIDED_STATES)
    return PaymentSheet(tuple(decided), any(state in OPEN_STATES for state in states.values()))


def _lock_entry(conn: Connection, entry_id: str) -> Entry:
    """Return the entry, locked against export and changes until the transaction ends."""
    conn.execute(select(paper.entry.c.id).where(paper.entry.c.id == entry_id).with_for_update())
    return load_entry(conn, entry_id)


def _involved_logins(entry: Entry) -> set[str]:
    """Return who has confirmed or signed the entry."""
    return {login for login in (entry.first_by, entry.second_by, entry.signed_by) if login}
