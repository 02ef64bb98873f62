"""Punched holes that a scanner shows dark, over check boxes: round, and wider than a box that was filled in, which they were taken for."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline import plane
from pipeline.model import Box, Image
from pipeline.print_contrast import PX_PER_MM, window

_AROUND_MM = 1.5
"""How far around a check box a punch hole is looked for, mm."""
_DARK = 0.6
"""Darker than such a part of the paper around is a hole; pencil that fills a box may be paler."""
_FILLED = 0.75
"""A box that is not dark in so much of it lies under no hole."""
_BEYOND_MM = 0.3
"""Holes are 6 mm wide (ISO 838): they hold a circle whose radius is so much larger than that of a filled box, which are 4.6 or 5 mm wide."""


def is_punched(upright: Image, box: Box) -> bool:
    """Whether a check box lies under a dark hole; `upright` is the page in grey, laid on the form."""
    around = upright[window(plane.widened(box, _AROUND_MM), PX_PER_MM)]
    dark = np.asarray(around[::4, ::4] < _DARK * around.max(initial=0), np.bool_)
    if dark.mean() < _FILLED * box.w * box.h / ((box.w + 2 * _AROUND_MM) * (box.h + 2 * _AROUND_MM)):  # as nearly all
        return False
    near = cv2.distanceTransform((around < _DARK * around.max()).view(np.uint8), cv2.DIST_L2, 5)
    return float(near.max()) >= (min(box.w, box.h) / 2 + _BEYOND_MM) * PX_PER_MM
