"""Printed words that a page does not show. On a black and white scan the pale outlines of fields are lost, and words alone tell that something lies
over them: a note, a label, a strip of paper.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline import plane
from pipeline.components import Components
from pipeline.model import Box
from pipeline.once import while_it_lives
from pipeline.packed import Places
from pipeline.print_contrast import SCALE, Print, Seen, small

_DARK, _STROKE_PX = 90, 5
"""Print with a stroke as dark as this so near is not lost in black and white; small grey words may be."""
_GONE = 0.2
"""Around a word that is hidden is less than this part of its darkness."""
_LEAST_MM2 = 1.0
"""As much of their strokes as some letters have."""
_APART_MM = 20
"""Words no farther apart than this are hidden by the same thing …"""
_REACH_MM = 6.0
"""… which reaches so much farther than they do: a field lies so near to its label."""


def over_words(seen: Seen) -> list[Box]:
    """The places, mm, of what lies over printed words of a page."""
    dark = _dark(seen.form)
    gone = seen.form.places[dark[seen.shade[dark] < _GONE]]
    if len(gone) < _LEAST_MM2 * SCALE**2:
        return []
    height, width = seen.dark.shape
    y, x = np.divmod(gone, width)
    strokes = np.zeros((int(height / SCALE) + 1, int(width / SCALE) + 1), np.int32)
    np.add.at(strokes, ((y / SCALE).astype(int), (x / SCALE).astype(int)), 1)
    parts = Components.of(cv2.dilate((strokes > 0).view(np.uint8), np.ones((_APART_MM + 1, _APART_MM + 1), np.uint8)) > 0)
    found = [np.argwhere((parts.labels == number) & (strokes > 0)) for number in range(1, len(parts.stats))]
    return [_around(cells) for cells in found if strokes[tuple(cells.T)].sum() >= _LEAST_MM2 * SCALE**2]


@while_it_lives
def _dark(form: Print) -> Places:
    """Which of a form's places of print are of dark print."""
    near = np.asarray(cv2.erode(form.unfilled.picture, np.ones((_STROKE_PX, _STROKE_PX), np.uint8)), np.uint8)
    return np.flatnonzero(small(near, SCALE).take(form.places) < _DARK).astype(np.int32)


def _around(cells: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> Box:
    """What lies over words in these squares of a millimetre, rows and columns."""
    (top, left), (bottom, right) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    return plane.widened(Box(left, top, right + 1 - left, bottom + 1 - top), _REACH_MM)
