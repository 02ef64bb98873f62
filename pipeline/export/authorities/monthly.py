"""Runs of statistics: files that report whole months, besides the export that takes an entry.

They change nothing of an entry. A month's file replaces the one before it, so it always holds
the whole month. A month is reported when one of its entries is new, corrected, void or no longer
reportable since the latest file, or when the latest file was of fewer units than an earlier one.
A month in which nothing has changed is not reported again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import DATA_LANGUAGE, ExportOptions, Item, StatisticsExporter
from pipeline.store.event_log import events
from pipeline.store.exports import records, run_items, statistics
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import ReportingStatus
from pipeline.texts import Text

ENTRY_REJECTED = Text("statistics_text.entry_rejected")
MOVED_TO_OTHER_MONTH = Text("statistics_text.other_month")


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """What a run would report now: its items, and (entry id, reason) of what it cannot report.

    `reported` holds each entry's id, revision and month.
    """

    items: tuple[Item, ...]
    reported: tuple[tuple[str, int, str], ...]
    unsupported: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class _Reportable:
    """An entry as it is reported, what earlier files reported of it, and its month."""

    record: Record
    status: ReportingStatus
    month: str


def build_monthly_report(
    conn: Connection,
    statuses: Sequence[ReportingStatus],
    exporter: StatisticsExporter,
    options: ExportOptions,
) -> MonthlyReport:
    """Return the entries of all months that have to be reported, by month, client and time."""
    status_by_id = {status.entry_id: status for status in statuses}
    loaded = [
        record
        for record in records.load_records(conn, options.forms, list(status_by_id))
        if options.takes(record)
    ]
    unsupported = {
        record.entry_id: reason
        for record in loaded
        if not status_by_id[record.entry_id].voided
        and (reason := exporter.unsupported_reason(record, options))
    }
    current = [
        *(
            _with_rejection(record, status_by_id[record.entry_id])
            for record in loaded
            if record.entry_id not in unsupported
        ),
        *_withdraw_unsupported(conn, unsupported, status_by_id, options),
    ]
    # What was never reported and is void needs no report; what is in no month has none.
    reportable = [
        _Reportable(record, status, month)
        for record in current
        if (month := exporter.month(record, options))
        and ((status := status_by_id[record.entry_id]).last_report or record.voided is None)
    ]
    due = _months_to_report(reportable)
    # A month's file holds its valid entries, and once what has become void.
    selected = [
        entry
        for entry in reportable
        if entry.month in due and (entry.status.is_unreported or entry.record.voided is None)
    ]
    selected.sort(key=_report_order)
    withdrawn = _withdraw_from_emptied_months(conn, options, selected, due)
    return MonthlyReport(
        tuple(
            _report_item(number, record, status)
            for number, (record, status) in enumerate(
                [*((entry.record, entry.status) for entry in selected), *withdrawn], 1
            )
        ),
        tuple((entry.status.entry_id, entry.status.revision, entry.month) for entry in selected),
        tuple(unsupported.items()),
    )


def _with_rejection(record: Record, status: ReportingStatus) -> Record:
    """Make void what was reported and then rejected, for instance as a duplicate."""
    if not status.voided:
        return record
    return replace(record, voided=record.voided or ENTRY_REJECTED.in_language(DATA_LANGUAGE))


def _withdraw_unsupported(
    conn: Connection,
    unsupported: Mapping[str, Text],
    status_by_id: Mapping[str, ReportingStatus],
    options: ExportOptions,
) -> list[Record]:
    """Return what can no longer be reported as it was reported, made void with the reason."""
    reported_revisions = {
        entry_id: report.revision
        for entry_id in unsupported
        if (report := status_by_id[entry_id].last_report)
    }
    return [
        replace(record, voided=unsupported[record.entry_id].in_language(DATA_LANGUAGE))
        for record in records.load_records(
            conn, options.forms, list(reported_revisions), reported_revisions
        )
    ]


def _months_to_report(reportable: Sequence[_Reportable]) -> set[str]:
    """Return the months with something new, and those whose latest file lacks entries.

    A latest file lacks entries of an earlier one where it was of fewer units.
    """
    due = set[str]()
    runs_by_month: dict[str, set[str]] = defaultdict(set)
    for entry in reportable:
        report = entry.status.last_report
        # A new version is reported in its month, and withdrawn from the month it was in.
        if entry.status.is_unreported:
            due |= {entry.month, report.month if report else ""}
        if report and entry.record.voided is None:
            runs_by_month[report.month].add(report.earlier.run)
    return due | {month for month, runs in runs_by_month.items() if len(runs) > 1}


def _withdraw_from_emptied_months(
    conn: Connection, options: ExportOptions, selected: Sequence[_Reportable], due: set[str]
) -> list[tuple[Record, ReportingStatus]]:
    """Return what has moved away from months that nothing is left in, void, as it was reported.

    Without it the files of those months would not be made again.
    """
    # Months to be reported again in which no selected entry is left.
    emptied = due - {entry.month for entry in selected}
    # Entries last reported in one of them, with the revision that was reported.
    moved = {
        entry.status.entry_id: (entry.status, report.revision)
        for entry in selected
        if (report := entry.status.last_report) and report.month in emptied
    }
    reported = records.load_records(
        conn,
        options.forms,
        list(moved),
        {entry_id: revision for entry_id, (_, revision) in moved.items()},
    )
    reason = MOVED_TO_OTHER_MONTH.in_language(DATA_LANGUAGE)
    return [(replace(record, voided=reason), moved[record.entry_id][0]) for record in reported]


def find_incomplete_months(
    conn: Connection, target: str, report: MonthlyReport, statuses: Sequence[ReportingStatus]
) -> tuple[Text, ...]:
    """Return a notice for each month of which earlier files hold more than this one would.

    A file replaces the one before it.
    """
    # Entries in this file, and the months in which they were reported before.
    reported_ids = {entry_id for entry_id, _, _ in report.reported}
    earlier_months = {
        status.last_report.month
        for status in statuses
        if status.last_report and status.entry_id in reported_ids
    }
    # Entries of those months in earlier files that are not selected now.
    others = statistics.count_other_reported(
        conn,
        target,
        earlier_months | {month for _, _, month in report.reported},
        {status.entry_id for status in statuses},
    )
    return tuple(
        Text("export_notice.month_incomplete", {"month": month, "number": count})
        for month, count in others.items()
    )


def save_monthly_run(conn: Connection, by: str, run: Run, report: MonthlyReport) -> None:
    """Write down the run and what it reported. The entries stay as they are."""
    run_items.save_run(conn, run, [])
    statistics.save_reported_entries(conn, run.id, report.reported)
    events.record(
        conn,
        by,
        "export",
        run.id,
        unit=run_items.run_unit(conn, run.id),
        target=run.target,
        entries=run.entries,
        sha256=run.sha256,
    )


def count_amended(items: Sequence[Item]) -> int:
    """Count the items that were reported otherwise before."""
    return sum(item.amends is not None for item in items)


def _report_item(number: int, record: Record, status: ReportingStatus) -> Item:
    """Return an entry as an item of the file.

    Its `revision` counts the versions that files have reported as changed; it stays while nothing
    changes.
    """
    report = status.last_report
    if report is None:
        return Item(number, replace(record, revision=1))
    if status.is_unreported:
        return Item(number, replace(record, revision=report.report_count + 1), report.earlier)
    return Item(number, replace(record, revision=report.report_count))


def _report_order(entry: _Reportable) -> tuple[str, str, str, datetime, str]:
    """Sort by month, client and time."""
    record = entry.record
    time = record.event_at or datetime.max
    return entry.month, record.client.name.casefold(), record.client.pid, time, record.entry_id
