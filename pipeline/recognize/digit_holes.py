"""More paper enclosed by the strokes of a digit than the digit has loops: it is written over another one.

An 8 over a 3, a 7 over a 9, a 1 over a nought by the same pen: the network says one of both, and often the one that no longer counts.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.model import Image

LOOPS = (1, 0, 2, 1, 1, 0, 1, 0, 2, 1)
"""How many loops a digit has at most: a 4 may be closed above, a 3 curled at its head, a 2 at its head and its foot."""
DARK = 127
LARGER = 2
LEAST_PX = (12, 6, 12, 12, 6, 12, 12, 6, 6, 6)
"""For each digit the least paper that counts as enclosed, in a cell picture twice as large (64 × 64): more where strokes of one digit nearly meet.
Half a percent of rows in digits of people are told of, and three in ten of the rows with a digit over another that were surely another number."""
NOUGHT = 0
SLASH = 20, 75
"""The slash of a nought leaves two loops, of which the right one lies so many degrees below the left one; a 1 over a nought stands upright."""


def has_odd_loops(picture: Image, digit: int) -> bool:
    """Whether the ink of a cell (32, 32), 255 = ink, encloses more than the digit does for which it is taken."""
    loops = _loops(picture, LEAST_PX[digit])
    return len(loops) > LOOPS[digit] and not (digit == NOUGHT and _is_slashed(loops))


def _loops(picture: Image, least_px: int) -> NDArray[np.float64]:
    """The middles (n, 2) of all paper that ink encloses, x and y px of the larger picture."""
    large = cv2.resize(picture, None, fx=LARGER, fy=LARGER, interpolation=cv2.INTER_CUBIC)
    paper = Components.of(np.pad(large <= DARK, 1, constant_values=True), connectivity=4)
    enclosed = paper.column(cv2.CC_STAT_AREA) >= least_px
    enclosed[[0, int(paper.labels[0, 0])]] = False
    return paper.centres[enclosed]


def _is_slashed(loops: NDArray[np.float64]) -> bool:
    if len(loops) != 2:
        return False
    left, right = loops[np.argsort(loops[:, 0])]
    across, down = right - left
    least, most = SLASH
    return bool(least <= np.degrees(np.arctan2(down, across)) <= most)
