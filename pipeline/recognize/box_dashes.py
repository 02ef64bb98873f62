"""A dash in a check box: to some it is a mark, to others it says that the box does not apply."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.recognize.ink import Ink, Mask

LOW, LONG = 0.5, 0.4
"""A dash is at most so high for its length, pen and slope and all, and at least so long for the width of its box."""
SLOPE, BENT = 0.27, 0.07
"""It rises or falls no more (15°), and leaves its own straight line by no more of its length (standard deviation)."""


def is_dash(ink: Ink) -> bool:
    """Whether all that stands in a box is one straight and nearly level stroke."""
    left, top, right, bottom = ink.field
    inside = np.ascontiguousarray(ink.mask[top:bottom, left:right])
    x, y, width, height = cv2.boundingRect(inside.view(np.uint8))
    if width < LONG * (right - left) or height > LOW * width:
        return False
    return _is_level(inside[y : y + height, x : x + width])


def _is_level(shape: Mask) -> bool:
    """A low tick bends, and a cross is higher than its middle."""
    columns = np.flatnonzero(shape.any(axis=0))
    middles = np.array([np.flatnonzero(shape[:, column]).mean() for column in columns])
    slope, start = np.polyfit(columns, middles, 1)
    return bool(abs(slope) <= SLOPE and (middles - slope * columns - start).std() <= BENT * shape.shape[1])
