"""What waits to be exported, target by target."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.export.authorities.month_checks import MonthScope, describe_month
from pipeline.export.authorities.monthly import (
    build_monthly_report,
    count_amended,
    find_incomplete_months,
)
from pipeline.export.care_system_check.matches import HELD_FOR_MATCH
from pipeline.export.exporter import Exporter, ExportOptions
from pipeline.export.runs.candidates import (
    Candidates,
    RunScope,
    load_candidates,
    with_manual_corrections,
)
from pipeline.export.runs.context import ExportContext, load_export_options
from pipeline.export.tables.left_out import unmapped_fields_notices
from pipeline.export.targets import STATISTICS, TARGETS
from pipeline.store.database.clock import utc_now
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import list_reporting_status
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.review.signing import count_waiting_signatures
from pipeline.texts import Text


@dataclass(frozen=True, slots=True)
class UnsupportedEntry:
    """A confirmed entry that a target cannot carry, and why (without any value)."""

    entry_id: str
    reason: Text


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What a run to a target would hold now. `entries` includes `amendments`.

    `notices`: what to do before a file of statistics is handed in, or what a table leaves out.
    `fault`: what is wrong with the target's own mapping files.
    """

    target: str
    title: Text
    entries: int
    amendments: int
    unsupported: tuple[UnsupportedEntry, ...]
    notices: tuple[Text, ...] = ()
    fault: ExportError | None = None


def list_target_status(
    context: ExportContext, person: Person, unit: str | None = None
) -> list[TargetStatus]:
    """List what waits to be exported, one line a target.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    with context.store.recording_denials():
        require_permission(person, Action.EXPORT, unit)
    scope = RunScope(context, person, unit)
    with context.store.read() as conn:
        staff = load_staff_list(conn)
        candidates = with_manual_corrections(load_candidates(conn, scope), context, staff)
        lines = []
        for name, exporter in TARGETS.items():
            try:
                options = load_export_options(context, name, exporter, staff)
                if name in STATISTICS:
                    lines.append(_statistics_status(conn, scope, name, options))
                else:
                    lines.append(_target_status(name, exporter, candidates, options))
            except ExportError as error:
                lines.append(TargetStatus(name, exporter.title, 0, 0, (), fault=error))
    return lines


def count_unsigned(context: ExportContext, person: Person, unit: str | None = None) -> int:
    """Count the confirmed entries that are left out until they are signed.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    require_permission(person, Action.EXPORT, unit)
    with context.store.read() as conn:
        return count_waiting_signatures(conn, context.forms, person, unit)


def _target_status(
    target: str, exporter: Exporter, candidates: Candidates, options: ExportOptions
) -> TargetStatus:
    belonging = candidates.belonging_to(target, exporter, options)
    # Divide what belongs in the target into what it can carry and what it cannot.
    reasons = [
        (
            record.entry_id,
            HELD_FOR_MATCH
            if record.entry_id in candidates.held
            else exporter.unsupported_reason(record, options),
        )
        for record, _ in belonging
    ]
    unsupported = [UnsupportedEntry(entry_id, reason) for entry_id, reason in reasons if reason]
    left_out = {entry.entry_id for entry in unsupported}
    amendments = sum(
        previous is not None and record.entry_id not in left_out for record, previous in belonging
    )
    return TargetStatus(
        target,
        exporter.title,
        len(belonging) - len(unsupported),
        amendments,
        tuple(unsupported),
        unmapped_fields_notices(options, {record.form for record, _ in belonging}),
    )


def _statistics_status(
    conn: Connection, scope: RunScope, target: str, options: ExportOptions
) -> TargetStatus:
    exporter = STATISTICS[target]
    reporting_status = list_reporting_status(
        conn, scope.context.forms, scope.person, target, unit=scope.unit
    )
    months = MonthScope(scope.person, scope.unit, utc_now())
    report = build_monthly_report(conn, reporting_status, exporter, options, months)
    notices: tuple[Text, ...] = ()
    if report.items:
        notice = exporter.notice(options)
        notices = (
            *(describe_month(month, why) for month, why in sorted(report.reasons.items())),
            *((notice,) if notice else ()),
            *find_incomplete_months(conn, target, report, reporting_status),
        )
    return TargetStatus(
        target,
        exporter.title,
        len(report.items),
        count_amended(report.items),
        tuple(UnsupportedEntry(*entry) for entry in report.unsupported),
        notices,
    )
