"""Connected strokes of ink, measured.

Writing in a field's picture that its reader does not read: words above or below its line, and
what the picture's edge cuts off.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import has_stroke
from pipeline.reading.fields.ink import MAX_STROKE_MM, Ink, Mask, measure_darkness, square_kernel
from pipeline.reading.imaging.components import Components, Labels

Numbers = NDArray[np.float64]
FROM_PRINT_MM = 0.6
"""So near to print ink may be print that lies a little beside its place."""
PRINT_DARKNESS = 0.1
"""Darkness of the form that counts as print, as part of white."""
LETTER_GAP_MM = 0.6
"""Strokes this close together are one word, mm."""
MIN_EDGE_STROKE_MM = 1.0
"""Least length of a stroke, mm."""
MIN_CUT_MM = 2.0
"""A letter or two may hang down beyond the picture; where more of the line does, its lower half is
missing.
"""


@dataclass(frozen=True, slots=True)
class ConnectedStrokes:
    """Every connected stroke of a mask. `labels` (h, w) numbers them from 1; the arrays hold one
    value each (px), in that order, from index 0.
    """

    labels: Labels
    left: Numbers
    top: Numbers
    width: Numbers
    height: Numbers
    area: Numbers
    x: Numbers
    y: Numbers

    @classmethod
    def of(cls, mask: Mask) -> ConnectedStrokes:
        """The strokes of a mask; those that touch at a corner are one."""
        found = Components.of(mask)
        return cls(found.labels, *np.asarray(found.stats[1:], np.float64).T, *found.centres[1:].T)

    def __len__(self) -> int:
        return len(self.area)

    @property
    def right(self) -> Numbers:
        """One past the last column."""
        return self.left + self.width

    @property
    def bottom(self) -> Numbers:
        """One past the last row."""
        return self.top + self.height


MIN_WORDS_MM, MIN_WORDS_MM2 = 2.5, 1.2
"""How much of a line's length words take that stand above or below it, and their ink; what hangs
down from another field is less.
"""


MAX_COMMA_DISTANCE_MM, MAX_COMMA_MM, MIN_COMMA_MM2 = 1.0, 2.0, 0.08
"""How far from the field's lower edge a comma begins that hangs below it, how high and wide it is
at most, and its ink.
"""


MIN_LETTER_MM, MAX_ROW_OVERLAP, MIN_STACKED_MM = 1.2, 0.25, 5.0
"""Strokes so high are letters; those of two rows share no more of their height, and stand above
each other over so much of the field.
"""


def exclude_print(crop: FieldImage, ink: Ink, mask: Mask) -> Mask:
    """The part of `mask` that is not near print; none where it is not known what is printed, and so
    not what lies around the field.
    """
    if crop.template_image is None:
        return np.zeros_like(mask)
    if not mask.any():
        return mask
    printed = measure_darkness(crop.template_image, ink.px_per_mm, MAX_STROKE_MM) > PRINT_DARKNESS
    near = cv2.dilate(
        printed.view(np.uint8), square_kernel(2 * round(FROM_PRINT_MM * ink.px_per_mm) + 1)
    )
    return np.asarray(mask & (near == 0), np.bool_)


def has_unread_words(crop: FieldImage, ink: Ink, own: Mask) -> bool:
    """Whether words stand in the picture outside `own`, which is what its reader reads."""
    rest = exclude_print(crop, ink, np.asarray(ink.mask & ~own, np.bool_))
    if (
        np.count_nonzero(rest) < MIN_WORDS_MM2 * ink.px_per_mm**2
        or _ink_length(rest) < MIN_WORDS_MM * ink.px_per_mm
    ):
        return False
    return has_stroke(rest, ink.px_per_mm)


def has_comma_below(ink: Ink, own: Mask) -> bool:
    """Whether a stroke as small as a comma, of which `own` has nothing, begins close below the
    field, between its first and its last sign.

    A decimal comma may hang below the edge that the figures stand on, and is then in no line at
    all.
    """
    columns = np.flatnonzero(own.any(axis=0))
    if not len(columns):
        return False
    parts, mm = Components.of(np.asarray(ink.mask & ~own, np.bool_)), ink.px_per_mm
    left, top, width, height, area = parts.stats[1:].T
    small = (np.maximum(width, height) <= MAX_COMMA_MM * mm) & (area >= MIN_COMMA_MM2 * mm**2)
    near = small & (np.abs(top - ink.field[3]) <= MAX_COMMA_DISTANCE_MM * mm)
    return bool((near & (left > columns[0]) & (left < columns[-1])).any())


def has_two_rows(ink: Ink, own: Mask) -> bool:
    """Whether strokes as high as letters stand above each other: a line of writing has only dots
    and rings above its letters.
    """
    parts, mm = Components.of(own), ink.px_per_mm
    left, top, width, height = parts.stats[1:, : cv2.CC_STAT_AREA].astype(np.float64).T
    high = height >= MIN_LETTER_MM * mm
    left, top, right, bottom = left[high], top[high], (left + width)[high], (top + height)[high]
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    lower = top - bottom[:, None] >= -MAX_ROW_OVERLAP * np.minimum(
        bottom - top, (bottom - top)[:, None]
    )
    return float(np.where(lower, np.maximum(shared, 0), 0).sum()) >= MIN_STACKED_MM * mm


def is_cut_off(crop: FieldImage, ink: Ink, own: Mask) -> bool:
    """Whether the writing in `own` goes on beyond the picture: to a side, or with many of its
    letters upwards or downwards.
    """
    if runs_off_side(crop, ink, own):
        return True
    least = MIN_CUT_MM * ink.px_per_mm
    if max(np.count_nonzero(own[0]), np.count_nonzero(own[-1])) < least:
        return False
    seen = exclude_print(crop, ink, own)
    return bool(max(np.count_nonzero(seen[0]), np.count_nonzero(seen[-1])) >= least)


def runs_off_side(crop: FieldImage, ink: Ink, own: Mask) -> bool:
    """Whether the writing in `own` goes on beyond the picture to the left or right; the edge may
    fall between two letters.
    """
    near = max(1, round(LETTER_GAP_MM * ink.px_per_mm))
    if not (own[:, :near].any() or own[:, -near:].any()):
        return False
    seen = exclude_print(crop, ink, own)
    return _reaches_edge(seen, near, ink) or _reaches_edge(seen[:, ::-1], near, ink)


def _reaches_edge(seen: Mask, near: int, ink: Ink) -> bool:
    """Whether a stroke, which is more than a speck of dirt, comes so `near` (px) to the left edge."""
    if not seen[:, :near].any():
        return False
    parts = Components.of(np.ascontiguousarray(seen))
    there = np.unique(parts.labels[:, :near])
    sides = parts.stats[there[there > 0]][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool((sides.max(axis=1) >= MIN_EDGE_STROKE_MM * ink.px_per_mm).any())


def _ink_length(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask.any(axis=0)))
