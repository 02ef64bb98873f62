"""Lines that only pass through a check box: a fold of the paper, a line that strikes out a whole row. A mark ends near its box."""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.recognize.ink import Ink, square

GAP_MM = 0.3
"""Where it crosses print a line may be lost for so much to both sides."""
FAR_MM = 1.5
"""With less paper than this around the box a mark may well leave the picture."""
BEYOND_MM, LEVEL_MM, THIN_MM = (0.9, 0.6), 1.5, 1.2
"""A line through a row goes on so far to the left and right of the box (there words are printed), rises or falls no more on that way, and is thin."""
UNBROKEN = 0.95
"""Least share of a line's length that has ink."""


def passes_through(ink: Ink) -> bool:
    """Whether something in the box leaves its picture on two sides, or goes on level beyond both of its sides."""
    return _leaves_twice(ink) or _goes_on(ink)


def _leaves_twice(ink: Ink) -> bool:
    left, top, right, bottom = ink.field
    if min(left, top) < FAR_MM * ink.px_per_mm or sum(edge.any() for edge in _edges(ink.mask)) < 2:
        return False
    whole = cv2.dilate(ink.mask.view(np.uint8), square(2 * round(GAP_MM * ink.px_per_mm) + 1))
    parts = Components.of(whole > 0)
    sides = [set(np.unique(edge).tolist()) for edge in _edges(parts.labels)]
    inside = set(np.unique(parts.labels[top:bottom, left:right]).tolist()) - {0}
    return any(sum(part in side for side in sides) >= 2 for part in inside)


def _edges(picture: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return picture[0], picture[-1], picture[:, 0], picture[:, -1]


def _goes_on(ink: Ink) -> bool:
    """Whether a level stroke goes right through the box, as through a row that no longer counts."""
    left, top, right, bottom = ink.field
    start, end = left - round(BEYOND_MM[0] * ink.px_per_mm), right + round(BEYOND_MM[1] * ink.px_per_mm)
    if start < 0 or end >= ink.mask.shape[1]:
        return False
    pairs = itertools.product(_strokes_across(ink, start), _strokes_across(ink, end))
    return any(top < min(pair) <= max(pair) < bottom and _is_level(ink, (start, end), pair) for pair in pairs)


def _strokes_across(ink: Ink, column: int) -> list[float]:
    """How far down thin strokes cross a column of the picture, px."""
    inked = np.flatnonzero(ink.mask[:, column])
    runs = np.split(inked, np.flatnonzero(np.diff(inked) > 1) + 1)
    return [float(run.mean()) for run in runs if 0 < len(run) <= THIN_MM * ink.px_per_mm]


def _is_level(ink: Ink, ends: tuple[int, int], heights: tuple[float, float]) -> bool:
    """Whether an unbroken and nearly level stroke goes from one place to another."""
    if abs(heights[1] - heights[0]) > LEVEL_MM * ink.px_per_mm:
        return False
    columns = np.arange(ends[0], ends[1] + 1)
    about = np.interp(columns, ends, heights).round().astype(int)[:, None] + np.arange(-2, 3)
    inked = ink.mask[np.clip(about, 0, ink.mask.shape[0] - 1), columns[:, None]].any(axis=1)
    return bool(inked.mean() >= UNBROKEN)
