"""Items of export runs and the receipts for them. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection as Connection
from sqlalchemy import Select, and_, exists, func, insert, select, union

from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import PreviousExport, Run
from pipeline.store.accounts import visibility
from pipeline.store.schema.exports import export_item, export_run, receipt, statistics_item
from pipeline.store.schema.paper import entry
from pipeline.store.schema.review import entry_version

_MAX_IDS = 500
RECEIPT_JOIN = and_(
    receipt.c.entry == export_item.c.entry, receipt.c.revision == export_item.c.revision
)
"""The receipt of an item."""
_WAS_REFUSED = exists().where(RECEIPT_JOIN, receipt.c.accepted.is_(False))


@dataclass(frozen=True, slots=True)
class RunItem:
    """One entry of a run. `accepted` is None while there is no receipt; `current` is whether this
    export is still the entry's state.
    """

    number: int
    entry_id: str
    revision: int
    unit: str
    is_amendment: bool
    is_current: bool
    accepted: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the target says of one item."""

    item: RunItem
    accepted: bool
    text: str


def save_run(conn: Connection, run: Run, entries: Sequence[tuple[str, int]]) -> None:
    """Write down a run and its items, (entry id, revision) in their order; a run of statistics
    takes none.

    An entry can be in one run only at one revision: the database refuses a second (StoreError).
    What it carries is the entry as it now is, so whoever made the file keeps the entries from
    being changed until the transaction ends.
    """
    row = {
        "id": run.id,
        "target": run.target,
        "file_name": run.file_name,
        "file_sha256": run.sha256,
        "made_at": run.made_at,
        "made_by": run.made_by,
    }
    conn.execute(insert(export_run).values(row))
    carried = _entry_revisions(conn, [entry_id for entry_id, _ in entries])
    items = [
        {
            "run": run.id,
            "entry": entry_id,
            "revision": revision,
            "number": n,
            "entry_revision": carried[entry_id],
        }
        for n, (entry_id, revision) in enumerate(entries, 1)
    ]
    if items:
        conn.execute(insert(export_item), items)


def latest_exports(conn: Connection, entry_ids: Sequence[str]) -> dict[str, PreviousExport]:
    """For entries that were exported before and not refused: the latest such run."""
    found: dict[str, PreviousExport] = {}
    for start in range(0, len(entry_ids), _MAX_IDS):
        query = _exports_query().where(export_item.c.entry.in_(entry_ids[start : start + _MAX_IDS]))
        found |= {entry_id: PreviousExport(*rest) for entry_id, *rest in conn.execute(query)}
    return found


def previous_export(conn: Connection, entry_id: str, revision: int) -> PreviousExport | None:
    """The run that carried the entry before this revision, if any did and was not refused."""
    rows = conn.execute(
        _exports_query().where(export_item.c.entry == entry_id, export_item.c.revision < revision)
    ).all()
    return PreviousExport(*rows[-1][1:]) if rows else None


def previous_unanswered_export(
    conn: Connection, entry_id: str, revision: int
) -> PreviousExport | None:
    """As `earlier_than`, where nobody has said what became of this revision; else None."""
    answered = exists().where(receipt.c.entry == entry_id, receipt.c.revision == revision)
    return (
        None
        if conn.execute(select(answered)).scalar_one()
        else previous_export(conn, entry_id, revision)
    )


def last_export_before_void(conn: Connection, entry_id: str) -> PreviousExport | None:
    """The latest run that carried a void entry before it was made void and was not refused.

    Of a time before decisions were noted, the entry's own revision says as much: what is void
    moves on only when its voiding is refused.
    """
    made_void = select(func.max(entry_version.c.revision)).where(
        entry_version.c.entry == entry_id, entry_version.c.voided
    )
    own = select(entry.c.revision).where(entry.c.id == entry_id)
    limit = func.coalesce(made_void.scalar_subquery(), own.scalar_subquery())
    rows = conn.execute(
        _exports_query().where(
            export_item.c.entry == entry_id, export_item.c.entry_revision < limit
        )
    ).all()
    return PreviousExport(*rows[-1][1:]) if rows else None


def run_unit(conn: Connection, run_id: str) -> str | None:
    """The unit that a run is of, None if its entries are of several: then what is done with it
    concerns whoever follows up one of them.
    """
    held = [
        select(entry.c.unit).join(item, item.c.entry == entry.c.id).where(item.c.run == run_id)
        for item in (export_item, statistics_item)
    ]
    units = list(conn.execute(union(*held).limit(2)).scalars())
    return units[0] if len(units) == 1 else None


def list_run_items(conn: Connection, run_id: str) -> list[RunItem]:
    """The items of a run in their order, with the receipts there are."""
    return _select_items(conn, _item_query().where(export_item.c.run == run_id))


def list_visible_items(conn: Connection, person: Person, run_id: str) -> list[RunItem]:
    """As `items_of`, without those that the person may not see."""
    return _select_items(
        conn,
        _item_query().where(
            export_item.c.run == run_id, visibility.visible_entries_condition(conn, person)
        ),
    )


def list_entry_runs(conn: Connection, entry_ids: Sequence[str]) -> dict[str, list[str]]:
    """The runs that these entries are in, the latest first."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(entry_ids), _MAX_IDS):
        held = select(export_item.c.entry, export_item.c.run).where(
            export_item.c.entry.in_(entry_ids[start : start + _MAX_IDS])
        )
        for entry_id, run in conn.execute(held.order_by(export_item.c.revision.desc())):
            found.setdefault(entry_id, []).append(run)
    return found


def list_unanswered_items(
    conn: Connection, entry_id: str, target: str
) -> list[tuple[str, RunItem]]:
    """The runs of an entry to a target that has not said what became of it there, and its item in
    each, oldest first.
    """
    query = (
        select(export_item.c.run, export_item.c.number)
        .join(export_run, export_run.c.id == export_item.c.run)
        .outerjoin(receipt, RECEIPT_JOIN)
    )
    waiting = query.where(
        export_item.c.entry == entry_id, export_run.c.target == target, receipt.c.entry.is_(None)
    )
    rows = conn.execute(waiting.order_by(export_item.c.revision)).all()
    return [
        (row.run, item) for row in rows for item in find_items_by_number(conn, row.run, row.number)
    ]


def find_items_by_number(conn: Connection, run_id: str, number: int) -> list[RunItem]:
    """The item with this number in a run, or none."""
    return _select_items(
        conn, _item_query().where(export_item.c.run == run_id, export_item.c.number == number)
    )


def save_receipts(
    conn: Connection, receipts: Sequence[tuple[str, Receipt]], by: str, at: datetime
) -> None:
    """Write down receipts, each with its run. There is one for an entry and revision: the database
    refuses a second (StoreError).
    """
    rows = [
        {
            "entry": one.item.entry_id,
            "revision": one.item.revision,
            "run": run,
            "at": at,
            "by": by,
            "accepted": one.accepted,
            "text": one.text,
        }
        for run, one in receipts
    ]
    if rows:
        conn.execute(insert(receipt), rows)


def _exports_query() -> Select[Any]:
    item, run = export_item.c, export_run.c
    query = select(item.entry, run.id, run.target, run.made_at, item.revision, item.entry_revision)
    return (
        query.join(export_run, export_run.c.id == export_item.c.run)
        .where(~_WAS_REFUSED)
        .order_by(export_item.c.revision)
    )


def _entry_revisions(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(entry_ids), _MAX_IDS):
        query = select(entry.c.id, entry.c.revision).where(
            entry.c.id.in_(entry_ids[start : start + _MAX_IDS])
        )
        found |= {row.id: row.revision for row in conn.execute(query)}
    return found


def _item_query() -> Select[Any]:
    before, after = export_item.alias(), export_item.alias()
    refused_before = exists().where(
        receipt.c.entry == before.c.entry,
        receipt.c.revision == before.c.revision,
        receipt.c.accepted.is_(False),
    )
    amends = exists().where(
        before.c.entry == export_item.c.entry,
        before.c.revision < export_item.c.revision,
        ~refused_before,
    )
    superseded = exists().where(
        after.c.entry == export_item.c.entry, after.c.revision > export_item.c.revision
    )
    return (
        select(
            export_item,
            entry.c.unit,
            entry.c.state,
            amends.label("amends"),
            superseded.label("superseded"),
            receipt.c.accepted,
            receipt.c.text,
        )
        .join(entry, entry.c.id == export_item.c.entry)
        .outerjoin(receipt, RECEIPT_JOIN)
        .order_by(export_item.c.number)
    )


def _select_items(conn: Connection, query: Select[Any]) -> list[RunItem]:
    return [
        RunItem(
            number=row.number,
            entry_id=row.entry,
            revision=row.revision,
            unit=row.unit,
            is_amendment=bool(row.amends),
            is_current=not row.superseded
            and row.state in (EntryState.EXPORTED, EntryState.RECEIPTED),
            accepted=row.accepted,
            text=row.text or "",
        )
        for row in conn.execute(query)
    ]
