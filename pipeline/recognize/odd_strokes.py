"""Strokes in a box of a row of digits that are not those of the one digit that it is read as."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.components import Labels
from pipeline.recognize.digit_strokes import HIGH, Stroke

ALIKE = 0.5
"""Two strokes of a ditto mark: the smaller one has this share of the height and of the area of the other, at least, and stands beside it so far."""
DITTO = 0.1
"""Of the height of the box: the strokes of a ditto mark are at least so high."""
PART = 0.1
"""Of two digits in a box: the smaller one has this share of the ink of the other, at least. A thin 1 beside a wide 8 has a seventh."""
DARK = 0.6
"""Mean contrast of a stroke: at least 0.71 of drawn pens and pencils, at most 0.55 of grain in nine of ten cases."""


def is_tall(strokes: Sequence[Stroke], labels: Labels, contrast: NDArray[np.float32], box_height: float) -> bool:
    """Whether something in a box is as high and as dark as writing, unlike the grain of paper: such a box is not empty."""
    high = [stroke for stroke in strokes if stroke.h >= HIGH * box_height]
    return any(_darkness(stroke, labels, contrast) >= DARK for stroke in high)


def box_holds_ditto(strokes: Sequence[Stroke], labels: Labels, contrast: NDArray[np.float32], box_height: float) -> bool:
    """Whether a box holds a ditto mark lower than any digit: two upright strokes alike beside each other, as dark as writing."""
    low, high = DITTO * box_height, HIGH * box_height
    upright = [one for one in strokes if low <= one.h < high and one.w <= one.h and _darkness(one, labels, contrast) >= DARK]
    return any(_is_pair(*pair) for pair in combinations(upright, 2))


def _darkness(stroke: Stroke, labels: Labels, contrast: NDArray[np.float32]) -> float:
    place = slice(stroke.y, stroke.y + stroke.h), slice(stroke.x, stroke.x + stroke.w)
    return float(contrast[place][labels[place] == stroke.label].mean())


def is_no_one(strokes: Sequence[Stroke], height: int) -> bool:
    """Whether the strokes of a box are a ditto mark, two alike beside each other, or one passes through the whole picture of the row, `height` px."""
    return any(stroke.h >= height - 2 for stroke in strokes) or any(_is_pair(*pair) for pair in combinations(strokes, 2))


def is_two(strokes: Sequence[Stroke], box_height: float) -> bool:
    """Whether the strokes of a box stand in columns clear of each other, two of which are as high as writing: two digits, one of which is not read,
    or a digit and what another box cuts off its neighbour."""
    columns: list[Stroke] = []
    for stroke in sorted(strokes, key=lambda stroke: stroke.x):
        if columns and stroke.x < columns[-1].x + columns[-1].w:
            columns[-1] = _together(columns[-1], stroke)
        else:
            columns.append(stroke)
    least = PART * max(column.area for column in columns)
    high = [column for column in columns if column.h >= HIGH * box_height and column.area >= least]
    return any(_beside(*pair) >= ALIKE * min(one.h for one in pair) for pair in combinations(high, 2))


def _together(one: Stroke, other: Stroke) -> Stroke:
    """Two strokes as one: the rectangle around both, and the ink of both."""
    x, y = min(one.x, other.x), min(one.y, other.y)
    right, bottom = max(one.x + one.w, other.x + other.w), max(one.y + one.h, other.y + other.h)
    return Stroke(one.label, x, y, right - x, bottom - y, one.area + other.area)


def _beside(one: Stroke, other: Stroke) -> int:
    """How far up and down two strokes stand beside each other, px."""
    return min(one.y + one.h, other.y + other.h) - max(one.y, other.y)


def _is_pair(one: Stroke, other: Stroke) -> bool:
    left, right = sorted((one, other), key=lambda stroke: stroke.x)
    low, high = sorted((one.h, other.h))
    small, large = sorted((one.area, other.area))
    alike = low >= ALIKE * high and small >= ALIKE * large and _beside(one, other) >= ALIKE * low
    return alike and left.x + left.w <= right.x + right.w / 2
