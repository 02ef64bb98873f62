"""Lists for spreadsheets, in Swedish: what is left on paper, paper by day, missing sheets.

Kvar på papper is for staff who mark in the care system that a record has a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from pipeline.domain.dates import SWEDEN
from pipeline.domain.identity_numbers import format_pid
from pipeline.export.exporter import data_text
from pipeline.files.csv_tables import write_csv
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.reporting.data_quality import ErrorMetric
from pipeline.reporting.progress import DUE_NAMES, ProgressReport
from pipeline.store.reports.backlog import Backlog
from pipeline.store.reports.paper_days import PaperDays
from pipeline.store.reports.sheet_accounting import MissingSheet
from pipeline.texts import Words, text

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


# The overview (Läge) as a file for spreadsheets, one line a metric.
#
# Its words are of the language asked for; signs (`;`, decimal comma) are those of Swedish
# spreadsheets, whatever the language.

_COLUMNS = (
    "progress_file.column.moment",
    "progress_file.column.what",
    "progress_file.column.unit",
    "progress_file.column.form",
    "progress_file.column.class",
    "progress_file.column.group",
    "progress_file.column.value",
)
"""Keys of the columns."""
_CsvLine = tuple[str, str, str, str, str, str]


def progress_csv(
    progress: ProgressReport, errors: Collection[ErrorMetric], now: datetime, language: str = "sv"
) -> bytes:
    """Return the file: `;`, UTF-8 with byte order mark, CRLF, decimal comma.

    Args:
        errors: the error rates that the person may see.
    """
    time, say = f"{now.astimezone(SWEDEN):%Y-%m-%d %H:%M}", Words(language)
    lines = (
        *_paper_lines(progress, say),
        *_entry_lines(progress, say),
        *_delivery_lines(progress, say),
        *_work_lines(progress, say),
        *_error_lines(errors, say),
    )
    columns = [say(name) for name in _COLUMNS]
    return write_csv(columns, [(time, *line) for line in lines])


def _paper_lines(progress: ProgressReport, say: Words) -> Iterator[_CsvLine]:
    """Yield the pages by unit and form."""
    for page in progress.pages:
        counts = {
            "progress_file.in": page.pages,
            "progress_file.done": page.done,
            "progress_file.waiting": page.waiting,
            "progress_file.failed": page.failed,
        }
        yield from (
            (say("progress_file.pages"), page.unit, page.form, "", say(name), str(value))
            for name, value in counts.items()
        )


def _entry_lines(progress: ProgressReport, say: Words) -> Iterator[_CsvLine]:
    """Yield the entries: by state and age, not entered, due, and checked twice."""
    for entry in progress.entries:
        group = say(
            "progress_file.age",
            state=say(
                "progress_file.void"
                if entry.is_void
                else f"progress_file.state.{entry.state.name.lower()}"
            ),
            age=entry.age,
        )
        yield (
            say("progress_file.entries"),
            entry.unit,
            entry.form,
            entry.criticality,
            group,
            str(entry.count),
        )
    for unit in progress.units:
        yield say("progress_file.not_entered"), unit.unit, "", "", "", str(unit.entries)
        yield say("progress_file.persons_a"), unit.unit, "", "A", "", str(unit.persons_a)
        yield say("progress_file.oldest"), unit.unit, "", "", "", unit.oldest_event or ""
    for unit_name, counts in progress.due.items():
        yield from (
            (
                say("progress_file.due"),
                unit_name,
                "",
                "",
                say(f"progress_file.due.{name}"),
                str(counts[name]),
            )
            for name in DUE_NAMES
        )
    for criticality, (confirmed, twice) in progress.second_checked.items():
        yield say("progress_file.confirmed"), "", "", criticality, "", str(confirmed)
        yield say("progress_file.second"), "", "", criticality, "", str(twice)


def _delivery_lines(progress: ProgressReport, say: Words) -> Iterator[_CsvLine]:
    """Yield the printed sheets, the runs without answer and the incomplete batches."""
    unknown = text("progress_report.unit_unknown", say.language)
    for sheet in progress.sheets:
        counts = {
            "progress_file.issued": sheet.issued,
            "progress_file.back": sheet.returned,
            "progress_file.unused": sheet.unused,
            "progress_file.missing": sheet.missing,
            "progress_file.reserve": sheet.reserve,
        }
        yield from (
            (
                say("progress_file.sheets"),
                sheet.unit or unknown,
                sheet.form,
                "",
                say(name),
                str(value),
            )
            for name, value in counts.items()
        )
    for run in progress.silent_runs:
        yield say("progress_file.silent"), "", "", "", f"{run.target} {run.id}", str(run.entries)
    yield from (
        (say("progress_file.cut_stacks"), unit, "", "", "", str(number))
        for unit, number in progress.incomplete_batches.items()
    )


def _work_lines(progress: ProgressReport, say: Words) -> Iterator[_CsvLine]:
    """Yield what was done each day, the forecast and the pace."""
    for day in progress.past_days:
        counts = {
            "progress_file.made": day.made,
            "progress_file.ended": day.ended,
            "progress_file.open": day.open,
        }
        yield from (
            (say("progress_file.day"), "", "", "", f"{day.day} {say(name)}", str(value))
            for name, value in counts.items()
        )
    forecast, pace = progress.forecast, progress.pace
    for name, days in (
        ("progress_file.fastest", forecast.optimistic),
        ("progress_file.likely", forecast.middle),
        ("progress_file.slowest", forecast.pessimistic),
    ):
        yield (
            say("progress_file.days_left"),
            "",
            "",
            "",
            say(name),
            "" if days is None else str(days),
        )
    yield say("progress_file.arriving"), "", "", "", "", _format_decimal(progress.scanned_per_day)
    for name, value in (
        ("progress_file.a_field", pace.seconds_per_field),
        ("progress_file.an_entry", pace.seconds_per_entry),
    ):
        yield say("progress_file.seconds"), "", "", "", say(name), _format_decimal(value)
    yield say("progress_file.people"), "", "", "", "", _format_decimal(pace.people)
    yield say("progress_file.hours_left"), "", "", "", "", _format_decimal(pace.hours_left)


def _error_lines(errors: Collection[ErrorMetric], say: Words) -> Iterator[_CsvLine]:
    """Yield the error rates, each as how many were wrong and how many were checked."""
    for error in errors:
        for name, share in (
            ("progress_file.wrong", error.wrong),
            ("progress_file.missed", error.missed),
        ):
            if share is not None:
                checked = f"{error.kind} {say('progress_file.controlled')}".strip()
                yield say(name), "", error.form, "", error.kind, str(share.wrong)
                yield say(name), "", error.form, "", checked, str(share.of)


def _format_decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}".replace(".", ",")
