"""The figures of Läge as a file: one line a figure, so that nothing has to be guessed from where a
number stands. For spreadsheets.

The words are of the language asked for; signs (`;`, decimal comma) are what Swedish spreadsheets
read, whatever the language.

Läge on one A4 page for the crisis-management meeting: figures and burn-down, without anybody's
name. Lengths are mm.
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
_CsvLine = tuple[str, str, str, str, str, str]
MARGIN = 16.0
_WIDTH = 210.0 - 2 * MARGIN
_RANGE_COLOUR = (205, 224, 226)
_MAX_UNITS = 14
_CHART_AREA = (MARGIN + 12, 104.0, _WIDTH - 14, 62.0)
_DAY_WIDTH = 17.0
"""What a written day takes."""


def progress_csv(
    progress: ProgressReport, errors: Collection[ErrorMetric], now: datetime, language: str = "sv"
) -> bytes:
    """The file: `;`, UTF-8 with byte order mark, CRLF, decimal comma. `errors` are the measured
    ones that the person may see.
    """
    at, say = f"{now.astimezone(SWEDEN):%Y-%m-%d %H:%M}", Topic("progress_file", language)
    lines = (*_progress_lines(progress, say), *_error_lines(errors, say))
    columns = [say(f"column.{name}") for name in _COLUMNS]
    return write_csv(columns, [(at, *line) for line in lines])


def _progress_lines(progress: ProgressReport, say: Topic) -> Iterator[_CsvLine]:
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
    for unit_name, counted in progress.due.items():
        yield from (
            (say("due"), unit_name, "", "", say(f"due.{group}"), str(counted[group]))
            for group in DUE_RANGES
        )
    for criticality, (confirmed, twice) in progress.second_checked.items():
        yield say("confirmed"), "", "", criticality, "", str(confirmed)
        yield say("second"), "", "", criticality, "", str(twice)
    unknown = text("progress_report.unit_unknown", say.language)
    for sheet in progress.sheets:
        counts = {
            "issued": sheet.issued,
            "back": sheet.returned,
            "unused": sheet.unused,
            "missing": sheet.missing,
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
    yield from _work_lines(progress, say)


def _work_lines(progress: ProgressReport, say: Topic) -> Iterator[_CsvLine]:
    """What was done, and what is ahead."""
    for day in progress.past_days:
        counts = {"made": day.made, "ended": day.ended, "open": day.open}
        yield from (
            (say("day"), "", "", "", f"{day.day} {say(name)}", str(value))
            for name, value in counts.items()
        )
    out, tempo = progress.forecast, progress.pace
    for name, days in (
        ("fastest", out.optimistic),
        ("likely", out.middle),
        ("slowest", out.pessimistic),
    ):
        yield say("days_left"), "", "", "", say(name), "" if days is None else str(days)
    yield say("arriving"), "", "", "", "", _format_decimal(progress.scanned_per_day)
    for name, value in (
        ("a_field", tempo.seconds_per_field),
        ("an_entry", tempo.seconds_per_entry),
    ):
        yield say("seconds"), "", "", "", say(name), _format_decimal(value)
    yield say("people"), "", "", "", "", _format_decimal(tempo.people)
    yield say("hours_left"), "", "", "", "", _format_decimal(tempo.hours_left)


def _error_lines(errors: Collection[ErrorMetric], say: Topic) -> Iterator[_CsvLine]:
    for one in errors:
        for name, share in (("wrong", one.wrong), ("missed", one.missed)):
            if share is not None:
                yield say(name), "", one.form, "", one.kind, str(share.wrong)
                yield (
                    say(name),
                    "",
                    one.form,
                    "",
                    f"{one.kind} {say('controlled')}".strip(),
                    str(share.of),
                )


def _format_decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}".replace(".", ",")


_TEXT_COLOUR, _MUTED_COLOUR, _LINE_COLOUR = (25, 25, 25), (95, 95, 95), (31, 107, 117)


def progress_pdf(
    progress: ProgressReport, provider: str, now: datetime, language: str = "sv"
) -> bytes:
    """The page, in a language."""
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
    """The forecast in a sentence."""
    out = progress.forecast
    if not progress.open:
        return say("nothing_open")
    if not out.path:
        return say("early")
    if out.middle is None:
        return say("far")
    late = say("beyond") if out.pessimistic is None else say.count("days", out.pessimistic)
    return say("outlook", middle=say.count("days", out.middle), best=out.optimistic, worst=late)


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
        for place, (name, value) in enumerate(row):
            paper.write_paragraph(
                MARGIN + place * width, 33 + line * 17, grouped(value), 17, bold=True
            )
            paper.write_paragraph(MARGIN + place * width, 41 + line * 17, say(name), 8.5)
    said = [
        describe_forecast(progress, say),
        say("oldest", day=progress.oldest_event) if progress.oldest_event else say("oldest_none"),
    ]
    said[1] += "".join(
        " " + say("second", criticality=name, twice=grouped(twice), confirmed=grouped(confirmed))
        for name, (confirmed, twice) in progress.second_checked.items()
        if name == "A"
    )
    runs = say.count("runs", len(progress.silent_runs))
    said.append(say.count("silent", sum(run.entries for run in progress.silent_runs), runs=runs))
    if progress.incomplete_batches:
        said.append(say.count("cut_stacks", sum(progress.incomplete_batches.values())))
    if progress.pace.hours_left is not None:
        said.append(say("tempo", hours=say.count("hours", round(progress.pace.hours_left))))
    for place, sentence in enumerate(said):
        paper.write_paragraph(MARGIN, 66.5 + place * 5, sentence, 10, bold=place == 0)


def _draw_burn_down(paper: _ProgressDocument, progress: ProgressReport, say: Topic) -> None:
    left, top, width, height = _CHART_AREA
    behind, ahead = progress.past_days, progress.forecast.path
    if not behind:
        paper.write_paragraph(left, top + 10, say("nothing_scanned"), 10)
        return
    most = max(1.0, *(day.open for day in behind), *(day.high for day in ahead))
    step = width / max(len(behind) + len(ahead) - 1, 1)

    def at(place: int, value: float) -> tuple[float, float]:
        return left + place * step, top + height * (1 - value / most)

    paper.set_draw_color(200, 200, 200)
    for share in (0.0, 0.5, 1.0):
        y = top + height * (1 - share)
        paper.line(left, y, left + width, y)
        paper.write_paragraph(
            MARGIN - 2, y - 2, grouped(round(most * share)), 8, width=12, align="R"
        )
    last = len(behind) - 1
    if ahead:
        start = at(last, behind[-1].open)
        upper = [start, *(at(last + 1 + n, day.high) for n, day in enumerate(ahead))]
        lower = [start, *(at(last + 1 + n, day.low) for n, day in enumerate(ahead))]
        paper.set_fill_color(*_RANGE_COLOUR)
        paper.polygon([*upper, *reversed(lower)], style="F")
        paper.set_dash_pattern(dash=1.5, gap=1)
        _draw_path(paper, [start, *(at(last + 1 + n, day.middle) for n, day in enumerate(ahead))])
        paper.set_dash_pattern()
    _draw_path(paper, [at(n, day.open) for n, day in enumerate(behind)])
    days = [day.day for day in behind] + [day.day for day in ahead]
    for place in _labelled_days(last, len(days), step):
        paper.write_paragraph(
            left + place * step - 10, top + height + 1.5, days[place], 8, width=20, align="C"
        )


def _labelled_days(today: int, days: int, step: float) -> list[int]:
    """Places of the days that are written out: today, the last and the first, but none over
    another.
    """
    chosen = [today]
    for place in (days - 1, 0):
        if all(abs(place - other) * step >= _DAY_WIDTH for other in chosen):
            chosen.append(place)
    return sorted(chosen)


def _draw_path(paper: _ProgressDocument, points: Sequence[tuple[float, float]]) -> None:
    paper.set_draw_color(*_LINE_COLOUR)
    paper.set_line_width(0.7)
    paper.polyline(list(points))
    paper.set_line_width(0.2)


def _draw_units(paper: _ProgressDocument, progress: ProgressReport, say: Topic) -> None:
    paper.set_xy(MARGIN, 178)
    paper.set_style(9, _TEXT_COLOUR)
    paper.set_draw_color(200, 200, 200)
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
        {one.unit for one in progress.pages}
        | {one.unit for one in progress.units}
        | {one.unit for one in progress.sheets}
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
    own = next((one for one in progress.units if one.unit == name), None)
    waiting = sum(one.waiting for one in progress.pages if one.unit == name)
    missing = sum(one.missing for one in progress.sheets if one.unit == name)
    left = (own.entries, own.persons_a, own.oldest_event) if own else (0, 0, None)
    return (
        name or say("unit_unknown"),
        grouped(waiting),
        grouped(left[0]),
        grouped(left[1]),
        left[2] or "–",
        grouped(missing),
    )
