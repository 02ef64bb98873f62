"""A dash in a check box: to some it is a mark, to others it says that the box does not apply.

A mark that is scribbled over, which takes it back: more strokes than a mark has, and less than
fills its box.

Lines that only pass through a check box: a fold of the paper, a line that strikes out a whole
row. A mark ends near its box.
"""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.ink import Ink, Mask, square_kernel
from pipeline.reading.imaging.components import Components

MIN_SCRIBBLE_STROKES = 3
"""So many strokes above each other, or side by side, are more than a cross or a tick has."""
MIN_SCRIBBLE_WIDTH = 0.45
"""Over so much of the box they stand so; a cross with one stroke too many has them over less."""
MIN_SCRIBBLE_INK = 0.5
"""Ink on so much of the box is no mark either: strokes of a scribble run together."""
MAX_LINE_GAP_MM = 0.3
"""Where it crosses print a line may be lost for so much to both sides."""
MIN_MARGIN_MM = 1.5
"""With less paper than this around the box a mark may well leave the picture."""
MIN_UNBROKEN_SHARE = 0.95
"""Least share of a line's length that has ink."""


MAX_DASH_HEIGHT, MIN_DASH_LENGTH = 0.5, 0.4
"""A dash is at most so high for its length, pen and slope and all, and at least so long for the
width of its box.
"""


MAX_DASH_SLOPE, MAX_DASH_BEND = 0.27, 0.07
"""It rises or falls no more (15°), and leaves its own straight line by no more of its length
(standard deviation).
"""


def is_dash(ink: Ink) -> bool:
    """Whether all that stands in a box is one straight and nearly level stroke."""
    left, top, right, bottom = ink.field
    inside = np.ascontiguousarray(ink.mask[top:bottom, left:right])
    x, y, width, height = cv2.boundingRect(inside.view(np.uint8))
    if width < MIN_DASH_LENGTH * (right - left) or height > MAX_DASH_HEIGHT * width:
        return False
    return _is_level_shape(inside[y : y + height, x : x + width])


def _is_level_shape(shape: Mask) -> bool:
    """A low tick bends, and a cross is higher than its middle."""
    columns = np.flatnonzero(shape.any(axis=0))
    middles = np.array([np.flatnonzero(shape[:, column]).mean() for column in columns])
    slope, start = np.polyfit(columns, middles, 1)
    return bool(
        abs(slope) <= MAX_DASH_SLOPE
        and (middles - slope * columns - start).std() <= MAX_DASH_BEND * shape.shape[1]
    )


def is_scribbled_over(ink: Ink) -> bool:
    """Whether so many strokes stand in a box that somebody has scribbled over what stood there."""
    left, top, right, bottom = ink.field
    inside = np.ascontiguousarray(ink.mask[top:bottom, left:right])
    if not inside.any():
        return False
    return (
        max(_dense_column_share(inside), _dense_column_share(inside.T)) >= MIN_SCRIBBLE_WIDTH
        or float(inside.mean()) >= MIN_SCRIBBLE_INK
    )


def _dense_column_share(inside: Mask) -> float:
    """The share of the columns in which so many strokes stand above each other."""
    starts = inside & ~np.roll(inside, 1, axis=0)
    starts[0] = inside[0]
    return float((_count_strokes(starts) >= MIN_SCRIBBLE_STROKES).mean())


def _count_strokes(starts: Mask) -> NDArray[np.intp]:
    return np.asarray(np.count_nonzero(starts, axis=0), np.intp)


MIN_BEYOND_MM, MAX_LINE_RISE_MM, MAX_LINE_WIDTH_MM = (0.9, 0.6), 1.5, 1.2
"""A line through a row goes on so far to the left and right of the box (there words are printed),
rises or falls no more on that way, and is thin.
"""


def passes_through(ink: Ink) -> bool:
    """Whether something in the box leaves its picture on two sides, or goes on level beyond both of
    its sides.
    """
    return _leaves_two_sides(ink) or _crosses_level(ink)


def _leaves_two_sides(ink: Ink) -> bool:
    left, top, right, bottom = ink.field
    if (
        min(left, top) < MIN_MARGIN_MM * ink.px_per_mm
        or sum(edge.any() for edge in _image_edges(ink.mask)) < 2
    ):
        return False
    whole = cv2.dilate(
        ink.mask.view(np.uint8), square_kernel(2 * round(MAX_LINE_GAP_MM * ink.px_per_mm) + 1)
    )
    parts = Components.of(whole > 0)
    sides = [set(np.unique(edge).tolist()) for edge in _image_edges(parts.labels)]
    inside = set(np.unique(parts.labels[top:bottom, left:right]).tolist()) - {0}
    return any(sum(part in side for side in sides) >= 2 for part in inside)


def _image_edges(picture: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return picture[0], picture[-1], picture[:, 0], picture[:, -1]


def _crosses_level(ink: Ink) -> bool:
    """Whether a level stroke goes right through the box, as through a row that no longer counts."""
    left, top, right, bottom = ink.field
    start, end = (
        left - round(MIN_BEYOND_MM[0] * ink.px_per_mm),
        right + round(MIN_BEYOND_MM[1] * ink.px_per_mm),
    )
    if start < 0 or end >= ink.mask.shape[1]:
        return False
    pairs = itertools.product(_strokes_across(ink, start), _strokes_across(ink, end))
    return any(
        top < min(pair) <= max(pair) < bottom and _is_level_line(ink, (start, end), pair)
        for pair in pairs
    )


def _strokes_across(ink: Ink, column: int) -> list[float]:
    """How far down thin strokes cross a column of the picture, px."""
    inked = np.flatnonzero(ink.mask[:, column])
    runs = np.split(inked, np.flatnonzero(np.diff(inked) > 1) + 1)
    return [float(run.mean()) for run in runs if 0 < len(run) <= MAX_LINE_WIDTH_MM * ink.px_per_mm]


def _is_level_line(ink: Ink, ends: tuple[int, int], heights: tuple[float, float]) -> bool:
    """Whether an unbroken and nearly level stroke goes from one place to another."""
    if abs(heights[1] - heights[0]) > MAX_LINE_RISE_MM * ink.px_per_mm:
        return False
    columns = np.arange(ends[0], ends[1] + 1)
    about = np.interp(columns, ends, heights).round().astype(int)[:, None] + np.arange(-2, 3)
    inked = ink.mask[np.clip(about, 0, ink.mask.shape[0] - 1), columns[:, None]].any(axis=1)
    return bool(inked.mean() >= MIN_UNBROKEN_SHARE)
