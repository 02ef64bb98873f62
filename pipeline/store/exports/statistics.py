"""Entries for the monthly statistics files, and what earlier files have reported.

All confirmed entries are reported, wherever else they have been exported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, insert, or_, select

from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.record import PreviousExport
from pipeline.store.accounts import visibility
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.quality.checked_work import has_open_difference, has_open_seeded_error
from pipeline.store.schema.exports import export_run, export_undo, statistics_item
from pipeline.store.schema.paper import entry, event

_REPORTABLE_STATES = (
    EntryState.CONFIRMED.value,
    EntryState.SIGNED.value,
    EntryState.EXPORTED.value,
    EntryState.RECEIPTED.value,
)


@dataclass(frozen=True, slots=True)
class ReportedEntry:
    """The latest file that reported an entry.

    `revision` is the entry's in that file, `month` the file's month, `report_count` the number of
    files that have reported the entry. `is_whole`: the file stood alone for its month.
    """

    earlier: PreviousExport
    revision: int
    month: str
    report_count: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class ReportingStatus:
    """An entry that statistics may report, its revision, and the latest report of it."""

    entry_id: str
    revision: int
    voided: bool
    last_report: ReportedEntry | None

    @property
    def is_unreported(self) -> bool:
        """Whether the latest file does not have the entry's present revision.

        An entry that was never reported and is void need not be reported.
        """
        return self.last_report.revision != self.revision if self.last_report else not self.voided


def list_reporting_status(
    conn: Connection,
    forms: Forms,
    person: Person,
    target: str,
    *,
    unit: str | None = None,
    lock: bool = False,
) -> list[ReportingStatus]:
    """Return the visible entries that a monthly file can report.

    These are confirmed entries, signed where required, and reported ones that have been made void
    or rejected since.

    Args:
        lock: keep them from being changed until the transaction ends.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    permissions.require_permission(person, Action.EXPORT, unit)
    reported = _reported_entries(conn, target)
    query = _reportable_query(conn, person)
    if unit is not None:
        query = query.where(entry.c.unit == unit)
    # A confirmed entry may still need a signature, unless it is void
    needs_signature = signature_rule(conn, forms)
    rows = conn.execute(query.with_for_update() if lock else query)
    return [
        ReportingStatus(
            row.id,
            row.revision,
            row.voided is not None or row.state == EntryState.REJECTED,
            reported.get(row.id),
        )
        for row in rows
        if row.state != EntryState.CONFIRMED
        or row.voided is not None
        or not needs_signature(row.form, row.version, row.unit, row.area)
    ]


def count_other_reported(
    conn: Connection, target: str, months: Collection[str], known: Collection[str]
) -> dict[str, int]:
    """Return by month how many entries the latest files have besides the known ones.

    These are of other units, or in review again.
    """
    months_of_others = (
        report.month
        for entry_id, report in _reported_entries(conn, target).items()
        if report.month in months and entry_id not in known
    )
    return dict(sorted(Counter(months_of_others).items()))


def save_reported_entries(
    conn: Connection,
    run_id: str,
    items: Sequence[tuple[str, int, str]],
    whole_months: Collection[str],
) -> None:
    """Store what a run reported.

    Args:
        items: (entry id, revision of the entry, month) in their order.
        whole_months: the months of which it has a file that stands alone.
    """
    rows = [
        {
            "run": run_id,
            "entry": entry_id,
            "revision": revision,
            "month": month,
            "number": number,
            "whole": month in whole_months,
        }
        for number, (entry_id, revision, month) in enumerate(items, 1)
    ]
    conn.execute(insert(statistics_item), rows)


def _reportable_query(conn: Connection, person: Person) -> Select[Any]:
    """Return a query of the visible entries that a file can report, apart from the signing rule."""
    # Void or rejected entries count only if they were reported before
    is_closed = or_(entry.c.voided.is_not(None), entry.c.state == EntryState.REJECTED.value)
    is_withdrawn = and_(is_closed, entry.c.id.in_(select(statistics_item.c.entry)))
    # Closed entries are never adjudicated, so a difference must not keep one in the months that
    # reported it
    is_held = or_(
        has_open_seeded_error(entry.c.id), and_(has_open_difference(entry.c.id), ~is_closed)
    )
    columns = (
        entry.c.id,
        entry.c.state,
        entry.c.form,
        entry.c.version,
        entry.c.unit,
        entry.c.area,
        entry.c.revision,
        entry.c.voided,
    )
    return (
        select(*columns)
        .where(
            or_(entry.c.state.in_(_REPORTABLE_STATES), is_withdrawn),
            visibility.visible_entries_condition(conn, person, Action.EXPORT),
            ~is_held,
        )
        .order_by(entry.c.id)
    )


def _reported_entries(conn: Connection, target: str) -> dict[str, ReportedEntry]:
    """Return the latest report of each entry to a target.

    Runs are ordered by the log, since clocks of two computers may differ.
    """
    item, run = statistics_item.c, export_run.c
    # The log has one event for each export
    runs_with_event = export_run.join(statistics_item, run.id == item.run).outerjoin(
        event, and_(event.c.subject == run.id, event.c.action == "export")
    )
    query = select(
        item.entry, item.revision, item.month, item.whole, run.id, run.target, run.made_at
    ).select_from(runs_with_event)
    is_undone = run.id.in_(select(export_undo.c.run))
    reports: dict[str, ReportedEntry] = {}
    for row in conn.execute(query.where(run.target == target, ~is_undone).order_by(event.c.id)):
        count = reports[row.entry].report_count if row.entry in reports else 0
        earlier = PreviousExport(row.id, row.target, row.made_at, entry_revision=row.revision)
        reports[row.entry] = ReportedEntry(earlier, row.revision, row.month, count + 1, row.whole)
    return reports
