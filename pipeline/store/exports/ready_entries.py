"""Which entries wait for export, and their state once exported, accepted or refused.

An entry is exported when each of its routes has it, and accepted when each system has said so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    or_,
    select,
    update,
)

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import UNDECIDED_VALUES
from pipeline.store.exports.run_items import (
    RECEIPT_JOIN,
    WAS_UNDONE,
    is_current_item,
    is_overtaken,
    latest_exports,
)
from pipeline.store.quality.checked_work import has_open_difference, has_open_seeded_error
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema import paper
from pipeline.store.schema.exports import export_item, export_run, receipt
from pipeline.store.schema.id_chunks import chunk_ids

_entry_table = paper.entry
_READY_COLUMNS = (
    _entry_table.c.id,
    _entry_table.c.state,
    _entry_table.c.unit,
    _entry_table.c.form,
    _entry_table.c.version,
    _entry_table.c.area,
    _entry_table.c.client_pid,
    _entry_table.c.event_on,
    _entry_table.c.voided,
)


def list_ready_entries(
    conn: Connection,
    forms: Forms,
    person: Person,
    *,
    unit: str | None = None,
    lock: bool = False,
) -> list[str]:
    """Return the ids of the visible entries that wait for export, of one unit or of all.

    These are signed entries, and confirmed ones that need no signature. An entry in which rekeying
    found another value waits until that is adjudicated.

    Args:
        lock: keep them from being changed until the transaction ends.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    permissions.require_permission(person, Action.EXPORT, unit)
    # Void entries are never adjudicated, so a difference must not keep one from being nullified
    is_held = or_(
        has_open_seeded_error(_entry_table.c.id),
        has_open_difference(_entry_table.c.id) & _entry_table.c.voided.is_(None),
    )
    rows: list[Row[Any]] = []
    # One query per state, so that each uses its partial index
    for has_state in (paper.IS_READY, paper.IS_SIGNED):
        query = (
            select(*_READY_COLUMNS)
            .where(
                has_state,
                visibility.visible_entries_condition(conn, person, Action.EXPORT),
                ~is_held,
            )
            .order_by(_entry_table.c.id)
        )
        if unit is not None:
            query = query.where(_entry_table.c.unit == unit)
        rows += conn.execute(query.with_for_update() if lock else query)
    # A confirmed entry may still need a signature, unless it is void
    needs_signature = signature_rule(conn, forms)
    ready = [
        row
        for row in rows
        if row.state == EntryState.SIGNED
        or row.voided is not None
        or not needs_signature(row.form, row.version, row.unit, row.area)
    ]
    # By client and day within each unit
    ready.sort(key=lambda row: (row.unit, row.client_pid or "", row.event_on or "", row.id))
    return [row.id for row in ready]


def signature_rule(conn: Connection, forms: Forms) -> Callable[[str, int, str, str | None], bool]:
    """Return today's rule whether an entry of a form, version, unit and area has to be signed."""
    areas, rule = areas_by_unit(conn), forms.signing_rule(today_in_sweden())

    @cache
    def needs_signature(form_id: str, version: int, unit: str, area: str | None) -> bool:
        form = forms.get((form_id, version))
        return (
            rule is not None
            and form is not None
            and rule.requires_signature(form, area or areas.get(unit, ""))
        )

    return needs_signature


def mark_exported(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Set the state of these confirmed or signed entries to exported."""
    for part in chunk_ids(entry_ids):
        # An entry that is no longer confirmed keeps its state
        confirmed = update(_entry_table).where(
            _entry_table.c.id.in_(part),
            _entry_table.c.state.in_([EntryState.CONFIRMED.value, EntryState.SIGNED.value]),
        )
        conn.execute(confirmed.values(state=EntryState.EXPORTED.value))


def mark_ready_again(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Set the state of these exported entries to what it was: their run was undone."""
    for part in chunk_ids(entry_ids):
        exported = _entry_table.c.id.in_(part), _entry_table.c.state == EntryState.EXPORTED.value
        for is_signed, state in (
            (_entry_table.c.signed_by.is_not(None), EntryState.SIGNED),
            (_entry_table.c.signed_by.is_(None), EntryState.CONFIRMED),
        ):
            conn.execute(update(_entry_table).where(*exported, is_signed).values(state=state.value))


def mark_accepted(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Set the state of entries that the targets of all their routes have accepted.

    Nothing happens to one whose state has changed since, that a route has yet to take, or whose
    latest run in some route has no receipt.
    """
    # Entries in the latest run of a route without a receipt; a refused one is exported again, or
    # void and in no system
    unanswered = (
        select(export_item.c.entry)
        .join(export_run, export_run.c.id == export_item.c.run)
        .outerjoin(receipt, RECEIPT_JOIN)
        .where(
            export_item.c.entry == _entry_table.c.id,
            ~WAS_UNDONE,
            ~is_overtaken(export_item, export_run),
            receipt.c.entry.is_(None),
        )
        .correlate(_entry_table)
    )
    for part in chunk_ids(entry_ids):
        accepted = update(_entry_table).where(
            _entry_table.c.id.in_(part),
            _entry_table.c.state == EntryState.EXPORTED.value,
            ~unanswered.exists(),
        )
        conn.execute(accepted.values(state=EntryState.RECEIPTED.value))


def mark_refused(conn: Connection, entry_id: str, revision: int) -> None:
    """Return an entry that a target has refused to review, with the target's text as its reason.

    Nothing happens where another run of the route has the entry since, or where it has changed. A
    void entry is not reviewed: it waits to be sent again, or is rejected if no system has anything
    of it.

    Args:
        revision: the number of the export, as in `export_item`.
    """
    exported = update(_entry_table).where(_entry_table.c.id == entry_id, _is_sent(revision))
    receipt_text = select(receipt.c.text).where(
        receipt.c.entry == entry_id, receipt.c.revision == revision
    )
    reason = conn.execute(receipt_text).scalar_one_or_none() or ""
    values = {"reason": reason, "revision": _entry_table.c.revision + 1}
    # An entry that is not void goes back to review
    conn.execute(
        exported.where(_entry_table.c.voided.is_(None)).values({**UNDECIDED_VALUES, **values})
    )
    if latest_exports(conn, [entry_id]):
        # The target still has an earlier record of a void entry: nullify it again
        conn.execute(
            exported.where(_entry_table.c.voided.is_not(None)).values(
                {**values, "state": EntryState.CONFIRMED.value}
            )
        )
    else:
        # No system has anything of a void entry
        void = update(_entry_table).where(
            _entry_table.c.id == entry_id,
            _entry_table.c.voided.is_not(None),
            _entry_table.c.state != EntryState.REJECTED.value,
        )
        conn.execute(void.values({**values, "state": EntryState.REJECTED.value}))


def _is_sent(revision: int) -> ColumnElement[bool]:
    """Return the condition that this export is the entry's state in its route."""
    item = (
        select(export_item.c.entry)
        .join(export_run, export_run.c.id == export_item.c.run)
        .where(
            export_item.c.entry == _entry_table.c.id,
            export_item.c.revision == revision,
            is_current_item(),
        )
        .correlate(_entry_table)
    )
    return item.exists()
