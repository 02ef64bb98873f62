"""Items of export runs, and the receipts for them. Rows are only added.

An entry is exported once in each of its routes. What a refused or an undone run carried is in no
system. `revision` is the number of an export among all of the entry, `route_revision` among those
of its route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    union,
)
from sqlalchemy import Connection as Connection  # re-exported for exporters, which use no SQL

from pipeline.domain.errors import StoreError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import PreviousExport, Run
from pipeline.store.accounts import visibility
from pipeline.store.schema.exports import (
    export_item,
    export_run,
    export_undo,
    receipt,
    statistics_item,
)
from pipeline.store.schema.id_chunks import rows_of_ids
from pipeline.store.schema.paper import entry
from pipeline.store.schema.review import entry_version

RECEIPT_JOIN = and_(
    receipt.c.entry == export_item.c.entry, receipt.c.revision == export_item.c.revision
)
"""The condition that a receipt is for an item."""
ROUTE_NAME = func.coalesce(export_run.c.route, export_run.c.target)
"""The route of a run; runs from before there were routes are of the one named as their target."""
WAS_UNDONE = exists().where(export_undo.c.run == export_item.c.run)
"""The condition that an item's run was undone, so that nobody ever had its file."""
WAS_REFUSED = exists().where(RECEIPT_JOIN, receipt.c.accepted.is_(False))


@dataclass(frozen=True, slots=True)
class RunItem:
    """One entry of a run.

    `revision` is the export's number, `route_revision` that of its route's files. `is_current`:
    this export is still the entry's state. `accepted` is None without a receipt.
    """

    number: int
    entry_id: str
    revision: int
    unit: str
    is_amendment: bool
    is_current: bool
    accepted: bool | None
    text: str
    route_revision: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """The target's answer to one item."""

    item: RunItem
    accepted: bool
    text: str


def save_run(
    conn: Connection,
    run: Run,
    entries: Sequence[tuple[str, int]],
    routes: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Store a run and its items; a statistics run has none.

    Of two runs that take an entry at once, one is refused (StoreError), also where the other has
    ended. The run holds the entry as it is now, so the caller has to keep the entries from being
    changed until the transaction ends.

    Args:
        entries: (entry id, revision of its record in the route) in their order.
        routes: by entry id, the names of all routes that the entry has.
    """
    entry_ids = [entry_id for entry_id, _ in entries]
    _refuse_second_export(conn, run, entries)
    row = {
        "id": run.id,
        "target": run.target,
        "file_name": run.file_name,
        "file_sha256": run.sha256,
        "made_at": run.made_at,
        "made_by": run.made_by,
        "route": run.route or None,
    }
    conn.execute(insert(export_run).values(row))
    # Store which revision of each entry the file holds
    entry_revisions, exports = present_revisions(conn, entry_ids), _last_numbers(conn, entry_ids)
    items = [
        {
            "run": run.id,
            "entry": entry_id,
            "revision": exports.get(entry_id, 0) + 1,
            "number": number,
            "entry_revision": entry_revisions[entry_id],
            "route_revision": revision,
            "routes": list((routes or {}).get(entry_id, ())) or None,
        }
        for number, (entry_id, revision) in enumerate(entries, 1)
    ]
    if items:
        conn.execute(insert(export_item), items)


def _refuse_second_export(conn: Connection, run: Run, entries: Sequence[tuple[str, int]]) -> None:
    """Raise a StoreError if the route has had one of the entries in this revision or a later."""
    counts = count_route_exports(conn, [entry_id for entry_id, _ in entries])
    kind = (run.route or run.target, run.target)
    if any(revision <= counts.get(entry_id, {}).get(kind, 0) for entry_id, revision in entries):
        raise StoreError("exported_already", route=kind[0])


def latest_exports(conn: Connection, entry_ids: Sequence[str]) -> dict[str, PreviousExport]:
    """Return the latest run of each entry that was exported, neither refused nor undone."""
    return {
        entry_id: max(by_route.values(), key=lambda export: export.export_number)
        for entry_id, by_route in latest_route_exports(conn, entry_ids).items()
    }


def latest_route_exports(
    conn: Connection, entry_ids: Sequence[str]
) -> dict[str, dict[str, PreviousExport]]:
    """Return the latest run in each route of each entry, of those in `latest_exports`."""
    latest: dict[str, dict[str, PreviousExport]] = {}
    # By revision, so that later runs replace earlier ones
    for row in rows_of_ids(conn, _exports_query(), export_item.c.entry, entry_ids):
        export = _as_previous(row)
        latest.setdefault(row.entry, {})[export.route] = export
    return latest


def count_route_exports(
    conn: Connection, entry_ids: Sequence[str]
) -> dict[str, dict[tuple[str, str], int]]:
    """Return how often each entry was exported by (route, target), also where it was refused."""
    counts: dict[str, dict[tuple[str, str], int]] = {}
    columns = export_item.c.entry, ROUTE_NAME, export_run.c.target
    query = (
        select(*columns, func.count())
        .join(export_run, export_run.c.id == export_item.c.run)
        .where(~WAS_UNDONE)
        .group_by(*columns)
    )
    for entry_id, route, target, count in rows_of_ids(conn, query, export_item.c.entry, entry_ids):
        counts.setdefault(entry_id, {})[route, target] = count
    return counts


def list_chosen_routes(conn: Connection, entry_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the routes that entries had when one of these first took them; they keep those."""
    query = select(export_item.c.entry, export_item.c.routes).where(~WAS_REFUSED, ~WAS_UNDONE)
    # Latest first, so that the first export is what remains
    query = query.order_by(export_item.c.revision.desc())
    return {
        row.entry: tuple(row.routes or ())
        for row in rows_of_ids(conn, query, export_item.c.entry, entry_ids)
    }


def present_revisions(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    """Return the present revision of each entry itself."""
    query = select(entry.c.id, entry.c.revision)
    return {row.id: row.revision for row in rows_of_ids(conn, query, entry.c.id, entry_ids)}


def previous_export(conn: Connection, entry_id: str, revision: int) -> PreviousExport | None:
    """Return the export before this one, in its route, that counts for `latest_exports`."""
    route = (
        select(ROUTE_NAME)
        .join(export_item, export_item.c.run == export_run.c.id)
        .where(export_item.c.entry == entry_id, export_item.c.revision == revision)
        .scalar_subquery()
    )
    rows = conn.execute(
        _exports_query().where(
            export_item.c.entry == entry_id,
            export_item.c.revision < revision,
            route == ROUTE_NAME,
        )
    ).all()
    return _as_previous(rows[-1]) if rows else None


def previous_unanswered_export(
    conn: Connection, entry_id: str, revision: int
) -> PreviousExport | None:
    """Return `previous_export` if this revision has no receipt, else None."""
    # Whether the target has accepted or refused this revision
    answered = exists().where(receipt.c.entry == entry_id, receipt.c.revision == revision)
    return (
        None
        if conn.execute(select(answered)).scalar_one()
        else previous_export(conn, entry_id, revision)
    )


def last_export_before_void(conn: Connection, entry_id: str) -> PreviousExport | None:
    """Return the latest run of a void entry before it was made void that was not refused, or None.

    Where no decisions were stored, the entry's own revision counts: a void entry's revision grows
    only when its voiding is refused.
    """
    # The revision that made the entry void, if stored
    made_void = select(func.max(entry_version.c.revision)).where(
        entry_version.c.entry == entry_id, entry_version.c.voided
    )
    entry_revision = select(entry.c.revision).where(entry.c.id == entry_id)
    limit = func.coalesce(made_void.scalar_subquery(), entry_revision.scalar_subquery())
    rows = conn.execute(
        _exports_query().where(
            export_item.c.entry == entry_id, export_item.c.entry_revision < limit
        )
    ).all()
    return _as_previous(rows[-1]) if rows else None


def list_first_entries(conn: Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Return the first entry of each of these runs, by run id."""
    first = select(export_item.c.run, export_item.c.entry).where(export_item.c.number == 1)
    return {row.run: row.entry for row in rows_of_ids(conn, first, export_item.c.run, run_ids)}


def run_unit(conn: Connection, run_id: str) -> str | None:
    """Return the unit of a run, or None if its entries are of several units.

    Then it concerns log reviewers of each of them.
    """
    # Units of entries in the run, as an export or as statistics
    unit_queries = [
        select(entry.c.unit).join(item, item.c.entry == entry.c.id).where(item.c.run == run_id)
        for item in (export_item, statistics_item)
    ]
    # Two are enough to know that there are several
    units = list(conn.execute(union(*unit_queries).limit(2)).scalars())
    return units[0] if len(units) == 1 else None


def list_run_items(conn: Connection, run_id: str) -> list[RunItem]:
    """Return the items of a run in their order, with their receipts."""
    return _select_items(conn, _item_query().where(export_item.c.run == run_id))


def list_run_forms(conn: Connection, run_id: str) -> list[tuple[str, int]]:
    """Return the forms of a run's entries, each with its version."""
    query = (
        select(entry.c.form, entry.c.version)
        .join(export_item, export_item.c.entry == entry.c.id)
        .where(export_item.c.run == run_id)
        .distinct()
        .order_by(entry.c.form, entry.c.version)
    )
    return [(row.form, row.version) for row in conn.execute(query)]


def list_visible_items(conn: Connection, person: Person, run_id: str) -> list[RunItem]:
    """Return the items of `list_run_items` that the person may see."""
    # Items of the run whose entries the person may see
    return _select_items(
        conn,
        _item_query().where(
            export_item.c.run == run_id,
            visibility.visible_entries_condition(conn, person, Action.EXPORT),
        ),
    )


def list_entry_runs(conn: Connection, entry_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the runs of each of these entries, latest first."""
    runs: dict[str, list[str]] = {}
    # An entry's record gets a higher revision with each run
    query = select(export_item.c.entry, export_item.c.run).order_by(export_item.c.revision.desc())
    for entry_id, run in rows_of_ids(conn, query, export_item.c.entry, entry_ids):
        runs.setdefault(entry_id, []).append(run)
    return runs


def list_unanswered_items(
    conn: Connection, entry_id: str, target: str
) -> list[tuple[str, RunItem]]:
    """Return an entry's runs to a target without a receipt, with its item in each, oldest first."""
    query = (
        select(export_item.c.run, export_item.c.number)
        .join(export_run, export_run.c.id == export_item.c.run)
        .outerjoin(receipt, RECEIPT_JOIN)
    )
    # The outer join leaves the receipt NULL where the target has not answered
    unanswered = query.where(
        export_item.c.entry == entry_id,
        export_run.c.target == target,
        receipt.c.entry.is_(None),
        ~WAS_UNDONE,
    )
    rows = conn.execute(unanswered.order_by(export_item.c.revision)).all()
    return [
        (row.run, item) for row in rows for item in find_items_by_number(conn, row.run, row.number)
    ]


def find_items_by_number(conn: Connection, run_id: str, number: int) -> list[RunItem]:
    """Return the item with this number in a run, or an empty list."""
    return _select_items(
        conn, _item_query().where(export_item.c.run == run_id, export_item.c.number == number)
    )


def save_receipts(
    conn: Connection, receipts: Sequence[tuple[str, Receipt]], by: str, at: datetime
) -> None:
    """Store receipts, each with its run.

    There is one for an entry and revision: the database refuses a second (StoreError).
    """
    rows = [
        {
            "entry": answer.item.entry_id,
            "revision": answer.item.revision,
            "run": run,
            "at": at,
            "by": by,
            "accepted": answer.accepted,
            "text": answer.text,
        }
        for run, answer in receipts
    ]
    if rows:
        conn.execute(insert(receipt), rows)


def _exports_query() -> Select[Any]:
    """Return a query of all exports that were neither refused nor undone, by revision."""
    # A refused or undone export is as if it had not happened
    item, run = export_item.c, export_run.c
    query = select(
        item.entry,
        run.id,
        run.target,
        run.made_at,
        item.revision,
        func.coalesce(item.route_revision, item.revision).label("route_revision"),
        item.entry_revision,
        ROUTE_NAME.label("route"),
    )
    return (
        query.join(export_run, export_run.c.id == export_item.c.run)
        .where(~WAS_REFUSED, ~WAS_UNDONE)
        .order_by(export_item.c.revision)
    )


def _as_previous(row: Row[Any]) -> PreviousExport:
    return PreviousExport(
        row.id,
        row.target,
        row.made_at,
        row.route_revision,
        row.entry_revision,
        export_number=row.revision,
        route=row.route,
    )


def _last_numbers(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of each entry's last export; an undone one keeps its number."""
    query = select(export_item.c.entry, func.max(export_item.c.revision))
    query = query.group_by(export_item.c.entry)
    return {row[0]: row[1] for row in rows_of_ids(conn, query, export_item.c.entry, entry_ids)}


def is_overtaken(item: FromClause, run: FromClause) -> ColumnElement[bool]:
    """Return the condition that a later run of the same route, not undone, has the item's entry."""
    after, later = export_item.alias(), export_run.alias()
    undone = exists().where(export_undo.c.run == after.c.run)
    return exists().where(
        after.c.entry == item.c.entry,
        after.c.revision > item.c.revision,
        later.c.id == after.c.run,
        func.coalesce(later.c.route, later.c.target) == func.coalesce(run.c.route, run.c.target),
        ~undone,
    )


def is_current_item() -> ColumnElement[bool]:
    """Return the condition that an item of a run is still the state of its entry in the route.

    For queries of `export_item`, `export_run` and `entry`.
    """
    # Where another route waits, the entry is still confirmed; its revision says what was exported
    is_sent = or_(
        entry.c.state.in_([EntryState.EXPORTED.value, EntryState.RECEIPTED.value]),
        and_(
            entry.c.state.in_([EntryState.CONFIRMED.value, EntryState.SIGNED.value]),
            entry.c.revision == export_item.c.entry_revision,
        ),
    )
    return and_(~is_overtaken(export_item, export_run), is_sent, ~WAS_UNDONE)


def _item_query() -> Select[Any]:
    """Return a query of items with the entry's state, the receipt and their relation to other runs.

    `amends`: the target has an earlier record of the entry. `superseded`: there is a later run of
    it. Both are about runs of the same route.
    """
    before, earlier = export_item.alias(), export_run.alias()
    refused_before = exists().where(
        receipt.c.entry == before.c.entry,
        receipt.c.revision == before.c.revision,
        receipt.c.accepted.is_(False),
    )
    undone_before = exists().where(export_undo.c.run == before.c.run)
    # An earlier export of the entry that was neither refused nor undone
    amends = exists().where(
        before.c.entry == export_item.c.entry,
        before.c.revision < export_item.c.revision,
        earlier.c.id == before.c.run,
        func.coalesce(earlier.c.route, earlier.c.target) == ROUTE_NAME,
        ~refused_before,
        ~undone_before,
    )
    return (
        select(
            export_item,
            entry.c.unit,
            amends.label("amends"),
            is_current_item().label("is_current"),
            receipt.c.accepted,
            receipt.c.text,
        )
        .join(entry, entry.c.id == export_item.c.entry)
        .join(export_run, export_run.c.id == export_item.c.run)
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
            is_current=bool(row.is_current),
            accepted=row.accepted,
            text=row.text or "",
            route_revision=row.route_revision or row.revision,
        )
        for row in conn.execute(query)
    ]
