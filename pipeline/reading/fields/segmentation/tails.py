"""Recognize fields that hold nothing but the tails of the row above: loops of g, j and y.

The line of the frame cuts them off from their letters, so that an empty field seems to hold a J, or
to be signed.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.reading.fields.ink import Ink, Mask
from pipeline.reading.imaging.components import Components

MIN_ABOVE_MM = 1.5
"""So much above the field its image has to show, or it is unknown where strokes begin."""
LINE_GAP_MM = 0.6
"""Ink goes on across the top line if it is this near to it on both sides."""
MAX_END = 0.75
"""A tail ends above this part of the field's height."""
MAX_RUNS, MAX_BUSY_SHARE = 2, 0.2
"""A tail has so many strokes beside each other at most, those of a loop, but for a small share of
its height. A word has more.
"""


def has_tails_only(ink: Ink, line: Mask, max_end: float = MAX_END) -> bool:
    """Return whether all of a `line`, the ink of a field, hangs down from letters above the image.

    Writing of the field's own that reaches over its top line ends below `max_end`, a part of the
    field's height, or shows its upper end.
    """
    _, top, _, bottom = ink.field
    is_seen = top >= MIN_ABOVE_MM * ink.px_per_mm
    if not is_seen or not line.any() or not ink.mask[0].any():
        return False
    # Join what the removed line has cut, where ink is on both sides of it.
    gap = max(1, round(LINE_GAP_MM * ink.px_per_mm))
    zone = slice(max(0, top - gap), top + gap)
    joined = ink.mask.copy()
    slanted = cv2.dilate(joined[zone].view(np.uint8), np.ones((1, 2 * gap + 1), np.uint8))
    upright = np.ones((2 * gap + 1, 1), np.uint8)
    joined[zone] |= cv2.morphologyEx(slanted, cv2.MORPH_CLOSE, upright, borderValue=0) > 0

    # All strokes of the line are cut off by the image's upper edge, and end in time.
    strokes = Components.of(joined)
    own = np.unique(strokes.labels[line])
    end = strokes.column(cv2.CC_STAT_TOP) + strokes.column(cv2.CC_STAT_HEIGHT)
    return bool(
        (strokes.column(cv2.CC_STAT_TOP)[own] == 0).all()
        and (end[own] <= top + max_end * (bottom - top)).all()
        and _has_few_runs(np.asarray(line[top:], np.bool_))
    )


def _has_few_runs(below: Mask) -> bool:
    """Return whether no connected ink has as many strokes beside each other as a word has."""
    parts = Components.of(np.ascontiguousarray(below))
    for number in range(1, len(parts)):
        x, y, w, h = parts.stats[number, : cv2.CC_STAT_AREA]
        part = parts.labels[y : y + h, x : x + w] == number
        begins = np.diff(part.astype(np.int8), axis=1, prepend=0) == 1
        if float((begins.sum(axis=1) > MAX_RUNS).mean()) > MAX_BUSY_SHARE:
            return False
    return True
