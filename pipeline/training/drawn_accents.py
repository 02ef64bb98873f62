"""Rings, dots and dashes above letters, as a pen in a hurry makes them: most hands to train on are not Swedish, and have no å."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

PLAIN = {"å": "a", "ä": "a", "ö": "o", "Å": "A", "Ä": "A", "Ö": "O"}
"""The letters that an accent makes of others."""
ABOVE = (0.22, 0.5)
"""White between a letter and its accent, in heights of small letters."""
HALF_WIDTH = (0.2, 0.42)
OF_DASHES = 0.25
"""So many people in a hurry write ä and ö with a dash."""
Ink = NDArray[np.float32]


def add_accent(ink: Ink, letter: str, middle: float, top: float, small: float, darkest: float, rng: Generator) -> None:
    """Draw the accent of `letter` into ink (h, w), 0…1, above a plain letter whose middle and top are given, px.

    `small` is the height of small letters, px; `darkest` how dark the letter is, 0…1.
    """
    layer, thick = np.zeros(ink.shape, np.uint8), int(rng.integers(2, 4))
    tone = (int(255 * min(1.0, darkest) * rng.uniform(0.7, 1.0)),)
    origin = np.array([middle + rng.normal(0.1, 0.15) * small, top - rng.uniform(*ABOVE) * small])
    wide = float(rng.uniform(*HALF_WIDTH))

    def line(start: tuple[float, float], end: tuple[float, float]) -> None:
        cv2.line(layer, _px(origin, start, small), _px(origin, end, small), tone, thick, cv2.LINE_AA)

    if letter in "åÅ":
        axes = (max(2, round(wide * 0.5 * small)), max(2, round(wide * rng.uniform(0.35, 0.6) * small)))
        start = float(rng.uniform(0, 360))
        tilt, end = float(rng.uniform(-40, 40)), start + float(rng.uniform(290, 380))
        cv2.ellipse(layer, _px(origin, (0, 0), small), axes, tilt, start, end, tone, thick, cv2.LINE_AA)
    elif rng.random() < OF_DASHES:
        line((-wide, float(rng.uniform(-0.1, 0.1))), (wide, float(rng.uniform(-0.1, 0.1))))
    else:
        for side in (-1, 1):
            x, y = side * wide * 0.8, float(rng.normal(0, 0.06))
            line((x, y), (x + float(rng.normal(0, 0.05)), y + float(rng.uniform(-0.12, 0.18))))
    np.maximum(ink, layer / np.float32(255), out=ink)


def _px(origin: NDArray[np.float64], off: tuple[float, float], small: float) -> tuple[int, int]:
    x, y = origin + np.array(off) * small
    return round(float(x)), round(float(y))
