"""Check boxes with a ring around them: a person means that option, or takes its mark back. Readers of boxes see only what is in or close to each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline import plane
from pipeline.box_strokes import check_boxes, connected, pen_strokes
from pipeline.field_spec import FieldSpec
from pipeline.model import Box
from pipeline.packed import Mask
from pipeline.print_contrast import SCALE, Seen

ENCIRCLED = "encircled"
"""The problem of a field of which a box has a ring around it."""
_GAP_MM = 1.0
"""So far to each side a ring is followed on: where it crosses print it is not seen."""
_LARGEST_MM = 40.0
"""A larger ring is a stain of a cup, or a part of the page is struck out."""
_DIRECTIONS, _AROUND = 24, 0.65
"""In so many of the directions from the middle of a box a ring lies outside of it."""
_OUTLINE_MM = 0.3


def encircled(specs: Sequence[FieldSpec], seen: Seen) -> frozenset[str]:
    """The names of the fields with a ring around a box. `seen` is the page laid on its form."""
    boxes = check_boxes(specs)
    if not boxes:
        return frozenset()
    sides = np.array([(box.x, box.y, box.x + box.w, box.y + box.h) for _, box in boxes]) * SCALE
    found: set[str] = set()
    for top, left, shape in connected(pen_strokes(seen), _GAP_MM, min(box.w for _, box in boxes), _LARGEST_MM):
        place = np.array((left, top, left + shape.shape[1], top + shape.shape[0]))
        inside = np.flatnonzero((sides[:, :2] > place[:2]).all(axis=1) & (sides[:, 2:] < place[2:]).all(axis=1))
        found.update(boxes[i][0] for i in inside if _surrounds(shape, boxes[i][1], place))
    return frozenset(found)


def _surrounds(shape: Mask, box: Box, place: NDArray[np.int64]) -> bool:
    """Whether a shape lies around a box in nearly all directions."""
    rows, columns = np.nonzero(shape)
    outline = plane.widened(box, _OUTLINE_MM)
    x, y = (columns + place[0]) / SCALE, (rows + place[1]) / SCALE
    outside = (x < outline.x) | (x > outline.x + outline.w) | (y < outline.y) | (y > outline.y + outline.h)
    angles = np.arctan2(y - box.y - box.h / 2, x - box.x - box.w / 2)[outside]
    directions = np.unique(((angles + np.pi) / (2 * np.pi) * _DIRECTIONS).astype(int) % _DIRECTIONS)
    return len(directions) >= _AROUND * _DIRECTIONS
