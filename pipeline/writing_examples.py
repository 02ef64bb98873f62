"""The strip at the foot of every page that shows how to write: ten digits, a tick, and how to take a tick back. Drawn by us, as a pen would."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.drawing import Colour, Paper, Point, Style
from pipeline.model import Box

DIGITS: dict[str, tuple[tuple[Point, ...], ...]] = {
    "0": (((0.5, 0.08), (0.2, 0.3), (0.2, 0.7), (0.5, 0.93), (0.8, 0.7), (0.8, 0.3), (0.5, 0.08)),),
    "1": (((0.28, 0.36), (0.58, 0.08)), ((0.58, 0.08), (0.58, 0.93))),
    "2": (((0.2, 0.28), (0.45, 0.08), (0.76, 0.26), (0.6, 0.56), (0.2, 0.92)), ((0.2, 0.92), (0.82, 0.92))),
    "3": (((0.22, 0.16), (0.5, 0.07), (0.74, 0.25), (0.46, 0.46)), ((0.46, 0.46), (0.8, 0.66), (0.58, 0.92), (0.2, 0.84))),
    "4": (((0.34, 0.08), (0.2, 0.58)), ((0.2, 0.58), (0.84, 0.58)), ((0.64, 0.3), (0.64, 0.93))),
    "5": (((0.3, 0.08), (0.27, 0.44)), ((0.27, 0.44), (0.6, 0.4), (0.8, 0.66), (0.56, 0.93), (0.2, 0.86)), ((0.3, 0.08), (0.76, 0.08))),
    "6": (((0.66, 0.07), (0.32, 0.36), (0.22, 0.7), (0.5, 0.93), (0.78, 0.72), (0.54, 0.52), (0.24, 0.68)),),
    "7": (((0.2, 0.08), (0.82, 0.08)), ((0.82, 0.08), (0.42, 0.93)), ((0.34, 0.5), (0.78, 0.5))),
    "8": (((0.5, 0.47), (0.26, 0.27), (0.5, 0.07), (0.74, 0.27), (0.5, 0.47), (0.22, 0.7), (0.5, 0.93), (0.78, 0.7), (0.5, 0.47)),),
    "9": (((0.76, 0.3), (0.5, 0.48), (0.25, 0.28), (0.5, 0.07), (0.76, 0.3)), ((0.76, 0.3), (0.7, 0.62), (0.5, 0.93))),
}
"""Strokes of the digits as Swedes write them (1 with upstroke, 7 with bar, open 4): each is a smooth line through points in a unit box."""

TICK: tuple[Point, ...] = ((0.14, 0.16), (0.86, 0.86))
TICK_BACK: tuple[Point, ...] = ((0.86, 0.12), (0.14, 0.88))
_CAPTION = Style(7.5, Colour.LABEL)
_HEADING = Style(7.5, Colour.TITLE, bold=True)
_TOP = 275.6
_CELL = (4.6, 6.2)
_MARK_MM = 4.6


def draw_examples(paper: Paper) -> None:
    """Draw the strip between the lower left marker and the lower right code."""
    paper.words("Så fyller du i", (21, _TOP - 4.6), _HEADING)
    paper.words("Svart eller blå penna. En siffra i varje ruta, skriv inte på linjerna.", (40, _TOP - 4.6), _CAPTION)
    for index, digit in enumerate(DIGITS):
        _digit(paper, digit, Box(21 + index * _CELL[0], _TOP, *_CELL))
    _example(paper, 79, "Kryss", ticked=True)
    _example(paper, 102, "Ångrat kryss: fyll rutan", ticked=False)


def _digit(paper: Paper, digit: str, cell: Box) -> None:
    paper.area(cell, Colour.WHITE, Colour.FRAME, 0.25)
    inner = Box(cell.x + 0.9, cell.y + 0.9, cell.w - 1.8, cell.h - 1.8)
    for stroke in DIGITS[digit]:
        paper.pen(within(inner, smooth(stroke)), Colour.TEXT, 0.38)


def _example(paper: Paper, x: float, caption: str, *, ticked: bool) -> None:
    box = Box(x, _TOP + 0.8, _MARK_MM, _MARK_MM)
    if ticked:
        paper.area(box, Colour.WHITE, Colour.FRAME, 0.35)
        for stroke in (TICK, TICK_BACK):
            paper.pen(within(box, stroke), Colour.TEXT, 0.42)
    else:
        paper.area(box, Colour.TEXT, Colour.TEXT, 0.35)
    paper.words(caption, (x + _MARK_MM + 1.4, _TOP + 2), _CAPTION)


def within(box: Box, points: Sequence[Point]) -> list[Point]:
    """Points of a unit box, laid in a box."""
    return [(box.x + x * box.w, box.y + y * box.h) for x, y in points]


def smooth(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """A Catmull–Rom spline through the points; a closed line is closed smoothly."""
    if len(points) < 3:
        return list(points)
    closed = points[0] == points[-1]
    before, after = (points[-2], points[1]) if closed else (points[0], points[-1])
    knots = [before, *points, after]
    return [_spline(knots[i : i + 4], step / steps) for i in range(len(points) - 1) for step in range(steps + 1)]


def _spline(knots: Sequence[Point], t: float) -> Point:
    a, b, c, d = knots
    x, y = (
        0.5 * (2 * b[i] + (c[i] - a[i]) * t + (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i]) * t**2 + (3 * b[i] - a[i] - 3 * c[i] + d[i]) * t**3)
        for i in (0, 1)
    )
    return x, y
