"""Whose the rows of a list are: the client of each row is in sight as that of an entry is.

Where it has to be typed, the rules are those of an entry: the last four digits, what speaks for and
against the client, and that nothing is saved before the client has been in sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.domain.model import Person
from pipeline.review.rows import SheetRow
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.store.schema.clock import utc_now
from ui.screens.review.client_card import (
    banner_card,
    client_card,
    client_number,
    is_client_seen,
)
from ui.screens.review.workbench.drafts import ask_whole_number, with_whole_number
from ui.screens.review.workbench_state import FieldValue, HeldEntry
from ui.workspace import AppContext

HEAD = "head"
"""Where a field above the rows is, in its name in the browser; one in a row has its entry's id."""


def held_row(row: SheetRow, held: HeldEntry) -> HeldEntry:
    """Return what is known of one row as of an entry: what is typed, and which client is shown."""
    held.memo = held.memo or {}
    its: HeldEntry = held.memo.setdefault(
        row.entry.id, HeldEntry(row.entry.id, row.entry.revision, held.shown_at)
    )
    its.values, its.expanded = _values_in(row, held.values), held.expanded
    return its


def row_client(
    context: AppContext, person: Person, row: SheetRow, held: HeldEntry
) -> dict[str, Any]:
    """Return the client of a row as of an entry, once one is known or typed; empty if none is."""
    if row.client is not None:
        return client_card(row.client)
    clients = banner_card(context, person, row.view, held_row(row, held))["clients"]
    return clients[0] if clients else {}


def is_row_client_seen(row: SheetRow, held: HeldEntry, values: Mapping[str, FieldValue]) -> bool:
    """Return whether the client of the number that was typed in a row has been in sight."""
    its = held_row(row, held)
    number = client_number(row.view, its, _values_in(row, values))
    return row.client is not None or is_client_seen(its, number, utc_now(), MIN_VIEW_TIME)


def complete_row_number(
    context: AppContext,
    person: Person,
    row: SheetRow,
    held: HeldEntry,
    values: Mapping[str, FieldValue],
) -> dict[str, FieldValue]:
    """Return the values with the row's whole number where its last four digits are enough."""
    typed = {"values": _values_in(row, values)}
    whole = with_whole_number(context, person, row.view, held_row(row, held), typed)
    named = {f"{row.entry.id}/{name}": value for name, value in whole["values"].items()}
    return {**values, **{name: value for name, value in named.items() if name in values}}


def ask_row_number(row: SheetRow, held: HeldEntry, left: str) -> None:
    """Ask for all twelve digits if the field `left` is the row's and has four that are not enough.

    `left` is a name in the browser.
    """
    where, _, name = left.partition("/")
    if where == row.entry.id:
        its = held_row(row, held)
        ask_whole_number(row.view, its, {"values": its.values, "left": name})
        held.errors |= {f"{where}/{name}": text for name, text in its.errors.items()}
        its.errors.clear()


def _values_in(row: SheetRow, values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """Return the values above the rows and in a row, by field."""
    places = {name: name.partition("/") for name in values}
    return {
        field: values[name]
        for name, (where, _, field) in places.items()
        if field and where in (HEAD, row.entry.id)
    }
