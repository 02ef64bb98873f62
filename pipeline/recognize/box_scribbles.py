"""A mark that is scribbled over, which takes it back: more strokes than a mark has, and less than fills its box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.ink import Ink, Mask

STROKES = 3
"""So many strokes above each other, or side by side, are more than a cross or a tick has."""
WIDE = 0.45
"""Over so much of the box they stand so; a cross with one stroke too many has them over less."""
DENSE = 0.5
"""Ink on so much of the box is no mark either: strokes of a scribble run together."""


def is_scribbled(ink: Ink) -> bool:
    """Whether so many strokes stand in a box that somebody has scribbled over what stood there."""
    left, top, right, bottom = ink.field
    inside = np.ascontiguousarray(ink.mask[top:bottom, left:right])
    if not inside.any():
        return False
    return max(_share(inside), _share(inside.T)) >= WIDE or float(inside.mean()) >= DENSE


def _share(inside: Mask) -> float:
    """The share of the columns in which so many strokes stand above each other."""
    starts = inside & ~np.roll(inside, 1, axis=0)
    starts[0] = inside[0]
    return float((_count(starts) >= STROKES).mean())


def _count(starts: Mask) -> NDArray[np.intp]:
    return np.asarray(np.count_nonzero(starts, axis=0), np.intp)
