"""Recognize fields that hold nothing but parts of other rows: tails of g and y, tops of h and l.

The line of the frame cuts them off from their letters, so that an empty field seems to hold a J or
an H, or to be signed.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.reading.fields.ink import Ink, Mask
from pipeline.reading.imaging.components import Components

MIN_BESIDE_MM = 1.5
"""So much above or below the field its image has to show, or it is unknown where strokes begin."""
MIN_STROKE_MM = 1.2
"""A shorter stroke may be a dot, and does not count."""
LINE_GAP_MM = 0.6
"""Ink goes on across a line of the frame if it is this near to it on both sides."""
MAX_TAIL, MAX_TOP = 0.75, 0.5
"""A tail or top of another row's letters reaches over at most this part of the field's height: own
letters that stand on the lower line, and hang over it, are taken for tops of the next row easily.
"""
MAX_RUNS, MAX_BUSY_SHARE = 2, 0.2
"""A tail has so many strokes beside each other at most, those of a loop, but for a small share of
its height. A word has more.
"""


def has_tails_only(ink: Ink, line: Mask, max_tail: float = MAX_TAIL) -> bool:
    """Return whether all of a `line`, the ink of a field, hangs down from letters above the image.

    Writing of the field's own that reaches over its top line ends below `max_tail`, a part of the
    field's height, or shows its upper end.
    """
    _, top, _, bottom = ink.field
    return _comes_from_above(ink, line, (top, bottom), max_tail) and _has_few_runs(
        np.asarray(line[top:], np.bool_)
    )


def has_tops_only(ink: Ink, line: Mask) -> bool:
    """Return whether all of a `line`, the ink of a field, may be the tops of letters below it."""
    # Upside down they are tails.
    _, top, _, bottom = ink.field
    height = len(ink.mask)
    flipped = Ink(ink.mask[::-1], ink.darkness[::-1], ink.px_per_mm, ink.field)
    return _comes_from_above(flipped, line[::-1], (height - bottom, height - top), MAX_TOP)


def _comes_from_above(ink: Ink, line: Mask, rows: tuple[int, int], reach: float) -> bool:
    """Return whether the upper edge of the image cuts all strokes of a line off, and they end soon.

    `rows` are the first row of the field and the one past its last; the field of `ink` is ignored.
    """
    top, bottom = rows
    is_seen = top >= MIN_BESIDE_MM * ink.px_per_mm
    if not is_seen or not line.any() or not ink.mask[0].any():
        return False
    # Join what the removed line has cut, where ink is on both sides of it.
    gap = max(1, round(LINE_GAP_MM * ink.px_per_mm))
    zone = slice(max(0, top - gap), top + gap)
    joined = ink.mask.copy()
    slanted = cv2.dilate(joined[zone].view(np.uint8), np.ones((1, 2 * gap + 1), np.uint8))
    upright = np.ones((2 * gap + 1, 1), np.uint8)
    joined[zone] |= cv2.morphologyEx(slanted, cv2.MORPH_CLOSE, upright, borderValue=0) > 0

    # The strokes that the line is part of, without dots and specks.
    strokes = Components.of(joined)
    own = strokes.stats[np.unique(strokes.labels[line])]
    sides = own[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    begin, height = own[sides.max(axis=1) >= MIN_STROKE_MM * ink.px_per_mm][
        :, [cv2.CC_STAT_TOP, cv2.CC_STAT_HEIGHT]
    ].T
    is_cut_off = begin.size > 0 and not begin.any()
    return bool(is_cut_off and (height <= top + reach * (bottom - top)).all())


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
