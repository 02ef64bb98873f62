"""The overview (Läge) as a file for spreadsheets and as one A4 page for the crisis meeting.

The file has one line a metric. Its words are of the language asked for; signs (`;`, decimal
comma) are those of Swedish spreadsheets, whatever the language. The page has metrics and
burn-down, without names. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from fpdf import FontFace
from fpdf.enums import TableBordersLayout

from pipeline.domain.dates import SWEDEN
from pipeline.files.csv_tables import write_csv
from pipeline.files.pdf_output import Document
from pipeline.reporting.data_quality import ErrorMetric
from pipeline.reporting.progress import DUE_RANGES, ProgressReport
from pipeline.texts import Topic, grouped, text

_COLUMNS = ("moment", "what", "unit", "form", "class", "group", "value")
"""Keys of the columns."""
_CsvLine = tuple[str, str, str, str, str, str]
MARGIN = 16.0
_WIDTH = 210.0 - 2 * MARGIN
_RANGE_COLOUR = (205, 224, 226)
_MAX_UNITS = 14
"""Units that fit on the page."""
_CHART_AREA = (MARGIN + 12, 104.0, _WIDTH - 14, 62.0)
"""Left, top, width and height."""
_DAY_WIDTH = 17.0
"""Width of a written day."""
_TEXT_COLOUR, _MUTED_COLOUR, _LINE_COLOUR = (25, 25, 25), (95, 95, 95), (31, 107, 117)
_RULE_GREY = (200, 200, 200)


def progress_csv(
    progress: ProgressReport, errors: Collection[ErrorMetric], now: datetime, language: str = "sv"
) -> bytes:
    """Return the file: `;`, UTF-8 with byte order mark, CRLF, decimal comma.

    Args:
        errors: the error rates that the person may see.
    """
    time, say = f"{now.astimezone(SWEDEN):%Y-%m-%d %H:%M}", Topic("progress_file", language)
    lines = (
        *_paper_lines(progress, say),
        *_entry_lines(progress, say),
        *_delivery_lines(progress, say),
        *_work_lines(progress, say),
        *_error_lines(errors, say),
    )
    columns = [say(f"column.{name}") for name in _COLUMNS]
    return write_csv(columns, [(time, *line) for line in lines])


def _paper_lines(progress: ProgressReport, say: Topic) -> Iterator[_CsvLine]:
    """Yield the pages by unit and form."""
    for page in progress.pages:
        counts = {
            "in": page.pages,
            "done": page.done,
            "waiting": page.waiting,
            "failed": page.failed,
        }
        yield from (
            (say("pages"), page.unit, page.form, "", say(name), str(value))
            for name, value in counts.items()
        )


def _entry_lines(progress: ProgressReport, say: Topic) -> Iterator[_CsvLine]:
    """Yield the entries: by state and age, not entered, due, and checked twice."""
    for entry in progress.entries:
        group = say(
            "age",
            state=say("void" if entry.is_void else f"state.{entry.state.name.lower()}"),
            age=entry.age,
        )
        yield say("entries"), entry.unit, entry.form, entry.criticality, group, str(entry.count)
    for unit in progress.units:
        yield say("not_entered"), unit.unit, "", "", "", str(unit.entries)
        yield say("persons_a"), unit.unit, "", "A", "", str(unit.persons_a)
        yield say("oldest"), unit.unit, "", "", "", unit.oldest_event or ""
    for unit_name, counts in progress.due.items():
        yield from (
            (say("due"), unit_name, "", "", say(f"due.{name}"), str(counts[name]))
            for name in DUE_RANGES
        )
    for criticality, (confirmed, twice) in progress.second_checked.items():
        yield say("confirmed"), "", "", criticality, "", str(confirmed)
        yield say("second"), "", "", criticality, "", str(twice)


def _delivery_lines(progress: ProgressReport, say: Topic) -> Iterator[_CsvLine]:
    """Yield the printed sheets, the runs without answer and the incomplete batches."""
    unknown = text("progress_report.unit_unknown", say.language)
    for sheet in progress.sheets:
        counts = {
            "issued": sheet.issued,
            "back": sheet.returned,
            "unused": sheet.unused,
            "missing": sheet.missing,
            "reserve": sheet.reserve,
        }
        yield from (
            (say("sheets"), sheet.unit or unknown, sheet.form, "", say(name), str(value))
            for name, value in counts.items()
        )
    for run in progress.silent_runs:
        yield say("silent"), "", "", "", f"{run.target} {run.id}", str(run.entries)
    yield from (
        (say("cut_stacks"), unit, "", "", "", str(number))
        for unit, number in progress.incomplete_batches.items()
    )


def _work_lines(progress: ProgressReport, say: Topic) -> Iterator[_CsvLine]:
    """Yield what was done each day, the forecast and the pace."""
    for day in progress.past_days:
        counts = {"made": day.made, "ended": day.ended, "open": day.open}
        yield from (
            (say("day"), "", "", "", f"{day.day} {say(name)}", str(value))
            for name, value in counts.items()
        )
    forecast, pace = progress.forecast, progress.pace
    for name, days in (
        ("fastest", forecast.optimistic),
        ("likely", forecast.middle),
        ("slowest", forecast.pessimistic),
    ):
        yield say("days_left"), "", "", "", say(name), "" if days is None else str(days)
    yield say("arriving"), "", "", "", "", _format_decimal(progress.scanned_per_day)
    for name, value in (
        ("a_field", pace.seconds_per_field),
        ("an_entry", pace.seconds_per_entry),
    ):
        yield say("seconds"), "", "", "", say(name), _format_decimal(value)
    yield say("people"), "", "", "", "", _format_decimal(pace.people)
    yield say("hours_left"), "", "", "", "", _format_decimal(pace.hours_left)


def _error_lines(errors: Collection[ErrorMetric], say: Topic) -> Iterator[_CsvLine]:
    """Yield the error rates, each as how many were wrong and how many were checked."""
    for error in errors:
        for name, share in (("wrong", error.wrong), ("missed", error.missed)):
            if share is not None:
                checked = f"{error.kind} {say('controlled')}".strip()
                yield say(name), "", error.form, "", error.kind, str(share.wrong)
                yield say(name), "", error.form, "", checked, str(share.of)


def _format_decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}".replace(".", ",")


def progress_pdf(
    progress: ProgressReport, provider: str, now: datetime, language: str = "sv"
) -> bytes:
    """Return the page as PDF, in a language."""
    say = Topic("progress_report", language)
    with _ProgressDocument(say("name"), language) as paper:
        paper.add_page()
        paper.write_paragraph(MARGIN, 14, say("title"), 17, bold=True)
        paper.write_paragraph(
            MARGIN, 22, f"{provider}   {now.astimezone(SWEDEN):%Y-%m-%d %H:%M}   {say('what')}", 9
        )
        _draw_counts(paper, progress, say)
        paper.write_paragraph(MARGIN, 94, say("burn_down"), 11, bold=True)
        _draw_burn_down(paper, progress, say)
        _draw_units(paper, progress, say)
        return bytes(paper.output())


def describe_forecast(progress: ProgressReport, say: Topic) -> str:
    """Return the forecast in a sentence."""
    forecast = progress.forecast
    if not progress.open:
        return say("nothing_open")
    if not forecast.path:
        return say("early")
    if forecast.middle is None:
        return say("far")
    worst = (
        say("beyond") if forecast.pessimistic is None else say.count("days", forecast.pessimistic)
    )
    middle = say.count("days", forecast.middle)
    return say("outlook", middle=middle, best=forecast.optimistic, worst=worst)


class _ProgressDocument(Document):
    def __init__(self, title: str, language: str) -> None:
        super().__init__(title, language)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(False)

    def write_paragraph(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        bold: bool = False,
        width: float = 0,
        align: str = "L",
    ) -> None:
        self.set_xy(x, y)
        self.set_style(size, _TEXT_COLOUR if bold else _MUTED_COLOUR, bold=bold)
        self.cell(width, size * 0.5, self.fit(text), align=align)


def _draw_counts(paper: _ProgressDocument, progress: ProgressReport, say: Topic) -> None:
    """Draw the counts in two rows of four, and below them the most important sentences."""
    due = progress.due_in
    rows = (
        progress.counted.items(),
        (
            ("open", progress.open),
            ("over", due("over")),
            ("soon", due("today") + due("tomorrow")),
            ("missing", progress.missing),
        ),
    )
    width = _WIDTH / 4
    for line, row in enumerate(rows):
        for column, (name, value) in enumerate(row):
            x, y = MARGIN + column * width, 33 + line * 17
            paper.write_paragraph(x, y, grouped(value), 17, bold=True)
            paper.write_paragraph(x, y + 8, say(name), 8.5)
    for number, sentence in enumerate(_sentences(progress, say)):
        paper.write_paragraph(MARGIN, 66.5 + number * 5, sentence, 10, bold=number == 0)


def _sentences(progress: ProgressReport, say: Topic) -> list[str]:
    """Return forecast, oldest event with second checks, unanswered runs, batches and pace."""
    oldest = (
        say("oldest", day=progress.oldest_event) if progress.oldest_event else say("oldest_none")
    )
    oldest += "".join(
        " " + say("second", criticality=name, twice=grouped(twice), confirmed=grouped(confirmed))
        for name, (confirmed, twice) in progress.second_checked.items()
        if name == "A"
    )
    runs = say.count("runs", len(progress.silent_runs))
    unanswered = say.count("silent", sum(run.entries for run in progress.silent_runs), runs=runs)
    sentences = [describe_forecast(progress, say), oldest, unanswered]
    if progress.incomplete_batches:
        sentences.append(say.count("cut_stacks", sum(progress.incomplete_batches.values())))
    if progress.pace.hours_left is not None:
        sentences.append(say("tempo", hours=say.count("hours", round(progress.pace.hours_left))))
    return sentences


def _draw_burn_down(paper: _ProgressDocument, progress: ProgressReport, say: Topic) -> None:
    """Draw open entries of the past days, and the forecast with its range."""
    left, top, width, height = _CHART_AREA
    behind, ahead = progress.past_days, progress.forecast.path
    if not behind:
        paper.write_paragraph(left, top + 10, say("nothing_scanned"), 10)
        return
    most = max(1.0, *(day.open for day in behind), *(day.high for day in ahead))
    day_width = width / max(len(behind) + len(ahead) - 1, 1)

    def point(day: int, value: float) -> tuple[float, float]:
        return left + day * day_width, top + height * (1 - value / most)

    # Scale: nothing, half and most.
    paper.set_draw_color(*_RULE_GREY)
    for share in (0.0, 0.5, 1.0):
        y = top + height * (1 - share)
        paper.line(left, y, left + width, y)
        paper.write_paragraph(
            MARGIN - 2, y - 2, grouped(round(most * share)), 8, width=12, align="R"
        )
    today = len(behind) - 1
    # The range of the forecast as an area, its middle as a dashed line.
    if ahead:
        start = point(today, behind[-1].open)
        upper = [start, *(point(n, day.high) for n, day in enumerate(ahead, today + 1))]
        lower = [start, *(point(n, day.low) for n, day in enumerate(ahead, today + 1))]
        middle = [start, *(point(n, day.middle) for n, day in enumerate(ahead, today + 1))]
        paper.set_fill_color(*_RANGE_COLOUR)
        paper.polygon([*upper, *reversed(lower)], style="F")
        paper.set_dash_pattern(dash=1.5, gap=1)
        _draw_path(paper, middle)
        paper.set_dash_pattern()
    _draw_path(paper, [point(n, day.open) for n, day in enumerate(behind)])
    days = [day.day for day in behind] + [day.day for day in ahead]
    for day in _labelled_days(today, len(days), day_width):
        x = left + day * day_width - 10
        paper.write_paragraph(x, top + height + 1.5, days[day], 8, width=20, align="C")


def _labelled_days(today: int, days: int, day_width: float) -> list[int]:
    """Return which days are written out: today, the last and the first, without overlap."""
    labelled = [today]
    for day in (days - 1, 0):
        if all(abs(day - other) * day_width >= _DAY_WIDTH for other in labelled):
            labelled.append(day)
    return sorted(labelled)


def _draw_path(paper: _ProgressDocument, points: Sequence[tuple[float, float]]) -> None:
    paper.set_draw_color(*_LINE_COLOUR)
    paper.set_line_width(0.7)
    paper.polyline(list(points))
    paper.set_line_width(0.2)


def _draw_units(paper: _ProgressDocument, progress: ProgressReport, say: Topic) -> None:
    """Draw a table of the first units, and how many more there are."""
    paper.set_xy(MARGIN, 178)
    paper.set_style(9, _TEXT_COLOUR)
    paper.set_draw_color(*_RULE_GREY)
    paper.set_fill_color(255, 255, 255)
    heads = [
        say(name)
        for name in (
            "unit",
            "unit_waiting",
            "unit_left",
            "unit_persons",
            "unit_oldest",
            "unit_missing",
        )
    ]
    names = sorted(
        {count.unit for count in progress.pages}
        | {count.unit for count in progress.units}
        | {balance.unit for balance in progress.sheets}
    )
    with paper.table(
        col_widths=(52, 24, 28, 28, 26, 20),
        text_align=("LEFT", *("RIGHT",) * 5),
        headings_style=FontFace(emphasis="BOLD"),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=5.2,
    ) as table:
        for cells in (heads, *(_unit_row(progress, name, say) for name in names[:_MAX_UNITS])):
            row = table.row()
            for cell in cells:
                row.cell(paper.fit(cell))
    if len(names) > _MAX_UNITS:
        paper.write_paragraph(MARGIN, 284, say.count("more_units", len(names) - _MAX_UNITS), 9)


def _unit_row(progress: ProgressReport, name: str, say: Topic) -> tuple[str, ...]:
    unit = next((count for count in progress.units if count.unit == name), None)
    waiting = sum(count.waiting for count in progress.pages if count.unit == name)
    missing = sum(balance.missing for balance in progress.sheets if balance.unit == name)
    return (
        name or say("unit_unknown"),
        grouped(waiting),
        grouped(unit.entries if unit else 0),
        grouped(unit.persons_a if unit else 0),
        (unit.oldest_event if unit else None) or "–",
        grouped(missing),
    )
