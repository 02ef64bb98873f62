"""Transfers: entries that belong to another unit are sent there and reviewed in its queue.

The sender sees what became of them.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import EntriesPer
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState
from pipeline.review.session import Review
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


class Transfers(Review):
    """What a person sends to another unit, and takes back from there."""

    def list_units(self, entry: Entry) -> list[str]:
        """Return the units that an entry can be sent to."""
        return [unit for unit in self.store.query(areas_by_unit) if unit != entry.unit]

    def send(self, entry_id: str, revision: int, to_unit: str, reason: str) -> None:
        """Send an undecided or rejected entry to the unit that it belongs to.

        A sheet of one entry is sent with its pages, a row alone.

        Raises:
            NotAllowedError: the person does not send from this unit.
            StaleDecisionError: the entry has changed, or is decided, or another person has it open.
            ReviewError: there is no such other unit.
        """
        self.store.change(self._send, (entry_id, revision), to_unit, reason)

    def send_protected(self, entry_id: str, revision: int) -> None:
        """Send an entry of a protected client to the unit that can see the client.

        The person, who may not see the identity, is not told which unit that is.

        Raises:
            NotAllowedError, StaleDecisionError: as `send`.
            ReviewError: no client with a protected identity is known or read on the sheet.
        """
        with self.store.begin() as conn:
            entry = load_visible_entry(conn, self.person, Action.FORWARD, entry_id)
            # The numbers of the entry, its row and the whole sheet that are hidden from the person.
            sheet_pids = find_sheet_pids(
                conn, entry_form(self.forms, entry), list_sheet_pages(conn, entry.sheet)
            )
            numbers = [
                entry.client_pid,
                *(number for row, number in sheet_pids if row in (entry.row, None)),
            ]
            hidden = find_hidden_pids(conn, self.person, numbers)
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
            self._send(conn, (entry_id, revision), client.unit, secret=True)

    def take_back(self, entry_id: str) -> None:
        """Take an entry back from the unit that got it last and has done nothing with it.

        Raises:
            NotAllowedError: the person does not send from the unit that it came from.
            ReviewError: it was not sent, or somebody there has it open or has begun with it.
        """
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            entry = load_entry(conn, entry_id)
            # The latest transfer of the entry
            sent = find_last_transfer(conn, entry_id)
            here = entry if sent is None else replace(entry, unit=sent.from_unit)
            visibility.require_visible_entry(conn, person, Action.FORWARD, here)
            if sent is None or sent.secret or entry.unit != sent.to_unit:
                raise ReviewError("nothing_to_take_back")
            is_untouched = is_untouched_since_transfer(conn, entry)
            if is_claimed_by_other(entry, person, now) or not is_untouched:
                raise ReviewError("other_unit_has_begun")
            self._move_to_unit(conn, entry, sent.from_unit)
            record(conn, person.login, "undo", entry.id, unit=sent.from_unit)

    def _send(
        self,
        conn: Connection,
        seen: tuple[str, int],
        to_unit: str,
        reason: str = "",
        *,
        secret: bool = False,
    ) -> None:
        """Send an entry; the sender is not told the unit of a `secret` transfer."""
        person, now = self.person, self.clock()
        states = OPEN_STATES | {EntryState.REJECTED}
        entry = load_entry_as_seen(conn, person, seen, states, Action.FORWARD)
        if entry.voided is not None or is_claimed_by_other(entry, person, now):
            raise stale_decision_error()
        if to_unit not in areas_by_unit(conn) or to_unit == entry.unit:
            raise ReviewError("no_such_other_unit")
        self._move_to_unit(conn, entry, to_unit)
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

    def _move_to_unit(self, conn: Connection, entry: Entry, unit: str) -> None:
        """Put an undecided entry into a unit's queue, with its pages if it is alone on them."""
        advance_entry(conn, entry, **UNDECIDED_VALUES, unit=unit, skipped=0)
        if entry_form(self.forms, entry).entries is EntriesPer.SHEET and not is_part_of_page(entry):
            move_sheet_pages(conn, entry.sheet, unit)
        apply_priorities(conn, entry.sheet)
        sort_entry(conn, self.forms, entry.id)
