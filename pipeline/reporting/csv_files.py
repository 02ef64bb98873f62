"""Lists for spreadsheets, in Swedish: what is left on paper, paper by day, missing sheets.

Kvar på papper is for staff who mark in the care system that a record has a gap.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.dates import SWEDEN
from pipeline.domain.identity_numbers import format_pid
from pipeline.export.exporter import data_text
from pipeline.files.csv_tables import write_csv
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.store.reports.backlog import Backlog
from pipeline.store.reports.paper_days import PaperDays
from pipeline.store.reports.sheet_accounting import MissingSheet

BACKLOG_HEADER = (
    "enhet",
    "personnummer",
    "namn",
    "ark",
    "poster",
    "äldsta dag",
    "högsta klass",
    "säkert vem",
)
PAPER_DAYS_HEADER = (
    "enhet",
    "dag",
    "ark",
    "poster",
    "besök på papper",
    "planerade besök",
    "planerade pass",
    "bedömning",
)
MISSING_SHEETS_HEADER = ("enhet", "blankett", "löpnummer", "utskrivet", "förifyllt")


def backlog_csv(backlog: Backlog) -> bytes:
    """Return what is left on paper, a line a client of a unit.

    The last lines count the entries that are not in the list, if there are any.
    """
    lines = [
        (
            marker.unit,
            format_pid(marker.pid),
            marker.name,
            str(marker.sheets),
            str(marker.entries),
            marker.oldest,
            marker.criticality,
            data_text("list_file.yes" if marker.is_certain else "list_file.read_by_machine"),
        )
        for marker in backlog.markers
    ]
    not_listed = (
        ("list_file.unknown_client", backlog.unknown),
        ("list_file.hidden", backlog.hidden),
    )
    lines += [
        ("", "", data_text(key), "", str(count), "", "", "") for key, count in not_listed if count
    ]
    return write_csv(BACKLOG_HEADER, lines)


def paper_days_csv(paper_days: PaperDays) -> bytes:
    """Return the paper by unit and day, a line a day."""
    days = (paper_days.counts[unit, day] for unit in paper_days.units for day in paper_days.days)
    rows = [
        (
            count.unit,
            count.day,
            _format_count(count.sheets),
            _format_count(count.entries),
            _format_count(count.visits),
            _format_count(count.planned_visits),
            _format_count(count.planned_shifts),
            data_text(f"list_file.status.{count.paper_status.value}"),
        )
        for count in days
    ]
    return write_csv(PAPER_DAYS_HEADER, rows)


def missing_sheets_csv(missing: Iterable[MissingSheet]) -> bytes:
    """Return the missing sheets, a line a sheet, in the order given."""
    rows = [
        (
            sheet.unit or data_text("list_file.unknown_unit"),
            sheet.form,
            format_serial_or_id(sheet.serial),
            f"{sheet.issued_at.astimezone(SWEDEN):%Y-%m-%d}",
            data_text("list_file.yes" if sheet.prefilled else "list_file.no"),
        )
        for sheet in missing
    ]
    return write_csv(MISSING_SHEETS_HEADER, rows)


def _format_count(count: int | None) -> str:
    return "" if count is None else str(count)
