"""Where strokes of a pen or of print stand together as those of words do, in pictures of `print_contrast.SCALE`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.model import Box
from pipeline.packed import Mask
from pipeline.print_contrast import SCALE

DARK = 0.15
"""Darkness of a pen; what shines through from the back and dirt are paler, or many and then told by `clearness`."""
_SPECK_MM2 = 0.4
"""Smaller ink is dust, mm²."""
_STROKES, _STROKES_PER_MM = 5, 0.3
"""How often a line through the middle of a word crosses ink, and how often per mm of its length; the edge of a stain and a crease do not."""


def without_specks(ink: Mask) -> Mask:
    """The strokes that are no dust."""
    parts = Components.of(ink)
    large = parts.column(cv2.CC_STAT_AREA) >= _SPECK_MM2 * SCALE**2
    large[0] = False
    return parts.pixels(large)


def words(ink: Mask, near_mm: float, long_mm: float) -> list[Box]:
    """Words at least so long, mm; strokes so near to each other are of one."""
    side = round(2 * near_mm * SCALE) // 2 | 1
    groups = Components.of(np.asarray(cv2.dilate(ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0, np.bool_))
    found: list[Box] = []
    for number, (left, top, width, height, _) in enumerate(groups.stats[1:], 1):
        if max(width, height) < long_mm * SCALE:
            continue
        place = slice(top, top + height), slice(left, left + width)
        if _is_writing(np.asarray(ink[place] & (groups.labels[place] == number), np.bool_), long_mm):
            found.append(Box(left / SCALE, top / SCALE, width / SCALE, height / SCALE))
    return found


def _is_writing(shape: Mask, long_mm: float) -> bool:
    """Whether strokes (h, w) follow each other along a line, across or down."""
    return _follow(shape, long_mm) or _follow(shape.T, long_mm)


def _follow(shape: Mask, long_mm: float) -> bool:
    long = int(np.count_nonzero(shape.any(axis=0))) / SCALE
    if long < long_mm:
        return False
    strokes = int(_crossings(shape).max(initial=0))
    return strokes >= max(_STROKES, _STROKES_PER_MM * long)


def _crossings(shape: Mask) -> NDArray[np.int64]:
    """How many strokes each row crosses, (h,)."""
    begins = shape.copy()
    begins[:, 1:] &= ~shape[:, :-1]
    return np.asarray(np.count_nonzero(begins, axis=1), np.int64)
