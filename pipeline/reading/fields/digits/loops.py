"""Find digits that are written over another one, by the loops that their strokes enclose.

Examples are an 8 over a 3, a 7 over a 9, a 1 over a zero by the same pen. The network reads one of
both, and often the one that no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.components import Labels, Mask

MAX_LOOPS = (1, 0, 2, 1, 1, 0, 1, 0, 2, 1)
"""Maximum number of loops of each digit: a 4 may be closed above, a 3 curled at its head, a 2 at
its head and its foot.
"""
CELL_INK_LEVEL = 127
"""Ink in a cell's image is above this level (255 = ink)."""
CELL_ENLARGEMENT = 2
"""How many times cells are enlarged, so that narrow holes stay open."""
MIN_LOOP_PX = (12, 6, 12, 12, 6, 12, 12, 6, 6, 6)
"""For each digit the minimum paper that counts as enclosed, in a cell image twice as large (64 ×
64): more where strokes of one digit nearly meet. Half a percent of rows of digits by real writers
are flagged, and three in ten of the rows with a digit over another that were read as another number
with high confidence.
"""
ZERO_DIGIT = 0
"""The only digit with a slash."""
SLASH_ANGLE_DEG = 20, 75
"""The slash of a zero leaves two loops, of which the right one is this many degrees below the left
one; a 1 over a zero is upright.
"""


def find_odd_loops(pictures: Image, digits: Sequence[int]) -> list[bool]:
    """Return for each cell (n, 32, 32), 255 = ink, whether it encloses more than its digit does.

    `digits` are what the cells are read as.
    """
    return [
        _has_odd_loops(*loops, digit)
        for loops, digit in zip(_enclosed_areas(pictures), digits, strict=True)
    ]


def _has_odd_loops(areas: NDArray[np.intp], middles: NDArray[np.float64], digit: int) -> bool:
    """Return whether there are more loops than the digit has."""
    # Enclosed areas that are too small for this digit are noise of the pen.
    loops = middles[areas >= MIN_LOOP_PX[digit]]
    return len(loops) > MAX_LOOPS[digit] and not (digit == ZERO_DIGIT and _is_slashed_zero(loops))


def _enclosed_areas(pictures: Image) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Yield for each cell all paper that ink encloses: px (n,), and centres (n, 2) as x, y.

    Both are of the enlarged cell. All cells are processed as one image, one below the other:
    nothing is written at their edges.
    """
    count, _, width = pictures.shape

    # Enlarge the cells, so that narrow holes stay open.
    large = cv2.resize(
        pictures.reshape(-1, width),
        None,
        fx=CELL_ENLARGEMENT,
        fy=CELL_ENLARGEMENT,
        interpolation=cv2.INTER_CUBIC,
    )

    # A white frame joins all paper outside the digits.
    paper = cv2.copyMakeBorder(
        (large <= CELL_INK_LEVEL).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(1,)
    )

    # Number the paper's parts, without measuring them: to measure all takes three times as long.
    labels = np.asarray(cv2.connectedComponents(paper, connectivity=4)[1], np.int32)
    areas, middles = _measure_parts(labels, (paper > 0) & (labels != labels[0, 0]))

    # Give each enclosed part to its cell.
    cells = middles[:, 1] // (len(large) / count)
    for cell in range(count):
        yield areas[cells == cell], middles[cells == cell]


def _measure_parts(labels: Labels, inside: Mask) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the size of each part (n,), px, and its centre (n, 2), of the pixels `inside`."""
    pixels = np.flatnonzero(inside)
    part, y = labels.ravel()[pixels], pixels // labels.shape[1]
    x = pixels - y * labels.shape[1]
    # Sizes and sums of coordinates by label, in one pass each.
    areas = np.bincount(part)
    sums = np.stack([np.bincount(part, axis) for axis in (x, y)], axis=1)
    exists = areas > 0
    return areas[exists], sums[exists] / areas[exists, None]


def _is_slashed_zero(loops: NDArray[np.float64]) -> bool:
    """Return whether two loops are those of a zero with a slash."""
    if len(loops) != 2:
        return False
    left, right = loops[np.argsort(loops[:, 0])]
    # Direction from the left loop to the right one.
    across, down = right - left
    least, most = SLASH_ANGLE_DEG
    return bool(least <= np.degrees(np.arctan2(down, across)) <= most)
