"""Find underlining: it has letters above it, and none below.

Strokes through words, bars of a t and dashes do not.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.reading.fields.ink import Mask
from pipeline.reading.fields.segmentation.find_lines import shear_image
from pipeline.reading.fields.strokes import ConnectedStrokes

HIGHEST = 0.6
"""An underline is at most this high, in letter heights."""
MIN_UNDERLINE_LENGTH = 2.2
"""Least length of an underline, in letter heights."""
MAX_UNDERLINE_THICKNESS = 0.28
"""Maximum thickness of an underline, in letter heights."""
LETTERS_ABOVE = (0.12, 1.3)
"""Where letters are searched above an underline, in letter heights from the stroke's edge."""
LETTERS_BELOW = (0.12, 0.45)
"""The same below it."""
MIN_COVER_ABOVE, MAX_COVER_BELOW = 0.5, 0.35
"""Letters are above at least this part of its length, and go on below it over less than that part.
"""


def find_underlines(mask: Mask, letter: float, slope: float) -> Mask:
    """Return the ink of underlining in `mask`.

    `letter` is the letter height (px), `slope` how far down the writing goes per column.
    """
    # Long flat strokes in the levelled writing.
    level = shear_image(mask.astype(np.uint8), slope)
    length = max(3, round(MIN_UNDERLINE_LENGTH * letter))
    flat = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    underlines = np.zeros_like(level)
    strokes = ConnectedStrokes.of(flat > 0)

    # Keep those that are thin and have letters above only.
    for i in np.flatnonzero(
        (strokes.area / strokes.width <= MAX_UNDERLINE_THICKNESS * letter)
        & (strokes.height <= HIGHEST * letter)
    ):
        box = (
            slice(int(strokes.top[i]), int(strokes.bottom[i])),
            slice(int(strokes.left[i]), int(strokes.right[i])),
        )
        if _is_underline(level, box, letter):
            underlines[box] |= (strokes.labels[box] == i + 1).astype(np.uint8)

    # Back to the slope of the writing, a little thicker, but only ink.
    tilted = shear_image(underlines, -slope) if slope else underlines
    thick = cv2.dilate(tilted, np.ones((3, 3), np.uint8))
    return np.asarray((thick > 0) & mask, np.bool_)


def _is_underline(
    level: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], box: tuple[slice, slice], letter: float
) -> bool:
    """Return whether letters are above the stroke in `box` and not below it."""
    rows, columns = box
    # Bands above and below the stroke.
    above = level[
        max(0, round(rows.start - LETTERS_ABOVE[1] * letter)) : max(
            0, round(rows.start - LETTERS_ABOVE[0] * letter)
        ),
        columns,
    ]
    below = level[
        round(rows.stop + LETTERS_BELOW[0] * letter) : round(rows.stop + LETTERS_BELOW[1] * letter),
        columns,
    ]
    return _cover_share(above) >= MIN_COVER_ABOVE and _cover_share(below) < MAX_COVER_BELOW


def _cover_share(band: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    """Return the share of columns with ink."""
    return float((band > 0).any(axis=0).mean()) if band.size else 0.0
