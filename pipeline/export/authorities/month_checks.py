"""Whether a month of statistics is whole: whether all of it was on paper, and all paper is settled.

A month's file takes the place of the one before it at the authority. So a file from here may stand
alone only if the care system has nothing of the month: the month is over, the outage reached from
its first to its last moment in every unit of the area of law, all of these units are in the file,
and no paper of it waits. Else there is a list of what to add to the care system's own file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce

from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.domain.record import OutageKind
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, StatisticsExporter
from pipeline.registers.outages import ALL, OutagePeriod, covers, find_system
from pipeline.store.registers.planning import list_outages
from pipeline.store.reports.paper_days import (
    ANY_MONTH,
    ReportingScope,
    count_hidden_entries,
    count_open_paper,
    list_reporting_units,
)
from pipeline.texts import Text

Reasons = tuple[Text, ...]
"""Why a month is not whole; empty where it is."""
OUTAGE_LEAVES_GAP = Text("statistics_reason.outage")
NOT_OVER = Text("statistics_reason.not_over")
OTHER_UNITS = Text("statistics_reason.other_units")


@dataclass(frozen=True, slots=True)
class MonthScope:
    """Whose months are checked: of a person, of all units or of one, at a moment.

    `forms` are those that have a route to the file.
    """

    person: Person
    unit: str | None
    now: datetime
    forms: Collection[str] = ()


def check_months(
    conn: Connection,
    scope: MonthScope,
    exporter: StatisticsExporter,
    options: ExportOptions,
    months: Collection[str],
) -> dict[str, Reasons]:
    """Return why each month is not whole."""
    if not months:
        return {}
    reporting = ReportingScope(frozenset(options.mappings), exporter.area.value)
    units = list_reporting_units(conn, reporting)
    waiting = count_open_paper(conn, options.forms, reporting, units)
    if not exporter.is_by_event:
        # A field says the month, and nobody has confirmed what stands in it.
        waiting = Counter({ANY_MONTH: waiting.total()})
    # What would not be in the file, whatever the month.
    is_partial = (
        scope.unit is not None
        or not permitted_units(scope.person, Action.EXPORT).issuperset(units)
        or count_hidden_entries(conn, scope.person, reporting, units) > 0
    )
    outages = list_outages(conn) or _settings_outage(options.settings)
    systems = {find_system(form_id, exporter.area.value) for form_id in reporting.forms}
    reasons = {}
    for month in months:
        start, end = _month_bounds(month)
        is_covered = all(
            covers(outages, unit, system, start, end) for unit in units for system in systems
        )
        count = waiting[ANY_MONTH] + waiting[month]
        found = (
            (OUTAGE_LEAVES_GAP, not is_covered),
            (NOT_OVER, end > scope.now),
            (OTHER_UNITS, is_partial),
            (Text("statistics_reason.paper", {"count": count}), count > 0),
        )
        reasons[month] = tuple(reason for reason, applies in found if applies)
    return reasons


def describe_month(month: str, reasons: Reasons) -> Text:
    """Return which of the two a month becomes, and why."""
    if not reasons:
        return Text("export_notice.whole_month", {"month": month})
    joined = reduce(
        lambda first, then: Text("statistics_reason.both", {"first": first, "then": then}), reasons
    )
    return Text("export_notice.supplement", {"month": month, "reasons": joined})


def _settings_outage(settings: Settings) -> list[OutagePeriod]:
    """Return the outage of the settings, for workspaces that keep no table of outages."""
    if settings.outage_start is None:
        return []
    start, end = settings.outage_start, settings.outage_end
    return [
        OutagePeriod(ALL, ALL, OutageKind.DOWN, _as_moment(start), _as_moment(end) if end else None)
    ]


def _month_bounds(month: str) -> tuple[datetime, datetime]:
    """Return the first moment of a month and of the one after it, by Swedish time."""
    start = datetime.fromisoformat(f"{month}-01").replace(tzinfo=SWEDEN)
    return start, (start + timedelta(days=31)).replace(day=1)


def _as_moment(local: datetime) -> datetime:
    return local if local.tzinfo else local.replace(tzinfo=SWEDEN)
