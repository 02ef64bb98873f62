"""Draw pen strokes as ink.

The width follows pressure and speed, ink fails for moments, the hand trembles, and lines of
writing slant, rise and bend. All of that happens to the places of the pen; images are drawn once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image
from research.training.strokes.samples import Points, Strokes

FRACTION_BITS = 3
"""Places are drawn to an eighth of a pixel."""
TONE_COUNT = 3
"""Shades of ink that fails, besides full ink."""
MARGIN_PX = 4
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pen:
    """How a pen writes.

    Attributes:
        width: Mean width of its line, in heights of small letters.
        pressure: How much the width changes along a stroke, as part of it.
        speed: How much thinner fast parts are, as part of the width.
        dropout: Share of the stroke where ink fails.
        darkness: Grey level of full ink, 0 = black.
    """

    width: float
    pressure: float = 0.0
    speed: float = 0.0
    dropout: float = 0.0
    darkness: int = 0


PLAIN_HEIGHT_PX, PLAIN_WIDTH_PX = 60, 2
"""An even black line at this height of the whole writing is what is measured on."""
MAX_PLAIN_PX = 4_000
"""A single dash is high in the file, and would be as long as a line."""


def choose_pen(rng: Generator) -> Pen:
    """Return a pen as people use them: mostly ballpoints, some felt pens and pencils."""
    kind = rng.random()
    # Ballpoint, fineliner or pencil, felt pen.
    if kind < 0.7:
        width = rng.uniform(0.08, 0.18)
    elif kind < 0.85:
        width = rng.uniform(0.055, 0.1)
    else:
        width = rng.uniform(0.17, 0.27)
    return Pen(
        float(width),
        pressure=float(rng.choice([0.0, rng.uniform(0.05, 0.45)], p=[0.25, 0.75])),
        speed=float(rng.choice([0.0, rng.uniform(0.1, 0.5)], p=[0.4, 0.6])),
        dropout=float(rng.choice([0.0, rng.uniform(0.01, 0.12)], p=[0.55, 0.45])),
        darkness=int(rng.integers(0, 80)),
    )


def draw_plain(strokes: Strokes) -> Image:
    """Draw strokes in an even black line, `PLAIN_HEIGHT_PX` high."""
    size = np.concatenate(strokes).max(axis=0)
    scale = min(PLAIN_HEIGHT_PX / max(float(size[1]), 1.0), MAX_PLAIN_PX / max(float(size[0]), 1.0))
    scaled = tuple(stroke * np.float32(scale) for stroke in strokes)
    return draw_ink(scaled, PLAIN_WIDTH_PX, Pen(PLAIN_WIDTH_PX), np.random.default_rng(0))


def draw_ink(strokes: Strokes, width_px: float, pen: Pen, rng: Generator) -> Image:
    """Draw strokes (places in px) with a mean width, black on white with a margin."""
    pad = MARGIN_PX + int(np.ceil(0.75 * width_px))
    everything = np.concatenate(strokes)
    corner = everything.min(axis=0)
    size = everything.max(axis=0) - corner
    out = np.full((int(size[1]) + 2 * pad, int(size[0]) + 2 * pad), 255, np.uint8)
    segments, widths, tones = [], [], []
    for stroke in strokes:
        # A dot is a stroke of no length.
        line = stroke if len(stroke) > 1 else np.repeat(stroke, 2, axis=0)
        segments.append(np.stack([line[:-1], line[1:]], axis=1) - corner + np.float32(pad))
        widths.append(_segment_widths(line, width_px, pen, rng))
        tones.append(_segment_tones(len(line) - 1, pen, rng))
    places = np.round(np.concatenate(segments) * (1 << FRACTION_BITS)).astype(np.int32)
    drawn = np.stack([np.concatenate(tones), np.concatenate(widths)], axis=1)
    # Pale parts first, so that full ink is on top; one call for each shade and width.
    for tone, width in np.unique(drawn, axis=0):
        chosen = places[(drawn == (tone, width)).all(axis=1)]
        grey = pen.darkness + (255 - pen.darkness) * int(TONE_COUNT - tone) / (TONE_COUNT + 1)
        cv2.polylines(out, list(chosen), False, int(grey), int(width), cv2.LINE_AA, FRACTION_BITS)
    return out


def _segment_widths(line: Points, width_px: float, pen: Pen, rng: Generator) -> NDArray[np.int_]:
    count = len(line) - 1
    factor = np.ones(count)
    if pen.pressure:
        factor += pen.pressure * smooth_noise(count, 9.0, rng)
    if pen.speed and count > 3:
        # The longer a segment between two moments, the faster the pen.
        length = np.hypot(*np.diff(line, axis=0).T)
        factor -= pen.speed * np.clip(length / (length.mean() + 1e-6) - 1, -0.7, 0.9)
    return np.maximum(1, np.round(width_px * np.clip(factor, 0.45, 1.7))).astype(np.int_)


def _segment_tones(count: int, pen: Pen, rng: Generator) -> NDArray[np.int_]:
    """Return shades, `TONE_COUNT` for full ink."""
    tones = np.full(count, TONE_COUNT)
    if pen.dropout and count > 8:
        noise = smooth_noise(count, 5.0, rng)
        failing = noise < np.quantile(noise, pen.dropout)
        tones[failing] = rng.integers(0, TONE_COUNT, int(failing.sum()))
    return tones


def smooth_noise(count: int, length: float, rng: Generator) -> Numbers:
    """Return noise of standard deviation about 1 that changes over `length` values."""
    knots = rng.normal(0, 1, int(count / length) + 3)
    at = np.arange(count) / length + rng.random()
    left = at.astype(np.intp)
    # Cosine interpolation between the knots.
    share = (1 - np.cos(np.pi * (at - left))) / 2
    return np.asarray(knots[left] * (1 - share) + knots[left + 1] * share, np.float64)


def smooth_strokes(strokes: Strokes) -> Strokes:
    """Return strokes without the corners of a coarse tablet (a pass of Chaikin's algorithm)."""
    return tuple(_cut_corners(stroke) if len(stroke) > 2 else stroke for stroke in strokes)


def _cut_corners(line: Points) -> Points:
    before, after = line[:-1], line[1:]
    cut = np.empty((2 * len(before), 2), np.float32)
    cut[0::2], cut[1::2] = 0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after
    # The ends stay where they are.
    return np.concatenate([line[:1], cut, line[-1:]])


def bend_strokes(strokes: Strokes, rng: Generator, strength: float = 1.0) -> Strokes:
    """Return strokes with another slant, width and slope, on a wavy line, in an unsteadier hand."""
    everything = np.concatenate(strokes)
    low, high = everything.min(axis=0), everything.max(axis=0)
    height = max(float(high[1] - low[1]), 1.0)
    slant, slope = rng.normal(0, 0.14) * strength, rng.normal(0, 0.012) * strength
    wide = float(np.exp(rng.normal(0, 0.12) * strength))
    # Waves of the baseline and of the spacing, over two to eight heights.
    waves = [
        (rng.normal(0, 0.025) * strength * height, rng.uniform(2, 8) * height, rng.uniform(0, 7))
        for _ in range(2)
    ]
    tremor = float(rng.choice([0.0, rng.uniform(0.002, 0.012)], p=[0.8, 0.2])) * height
    return tuple(
        _bend_line(line - low, (slant, slope, wide), waves, tremor, rng) for line in strokes
    )


def _bend_line(
    line: Points,
    affine: tuple[float, float, float],
    waves: list[tuple[float, float, float]],
    tremor: float,
    rng: Generator,
) -> Points:
    slant, slope, wide = affine
    x, y = line[:, 0], line[:, 1]
    shifts = [size * np.sin(2 * np.pi * x / length + phase) for size, length, phase in waves]
    moved = np.stack([x * wide - slant * y + shifts[0], y + slope * x + shifts[1]], axis=1)
    if tremor:
        moved += tremor * np.stack([smooth_noise(len(line), 3.0, rng) for _ in range(2)], axis=1)
    return np.asarray(moved, np.float32)
