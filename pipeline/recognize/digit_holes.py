"""More paper enclosed by the strokes of a digit than the digit has loops: it is written over another one.

An 8 over a 3, a 7 over a 9, a 1 over a nought by the same pen: the network says one of both, and often the one that no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Labels, Mask
from pipeline.model import Image

LOOPS = (1, 0, 2, 1, 1, 0, 1, 0, 2, 1)
"""How many loops a digit has at most: a 4 may be closed above, a 3 curled at its head, a 2 at its head and its foot."""
DARK = 127
"""Ink in a cell's image is darker than this, grey levels."""
LARGER = 2
"""How many times cells are enlarged, so that narrow holes stay open."""
LEAST_PX = (12, 6, 12, 12, 6, 12, 12, 6, 6, 6)
"""For each digit the least paper that counts as enclosed, in a cell picture twice as large (64 × 64): more where strokes of one digit nearly meet.
Half a percent of rows in digits of people are told of, and three in ten of the rows with a digit over another that were surely another number."""
NOUGHT = 0
SLASH = 20, 75
"""The slash of a nought leaves two loops, of which the right one lies so many degrees below the left one; a 1 over a nought stands upright."""


def have_odd_loops(pictures: Image, digits: Sequence[int]) -> list[bool]:
    """For each cell (n, 32, 32), 255 = ink, whether its ink encloses more than the digit does for which it is taken."""
    return [_is_odd(*found, digit) for found, digit in zip(_enclosed(pictures), digits, strict=True)]


def _is_odd(areas: NDArray[np.intp], middles: NDArray[np.float64], digit: int) -> bool:
    loops = middles[areas >= LEAST_PX[digit]]
    return len(loops) > LOOPS[digit] and not (digit == NOUGHT and _is_slashed(loops))


def _enclosed(pictures: Image) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Of each cell all paper that ink encloses: px (n,) and middles (n, 2), x and y, both of the cell drawn larger.

    All cells are looked at as one picture, one below the other: nothing is written at their edges.
    """
    count, _, width = pictures.shape
    large = cv2.resize(pictures.reshape(-1, width), None, fx=LARGER, fy=LARGER, interpolation=cv2.INTER_CUBIC)
    paper = cv2.copyMakeBorder((large <= DARK).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(1,))
    labels = np.asarray(cv2.connectedComponents(paper, connectivity=4)[1], np.int32)  # to measure all paper too takes three times as long
    areas, middles = _measured(labels, (paper > 0) & (labels != labels[0, 0]))
    cells = middles[:, 1] // (len(large) / count)
    for cell in range(count):
        yield areas[cells == cell], middles[cells == cell]


def _measured(labels: Labels, inside: Mask) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The size of each part (n,), px, and its middle (n, 2); only pixels `inside` are looked at."""
    at = np.flatnonzero(inside)
    part, y = labels.ravel()[at], at // labels.shape[1]
    x = at - y * labels.shape[1]
    areas = np.bincount(part)
    sums = np.stack([np.bincount(part, axis) for axis in (x, y)], axis=1)
    found = areas > 0
    return areas[found], sums[found] / areas[found, None]


def _is_slashed(loops: NDArray[np.float64]) -> bool:
    if len(loops) != 2:
        return False
    left, right = loops[np.argsort(loops[:, 0])]
    across, down = right - left
    least, most = SLASH
    return bool(least <= np.degrees(np.arctan2(down, across)) <= most)
