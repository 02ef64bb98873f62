"""What waits to be exported, route by route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.domain.errors import ExportError
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.domain.record import DEFAULT_ROUTE, MANUAL_ENTRY_TARGET, Record, Route
from pipeline.export.authorities.month_checks import MonthScope, describe_month
from pipeline.export.authorities.monthly import (
    build_monthly_report,
    count_amended,
    find_incomplete_months,
)
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.exporter import ExportOptions, StatisticsExporter
from pipeline.export.left_out import unmapped_fields_notices
from pipeline.export.runs.candidates import (
    Candidates,
    RunKind,
    RunScope,
    load_candidates,
    with_manual_corrections,
)
from pipeline.export.targets import find_target
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.exports.routes import list_routes
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import list_reporting_status
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.reports import progress
from pipeline.store.reports.progress import UnprovenEntries
from pipeline.store.review.signatures import list_unsigned_forms
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text

_SETTING_REASONS = frozenset(
    {
        "export_reason.no_provider_id",
        "export_reason.no_system_id",
        "export_reason.no_ids",
        "export_reason.payment_no_debtor",
    }
)


@dataclass(frozen=True, slots=True)
class UnsupportedEntry:
    """A confirmed entry that a run leaves out, and why (without any value).

    `more_reasons` keep it out as well, once the first is mended.

    `can_be_keyed_in`: no system has it from this route yet, so that it can go on a list instead.
    """

    entry_id: str
    reason: Text
    can_be_keyed_in: bool = False
    more_reasons: tuple[Text, ...] = ()

    @property
    def reasons(self) -> tuple[Text, ...]:
        """All that keeps it out."""
        return (self.reason, *self.more_reasons)

    @property
    def lacks_setting(self) -> bool:
        """Whether it waits for a setting, and no work on entries will let it go."""
        return any(reason.key in _SETTING_REASONS for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class RunPreview:
    """What a run of a route and format would hold now. `entries` includes `amendments`.

    Attributes:
        route: The route, as it is set now.
        first_day: The first day of an event, YYYY-MM-DD; empty where none has a day.
        last_day: The last.
        is_statistics: Whether it reports whole months and takes no entry.
        notices: What to do before a file of statistics is handed in, what a table leaves out, or
            what in the file would be an example's value.
        fault: What is wrong with the target's own mapping files.
    """

    kind: RunKind
    route: Route
    title: Text
    entries: int
    amendments: int
    unsupported: tuple[UnsupportedEntry, ...] = ()
    first_day: str = ""
    last_day: str = ""
    notices: tuple[Text, ...] = ()
    is_statistics: bool = False
    fault: ExportError | None = None

    @property
    def target(self) -> str:
        """The format."""
        return self.kind.target


def list_run_previews(
    context: ExportContext, person: Person, unit: str | None = None
) -> list[RunPreview]:
    """List what waits to be exported: one line a route, and one for what it has by hand.

    A route that is ended, and a list that nothing waits for, are left out.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    context.store.require_permission(person, Action.EXPORT, unit)
    scope = RunScope(context, person, unit)
    with context.store.read() as conn:
        staff = load_staff_list(conn)
        candidates = with_manual_corrections(load_candidates(conn, scope), context, staff)
        routes = {route.name: route for route in (DEFAULT_ROUTE, *list_routes(conn))}
        # Each route in its format, and whatever waits besides
        kinds = dict.fromkeys(
            [
                *(
                    RunKind(route.name, route.target)
                    for route in routes.values()
                    if route.is_active or context.targets.find_statistics(route.target)
                ),
                *(candidate.kind for candidate in candidates.entries),
            ]
        )
        return [
            _run_preview(conn, scope, routes.get(kind.route, DEFAULT_ROUTE), kind, candidates)
            for kind in kinds
            if kind.target in context.targets
        ]


def count_unsigned(context: ExportContext, person: Person, unit: str | None = None) -> int:
    """Count the confirmed entries that are left out until they are signed.

    They are those that the person can see, of one unit or of all.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    with context.store.read() as conn:
        require_permission(person, Action.EXPORT, unit)
        needs_signature = signature_rule(conn, context.forms)
        # Whether a form needs a signature depends on unit and area of law.
        rows = list_unsigned_forms(conn, person, unit)
    return sum(needs_signature(row.form, row.version, row.unit, row.area) for row in rows)


def count_unproven(context: ExportContext, person: Person, now: datetime) -> list[UnprovenEntries]:
    """Count by route what was sent and has no receipt after the setting `proof_days`.

    These are counts of the person's units, of nobody: what was sent has not arrived until the
    system has said so.

    Raises:
        NotAllowedError: the person may not export.
    """
    require_permission(person, Action.EXPORT)
    units = permitted_units(person, Action.EXPORT)
    before = now - timedelta(days=context.settings.proof_days)
    return context.store.query(progress.count_unproven, units, before)


def _run_preview(
    conn: Connection, scope: RunScope, route: Route, kind: RunKind, candidates: Candidates
) -> RunPreview:
    exporter = find_target(scope.context.settings, kind.target)
    try:
        options = load_export_options(scope.context, kind.target, exporter, load_staff_list(conn))
        example = exporter.example_notice(options)
    except ExportError as error:
        is_statistics = isinstance(exporter, StatisticsExporter)
        return RunPreview(
            kind, route, exporter.title, 0, 0, is_statistics=is_statistics, fault=error
        )
    if isinstance(exporter, StatisticsExporter):
        return _statistics_preview(conn, scope, route, exporter, options)
    waiting = candidates.waiting_for(kind)
    # Divide what waits into what goes along and what is left out.
    left_out = [
        UnsupportedEntry(
            one.record.entry_id,
            reasons[0],
            can_be_keyed_in=one.previous is None
            and kind.target != MANUAL_ENTRY_TARGET
            and one.record.entry_id not in candidates.held,
            more_reasons=reasons[1:],
        )
        for one in waiting
        if (reasons := candidates.reasons_left_out(one, exporter, options))
    ]
    left_out_ids = {each.entry_id for each in left_out}
    going = [one for one in waiting if one.record.entry_id not in left_out_ids]
    first_day, last_day = _event_days([one.record for one in going])
    return RunPreview(
        kind,
        route,
        exporter.title,
        len(going),
        sum(one.previous is not None for one in going),
        tuple(left_out),
        first_day,
        last_day,
        (
            *((example,) if example and going else ()),
            *unmapped_fields_notices(options, {one.record.form for one in waiting}),
        ),
    )


def _statistics_preview(
    conn: Connection,
    scope: RunScope,
    route: Route,
    exporter: StatisticsExporter,
    options: ExportOptions,
) -> RunPreview:
    reporting_status = list_reporting_status(
        conn, scope.context.forms, scope.person, route.target, unit=scope.unit
    )
    forms = route.forms if route.is_active else ()
    months = MonthScope(scope.person, scope.unit, utc_now(), forms)
    report = build_monthly_report(conn, reporting_status, exporter, options, months)
    notices: tuple[Text, ...] = ()
    if report.items:
        notice = exporter.notice(options)
        notices = (
            *(describe_month(month, why) for month, why in sorted(report.reasons.items())),
            *((notice,) if notice else ()),
            *find_incomplete_months(conn, route.target, report, reporting_status),
        )
    first_day, last_day = _event_days([item.record for item in report.items])
    return RunPreview(
        RunKind(route.name, route.target),
        route,
        exporter.title,
        len(report.items),
        count_amended(report.items),
        tuple(UnsupportedEntry(*entry) for entry in report.unsupported),
        first_day,
        last_day,
        notices,
        is_statistics=True,
    )


def _event_days(records: Sequence[Record]) -> tuple[str, str]:
    """Return the first and last day of an event; empty where no entry has one."""
    days = [
        moment.date().isoformat()
        for record in records
        if (moment := record.event_at or record.written_at)
    ]
    return min(days, default=""), max(days, default="")
