"""The overview (Läge) as one A4 page for the crisis meeting: sentences, plot, and table by unit.

It has no names. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fpdf import FontFace
from fpdf.enums import TableBordersLayout, XPos, YPos

from pipeline.domain.dates import SWEDEN
from pipeline.files.pdf_output import Document
from pipeline.reporting.progress import STEPS, Overview, ProgressReport
from pipeline.reporting.situation import Level, describe_situation
from pipeline.texts import Words, grouped

_MARGIN = 16.0
_WIDTH = 210.0 - 2 * _MARGIN
_BOTTOM = 297.0 - 12
_MAX_UNITS = 14
"""Units that fit on the page."""
_SCALE_WIDTH, _PLOT_HEIGHT = 12.0, 64.0
_LABEL_WIDTH = {True: 9.0, False: 17.0}
"""Width of a written hour, and of a written day."""
_TEXT_COLOUR, _MUTED_COLOUR, _LINE_COLOUR = (25, 25, 25), (95, 95, 95), (31, 107, 117)
_HARM_COLOUR, _RANGE_COLOUR, _MADE_COLOUR = (176, 32, 24), (205, 224, 226), (217, 164, 91)
_RULE_GREY = (200, 200, 200)
_Point = tuple[float, float]


def situation_pdf(
    report: ProgressReport, provider: str, now: datetime, language: str = "sv"
) -> bytes:
    """Return the page as PDF, in a language."""
    say = Words(language)
    with _Page(say("progress_report.name"), language) as page:
        page.add_page()
        page.write(say("progress_report.title"), 17, bold=True)
        page.write(
            f"{provider}   {now.astimezone(SWEDEN):%Y-%m-%d %H:%M}   {say('progress_report.what')}",
            9,
            _MUTED_COLOUR,
        )
        page.ln(4)
        _draw_sentences(page, report, language)
        page.ln(4)
        page.write(
            say("progress_report.by_hour" if report.is_by_hour else "progress_report.burn_down"),
            11,
            bold=True,
        )
        _draw_plot(page, report, say)
        page.ln(3)
        _draw_units(page, report, say)
        page.ln(2)
        for sentence in _notes(report, say):
            page.write(sentence, 9, _MUTED_COLOUR)
        return bytes(page.output())


class _Page(Document):
    def __init__(self, title: str, language: str) -> None:
        super().__init__(title, language)
        self.set_margins(_MARGIN, 12, _MARGIN)
        self.set_auto_page_break(False)

    def write(  # type: ignore[override]
        self,
        text: str,
        size: float,
        colour: tuple[int, int, int] = _TEXT_COLOUR,
        *,
        bold: bool = False,
    ) -> None:
        """Write a paragraph across the page, if there is room for it."""
        if self.get_y() + size * 0.5 > _BOTTOM:
            return
        self.set_style(size, colour, bold=bold)
        self.multi_cell(
            0, size * 0.5, self.fit(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def label(self, at: _Point, text: str, width: float, align: str) -> None:
        """Write a small label."""
        self.set_xy(*at)
        self.set_style(8, _MUTED_COLOUR)
        self.cell(width, 4, self.fit(text), align=align)


def _draw_sentences(page: _Page, report: ProgressReport, language: str) -> None:
    """Draw what has to be understood in ten seconds; what does harm in red."""
    situation = report.situation
    text = describe_situation(situation, language)
    whole_colour = _HARM_COLOUR if situation.is_damaged else _TEXT_COLOUR
    page.write(text.whole, 13, whole_colour, bold=True)
    is_harm = situation.level is Level.HARM
    page.write(text.danger, 13, _HARM_COLOUR if is_harm else _TEXT_COLOUR, bold=True)
    page.write(text.done, 13, bold=True)


def _draw_plot(page: _Page, report: Overview, say: Words) -> None:
    """Draw what is left: by the hour with what came in and was done, later by the day."""
    left, top = _MARGIN + _SCALE_WIDTH, page.get_y() + (8 if report.is_by_hour else 4)
    if not report.past_hours and not report.past_days:
        page.write(say("progress_report.nothing_scanned"), 10, _MUTED_COLOUR)
        return
    if report.is_by_hour:
        _draw_hours(page, report, say, (left, top))
    else:
        _draw_days(page, report, (left, top))
    page.set_xy(_MARGIN, top + _PLOT_HEIGHT + 6)


def _draw_hours(page: _Page, report: Overview, say: Words, corner: _Point) -> None:
    hours = report.past_hours
    most = max(1, *(max(hour.open, hour.made, hour.ended) for hour in hours))
    _draw_scale(page, corner, most)
    left, top = corner
    slot = (_WIDTH - _SCALE_WIDTH) / len(hours)
    bar, base = min(slot * 0.38, 12.0), top + _PLOT_HEIGHT
    for number, hour in enumerate(hours):
        middle = left + (number + 0.5) * slot
        for x, count, colour in (
            (middle - bar, hour.made, _MADE_COLOUR),
            (middle, hour.ended, _LINE_COLOUR),
        ):
            page.set_fill_color(*colour)
            height = _PLOT_HEIGHT * count / most
            page.rect(x, base - height, bar, height, style="F")
    points = [
        (left + (number + 0.5) * slot, top + _PLOT_HEIGHT * (1 - hour.open / most))
        for number, hour in enumerate(hours)
    ]
    _draw_path(page, points, _TEXT_COLOUR)
    for x, y in points:
        page.set_fill_color(*_TEXT_COLOUR)
        page.ellipse(x - 0.9, y - 0.9, 1.8, 1.8, style="F")
    labels = [f"{hour.hour.astimezone(SWEDEN):%H:%M}" for hour in hours]
    _draw_labels(page, labels, [x for x, _ in points], base, _LABEL_WIDTH[True])
    _draw_legend(page, say, (left, top - 6))


def _draw_legend(page: _Page, say: Words, corner: _Point) -> None:
    x, y = corner
    for name, colour in (
        ("progress_report.hour_made", _MADE_COLOUR),
        ("progress_report.hour_ended", _LINE_COLOUR),
        ("progress_report.hour_open", _TEXT_COLOUR),
    ):
        page.set_fill_color(*colour)
        page.rect(x, y + 1, 3, 2, style="F")
        page.label((x + 4, y), say(name), 40, "L")
        x += 46


def _draw_days(page: _Page, report: Overview, corner: _Point) -> None:
    """Draw open entries of the past days, and the forecast with its range."""
    behind, ahead = report.past_days, report.forecast.path
    most = max(1.0, *(day.open for day in behind), *(day.high for day in ahead))
    _draw_scale(page, corner, most)
    left, top = corner
    day_width = (_WIDTH - _SCALE_WIDTH) / max(len(behind) + len(ahead) - 1, 1)

    def point(day: int, value: float) -> _Point:
        return left + day * day_width, top + _PLOT_HEIGHT * (1 - value / most)

    today = len(behind) - 1
    # The range of the forecast as an area, its middle as a dashed line.
    if ahead:
        start = point(today, behind[-1].open)
        upper = [start, *(point(n, day.high) for n, day in enumerate(ahead, today + 1))]
        lower = [start, *(point(n, day.low) for n, day in enumerate(ahead, today + 1))]
        page.set_fill_color(*_RANGE_COLOUR)
        page.polygon([*upper, *reversed(lower)], style="F")
        page.set_dash_pattern(dash=1.5, gap=1)
        middle = [start, *(point(n, day.middle) for n, day in enumerate(ahead, today + 1))]
        _draw_path(page, middle, _LINE_COLOUR)
        page.set_dash_pattern()
    _draw_path(page, [point(n, day.open) for n, day in enumerate(behind)], _LINE_COLOUR)
    days = [day.day for day in behind] + [day.day for day in ahead]
    places = [left + n * day_width for n in range(len(days))]
    shown = _labelled(today, places, _LABEL_WIDTH[False])
    _draw_labels(
        page,
        [days[n] if n in shown else "" for n in range(len(days))],
        places,
        top + _PLOT_HEIGHT,
        0,
    )


def _draw_scale(page: _Page, corner: _Point, most: float) -> None:
    """Draw the lines of nothing, half and most, with their numbers."""
    left, top = corner
    page.set_draw_color(*_RULE_GREY)
    for share in (0.0, 0.5, 1.0) if most > 1 else (0.0, 1.0):
        y = top + _PLOT_HEIGHT * (1 - share)
        page.line(left, y, _MARGIN + _WIDTH, y)
        page.label((_MARGIN - 2, y - 2), grouped(round(most * share)), 12, "R")


def _draw_labels(
    page: _Page, labels: Sequence[str], places: Sequence[float], base: float, width: float
) -> None:
    """Write labels below the plot; those that would touch the one before are left out."""
    last = -width
    for text, x in zip(labels, places, strict=True):
        if text and x - last >= width:
            page.label((min(x - 10, _MARGIN + _WIDTH - 19), base + 1), text, 20, "C")
            last = x


def _labelled(today: int, places: Sequence[float], width: float) -> set[int]:
    """Return which days are written out: today, the last and the first, without overlap."""
    chosen = [today]
    for day in (len(places) - 1, 0):
        if all(abs(places[day] - places[other]) >= width for other in chosen):
            chosen.append(day)
    return set(chosen)


def _draw_path(page: _Page, points: Sequence[_Point], colour: tuple[int, int, int]) -> None:
    page.set_draw_color(*colour)
    page.set_line_width(0.7)
    page.polyline(list(points))
    page.set_line_width(0.2)


def _draw_units(page: _Page, report: ProgressReport, say: Words) -> None:
    """Draw a table of the first units, and how many more there are."""
    page.set_style(9, _TEXT_COLOUR)
    page.set_draw_color(*_RULE_GREY)
    page.set_fill_color(255, 255, 255)
    heads = [
        "progress_report.unit",
        "progress_report.unit_waiting",
        *(f"progress_report.step.{name}" for name in STEPS),
    ]
    heads += [
        "progress_report.unit_over",
        "progress_report.unit_oldest",
        "progress_report.unit_missing",
    ]
    names = sorted({*report.remaining, *report.due, *(sheet.unit for sheet in report.sheets)})
    rows = [_unit_row(report, name, say) for name in names[:_MAX_UNITS]]
    page.draw_table(
        ([say(name) for name in heads], *rows),
        col_widths=(38, 16, 18, 24, 19, 18, 20, 21, 16),
        text_align=("LEFT", *("RIGHT",) * 8),
        headings_style=FontFace(emphasis="BOLD"),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=4.8,
    )
    if len(names) > _MAX_UNITS:
        page.write(
            say.count("progress_report.more_units", len(names) - _MAX_UNITS), 9, _MUTED_COLOUR
        )


def _unit_row(report: ProgressReport, name: str, say: Words) -> tuple[str, ...]:
    left, due = report.remaining.get(name), report.due.get(name, {})
    oldest = next((unit.oldest_event for unit in report.units if unit.unit == name), None)
    missing = sum(balance.missing for balance in report.sheets if balance.unit == name)
    steps = left.steps if left else dict.fromkeys(STEPS, 0)
    return (
        name or say("progress_report.unit_unknown"),
        grouped(left.pages if left else 0),
        *(grouped(count) for count in steps.values()),
        grouped(due.get("over", 0) + due.get("uncertain", 0)),
        oldest or "–",
        grouped(missing),
    )


def _notes(report: ProgressReport, say: Words) -> list[str]:
    """Return what is less urgent: second reviews, unanswered runs and the pace."""
    notes = [
        say("progress_report.second", twice=grouped(twice), confirmed=grouped(confirmed))
        for criticality, (confirmed, twice) in report.second_checked.items()
        if criticality == "A"
    ]
    if report.silent_runs:
        runs = say.count("progress_report.runs", len(report.silent_runs))
        entries = sum(run.entries for run in report.silent_runs)
        notes.append(say.count("progress_report.silent", entries, runs=runs))
    if report.pace.hours_left is not None:
        notes.append(
            say(
                "progress_report.tempo",
                hours=say.count("progress_report.hours", round(report.pace.hours_left)),
            )
        )
    return notes
