"""Kvar på papper as a file, for staff who mark in the care system that a record has a hole.

Paper by unit and day, and the sheets that are missing, as files: one line a day, or a sheet. In
Swedish, for spreadsheets.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.dates import SWEDEN
from pipeline.domain.identity_numbers import format_pid
from pipeline.files.csv_tables import write_csv
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.store.reports.backlog import Backlog
from pipeline.store.reports.paper_days import PaperDays, PaperStatus
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
STATUS_TEXTS = {
    PaperStatus.NONE: "inget papper",
    PaperStatus.SHORT: "färre än planerat",
    PaperStatus.THERE: "papper finns",
    PaperStatus.IDLE: "inget planerat",
}


def backlog_csv(backlog: Backlog) -> bytes:
    """The list; its last lines count the sheets and entries that are not on it, if there are any."""
    lines = [
        (
            m.unit,
            format_pid(m.pid),
            m.name,
            str(m.sheets),
            str(m.entries),
            m.oldest,
            m.criticality,
            "ja" if m.is_certain else "nej, maskinläst",
        )
        for m in backlog.markers
    ]
    rest = (
        ("okänt vem det gäller", backlog.unknown),
        ("dolda: skyddade, spärrade eller andra lagområden", backlog.hidden),
    )
    return write_csv(
        BACKLOG_HEADER,
        [*lines, *(("", "", what, "", str(count), "", "", "") for what, count in rest if count)],
    )


def paper_days_csv(paper_days: PaperDays) -> bytes:
    """The file: `;`, UTF-8 with byte order mark, CRLF."""
    counts = (paper_days.counts[unit, day] for unit in paper_days.units for day in paper_days.days)
    rows = [
        (
            c.unit,
            c.day,
            *map(
                _describe_status,
                (c.sheets, c.entries, c.visits, c.planned_visits, c.planned_shifts),
            ),
            STATUS_TEXTS[c.paper_status],
        )
        for c in counts
    ]
    return write_csv(PAPER_DAYS_HEADER, rows)


def missing_sheets_csv(missing: Iterable[MissingSheet]) -> bytes:
    """The file of missing sheets, in the order given."""
    rows = [
        (
            m.unit or "okänd enhet",
            m.form,
            format_serial_or_id(m.serial),
            f"{m.issued_at.astimezone(SWEDEN):%Y-%m-%d}",
            "ja" if m.prefilled else "nej",
        )
        for m in missing
    ]
    return write_csv(MISSING_SHEETS_HEADER, rows)


def _describe_status(count: int | None) -> str:
    return "" if count is None else str(count)
