"""Recognize fields that may hold parts of other rows only: tails of g and y, tops of h and l.

The line of the frame cuts them off from their letters, so that an empty field seems to hold a J or
an H, or to be signed. Writing of the field's own that reaches far over its line looks the same, so
a person is asked.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.ink import Ink, Mask
from pipeline.reading.imaging.components import Components

MIN_BESIDE_MM = 1.5
"""So much above and below the field its image has to show, or it is unknown where strokes begin."""
MIN_STROKE_MM = 1.2
"""A shorter stroke may be a dot, and does not count."""
LINE_GAP_MM = 0.6
"""Ink goes on across a line of the frame if it is this near to it on both sides."""
MAX_TAIL, MAX_TOP = 0.75, 0.4
"""A tail or top of another row's letters reaches over at most this part of the field's height: own
letters that are on the lower line hang over it more often than own letters reach over the upper.
"""
MAX_RUNS, MAX_BUSY_SHARE = 4, 0.2
"""A stroke of tails has so many parts beside each other at most, those of two loops, but for a
small share of its height. A word that is written in one has more.
"""


def may_be_other_rows(ink: Ink, line: Mask) -> bool:
    """Return whether all of a `line`, the ink of a field, may belong to the rows above and below.

    The edges of the image cut all its strokes off, and none reaches far into the field.
    """
    _, top, _, bottom = ink.field
    height = len(ink.mask)
    is_seen = min(top, height - bottom) >= MIN_BESIDE_MM * ink.px_per_mm
    if not is_seen or not line.any() or not (ink.mask[0].any() or ink.mask[-1].any()):
        return False

    # The strokes that the line is part of, without dots and specks.
    strokes = Components.of(_join_over_lines(ink))
    numbers = np.unique(strokes.labels[line])
    sides = strokes.stats[numbers][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    numbers = numbers[sides.max(axis=1) >= MIN_STROKE_MM * ink.px_per_mm]
    begin = strokes.column(cv2.CC_STAT_TOP)[numbers]
    end = begin + strokes.column(cv2.CC_STAT_HEIGHT)[numbers]

    # Each comes from above or from below.
    is_tail = (begin == 0) & (end <= top + MAX_TAIL * (bottom - top))
    is_top = (end == height) & (begin >= bottom - MAX_TOP * (bottom - top))
    return bool(
        numbers.size
        and (is_tail | is_top).all()
        and all(_has_few_runs(strokes, int(number), top) for number in numbers[is_tail])
    )


def _join_over_lines(ink: Ink) -> Mask:
    """Return the ink with what the removed lines have cut joined, where ink is on both sides."""
    _, top, _, bottom = ink.field
    gap = max(1, round(LINE_GAP_MM * ink.px_per_mm))
    joined = ink.mask.copy()
    for edge in (top, bottom):
        zone = slice(edge - gap, edge + gap)
        slanted = cv2.dilate(joined[zone].view(np.uint8), np.ones((1, 2 * gap + 1), np.uint8))
        upright = np.ones((2 * gap + 1, 1), np.uint8)
        joined[zone] |= cv2.morphologyEx(slanted, cv2.MORPH_CLOSE, upright, borderValue=0) > 0
    return joined


def _has_few_runs(strokes: Components, number: int, top: int) -> bool:
    """Return whether a stroke has few parts beside each other below the row `top`."""
    x, y, w, h = strokes.stats[number, : cv2.CC_STAT_AREA]
    below: NDArray[np.int8] = (strokes.labels[max(y, top) : y + h, x : x + w] == number).astype(
        np.int8
    )
    if not below.size:
        return True
    runs = (np.diff(below, axis=1, prepend=0) == 1).sum(axis=1)
    return float((runs > MAX_RUNS).mean()) <= MAX_BUSY_SHARE
