"""Draw lines of writing with words struck out, underlined, dashed or left alone.

They train and measure the detection of struck-out words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image

LINE_HEIGHT_PX = 72
"""Lines are drawn on at this height, px."""
INK_LEVEL = 150
Points = NDArray[np.float64]
Extent = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line (dark on white), and whether each column is struck out.

    A column is struck out where a stroke or scribble says that the word does not count.
    """

    picture: Image
    struck: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Writing:
    """What a stroke depends on.

    The zone of the small letters (y, px), how wide the pen is and how dark.
    """

    top: int
    bottom: int
    pen: float
    ink: int
    words: tuple[Extent, ...]

    @property
    def zone(self) -> int:
        return max(6, self.bottom - self.top)


def draw_line(picture: Image, rng: Generator) -> DrawnLine:
    """Draw strokes on the line (any height).

    In six of ten some words are struck out; others get strokes that mean something else.
    """
    width = max(24, round(picture.shape[1] * LINE_HEIGHT_PX / picture.shape[0]))
    line = np.asarray(
        cv2.resize(picture, (width, LINE_HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8
    )
    writing = _analyse_writing(line)
    struck = np.zeros(width, np.bool_)
    if writing is None:
        return DrawnLine(line, struck)
    # Strokes that strike nothing out: underlines, rules, dashes and bars.
    for draw in (_draw_underline, _draw_rule, _draw_dash, _draw_bar):
        if rng.random() < 0.15:
            line = draw(line, writing, rng)
    # Strokes that strike out one to three places.
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            extent = _choose_extent(writing, rng)
            strokes = _STRIKE_DRAWERS[int(rng.choice(len(_STRIKE_DRAWERS), p=_STRIKE_SHARES))](
                _restrict_to(line, writing, extent), extent, rng
            )
            line = _ink_strokes(line, strokes, writing, rng)
            struck[max(0, extent[0]) : extent[1]] = True
    return DrawnLine(_scan_line(line, rng), struck)


def _analyse_writing(line: Image) -> _Writing | None:
    dark = line < INK_LEVEL
    if dark.sum() < 40:
        return None
    # Zone of small letters.
    top, bottom = _small_letter_zone(dark)
    # Pen width: twice the ink divided by its outline.
    edge = dark & ~(cv2.erode(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    pen = float(np.clip(2.0 * dark.sum() / max(1, int(edge.sum())), 1.5, 7.0))
    return _Writing(top, bottom, pen, int(np.quantile(line[dark], 0.3)), _find_words(dark))


def _small_letter_zone(dark: NDArray[np.bool_]) -> Extent:
    """Return the rows with at least half as much ink as the fullest ones."""
    # Smoothed profile of ink by row.
    rows = np.convolve(dark.sum(axis=1), np.ones(3) / 3, mode="same")
    full = np.flatnonzero(rows > 0.5 * np.quantile(rows, 0.95))
    return int(full[0]), int(full[-1])


def _restrict_to(line: Image, writing: _Writing, extent: Extent) -> _Writing:
    """Return the writing between two columns: words of a line differ in size and height."""
    dark = line[:, max(0, extent[0]) : extent[1]] < INK_LEVEL
    if dark.sum() < 40:
        return writing
    top, bottom = _small_letter_zone(dark)
    return replace(writing, top=top, bottom=bottom)


def _find_words(dark: NDArray[np.bool_]) -> tuple[Extent, ...]:
    """Return runs of inked columns with less than a sixth of the height between them."""
    # Split the inked columns at wide gaps.
    columns = np.flatnonzero(dark.any(axis=0))
    breaks = np.flatnonzero(np.diff(columns) > LINE_HEIGHT_PX // 6)
    starts, ends = [columns[0], *columns[breaks + 1]], [*columns[breaks], columns[-1]]
    return tuple(
        (int(a), int(b) + 1)
        for a, b in zip(starts, ends, strict=True)
        if b - a > LINE_HEIGHT_PX // 6
    )


def _choose_extent(writing: _Writing, rng: Generator) -> Extent:
    """Return one or a few words, or a part of one at least half the zone long."""
    if not writing.words:
        return 0, writing.zone
    # One to three neighbouring words, or a part of them.
    first = int(rng.integers(len(writing.words)))
    last = min(len(writing.words) - 1, first + int(rng.choice(3, p=(0.75, 0.18, 0.07))))
    x0, x1 = writing.words[first][0], writing.words[last][1]
    if rng.random() < 0.3:
        length = max(writing.zone * 0.6, (x1 - x0) * float(rng.uniform(0.15, 0.8)))
        x0 = round(rng.uniform(x0, max(x0 + 1, x1 - length)))
        x1 = min(x1, round(x0 + length))
    return x0, x1


def _through_lines(writing: _Writing, extent: Extent, rng: Generator) -> list[Points]:
    """Return one to three lines through the small letters."""
    # One height and tilt per place; further lines are parallel.
    middle = writing.top + writing.zone * rng.uniform(0.3, 0.7)
    tilt = rng.normal(0, 0.05)
    strokes = []
    for number in range(int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))):
        x = np.linspace(extent[0] - rng.uniform(-2, 6), extent[1] + rng.uniform(-2, 6), 12)
        # Some lines waver.
        wave = (
            np.cumsum(rng.normal(0, 0.025 * writing.zone, 12))
            if rng.random() < 0.6
            else np.zeros(12)
        )
        away = number * writing.zone * rng.uniform(0.12, 0.35) * rng.choice((-1, 1))
        strokes.append(np.stack([x, middle + away + tilt * (x - x.mean()) + wave], axis=1))
    return strokes


def _zigzag_path(writing: _Writing, extent: Extent, rng: Generator) -> list[Points]:
    """Return a path to and fro: flat strokes from side to side, or steep ones along the word."""
    x0, x1 = extent
    reach = writing.zone * rng.uniform(0.35, 0.75)
    middle = (writing.top + writing.bottom) / 2 + rng.normal(0, 0.08 * writing.zone)
    # Flat: a few long strokes from side to side.
    if rng.random() < 0.4:
        turns = int(rng.integers(4, 12))
        x = np.where(np.arange(turns) % 2, x1, x0) + rng.normal(0, 4, turns)
        return [
            np.stack(
                [x, np.linspace(middle - reach, middle + reach, turns) + rng.normal(0, 2, turns)],
                axis=1,
            )
        ]
    # Steep: many short strokes along the word.
    step = writing.zone * rng.uniform(0.08, 0.45)
    x = np.arange(x0, x1 + step, step / 2) + rng.normal(
        0, step / 6, len(np.arange(x0, x1 + step, step / 2))
    )
    y = middle + np.where(np.arange(len(x)) % 2, reach, -reach) * rng.uniform(0.6, 1.1, len(x))
    return [
        np.stack([x + np.where(np.arange(len(x)) % 2, 0, step * rng.uniform(-0.5, 1.5)), y], axis=1)
    ]


def _coil_path(writing: _Writing, extent: Extent, rng: Generator) -> list[Points]:
    # A coil: a circle that moves along the word.
    radius = writing.zone * rng.uniform(0.3, 0.65)
    turns = max(2.0, (extent[1] - extent[0]) / (writing.zone * rng.uniform(0.2, 0.7)))
    angle = np.linspace(0, 2 * np.pi * turns, int(14 * turns))
    middle = (writing.top + writing.bottom) / 2 + rng.normal(0, 0.08 * writing.zone)
    x = np.linspace(
        extent[0] + radius / 2, max(extent[0] + radius / 2 + 1, extent[1] - radius / 2), len(angle)
    ) + radius * np.cos(angle)
    y = middle + radius * np.sin(angle) * rng.uniform(0.6, 1.1) + rng.normal(0, 1, len(angle))
    return [np.stack([x, y], axis=1)]


def _cross_lines(writing: _Writing, extent: Extent, rng: Generator) -> list[Points]:
    """Return a cross, or a few slashes, over the word."""
    x0, x1 = extent
    top, bottom = (
        writing.top - writing.zone * rng.uniform(0.0, 0.5),
        writing.bottom + writing.zone * rng.uniform(0.0, 0.4),
    )
    # A cross, or slashes on a long word.
    strokes = [
        np.array([[x0, top], [x1, bottom]], float),
        np.array([[x1, top], [x0, bottom]], float),
    ]
    if x1 - x0 > 2 * writing.zone and rng.random() < 0.6:
        steps = np.arange(x0, x1, writing.zone * rng.uniform(0.3, 0.9))
        strokes = [np.array([[x + writing.zone * 0.5, top], [x, bottom]], float) for x in steps]
    return [stroke + rng.normal(0, 2, stroke.shape) for stroke in strokes]


_STRIKE_DRAWERS: tuple[Callable[[_Writing, Extent, Generator], list[Points]], ...] = (
    _through_lines,
    _zigzag_path,
    _coil_path,
    _cross_lines,
)
_STRIKE_SHARES = (0.45, 0.3, 0.17, 0.08)


def _draw_underline(line: Image, writing: _Writing, rng: Generator) -> Image:
    x0, x1 = _choose_extent(writing, rng)
    writing = _restrict_to(line, writing, (x0, x1))
    strokes = []
    for number in range(int(rng.choice((1, 2), p=(0.8, 0.2)))):
        # Below the letters, slightly tilted and trembling.
        x = np.linspace(x0 - 4, x1 + 4, 20)
        below = writing.bottom + writing.zone * rng.uniform(0.1, 0.5) + 4 * number
        strokes.append(
            np.stack([x, below + rng.normal(0, 0.03) * (x - x0) + rng.normal(0, 0.5, 20)], axis=1)
        )
    return _ink_strokes(line, strokes, writing, rng)


def _draw_rule(line: Image, writing: _Writing, rng: Generator) -> Image:
    """Draw what is left of the form's or the paper's rule, near the foot of the letters."""
    y = writing.bottom + writing.zone * rng.normal(0.05, 0.12)
    start = rng.uniform(0, 0.5) * line.shape[1]
    end = line.shape[1] if rng.random() < 0.5 else rng.uniform(start, line.shape[1])
    stroke = np.array([[start, y], [end, y + rng.normal(0, 2)]])
    return _draw_strokes(line, [stroke], int(rng.integers(1, 3)), int(rng.integers(60, 210)))


def _draw_dash(line: Image, writing: _Writing, rng: Generator) -> Image:
    # Between two words, or at the end of the line.
    gaps = [(a[1], b[0]) for a, b in zip(writing.words, writing.words[1:], strict=False)]
    x0, x1 = gaps[int(rng.integers(len(gaps)))] if gaps else (line.shape[1] - 16, line.shape[1] - 2)
    y = (writing.top + writing.bottom) / 2 + rng.normal(0, 2)
    return _ink_strokes(
        line, [np.array([[x0 + 3, y], [x1 - 3, y + rng.normal(0, 1)]], float)], writing, rng
    )


def _draw_bar(line: Image, writing: _Writing, rng: Generator) -> Image:
    """Draw a bar as on a t, over a few letters."""
    x0, x1 = _choose_extent(writing, rng)
    writing = _restrict_to(line, writing, (x0, x1))
    x = rng.uniform(x0, x1)
    y = writing.top - writing.zone * rng.uniform(-0.05, 0.4)
    length = writing.zone * rng.uniform(0.5, 1.6)
    return _ink_strokes(
        line, [np.array([[x, y], [x + length, y + rng.normal(0, 3)]])], writing, rng
    )


def _ink_strokes(line: Image, strokes: list[Points], writing: _Writing, rng: Generator) -> Image:
    pen = max(1, round(writing.pen * float(rng.uniform(0.7, 1.3))))
    return _draw_strokes(line, strokes, pen, int(np.clip(writing.ink + rng.normal(0, 15), 0, 170)))


def _draw_strokes(line: Image, strokes: list[Points], pen: int, ink: int) -> Image:
    # Fixed-point coordinates: 3 fractional bits; ink only darkens.
    drawn = np.full_like(line, 255)
    for stroke in strokes:
        cv2.polylines(
            drawn, [np.round(stroke * 8).astype(np.int32)], False, (ink,), pen, cv2.LINE_AA, 3
        )
    return np.asarray(np.minimum(line, drawn), np.uint8)


def _scan_line(line: Image, rng: Generator) -> Image:
    out = line
    # Some scans are out of focus, some binarized.
    if rng.random() < 0.3:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 1.2))), np.uint8)
    if rng.random() < 0.15:
        out = np.where(out < rng.integers(120, 210), 0, 255).astype(np.uint8)
    return out
