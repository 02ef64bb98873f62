"""Runs of statistics: files that tell of whole months, beside the one export that takes an entry,
and change nothing of it.

A month's file replaces the one before it, so it always holds the whole month. A month is told
when one of its entries is new to it, has been corrected, has become void or can no longer be
told since the latest file; or when the latest file was of fewer units than one before. A month
in which nothing has changed is not told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import ExportOptions, Item, StatisticsExporter
from pipeline.store.event_log import events
from pipeline.store.exports import records, run_items, statistics
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import ReportingStatus
from pipeline.texts import Text

ENTRY_REJECTED = "Posten är avvisad."
MOVED_TO_OTHER_MONTH = "Posten gäller en annan månad."


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """What a run would tell now: its items, each entry's id, revision and month, and (entry id,
    reason) of what it cannot tell.
    """

    items: tuple[Item, ...]
    reported: tuple[tuple[str, int, str], ...]
    unsupported: tuple[tuple[str, Text], ...]


def build_monthly_report(
    conn: Connection,
    standings: Sequence[ReportingStatus],
    exporter: StatisticsExporter,
    options: ExportOptions,
) -> MonthlyReport:
    """The entries of all months that have to be told, by month, client and time, of those that
    whoever asks may see.
    """
    found = {one.entry_id: one for one in standings}
    known = [
        record
        for record in records.load_records(conn, options.forms, list(found))
        if record.form in options.mappings
    ]
    unfit = {
        one.entry_id: why
        for one in known
        if not found[one.entry_id].voided and (why := exporter.unsupported_reason(one, options))
    }
    gone = {entry_id: told.revision for entry_id in unfit if (told := found[entry_id].last_report)}
    standing = [
        _as_reported(record, found[record.entry_id])
        for record in known
        if record.entry_id not in unfit
    ]
    standing += [
        replace(record, voided=unfit[record.entry_id].in_language("sv"))
        for record in records.load_records(conn, options.forms, list(gone), gone)
    ]
    month_of = {record.entry_id: exporter.month(record, options) for record in standing}
    telling = [
        (record, one)
        for record, one in ((record, found[record.entry_id]) for record in standing)
        if month_of[record.entry_id] and (one.last_report or record.voided is None)
    ]
    due = _months_to_report(telling, month_of)
    chosen = [
        (record, one)
        for record, one in telling
        if month_of[record.entry_id] in due and (one.is_unreported or record.voided is None)
    ]
    chosen.sort(key=lambda pair: (month_of[pair[0].entry_id], *_report_order(pair[0])))
    items = tuple(
        _report_item(number, record, one)
        for number, (record, one) in enumerate(
            [*chosen, *_withdraw_from_emptied_months(conn, options, chosen, due, month_of)], 1
        )
    )
    return MonthlyReport(
        items,
        tuple((one.entry_id, one.revision, month_of[one.entry_id]) for _, one in chosen),
        tuple(unfit.items()),
    )


def _months_to_report(
    telling: Sequence[tuple[Record, ReportingStatus]], month_of: Mapping[str, str]
) -> set[str]:
    """The months with something that no file says yet, and those whose latest file lacks what an
    earlier one told: it was of fewer units.
    """
    due = {
        month
        for record, one in telling
        if one.is_unreported
        for month in (month_of[record.entry_id], one.last_report.month if one.last_report else "")
    }
    files: dict[str, set[str]] = defaultdict(set)
    for record, one in telling:
        if one.last_report and record.voided is None:
            files[one.last_report.month].add(one.last_report.earlier.run)
    return due | {month for month, runs in files.items() if len(runs) > 1}


def _withdraw_from_emptied_months(
    conn: Connection,
    options: ExportOptions,
    chosen: Sequence[tuple[Record, ReportingStatus]],
    due: set[str],
    month_of: Mapping[str, str],
) -> list[tuple[Record, ReportingStatus]]:
    """What has been moved away from months that nothing is left in, as it was told there and void:
    else their files would not be made anew.
    """
    empty = due - {month_of[record.entry_id] for record, _ in chosen}
    moved = {
        one.entry_id: one for _, one in chosen if one.last_report and one.last_report.month in empty
    }
    then = records.load_records(
        conn,
        options.forms,
        list(moved),
        {entry_id: one.last_report.revision for entry_id, one in moved.items() if one.last_report},
    )
    return [
        (replace(record, voided=MOVED_TO_OTHER_MONTH), moved[record.entry_id]) for record in then
    ]


def find_incomplete_months(
    conn: Connection, target: str, month: MonthlyReport, standings: Sequence[ReportingStatus]
) -> tuple[Text, ...]:
    """That earlier files hold more of these months than this one would: a file replaces
    the one before it. Empty if they do not.
    """
    telling = {entry_id for entry_id, _, _ in month.reported}
    left = {
        one.last_report.month for one in standings if one.last_report and one.entry_id in telling
    }
    besides = statistics.count_other_reported(
        conn,
        target,
        left | {told_in for _, _, told_in in month.reported},
        {one.entry_id for one in standings},
    )
    return tuple(_incomplete_month_notice(told_in, count) for told_in, count in besides.items())


def _incomplete_month_notice(told_in: str, count: int) -> Text:
    return Text("export_notice.month_incomplete", {"month": told_in, "number": count})


def save_monthly_run(conn: Connection, by: str, run: Run, month: MonthlyReport) -> None:
    """Write down the run and what it told of. The entries stay as they are."""
    run_items.save_run(conn, run, [])
    statistics.save_reported_entries(conn, run.id, month.reported)
    of = run_items.run_unit(conn, run.id)
    events.record(
        conn,
        by,
        "export",
        run.id,
        unit=of,
        target=run.target,
        entries=run.entries,
        sha256=run.sha256,
    )


def count_amended(items: Sequence[Item]) -> int:
    """How many of these have been told otherwise before."""
    return sum(item.amends is not None for item in items)


def _as_reported(record: Record, status: ReportingStatus) -> Record:
    """What was told and then put aside, as a duplicate for instance, is void for the statistics."""
    return replace(record, voided=record.voided or ENTRY_REJECTED) if status.voided else record


def _report_item(number: int, record: Record, status: ReportingStatus) -> Item:
    """`revision` counts the versions that files have told of this one as changed; it stays while
    nothing changes.
    """
    if status.last_report is None:
        return Item(number, replace(record, revision=1))
    if status.is_unreported:
        return Item(
            number,
            replace(record, revision=status.last_report.report_count + 1),
            status.last_report.earlier,
        )
    return Item(number, replace(record, revision=status.last_report.report_count))


def _report_order(record: Record) -> tuple[str, str, datetime, str]:
    time = record.event_at or datetime.max
    return record.client.name.casefold(), record.client.pid, time, record.entry_id
