"""Writing in a field's picture that its reader does not read: words above or below its line, and what the picture's edge cuts off."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import WIDEST_STROKE_MM, Ink, Mask, paper_darkness, square
from pipeline.recognize.line_picture import has_stroke

FROM_PRINT_MM = 0.6
"""So near to print ink may be print that lies a little beside its place."""
PRINT = 0.1
"""Darkness of the form that counts as print, as part of white."""
LEAST_MM, LEAST_MM2 = 2.5, 1.2
"""How much of a line's length words take that stand above or below it, and their ink; what hangs down from another field is less."""
BELOW_MM, COMMA_MM, COMMA_MM2 = 1.0, 2.0, 0.08
"""How far from the field's lower edge a comma begins that hangs below it, how high and wide it is at most, and its ink."""
LETTER_MM, OVERLAP, ABOVE_EACH_OTHER_MM = 1.2, 0.25, 5.0
"""Strokes so high are letters; those of two rows share no more of their height, and stand above each other over so much of the field."""
BETWEEN_LETTERS_MM = 0.6
"""Strokes this close together are one word, mm."""
STROKE_MM = 1.0
"""Least length of a stroke, mm."""
CUT_MM = 2.0
"""A letter or two may hang down beyond the picture; where more of the line does, its lower half is missing."""


def off_print(crop: Crop, ink: Ink, mask: Mask) -> Mask:
    """The part of `mask` that is not near print; none where it is not known what is printed, and so not what lies around the field."""
    if crop.blank is None:
        return np.zeros_like(mask)
    if not mask.any():
        return mask
    printed = paper_darkness(crop.blank, ink.px_per_mm, WIDEST_STROKE_MM) > PRINT
    near = cv2.dilate(printed.view(np.uint8), square(2 * round(FROM_PRINT_MM * ink.px_per_mm) + 1))
    return np.asarray(mask & (near == 0), np.bool_)


def is_left_out(crop: Crop, ink: Ink, own: Mask) -> bool:
    """Whether words stand in the picture outside `own`, which is what its reader reads."""
    rest = off_print(crop, ink, np.asarray(ink.mask & ~own, np.bool_))
    if np.count_nonzero(rest) < LEAST_MM2 * ink.px_per_mm**2 or _length(rest) < LEAST_MM * ink.px_per_mm:
        return False
    return has_stroke(rest, ink.px_per_mm)


def hangs_below(ink: Ink, own: Mask) -> bool:
    """Whether a stroke as small as a comma, of which `own` has nothing, begins close below the field, between its first and its last sign.

    A decimal comma may hang below the edge that the figures stand on, and is then in no line at all.
    """
    columns = np.flatnonzero(own.any(axis=0))
    if not len(columns):
        return False
    parts, mm = Components.of(np.asarray(ink.mask & ~own, np.bool_)), ink.px_per_mm
    left, top, width, height, area = parts.stats[1:].T
    small = (np.maximum(width, height) <= COMMA_MM * mm) & (area >= COMMA_MM2 * mm**2)
    near = small & (np.abs(top - ink.field[3]) <= BELOW_MM * mm)
    return bool((near & (left > columns[0]) & (left < columns[-1])).any())


def has_two_rows(ink: Ink, own: Mask) -> bool:
    """Whether strokes as high as letters stand above each other: a line of writing has only dots and rings above its letters."""
    parts, mm = Components.of(own), ink.px_per_mm
    left, top, width, height = parts.stats[1:, : cv2.CC_STAT_AREA].astype(np.float64).T
    high = height >= LETTER_MM * mm
    left, top, right, bottom = left[high], top[high], (left + width)[high], (top + height)[high]
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    lower = top - bottom[:, None] >= -OVERLAP * np.minimum(bottom - top, (bottom - top)[:, None])
    return float(np.where(lower, np.maximum(shared, 0), 0).sum()) >= ABOVE_EACH_OTHER_MM * mm


def is_cut(crop: Crop, ink: Ink, own: Mask) -> bool:
    """Whether the writing in `own` goes on beyond the picture: to a side, or with many of its letters upwards or downwards."""
    if runs_out(crop, ink, own):
        return True
    least = CUT_MM * ink.px_per_mm
    if max(np.count_nonzero(own[0]), np.count_nonzero(own[-1])) < least:
        return False
    seen = off_print(crop, ink, own)
    return bool(max(np.count_nonzero(seen[0]), np.count_nonzero(seen[-1])) >= least)


def runs_out(crop: Crop, ink: Ink, own: Mask) -> bool:
    """Whether the writing in `own` goes on beyond the picture to the left or right; the edge may fall between two letters."""
    near = max(1, round(BETWEEN_LETTERS_MM * ink.px_per_mm))
    if not (own[:, :near].any() or own[:, -near:].any()):
        return False
    seen = off_print(crop, ink, own)
    return _reaches(seen, near, ink) or _reaches(seen[:, ::-1], near, ink)


def _reaches(seen: Mask, near: int, ink: Ink) -> bool:
    """Whether a stroke, which is more than a speck of dirt, comes so `near` (px) to the left edge."""
    if not seen[:, :near].any():
        return False
    parts = Components.of(np.ascontiguousarray(seen))
    there = np.unique(parts.labels[:, :near])
    sides = parts.stats[there[there > 0]][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool((sides.max(axis=1) >= STROKE_MM * ink.px_per_mm).any())


def _length(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask.any(axis=0)))
