"""The overview (Läge) as a file for spreadsheets, one line a metric.

Its words are of the language asked for; signs (`;`, decimal comma) are those of Swedish
spreadsheets, whatever the language.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from pipeline.domain.dates import SWEDEN
from pipeline.files.csv_tables import write_csv
from pipeline.reporting.data_quality import ErrorMetric
from pipeline.reporting.progress import DUE_NAMES, ProgressReport
from pipeline.texts import Words, text

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
