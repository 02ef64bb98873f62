"""What lies over part of a page: a stain on the codes, a felt pen or correction tape over fields, holes that staples tore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.fiducials import CODES
from pipeline.quality.damage_paper import Damaged, Points, lit, px_per_mm

_STROKES = 5
_STROKE_MM = 6.0
_LONG_MM = 30.0, 70.0
_HOLES = 8
_PAPER_SHARE, _TAPE = 0.94, 250
"""Office paper comes out of a scanner at some 240, correction tape at 250 (where a scanner makes both white, nothing is left to be seen)."""
_TAPE_SHADE_MM, _TAPE_SHADE = 0.15, 222


def stained_codes(state: Damaged, rng: Generator, *, darkness: float) -> Damaged:
    """Coffee over both codes: a blot with a darker rim that takes away so much of the light."""
    scale = px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    for box in CODES:
        centre = np.array([box.x + box.w / 2, box.y + box.h / 2]) + rng.uniform(-3, 3, 2)
        middle = tuple((centre * scale).round().astype(int).tolist())
        axes = round(rng.uniform(11, 14) * scale), round(rng.uniform(9, 12) * scale)
        cv2.ellipse(light, middle, axes, rng.uniform(0, 180), 0, 360, 1 - 0.75 * darkness, -1)
        cv2.ellipse(light, middle, axes, rng.uniform(0, 180), 0, 360, 1 - darkness, round(3 * scale))
    return lit(state, np.asarray(cv2.GaussianBlur(light, (0, 0), 0.5 * scale), dtype=np.float32))


def felt_pen(state: Damaged, rng: Generator, *, darkness: float) -> Damaged:
    """Five strokes of a 6 mm felt pen across the form that let through 1 - `darkness` of the light."""
    scale = px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    for path in _strokes(rng):
        cv2.polylines(light, [(path * scale).round().astype(np.int32).reshape(-1, 1, 2)], False, 1 - darkness, round(_STROKE_MM * scale))
    return lit(state, np.asarray(cv2.GaussianBlur(light, (0, 0), 0.1 * scale), dtype=np.float32))


def tape(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """Five strips of white correction tape, so many mm wide, across the form: a little whiter than paper, with a faint shade along the lower edge."""
    scale = px_per_mm(state.image)
    image = (state.image * _PAPER_SHARE).astype(np.uint8)
    wide = max(1, round(millimetres * scale))
    for path in _strokes(rng):
        for below_mm, grey in ((_TAPE_SHADE_MM, _TAPE_SHADE), (0.0, _TAPE)):
            line = ((path + np.array([0.0, below_mm])) * scale).round().astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(image, [line], False, (grey,) * 3, wide)
    return replace(state, image=image)


def staple_holes(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """Holes of so many mm, one near the top left corner and others anywhere; what lies beneath shows, dark or white."""
    scale = px_per_mm(state.image)
    image = state.image.copy()
    ground = (20,) * 3 if rng.random() < 0.5 else (255,) * 3
    places = np.vstack([rng.uniform((12, 9), (36, 25), (1, 2)), rng.uniform((14, 30), (196, 268), (_HOLES - 1, 2))])
    for place in places:
        cv2.circle(image, tuple((place * scale).round().astype(int).tolist()), max(1, round(millimetres / 2 * scale)), ground, -1, cv2.LINE_AA)
    return replace(state, image=image)


def _strokes(rng: Generator) -> Iterator[Points]:
    """Nearly level strokes, mm, ends (2, 2), apart from each other."""
    for y in rng.uniform(0, 200 / _STROKES, _STROKES) + np.arange(_STROKES) * 200 / _STROKES + 60:
        x, length = rng.uniform(15, 120), rng.uniform(*_LONG_MM)
        yield np.array([[x, y], [x + length, y + rng.normal(0, 0.02) * length]])
