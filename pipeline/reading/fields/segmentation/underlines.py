"""Underlining, told from strokes through words, bars of a t and dashes by where the letters are:
above it, and not below.
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
"""An underline is at least and at most so long and thick, in heights of a letter."""
LETTERS_ABOVE = (0.12, 1.3)
"""Where the writing above an underline is looked for, in letter heights."""
LETTERS_BELOW = (0.12, 0.45)
"""Where letters are looked for, in heights of a letter from the stroke's edge."""
MIN_COVER_ABOVE, MAX_COVER_BELOW = 0.5, 0.35
"""Letters stand above at least this part of its length, and go on below it over less than that
part.
"""


def find_underlines(mask: Mask, letter: float, slope: float) -> Mask:
    """The ink of underlining in `mask`; `letter` is how high letters are (px), `slope` how far down
    the writing goes a column.
    """
    level = shear_image(mask.astype(np.uint8), slope)
    length = max(3, round(MIN_UNDERLINE_LENGTH * letter))
    flat = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    found = np.zeros_like(level)
    pieces = ConnectedStrokes.of(flat > 0)
    for i in np.flatnonzero(
        (pieces.area / pieces.width <= MAX_UNDERLINE_THICKNESS * letter)
        & (pieces.height <= HIGHEST * letter)
    ):
        box = (
            slice(int(pieces.top[i]), int(pieces.bottom[i])),
            slice(int(pieces.left[i]), int(pieces.right[i])),
        )
        if _is_underline(level, box, letter):
            found[box] |= (pieces.labels[box] == i + 1).astype(np.uint8)
    back = shear_image(found, -slope) if slope else found
    thick = cv2.dilate(back, np.ones((3, 3), np.uint8))
    return np.asarray((thick > 0) & mask, np.bool_)


def _is_underline(
    level: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], box: tuple[slice, slice], letter: float
) -> bool:
    rows, columns = box
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
    return float((band > 0).any(axis=0).mean()) if band.size else 0.0
