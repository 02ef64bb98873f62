"""Läge on one A4 page for the crisis-management meeting: figures and burn-down, without anybody's name. Lengths are mm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fpdf import FontFace
from fpdf.enums import TableBordersLayout

from pipeline.document import Document
from pipeline.overview import Overview
from pipeline.swedish_time import SWEDEN
from pipeline.texts import Topic, grouped

MARGIN = 16.0
_WIDTH = 210.0 - 2 * MARGIN
_DARK, _GREY, _LINE = (25, 25, 25), (95, 95, 95), (31, 107, 117)
_BAND = (205, 224, 226)
_MOST_UNITS = 14
_CHART = (MARGIN + 12, 104.0, _WIDTH - 14, 62.0)
_DAY_WIDTH = 17.0
"""What a written day takes."""


def overview_pdf(found: Overview, provider: str, now: datetime, language: str = "sv") -> bytes:
    """The page, in a language."""
    say = Topic("progress_report", language)
    with _Paper(say("name"), language) as paper:
        paper.add_page()
        paper.say(MARGIN, 14, say("title"), 17, bold=True)
        paper.say(MARGIN, 22, f"{provider}   {now.astimezone(SWEDEN):%Y-%m-%d %H:%M}   {say('what')}", 9)
        _figures(paper, found, say)
        paper.say(MARGIN, 94, say("burn_down"), 11, bold=True)
        _burn_down(paper, found, say)
        _units(paper, found, say)
        return bytes(paper.output())


def said_outlook(found: Overview, say: Topic) -> str:
    """The forecast in a sentence."""
    out = found.outlook
    if not found.open:
        return say("nothing_open")
    if not out.path:
        return say("early")
    if out.middle is None:
        return say("far")
    late = say("beyond") if out.pessimistic is None else say.count("days", out.pessimistic)
    return say("outlook", middle=say.count("days", out.middle), best=out.optimistic, worst=late)


class _Paper(Document):
    def __init__(self, title: str, language: str) -> None:
        super().__init__(title, language)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(False)

    def say(self, x: float, y: float, text: str, size: float, *, bold: bool = False, width: float = 0, align: str = "L") -> None:
        self.set_xy(x, y)
        self.dress(size, _DARK if bold else _GREY, bold=bold)
        self.cell(width, size * 0.5, self.fit(text), align=align)


def _figures(paper: _Paper, found: Overview, say: Topic) -> None:
    due = found.due_in
    rows = (
        found.counted.items(),
        (("open", found.open), ("over", due("over")), ("soon", due("today") + due("tomorrow")), ("missing", found.missing)),
    )
    width = _WIDTH / 4
    for line, row in enumerate(rows):
        for place, (name, value) in enumerate(row):
            paper.say(MARGIN + place * width, 33 + line * 17, grouped(value), 17, bold=True)
            paper.say(MARGIN + place * width, 41 + line * 17, say(name), 8.5)
    said = [said_outlook(found, say), say("oldest", day=found.oldest_event) if found.oldest_event else say("oldest_none")]
    said[1] += "".join(
        " " + say("second", criticality=name, twice=grouped(twice), confirmed=grouped(confirmed))
        for name, (confirmed, twice) in found.second_checked.items()
        if name == "A"
    )
    runs = say.count("runs", len(found.silent_runs))
    said.append(say.count("silent", sum(run.entries for run in found.silent_runs), runs=runs))
    if found.cut_stacks:
        said.append(say.count("cut_stacks", sum(found.cut_stacks.values())))
    if found.tempo.hours_left is not None:
        said.append(say("tempo", hours=say.count("hours", round(found.tempo.hours_left))))
    for place, sentence in enumerate(said):
        paper.say(MARGIN, 66.5 + place * 5, sentence, 10, bold=place == 0)


def _burn_down(paper: _Paper, found: Overview, say: Topic) -> None:
    left, top, width, height = _CHART
    behind, ahead = found.behind, found.outlook.path
    if not behind:
        paper.say(left, top + 10, say("nothing_scanned"), 10)
        return
    most = max(1.0, *(day.open for day in behind), *(day.high for day in ahead))
    step = width / max(len(behind) + len(ahead) - 1, 1)

    def at(place: int, value: float) -> tuple[float, float]:
        return left + place * step, top + height * (1 - value / most)

    paper.set_draw_color(200, 200, 200)
    for share in (0.0, 0.5, 1.0):
        y = top + height * (1 - share)
        paper.line(left, y, left + width, y)
        paper.say(MARGIN - 2, y - 2, grouped(round(most * share)), 8, width=12, align="R")
    last = len(behind) - 1
    if ahead:
        start = at(last, behind[-1].open)
        upper = [start, *(at(last + 1 + n, day.high) for n, day in enumerate(ahead))]
        lower = [start, *(at(last + 1 + n, day.low) for n, day in enumerate(ahead))]
        paper.set_fill_color(*_BAND)
        paper.polygon([*upper, *reversed(lower)], style="F")
        paper.set_dash_pattern(dash=1.5, gap=1)
        _path(paper, [start, *(at(last + 1 + n, day.middle) for n, day in enumerate(ahead))])
        paper.set_dash_pattern()
    _path(paper, [at(n, day.open) for n, day in enumerate(behind)])
    days = [day.day for day in behind] + [day.day for day in ahead]
    for place in _labelled(last, len(days), step):
        paper.say(left + place * step - 10, top + height + 1.5, days[place], 8, width=20, align="C")


def _labelled(today: int, days: int, step: float) -> list[int]:
    """Places of the days that are written out: today, the last and the first, but none over another."""
    chosen = [today]
    for place in (days - 1, 0):
        if all(abs(place - other) * step >= _DAY_WIDTH for other in chosen):
            chosen.append(place)
    return sorted(chosen)


def _path(paper: _Paper, points: Sequence[tuple[float, float]]) -> None:
    paper.set_draw_color(*_LINE)
    paper.set_line_width(0.7)
    paper.polyline(list(points))
    paper.set_line_width(0.2)


def _units(paper: _Paper, found: Overview, say: Topic) -> None:
    paper.set_xy(MARGIN, 178)
    paper.dress(9, _DARK)
    paper.set_draw_color(200, 200, 200)
    paper.set_fill_color(255, 255, 255)
    heads = [say(name) for name in ("unit", "unit_waiting", "unit_left", "unit_persons", "unit_oldest", "unit_missing")]
    names = sorted({one.unit for one in found.pages} | {one.unit for one in found.units} | {one.unit for one in found.sheets})
    with paper.table(
        col_widths=(52, 24, 28, 28, 26, 20),
        text_align=("LEFT", *("RIGHT",) * 5),
        headings_style=FontFace(emphasis="BOLD"),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=5.2,
    ) as table:
        for cells in (heads, *(_unit_line(found, name, say) for name in names[:_MOST_UNITS])):
            row = table.row()
            for cell in cells:
                row.cell(paper.fit(cell))
    if len(names) > _MOST_UNITS:
        paper.say(MARGIN, 284, say.count("more_units", len(names) - _MOST_UNITS), 9)


def _unit_line(found: Overview, name: str, say: Topic) -> tuple[str, ...]:
    own = next((one for one in found.units if one.unit == name), None)
    waiting = sum(one.waiting for one in found.pages if one.unit == name)
    missing = sum(one.missing for one in found.sheets if one.unit == name)
    left = (own.entries, own.persons_a, own.oldest_event) if own else (0, 0, None)
    return name or say("unit_unknown"), grouped(waiting), grouped(left[0]), grouped(left[1]), left[2] or "–", grouped(missing)
