"""Rings, dots and dashes above letters, as a pen in a hurry makes them: most hands to train on are not Swedish, and have no å."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.model import Image

PLAIN = {"å": "a", "ä": "a", "ö": "o", "Å": "A", "Ä": "A", "Ö": "O"}
"""The letters that an accent makes of others."""
ABOVE = (0.22, 0.5)
"""White between a letter and its accent, in heights of small letters."""
HALF_WIDTH = (0.2, 0.42)
OF_DOTS = 0.45
"""So many rings close to a dot under a pen in a hurry."""
OF_DASHES, OF_BOWS = 0.2, 0.2
"""So many ä and ö have a dash above them, and so many a bow or a wave that was to be two dots."""
Ink = NDArray[np.float32]


def add_accent(ink: Ink, letter: str, middle: float, top: float, small: float, darkest: float, rng: Generator) -> None:
    """Draw the accent of `letter` into ink (h, w), 0…1, above a plain letter whose middle and top are given, px.

    `small` is the height of small letters, px; `darkest` how dark the letter is, 0…1.
    """
    layer = np.zeros(ink.shape, np.uint8)
    tone = int(255 * min(1.0, darkest) * rng.uniform(0.7, 1.0))
    origin = np.array([middle + rng.normal(0.1, 0.15) * small, top - rng.uniform(*ABOVE) * small])
    draw = _ring if letter in "åÅ" else _dots
    draw(_Pen(layer, origin, small, tone, int(rng.integers(2, 4))), float(rng.uniform(*HALF_WIDTH)), rng)
    np.maximum(ink, layer / np.float32(255), out=ink)


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws at places given in heights of small letters from the accent's middle."""

    layer: Image
    origin: NDArray[np.float64]
    small: float
    tone: int
    thick: int

    def line(self, start: tuple[float, float], end: tuple[float, float], thicker: int = 0) -> None:
        cv2.line(self.layer, self._px(start), self._px(end), (self.tone,), self.thick + thicker, cv2.LINE_AA)

    def arc(self, axes: tuple[float, float], tilt: float, start: float, end: float) -> None:
        sides = max(2, round(axes[0] * self.small)), max(2, round(axes[1] * self.small))
        cv2.ellipse(self.layer, self._px((0, 0)), sides, tilt, start, end, (self.tone,), self.thick, cv2.LINE_AA)

    def _px(self, off: tuple[float, float]) -> tuple[int, int]:
        x, y = self.origin + np.array(off) * self.small
        return round(float(x)), round(float(y))


def _ring(pen: _Pen, wide: float, rng: Generator) -> None:
    if rng.random() < OF_DOTS:
        pen.line((0, 0), (float(rng.normal(0, 0.05)), float(rng.normal(0, 0.05))), thicker=int(rng.integers(1, 4)))
        return
    start = float(rng.uniform(0, 360))
    pen.arc((wide * 0.5, wide * rng.uniform(0.35, 0.6)), float(rng.uniform(-40, 40)), start, start + float(rng.uniform(290, 380)))


def _dots(pen: _Pen, wide: float, rng: Generator) -> None:
    kind = rng.random()
    if kind < OF_DASHES:
        pen.line((-wide, float(rng.uniform(-0.1, 0.1))), (wide, float(rng.uniform(-0.1, 0.1))))
    elif kind < OF_DASHES + OF_BOWS:
        up = 180 * int(rng.integers(2))
        pen.arc((wide, float(rng.uniform(0.1, 0.25))), float(rng.uniform(-20, 20)), up, up + 180)
    else:
        for side in (-1, 1):
            x, y = side * wide * 0.8, float(rng.normal(0, 0.06))
            pen.line((x, y), (x + float(rng.normal(0, 0.07)), y + float(rng.uniform(-0.15, 0.25))))
