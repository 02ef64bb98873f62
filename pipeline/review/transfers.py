"""Transfers: entries that belong to another unit are sent there and reviewed in its queue.

The sender sees what became of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import EntriesPer, Forms
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import (
    OPEN_STATES,
    UNDECIDED_VALUES,
    Entry,
    advance_entry,
    entry_form,
    is_claimed_by_other,
    is_part_of_page,
    load_entry,
    load_entry_as_seen,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.entries.queue_order import apply_priorities
from pipeline.store.entries.triage import sort_entry
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import list_sheet_pages
from pipeline.store.paper.protected_identity import find_hidden_pids, find_sheet_pids
from pipeline.store.registers.client_register import areas_by_unit, load_client
from pipeline.store.review.transferred import (
    add_transfer,
    find_last_transfer,
    is_untouched_since_transfer,
    move_sheet_pages,
)


def transfer_entry(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    to_unit: str,
    reason: str,
    now: datetime,
    *,
    secret: bool = False,
) -> None:
    """Send an undecided or rejected entry to the unit that it belongs to.

    A sheet of one entry is sent with its pages, a row alone. The sender is not told the unit of a
    `secret` transfer.

    Raises:
        NotAllowedError: the person does not send from this unit.
        StaleDecisionError: the entry has changed, or is decided, or another person has it open.
        ReviewError: there is no such other unit.
    """
    states = OPEN_STATES | {EntryState.REJECTED}
    entry = load_entry_as_seen(conn, person, entry_id, revision, states, Action.FORWARD)
    if entry.voided is not None or is_claimed_by_other(entry, person, now):
        raise stale_decision_error()
    if to_unit not in areas_by_unit(conn) or to_unit == entry.unit:
        raise ReviewError("no_such_other_unit")
    _move_to_unit(conn, forms, entry, to_unit)
    # The reason is stored for the sender's list.
    row = {
        "entry": entry.id,
        "from_unit": entry.unit,
        "to_unit": to_unit,
        "why": reason.strip()[:300],
        "secret": secret,
        "by": person.login,
        "at": now,
    }
    add_transfer(conn, row)
    record(conn, person.login, "forward", entry.id, unit=entry.unit)


def transfer_protected_entry(
    conn: Connection, forms: Forms, person: Person, entry_id: str, revision: int, now: datetime
) -> None:
    """Send an entry of a protected client to the unit that can see the client.

    The person, who may not see the identity, is not told which unit that is.

    Raises:
        NotAllowedError, StaleDecisionError: as `transfer_entry`.
        ReviewError: no client with a protected identity is known or read on the sheet.
    """
    entry = load_visible_entry(conn, person, Action.FORWARD, entry_id)
    # The numbers of the entry, its row and the whole sheet that are hidden from the person.
    sheet_pids = find_sheet_pids(
        conn, entry_form(forms, entry), list_sheet_pages(conn, entry.sheet)
    )
    numbers = [
        entry.client_pid,
        *(number for row, number in sheet_pids if row in (entry.row, None)),
    ]
    hidden = find_hidden_pids(conn, person, numbers)
    # The first of these clients who is registered.
    client = next(
        (
            candidate
            for number in numbers
            if number in hidden and (candidate := load_client(conn, number))
        ),
        None,
    )
    if client is None or client.unit == entry.unit:
        raise ReviewError("entry_client_hidden")
    transfer_entry(conn, forms, person, entry_id, revision, client.unit, "", now, secret=True)


def take_back_transfer(
    conn: Connection, forms: Forms, person: Person, entry_id: str, now: datetime
) -> None:
    """Take an entry back from the unit that it was sent to last, with which nothing was done there.

    Raises:
        NotAllowedError: the person does not send from the unit that it came from.
        ReviewError: it was not sent, or somebody there has it open or has begun with it.
    """
    entry = load_entry(conn, entry_id)
    # The latest transfer of the entry
    sent = find_last_transfer(conn, entry_id)
    here = entry if sent is None else replace(entry, unit=sent.from_unit)
    visibility.require_visible_entry(conn, person, Action.FORWARD, here)
    if sent is None or sent.secret or entry.unit != sent.to_unit:
        raise ReviewError("nothing_to_take_back")
    if is_claimed_by_other(entry, person, now) or not is_untouched_since_transfer(conn, entry):
        raise ReviewError("other_unit_has_begun")
    _move_to_unit(conn, forms, entry, sent.from_unit)
    record(conn, person.login, "undo", entry.id, unit=sent.from_unit)


def _move_to_unit(conn: Connection, forms: Forms, entry: Entry, unit: str) -> None:
    """Put an undecided entry into the queue of a unit, with its pages if it is alone on them."""
    advance_entry(conn, entry, **UNDECIDED_VALUES, unit=unit, skipped=0)
    if entry_form(forms, entry).entries is EntriesPer.SHEET and not is_part_of_page(entry):
        move_sheet_pages(conn, entry.sheet, unit)
    apply_priorities(conn, entry.sheet)
    sort_entry(conn, forms, entry.id)


def list_transfer_units(conn: Connection, entry: Entry) -> list[str]:
    """Return the units that an entry can be sent to."""
    return [unit for unit in areas_by_unit(conn) if unit != entry.unit]
