"""Connected strokes of ink, and writing in a field image that its reader does not read.

Such writing is words above or below the line, and what the image's edge cuts off.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import has_stroke
from pipeline.reading.fields.ink import MAX_STROKE_MM, Ink, measure_darkness, square_kernel
from pipeline.reading.imaging.components import Components, Labels, Mask

Numbers = NDArray[np.float64]
FROM_PRINT_MM = 0.6
"""Ink this close to print may be print that is a little beside its place."""
PRINT_DARKNESS = 0.1
"""Darkness of the template that counts as print, as part of white."""
LETTER_GAP_MM = 0.6
"""Strokes this close together are one word, mm."""
MIN_EDGE_STROKE_MM = 1.0
"""Minimum length of a stroke at the edge, mm."""
MIN_CUT_MM = 2.0
"""A letter or two may reach below the image; where more of the line does, its lower half is
missing.
"""
MIN_WORDS_MM, MIN_WORDS_MM2 = 2.5, 1.2
"""Minimum length and ink of words above or below the line; what hangs down from another field is
less.
"""
MAX_COMMA_DISTANCE_MM, MAX_COMMA_MM, MIN_COMMA_MM2 = 1.0, 2.0, 0.08
"""A comma below the field: how far from the field's lower edge it begins at most, its greatest
height and width, and its minimum ink.
"""
MIN_LETTER_MM, MAX_ROW_OVERLAP, MIN_STACKED_MM = 1.2, 0.25, 5.0
"""Strokes this high are letters. Letters of two rows share at most this part of their height, and
are above each other over at least this length of the field.
"""


@dataclass(frozen=True, slots=True)
class ConnectedStrokes:
    """Every connected stroke of a mask.

    `labels` (h, w) numbers them from 1; the arrays hold one value each (px), in that order, from
    index 0. `x` and `y` are the centres.
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
        """Return the strokes of a mask; those that touch at a corner are one."""
        components = Components.of(mask)
        return cls(
            components.labels,
            *np.asarray(components.stats[1:], np.float64).T,
            *components.centres[1:].T,
        )

    def __len__(self) -> int:
        return len(self.area)

    @property
    def right(self) -> Numbers:
        """One past the last column of each stroke."""
        return self.left + self.width

    @property
    def bottom(self) -> Numbers:
        """One past the last row of each stroke."""
        return self.top + self.height


def exclude_print(crop: FieldImage, ink: Ink, mask: Mask) -> Mask:
    """Return the part of `mask` that is not near print.

    Without a template nothing is left, as it is not known what is printed around the field.
    """
    if crop.template_image is None:
        return np.zeros_like(mask)
    if not mask.any():
        return mask
    # Widen the print by how far it may be off its place.
    printed = measure_darkness(crop.template_image, ink.px_per_mm, MAX_STROKE_MM) > PRINT_DARKNESS
    near = cv2.dilate(
        printed.view(np.uint8), square_kernel(2 * round(FROM_PRINT_MM * ink.px_per_mm) + 1)
    )
    return np.asarray(mask & (near == 0), np.bool_)


def has_unread_words(crop: FieldImage, ink: Ink, line: Mask) -> bool:
    """Return whether there are words outside `line`, the ink that the reader reads."""
    # What is neither in the line nor near print.
    rest = exclude_print(crop, ink, np.asarray(ink.mask & ~line, np.bool_))
    # Enough ink over enough of the line's length, with a stroke of writing.
    mm = ink.px_per_mm
    if np.count_nonzero(rest) < MIN_WORDS_MM2 * mm**2 or _ink_length(rest) < MIN_WORDS_MM * mm:
        return False
    return has_stroke(rest, mm)


def has_comma_below(ink: Ink, line: Mask) -> bool:
    """Return whether a stroke as small as a comma begins close below the field.

    It is between the first and last sign of the `line`, and no part of it. A decimal comma may hang
    below the edge that the digits are written on, and is then in no line at all.
    """
    columns = np.flatnonzero(line.any(axis=0))
    if not len(columns):
        return False
    parts, mm = Components.of(np.asarray(ink.mask & ~line, np.bool_)), ink.px_per_mm
    left, top, width, height, area = parts.stats[1:].T
    # As small as a comma, just below the field, within the line's length.
    small = (np.maximum(width, height) <= MAX_COMMA_MM * mm) & (area >= MIN_COMMA_MM2 * mm**2)
    below = small & (np.abs(top - ink.field[3]) <= MAX_COMMA_DISTANCE_MM * mm)
    return bool((below & (left > columns[0]) & (left < columns[-1])).any())


def has_two_rows(ink: Ink, line: Mask) -> bool:
    """Return whether strokes as high as letters are above each other.

    A line of writing has only dots and rings above its letters.
    """
    parts, mm = Components.of(line), ink.px_per_mm
    # Dots and rings are lower than letters.
    left, top, width, height = parts.stats[1:, : cv2.CC_STAT_AREA].astype(np.float64).T
    is_letter = height >= MIN_LETTER_MM * mm
    left, top, right, bottom = (
        left[is_letter],
        top[is_letter],
        (left + width)[is_letter],
        (top + height)[is_letter],
    )
    # Length that each pair of letters shares, where one is below the other.
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    lower = top - bottom[:, None] >= -MAX_ROW_OVERLAP * np.minimum(
        bottom - top, (bottom - top)[:, None]
    )
    return float(np.where(lower, np.maximum(shared, 0), 0).sum()) >= MIN_STACKED_MM * mm


def is_cut_off(crop: FieldImage, ink: Ink, line: Mask) -> bool:
    """Return whether the writing in `line` goes on beyond the image.

    To a side, or with many of its letters upwards or downwards.
    """
    if runs_off_side(crop, ink, line):
        return True
    least = MIN_CUT_MM * ink.px_per_mm
    if max(np.count_nonzero(line[0]), np.count_nonzero(line[-1])) < least:
        return False
    # Print at the edge does not count.
    writing = exclude_print(crop, ink, line)
    return bool(max(np.count_nonzero(writing[0]), np.count_nonzero(writing[-1])) >= least)


def runs_off_side(crop: FieldImage, ink: Ink, line: Mask) -> bool:
    """Return whether the writing in `line` goes on beyond the image to the left or right.

    The edge may fall between two letters.
    """
    # Ink within a letter's gap of the edge may belong to a word that goes on.
    near = max(1, round(LETTER_GAP_MM * ink.px_per_mm))
    if not (line[:, :near].any() or line[:, -near:].any()):
        return False
    writing = exclude_print(crop, ink, line)
    return _reaches_edge(writing, near, ink) or _reaches_edge(writing[:, ::-1], near, ink)


def _reaches_edge(writing: Mask, near: int, ink: Ink) -> bool:
    """Return whether a stroke longer than a speck comes within `near` px of the left edge."""
    if not writing[:, :near].any():
        return False
    # The strokes that touch the zone at the edge.
    parts = Components.of(np.ascontiguousarray(writing))
    at_edge = np.unique(parts.labels[:, :near])
    sides = parts.stats[at_edge[at_edge > 0]][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool((sides.max(axis=1) >= MIN_EDGE_STROKE_MM * ink.px_per_mm).any())


def _ink_length(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask.any(axis=0)))
